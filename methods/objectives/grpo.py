"""The clipped policy gradient on the transitions of stochastic rollouts, as one branch per point."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from methods.base import Backbone, Batch, Draws, Exploration, Objective, Points, Rollout, Sampler, Terms, per_row
from methods.windows import AllSteps, Window


def clipped_surrogate(ratio: Tensor, advantages: Tensor, clip_range: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the losses max(-A ratio, -A clamp(ratio, 1 - clip, 1 + clip)), their slopes, and where these are cut.

    Args:
        ratio: [N].
        advantages: A [N, J].
        clip_range: > 0.

    Returns:
        Losses [N, J]; their derivatives by log(ratio) [N, J], which are -A ratio, or 0 where the clip holds; and where
        it does [N, J]: for A > 0 above 1 + clip, for A < 0 below 1 - clip.

    Source: Flow-GRPO (arXiv 2505.05470), the objective of PPO.

    Example:
        >>> ratio = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
        >>> clipped_surrogate(ratio, torch.tensor([[1.0, -1.0]] * 3), clip_range=0.25)[0].tolist()
        [[-0.5, 0.75], [-1.0, 1.0], [-1.25, 2.0]]
    """
    ratio = ratio.unsqueeze(1)
    slopes = -advantages * ratio
    losses = torch.maximum(slopes, -advantages * ratio.clamp(1 - clip_range, 1 + clip_range))
    cut = ((advantages > 0) & (ratio > 1 + clip_range)) | ((advantages < 0) & (ratio < 1 - clip_range))
    return losses, slopes.masked_fill(cut, 0), cut


