"""Centered reward distillation: the centered implicit reward of the trained velocity regresses on centered rewards."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from methods.base import Backbone, Batch, Draws, Objective, Points, Terms, per_row
from methods.objectives.centered import Loss, centered_losses, implicit_reward, weighted_mean
from methods.objectives.nft import optimality

Contrast = Literal["old", "reference"]
AnchorStrength = Literal["reward", "advantage", "constant"]


def _group_size(groups: Tensor) -> int:
    sizes = torch.unique_consecutive(groups, return_counts=True)[1]
    n_groups = len(torch.unique_consecutive(groups.sort()[0]))
    if len(sizes) != n_groups or bool((sizes != sizes[0]).any()):
        raise ValueError(f"CRD needs groups of equal size in neighboring rows, found {groups.tolist()}")
    return int(sizes[0])


@dataclass(frozen=True)
class CRD(Objective):
    """Centered reward distillation on the forward process.

    The optimum of "reward minus beta KL to the old policy" has beta log(p / p_old) equal to the reward up to a constant
    of the prompt. So beta times the implicit reward l of a point, its estimate of that log-ratio, regresses on
    R = 1/2 + clip(A) / (2 clip) after both are centered over the rollouts of the prompt's group at one noise level.
    Losses are scaled by clip / beta: at v = v_old the coefficient of l is -A with "mse" (to first order with "nca"),
    whatever clip and beta are, and -A / 8 to first order with "bce". There is one branch, l.

    The anchor is the mean squared distance to the reference velocity under guidance, which the trained velocity, used
    without guidance, is to take over; a sample's own strength multiplies it, `anchor_floor` + rho (1 - `anchor_floor`)
    of the method's anchor weight.

    Attributes:
        beta: Scale of the implicit reward and temperature of the KL, > 0; larger saturates earlier.
        clip: Largest advantage that counts, > 0.
        tau: Temperature >= 0 of the centering weights, or None for uniform ones; see `centering_masses`.
        loss: "mse", "bce", or "nca" (softmax of l against softmax of R / beta). The last takes no tau and is scaled by
            2 clip beta, with which its gradient is that of "mse" for small l and R / beta.
        adaptive: Divide each error in l by its own mean absolute error.
        contrast: Weights that l compares with: the "old" ones, which move, or the "reference".
        guidance: Guidance scale of the anchor's velocity, >= 0; at most 1 means none and saves a pass.
        anchor_floor: Share [0, 1] of the anchor's weight for the worst sample.
        anchor_by: What rho is: the mean "reward" between the benchmark's bounds, which grows as training succeeds, the
            mean R of the "advantage", or a "constant" 1. A sample to which no reward applies has rho = 0 with the first
            two.
        sigma_fraction: Share (0, 1] of the sampler's noise levels a prompt is trained at, drawn anew each time; at
            least one.

    Source: CRD (arXiv 2603.14128) through its author's port in Flow-Factory. Deviations: centering over the prompt's
    group as in the paper, not over the micro-batch of all devices; rho from the reward, the paper's stated purpose,
    where the port has "advantage"; tau = 0 by the sign of the advantage; noise levels in random order for each prompt.
    """

    beta: float = 1.0
    clip: float = 5.0
    tau: float | None = None
    loss: Loss = "mse"
    adaptive: bool = True
    contrast: Contrast = "old"
    guidance: float = 4.5
    anchor_floor: float = 1e-3
    anchor_by: AnchorStrength = "reward"
    sigma_fraction: float = 0.99

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("beta", "clip"):
            if not 0 < vars(self)[name] < math.inf:
                raise ValueError(f"{name} must be finite and > 0, found {vars(self)[name]}")
        if self.tau is not None and not 0 <= self.tau < math.inf:
            raise ValueError(f"tau must be finite and >= 0, or None for uniform weights, found {self.tau}")
        if not 0 <= self.guidance < math.inf:
            raise ValueError(f"guidance must be finite and >= 0, found {self.guidance}")
        if not 0 <= self.anchor_floor <= 1:
            raise ValueError(f"anchor_floor must be in [0, 1], found {self.anchor_floor}")
        if not 0 < self.sigma_fraction <= 1:
            raise ValueError(f"sigma_fraction must be in (0, 1], found {self.sigma_fraction}")
        choices = {
            "loss": ("mse", "bce", "nca"),
            "contrast": ("old", "reference"),
            "anchor_by": ("reward", "advantage", "constant"),
        }
        for name, known in choices.items():
            if vars(self)[name] not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, found {vars(self)[name]!r}")
        if self.loss == "nca" and self.tau is not None:
            raise ValueError(f"tau must be None with loss nca, which has no centering weights, found {self.tau}")

    @property
    def guided(self) -> bool:
        """Whether the anchor needs the empty prompt."""
        return self.guidance > 1

    def points_per_rollout(self, n_sigmas: int) -> int:
        """Return int(fraction * n_sigmas), at least 1.

        Example:
            >>> [CRD().points_per_rollout(n) for n in (10, 25, 40, 5)]
            [9, 24, 39, 4]
        """
        return max(1, int(n_sigmas * self.sigma_fraction))

    def passes(self, *, anchored: bool) -> int:
        """Return the velocity evaluations of a point: trained, contrast, and the anchor's one, or two if guided.

        Example:
            >>> CRD().passes(anchored=False), CRD(guidance=1).passes(anchored=True), CRD().passes(anchored=True)
            (2, 3, 4)
        """
        return 2 + (1 + self.guided if anchored else 0)

    def points(self, batch: Batch, draws: Draws) -> Points:
        """Return the noised rollouts, group by group, level by level, with fresh noise; a level of a group is a set.

        All rollouts of a prompt share its random choice of noise levels.

        Raises:
            ValueError: If the groups are not neighboring rows of one size.
        """
        clean, sigmas = batch.rollout.clean, batch.rollout.sigmas
        n_rollouts, shape = len(clean), clean.shape[1:]
        size, n_points = _group_size(batch.groups), self.points_per_rollout(len(sigmas) - 1)
        n_groups, per_prompt = n_rollouts // size, n_rollouts // draws.n_prompts
        order = draws.uniform("sigma order", len(sigmas) - 1).argsort(1)[:, :n_points]
        levels = order.repeat_interleave(n_groups // draws.n_prompts, 0)
        step = levels.unsqueeze(2).expand(n_groups, n_points, size).flatten()
        members = torch.arange(n_rollouts, device=clean.device).view(n_groups, 1, size)
        rows = members.expand(n_groups, n_points, size).flatten()
        drawn = draws.normal("forward noise", per_prompt, n_points, *shape).to(clean)
        noise = drawn.reshape(n_groups, size, n_points, *shape).transpose(1, 2).reshape(-1, *shape)
        sigma, own = sigmas.to(clean)[step], clean[rows]
        x = torch.lerp(own, noise, per_row(sigma, own))
        preferences = None if batch.preferences is None else batch.preferences[rows]
        sets = torch.arange(n_groups * n_points, device=clean.device).repeat_interleave(size)
        return Points(rows, step, sigma, x, noise - own, batch.condition.rows(rows), preferences, sets)

    def terms(self, backbone: Backbone, batch: Batch, points: Points, advantages: Tensor, *, anchored: bool) -> Terms:
        """Return branches [N, 1], coefficients [N, J, 1], anchor [N]; only the trained velocity has a gradient.

        A reward that does not apply to a sample (column j stands for reward j % K) gives it coefficient and loss 0 and
        leaves it out of the centering. The metrics: `implicit_std` is the standard deviation of l within a set, near 0
        where the contrast has caught up with the trained weights and the ratio says nothing; `clipped` the share of
        advantages beyond the clip; `anchor_strength` the mean of what multiplies the anchor.

        Raises:
            ValueError: If the points have no sets, or the batch lacks what the anchor needs.
        """
        if points.sets is None:
            raise ValueError("CRD needs the sets of its points, found points without them")
        x, sigma, condition, preferences = points.x, points.sigma, points.condition, points.preferences
        with torch.no_grad(), backbone.snapshots.using(self.contrast):
            contrast = backbone.velocity(x, sigma, condition, preferences)
        reference = self._reference(backbone, batch, points) if anchored else None
        velocity = backbone.velocity(x, sigma, condition, preferences)
        branches = implicit_reward(velocity, contrast, points.target, adaptive=self.adaptive).unsqueeze(1)
        sets = torch.unique_consecutive(points.sets, return_inverse=True)[1]
        counted = batch.counts(advantages.shape[1])[points.rollout]
        implicit = branches.detach()
        losses, slopes = centered_losses(
            implicit.to(advantages),
            optimality(advantages, self.clip),
            advantages,
            counted,
            sets,
            beta=self.beta,
            tau=self.tau,
            loss=self.loss,
        )
        scale = 2 * self.clip * self.beta if self.loss == "nca" else self.clip / self.beta
        whole = torch.ones_like(implicit)
        spread = weighted_mean((implicit - weighted_mean(implicit, whole, sets)).square(), whole, sets).sqrt()
        metrics = {
            "implicit_std": spread.mean(),
            "clipped": (advantages[:, : batch.n_objectives].abs() > self.clip).to(spread).mean(),
        }
        anchor = None
        if reference is not None:
            strength = self._strength(batch, points, advantages[:, : batch.n_objectives])
            metrics["anchor_strength"] = strength.mean()
            anchor = strength.to(velocity) * (velocity - reference).square().flatten(1).mean(1)
        return Terms(branches, (scale * slopes).unsqueeze(2), scale * losses, anchor, metrics)

    def _reference(self, backbone: Backbone, batch: Batch, points: Points) -> Tensor:
        # The anchor's velocity, without a preference.
        if self.guided and batch.unconditional is None:
            raise ValueError(f"guidance {self.guidance} needs a batch with the empty prompt's condition, found none")
        with torch.no_grad(), backbone.snapshots.using("reference"):
            velocity = backbone.velocity(points.x, points.sigma, points.condition, None)
            if not self.guided or batch.unconditional is None:
                return velocity
            empty = batch.unconditional.rows(torch.zeros_like(points.rollout))
            return torch.lerp(backbone.velocity(points.x, points.sigma, empty, None), velocity, self.guidance)

    def _strength(self, batch: Batch, points: Points, advantages: Tensor) -> Tensor:
        # What multiplies each point's anchor [N].
        if self.anchor_by == "constant":
            return torch.ones_like(points.sigma)
        known = batch.rewards[points.rollout].isfinite()
        values = (
            batch.normalized_rewards()[points.rollout]
            if self.anchor_by == "reward"
            else optimality(advantages, self.clip)
        )
        rho = values.masked_fill(~known, 0).sum(1) / known.sum(1).clamp_min(1)
        return self.anchor_floor + rho * (1 - self.anchor_floor)
