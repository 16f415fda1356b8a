"""The DiffusionNFT objective as two branches per point: contrast the trained velocity with the old one."""

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.base import Backbone, Batch, Draws, Objective, Points, Terms, per_row

NORMALIZER_FLOOR = 1e-5
"""Smallest self-normalizer of a branch. Source: DiffusionNFT, released code."""


def optimality(advantages: Tensor, clip: float) -> Tensor:
    """Return the optimality probability r = 1/2 + clip(A, -clip, clip) / (2 clip), in [0, 1].

    Source: DiffusionNFT (arXiv 2509.16117), section 3; MARBLE section 2.

    Example:
        >>> optimality(torch.tensor([-7.0, 0.0, 2.5]), clip=5.0).tolist()
        [0.0, 0.5, 0.75]
    """
    return 0.5 + advantages.clamp(-clip, clip) / (2 * clip)


def self_normalized(error: Tensor) -> Tensor:
    """Return mean(e^2) / mean|e| per row [N] of an error [N, ...] of the clean prediction.

    The normalizer is a constant for the gradient, computed in float64 and floored; the result has the input's dtype.

    Example:
        >>> self_normalized(torch.tensor([[0.0, -1.0]])).tolist()
        [1.0]
    """
    flat = error.flatten(1)
    normalizer = flat.detach().abs().mean(1, dtype=torch.float64).clamp_min_(NORMALIZER_FLOOR)
    return flat.square().mean(1) / normalizer.to(flat.dtype)


@dataclass(frozen=True)
class NFT(Objective):
    """Negative-aware fine-tuning on the forward process.

    With v_old fixed, v_plus = (1 - beta) v_old + beta v and v_minus = (1 + beta) v_old - beta v, and L_plus, L_minus
    their self-normalized errors of the clean prediction, the loss of reward k is
    (clip / beta) * (r_k L_plus + (1 - r_k) L_minus), affine in r_k. So the branches are (L_plus - L_minus, L_minus) and
    the coefficients (clip / beta) * (r_k, 1). The anchor is the mean squared distance to the reference velocity, which
    never sees a preference.

    Attributes:
        beta: Mixing of old and trained velocity, > 0; a trust region around the old policy that tightens as it grows.
        clip: Largest advantage that counts, > 0.
        sigma_fraction: Share (0, 1] of the sampler's noise levels a rollout is trained at, drawn anew each time;
            at least one.

    Source: DiffusionNFT (arXiv 2509.16117), equation of the policy loss, with the factors clip and 1 / beta, the two
    separate normalizers and the anchor of the released code, which the paper does not show.
    """

    beta: float = 1.0
    clip: float = 5.0
    sigma_fraction: float = 0.99

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not self.beta > 0 or not self.clip > 0:
            raise ValueError(f"NFT needs beta > 0 and clip > 0, found beta={self.beta}, clip={self.clip}")
        if not 0 < self.sigma_fraction <= 1:
            raise ValueError(f"sigma_fraction must be in (0, 1], found {self.sigma_fraction}")

    def points_per_rollout(self, n_sigmas: int) -> int:
        """Return int(fraction * n_sigmas), at least 1.

        Example:
            >>> [NFT().points_per_rollout(n) for n in (10, 25, 40, 5)]
            [9, 24, 39, 4]
        """
        return max(1, int(n_sigmas * self.sigma_fraction))

    def passes(self, *, anchored: bool) -> int:
        """Return the velocity evaluations of a point: trained, old, and the reference if anchored."""
        return 3 if anchored else 2

    def points(self, batch: Batch, draws: Draws) -> Points:
        """Return the noised rollouts: each at its own random choice of the sampler's noise levels, with fresh noise."""
        clean, sigmas = batch.rollout.clean, batch.rollout.sigmas
        n_rollouts, n_sigmas = len(clean), len(sigmas) - 1
        n_points = self.points_per_rollout(n_sigmas)
        per_prompt = n_rollouts // draws.n_prompts
        order = draws.uniform("sigma order", per_prompt, n_sigmas).reshape(n_rollouts, n_sigmas).argsort(1)
        step = order[:, :n_points].flatten()
        rows = torch.arange(n_rollouts, device=clean.device).repeat_interleave(n_points)
        sigma = sigmas.to(clean)[step]
        noise = draws.normal("forward noise", per_prompt, n_points, *clean.shape[1:]).reshape(-1, *clean.shape[1:])
        level = per_row(sigma, clean)
        target = clean[rows]
        preferences = None if batch.preferences is None else batch.preferences[rows]
        x = torch.lerp(target, noise, level)
        return Points(rows, step, sigma, x, target, batch.condition.rows(rows), preferences)

    def terms(self, backbone: Backbone, batch: Batch, points: Points, advantages: Tensor, *, anchored: bool) -> Terms:
        """Return branches [N, 2], coefficients [N, J, 2], anchor [N]; only the trained velocity has a gradient.

        The metric `clipped` is the share of advantages beyond the clip.
        """
        x, sigma, condition, preferences = points.x, points.sigma, points.condition, points.preferences
        with torch.no_grad(), backbone.snapshots.using("old"):
            old = backbone.velocity(x, sigma, condition, preferences)
        reference = None
        if anchored:
            with torch.no_grad(), backbone.snapshots.using("reference"):
                reference = backbone.velocity(x, sigma, condition, None)
        velocity = backbone.velocity(x, sigma, condition, preferences)
        # v_plus and v_minus lie symmetrically around v_old, and so do the errors of their clean predictions.
        level = per_row(sigma, x)
        middle, offset = x - points.target - level * old, (self.beta * level) * (velocity - old)
        positive, negative = self_normalized(middle - offset), self_normalized(middle + offset)
        branches = torch.stack((positive - negative, negative), dim=1)
        coefficients = advantages.new_full((*advantages.shape, 2), self.clip / self.beta)
        coefficients[..., 0] *= optimality(advantages, self.clip)
        anchor = None if reference is None else (velocity - reference).square().flatten(1).mean(1)
        losses = (coefficients * branches.detach().unsqueeze(1)).sum(2)
        clipped = (advantages[:, : batch.n_objectives].abs() > self.clip).to(advantages.dtype).mean()
        return Terms(branches, coefficients, losses, anchor, {"clipped": clipped})