def velocity_gain(sampler: Sampler, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """Return B = d mean / d velocity [N] of a sampler's steps between two levels [N], in float64.

    A transition's mean is affine in the velocity with a scalar slope, so two velocities of one dimension tell it.
    """
    zero = torch.zeros(len(sigma), 1, dtype=torch.float64, device=sigma.device)
    one = torch.ones_like(zero)
    here, there = sigma.double(), sigma_next.double()
    difference = sampler.transition(zero, one, here, there).mean - sampler.transition(zero, zero, here, there).mean
    return difference[:, 0]


def _kept(rollout: Rollout) -> tuple[Tensor, Tensor, Tensor, Sampler]:
    if rollout.path is None or rollout.means is None or rollout.stds is None or rollout.sampler is None:
        raise ValueError("grpo needs rollouts with path, means, stds and sampler, found a rollout without one of them")
    return rollout.path, rollout.means, rollout.stds, rollout.sampler


def _wide(x: Tensor) -> Tensor:
    # Rows [N, D] of at least float32.
    return x.flatten(1).to(torch.promote_types(x.dtype, torch.float32))


@dataclass(frozen=True)
class GRPO(Objective):
    """Group-relative policy optimization over the steps of a rollout.

    A step of a stochastic sampler is a Gaussian around a mean that is affine in the velocity, with a standard
    deviation S that the network does not change. In units of S, let w be the noise that the rollout drew and d how far
    the mean has moved since. The log-ratio of the step's density, new to old, is mean_dims(d (w - d / 2)), written
    without a difference of large numbers; the mean over dimensions, not the sum, is the field's convention and the
    reason for the tiny clip ranges. The loss of reward k is max(-A_k ratio, -A_k clamp(ratio, 1 - clip, 1 + clip)).
    The only branch is the log-ratio: the new log-density but for a constant.

    With `guard` the ratio is exp(S mean_dims(d w)), S d being how far the mean has moved; this exponent, of mean zero
    under the old policy, is the branch, and the loss is divided by |B|, B = d mean / d velocity of the step. At the old
    weights the gradient by the velocity v is then that of -A sign(B) mean_dims(w v): every step and every sampler
    counts the same.

    The anchor is the exact divergence of the step from the reference's per dimension,
    mean_dims((mean - reference mean)^2) / (2 S^2); the reference never sees a preference.

    Trained are steps at which the rollout drew noise, but never its last one: some samplers add none there, and the
    released recipes drop it.

    Attributes:
        clip_range: Change of the ratio beyond which nothing more is gained, > 0.
        advantage_clip: Largest advantage that counts, > 0.
        guard: Whether steps are normalized as in GRPO-Guard.
        sigma_fraction: Share (0, 1] of the rollout's steps at which it is trained; at least one step, and no more than
            explore.
        pick: Which of the exploring steps these are: the "first", or "random" ones, drawn for each rollout anew.
        window: Which steps explore.
        shared_start: Whether the rollouts of a prompt begin at one and the same noise.

    Source: Flow-GRPO (arXiv 2505.05470); for `guard` GRPO-Guard in the form of Precise's released code (arXiv
    2605.23522); for `pick` "random" with `shared_start` Dance-GRPO (arXiv 2505.07818). Flow-GRPO's first release
    divides the anchor by the diffusion coefficient without the step size; here it is the divergence itself.
    """

    clip_range: float = 1e-4
    advantage_clip: float = 5.0
    guard: bool = False
    sigma_fraction: float = 0.99
    pick: Literal["first", "random"] = "first"
    window: Window = field(default_factory=AllSteps)
    shared_start: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not self.clip_range > 0:
            raise ValueError(f"clip_range must be > 0, found {self.clip_range}")
        if not self.advantage_clip > 0:
            raise ValueError(f"advantage_clip must be > 0, found {self.advantage_clip}")
        if not 0 < self.sigma_fraction <= 1:
            raise ValueError(f"sigma_fraction must be in (0, 1], found {self.sigma_fraction}")
        if self.pick not in {"first", "random"}:
            raise ValueError(f'pick must be "first" or "random", found {self.pick!r}')
        if not isinstance(self.window, Window):
            raise TypeError(f"window must be Window, found {type(self.window).__name__}")

    def validate(self, sampler: Sampler) -> None:
        """Raise ValueError if the sampler adds no noise."""
        if not sampler.stochastic:
            raise ValueError(f"grpo learns from a stochastic sampler (eta > 0), found {sampler}")

    def exploration(self, n_sigmas: int, draws: Draws) -> Exploration:
        """Return the window of the training step."""
        self.points_per_rollout(n_sigmas)
        return Exploration(self.window.noisy(n_sigmas, draws), self.shared_start)

    def points_per_rollout(self, n_sigmas: int) -> int:
        """Return int(fraction * S), but at least 1 and at most the exploring steps before the last.

        Raises:
            ValueError: If the rollout is too short for the window, or for any step before its last.

        Example:
            >>> [GRPO().points_per_rollout(n) for n in (10, 20, 2)]
            [9, 19, 1]
        """
        trainable = self.window.trainable(n_sigmas)
        if trainable < 1:
            raise ValueError(
                f"grpo never trains the last step of a rollout and needs rollouts of at least 2, found {n_sigmas}"
            )
        return min(max(1, int(n_sigmas * self.sigma_fraction)), trainable)

    def passes(self, *, anchored: bool) -> int:
        """Return the velocity evaluations of a point: trained, and the reference if anchored."""
        return 2 if anchored else 1

    def points(self, batch: Batch, draws: Draws) -> Points:
        """Return transitions of the rollouts: `x` is the state before, `target` the one that followed.

        Raises:
            ValueError: If the rollouts have not kept their path, or have drawn noise at too few steps.
        """
        path, _, stds, _ = _kept(batch.rollout)
        n_rollouts, n_points = path.shape[1], self.points_per_rollout(len(stds))
        explored = torch.nonzero(stds[:-1] > 0)[:, 0]
        if len(explored) < n_points:
            raise ValueError(
                f"grpo trains {n_points} steps a rollout, found noise at only {len(explored)} before the last step"
            )
        chosen = explored[:n_points].expand(n_rollouts, -1)
        if self.pick == "random":
            numbers = draws.uniform("sigma order", n_rollouts // draws.n_prompts, len(explored))
            chosen = explored[numbers.reshape(n_rollouts, -1).argsort(1)[:, :n_points]]
        step = chosen.flatten()
        rows = torch.arange(n_rollouts, device=path.device).repeat_interleave(n_points)
        preferences = None if batch.preferences is None else batch.preferences[rows]
        sigma = batch.rollout.sigmas.to(path)[step]
        return Points(
            rows, step, sigma, path[step, rows], path[step + 1, rows], batch.condition.rows(rows), preferences
        )

    def terms(self, backbone: Backbone, batch: Batch, points: Points, advantages: Tensor, *, anchored: bool) -> Terms:
        """Return the branch [N, 1], coefficients [N, J, 1] and anchor [N]; only the trained velocity has a gradient.

        Metrics: `clipped`, the share of advantages beyond their clip; `ratio_clipped`, the share of losses (points
        times objectives) without a gradient since the ratio is beyond its clip; `ratio_mean`; and `approximate_kl`,
        half the mean square of the log-ratio, also with `guard`, as the released trainers log it: the log-ratio being
        a mean over D dimensions, that is 1 / D^2 of a divergence.
        """
        _, means, stds, sampler = _kept(batch.rollout)
        x, sigma, step = points.x, points.sigma, points.step
        # As exact as the rollout had them; only the network gets its levels in the latents' precision.
        levels = batch.rollout.sigmas.to(x.device)
        here, there = levels[step], levels[step + 1]
        reference = None
        if anchored:
            with torch.no_grad(), backbone.snapshots.using("reference"):
                velocity = backbone.velocity(x, sigma, points.condition, None)
                reference = sampler.transition(x, velocity, here, there).mean
        velocity = backbone.velocity(x, sigma, points.condition, points.preferences)
        mean = sampler.transition(x, velocity, here, there).mean
        old, std = means[step, points.rollout], stds[step]
        unit = 1 / per_row(std, _wide(x))
        moved, noise = _wide(mean - old) * unit, _wide(points.target - old) * unit
        log_ratio = (moved * (noise - moved / 2)).mean(1)
        exponent = std.to(moved) * (moved * noise).mean(1) if self.guard else log_ratio
        # In float64: near 1, float32 has no more than a few dozen numbers within the smallest published clip range.
        ratio = exponent.detach().double().exp()
        given = advantages.clamp(-self.advantage_clip, self.advantage_clip)
        losses, coefficients, cut = clipped_surrogate(ratio, given, self.clip_range)
        if self.guard:
            gain = velocity_gain(sampler, here, there).abs().unsqueeze(1)
            losses, coefficients = losses / gain, coefficients / gain
        k = batch.n_objectives
        anchor = None if reference is None else (_wide(mean - reference) * unit).square().mean(1) / 2
        metrics = {
            "clipped": (advantages[:, :k].abs() > self.advantage_clip).to(advantages.dtype).mean(),
            "ratio_clipped": cut[:, :k].to(advantages.dtype).mean(),
            "ratio_mean": ratio.mean().to(advantages.dtype),
            "approximate_kl": log_ratio.detach().square().mean() / 2,
        }
        losses, coefficients = losses.to(advantages.dtype), coefficients.to(advantages.dtype)
        return Terms(exponent.unsqueeze(1), coefficients.unsqueeze(2), losses, anchor, metrics)
