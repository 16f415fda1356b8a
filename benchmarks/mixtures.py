"""Prompt-conditioned Gaussian mixtures with isotropic components: exact velocity, density, moments and tilt.

Shapes: P prompts, C components a prompt, D dimensions, B rows; `prompt` [B] picks the row's mixture.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class GaussianMixture:
    """One mixture a prompt: sum_c weights[p, c] N(means[p, c], variances[p, c] I).

    `means` [P, C, D], `variances` [P, C] > 0, `weights` [P, C] >= 0 with rows summing to 1.
    """

    means: Tensor
    variances: Tensor
    weights: Tensor

    def to(self, like: Tensor) -> Self:
        """Return the mixture with the dtype and on the device of a tensor."""
        return type(self)(self.means.to(like), self.variances.to(like), self.weights.to(like))

    def marginal(self) -> Self:
        """Return the one mixture over all prompts, which are equally likely: P = 1, all components."""
        weights = self.weights.flatten() / len(self.weights)
        return type(self)(self.means.flatten(0, 1)[None], self.variances.flatten()[None], weights[None])

    def _parts(self, x: Tensor, sigma: Tensor, prompt: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # Per component: responsibility [B, C], offset from its scaled mean [B, C, D], mean and noised variance [B, C].
        keep = 1 - sigma
        means, variances = self.means[prompt], self.variances[prompt]
        noised = keep[:, None].square() * variances + sigma[:, None].square()
        offset = x[:, None, :] - keep[:, None, None] * means
        log_odds = self.weights[prompt].log() - 0.5 * (offset.square().sum(2) / noised + x.shape[1] * noised.log())
        return torch.softmax(log_odds, 1), offset, means, noised

    def velocity(self, x: Tensor, sigma: Tensor, prompt: Tensor) -> Tensor:
        """Return E[noise - clean | x] [B, D] at x [B, D] and sigma [B] in (0, 1].

        Per component the velocity is (sigma - (1 - sigma) variance) / noised variance * (x - (1 - sigma) mean) - mean,
        with noised variance (1 - sigma)^2 variance + sigma^2; the mixture's is their posterior average.
        """
        posterior, offset, means, noised = self._parts(x, sigma, prompt)
        slope = (sigma[:, None] - (1 - sigma)[:, None] * self.variances[prompt]) / noised
        return (posterior[..., None] * (slope[..., None] * offset - means)).sum(1)

    def log_density(self, x: Tensor, prompt: Tensor) -> Tensor:
        """Return ln p(x) [B] of clean samples x [B, D], in nats."""
        distance = (x[:, None, :] - self.means[prompt]).square().sum(2)
        variances = self.variances[prompt]
        log_normal = -0.5 * (distance / variances + x.shape[1] * (2 * math.pi * variances).log())
        return torch.logsumexp(self.weights[prompt].log() + log_normal, 1)

    def mean_squared_distance(self, target: Tensor) -> Tensor:
        """Return E|x - target|^2 per prompt [P] for one target a prompt [P, D]."""
        distance = (self.means - target[:, None, :]).square().sum(2)
        return (self.weights * (distance + self.means.shape[2] * self.variances)).sum(1)

    def sample(self, prompt: Tensor, generator: torch.Generator) -> Tensor:
        """Return one sample a row [B, D]."""
        component = torch.multinomial(self.weights[prompt], 1, generator=generator)[:, 0]
        noise = torch.randn(len(prompt), self.means.shape[2], generator=generator, dtype=self.means.dtype)
        return self.means[prompt, component] + self.variances[prompt, component].sqrt()[:, None] * noise

    def tilt(self, curvature: Tensor, slope: Tensor, offset: Tensor, temperature: float) -> tuple[Self, Tensor]:
        """Return the mixture proportional to p(x) exp(R(x) / temperature), and ln of its normalizer per prompt [P].

        It is the optimum of E[R] - temperature * KL(. || p), whose value is temperature * ln normalizer.

        Args:
            curvature: q [P] with R(x) = -q/2 |x|^2 + slope . x + offset.
            slope: [P, D].
            offset: [P].
            temperature: > 0.

        Raises:
            ValueError: If the temperature is not positive or a tilted component would not be normalizable.
        """
        if not temperature > 0:
            raise ValueError(f"temperature must be > 0, found {temperature}")
        precision = 1 / self.variances + curvature[:, None] / temperature
        if not bool((precision > 0).all()):
            raise ValueError(f"the tilt has no normalizer: found a component of precision {float(precision.min()):.4g}")
        pull = self.means / self.variances[..., None] + slope[:, None, :] / temperature
        means = pull / precision[..., None]
        dimensions = self.means.shape[2]
        log_z = offset[:, None] / temperature - 0.5 * dimensions * (self.variances.log() + precision.log())
        log_z = log_z + 0.5 * (precision * means.square().sum(2) - self.means.square().sum(2) / self.variances)
        joint = self.weights.log() + log_z
        total = torch.logsumexp(joint, 1)
        return type(self)(means, 1 / precision, (joint - total[:, None]).exp()), total
