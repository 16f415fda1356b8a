"""Twins of the clipped policy gradient in plain loops, and a backbone whose rollouts are Gaussian."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmarks.draws import KeyedDraws
from benchmarks.snapshots import WeightSnapshots
from methods.base import Batch, Condition, Sampler
from methods.objectives.grpo import GRPO
from methods.samplers.loop import denoise
from methods.samplers.schedules import shifted_sigmas
from tests.methods.stubs import RowCondition, normal

Rule = tuple[float, float, float]
"""A, B and S of a step x_next = A x + B velocity + S noise."""


def log_density(x_next: Tensor, mean: Tensor, std: float) -> Tensor:
    """Return the log-density of a vector under N(mean, std^2), averaged over dimensions; differentiable in the mean."""
    terms = [
        -((value - center) ** 2) / (2 * std**2) - math.log(std) - math.log(math.sqrt(2 * math.pi))
        for value, center in zip(x_next.flatten(), mean.flatten(), strict=True)
    ]
    return sum(terms, torch.zeros(())) / len(terms)


def step_divergence(mean: Tensor, other: Tensor, std: float) -> Tensor:
    """Return the divergence between two steps of one std, per dimension."""
    terms = [(a - b) ** 2 / (2 * std**2) for a, b in zip(mean.flatten(), other.flatten(), strict=True)]
    return sum(terms, torch.zeros(())) / len(terms)


def ratio_exponent(x: Tensor, target: Tensor, velocity: Tensor, old: Tensor, rule: Rule, *, guard: bool) -> Tensor:
    """Return the exponent of the ratio of one point; differentiable in the velocity."""
    a, b, std = rule
    mean, old_mean = a * x + b * velocity, a * x + b * old.detach()
    change = log_density(target, mean, std) - log_density(target, old_mean, std)
    return (change + step_divergence(mean, old_mean, std)) * std if guard else change


def naive_grpo_losses(exponents: Sequence[Tensor], advantages: Tensor, clip: float, gains: Sequence[float]) -> Tensor:
    """Return the losses [N, J] of exponents [N] and advantages [N, J], each over |B|; differentiable in the exponents.

    `gains` [N] is B with the guard, and 1 without.
    """
    rows = []
    for exponent, row, gain in zip(exponents, advantages.tolist(), gains, strict=True):
        ratio = exponent.exp()
        losses = []
        for advantage in row:
            number = float(ratio.detach())
            held = -advantage * min(max(number, 1 - clip), 1 + clip)
            losses.append((-advantage * ratio if -advantage * number >= held else ratio.new_tensor(held)) / abs(gain))
        rows.append(torch.stack(losses))
    return torch.stack(rows)


def affine_gains(rules: Sequence[Rule], slopes: Sequence[float]) -> list[float]:
    """Return d E[last state] / d offset of each step's velocity: B_i times the product of later A_j + B_j J_j."""
    found = []
    for i, (_, b, _) in enumerate(rules):
        later = [a + c * j for (a, c, _), j in zip(rules[i + 1 :], slopes[i + 1 :], strict=True)]
        found.append(b * math.prod(later))
    return found


MU, VARIANCE = 0.8, 0.5
"""Mean and variance of the data of `GaussianBackbone`."""


class GaussianBackbone:
    """The velocity of Gaussian data, plus a trainable offset a step, linear map and steering by the preference."""

    def __init__(
        self, sigmas: Tensor, shape: tuple[int, ...], n_objectives: int = 2, dtype: torch.dtype = torch.float64
    ):
        size, steps = math.prod(shape), len(sigmas) - 1
        self.sigmas, self.latent_shape = sigmas.to(dtype), shape
        self.network = nn.ParameterDict(
            {
                "offsets": nn.Parameter(torch.zeros(steps, size, dtype=dtype)),
                "weight": nn.Parameter(torch.zeros(size, size, dtype=dtype)),
                "steer": nn.Parameter(torch.zeros(n_objectives, size, dtype=dtype)),
            }
        )
        self.snapshots = WeightSnapshots(self.parameters())
        self.calls: list[tuple[bool, bool, int]] = []

    def encode(self, prompts: Sequence[str]) -> RowCondition:
        return RowCondition(torch.arange(len(prompts)))

    def decode(self, latents: Tensor) -> Tensor:
        return latents

    def parameters(self) -> list[nn.Parameter]:
        return list(self.network.values())

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        self.calls.append((preference is not None, torch.is_grad_enabled(), len(x)))
        flat, step = x.flatten(1), (self.sigmas[None] - sigma[:, None]).abs().argmin(1)
        slope = (sigma - (1 - sigma) * VARIANCE) / ((1 - sigma) ** 2 * VARIANCE + sigma**2)
        out: Tensor = slope[:, None] * (flat - (1 - sigma)[:, None] * MU) - MU
        out = out + self.network["offsets"][step] + flat @ self.network["weight"]
        if preference is not None:
            out = out + preference @ self.network["steer"]
        return out.reshape(x.shape)

    def move(self, scale: float, seed: int = 0) -> None:
        """Change the current weights."""
        with torch.no_grad():
            for i, parameter in enumerate(self.parameters()):
                parameter.add_(scale * normal(seed + i, *parameter.shape).to(parameter.dtype))


def rolled(
    backbone: GaussianBackbone,
    sampler: Sampler,
    objective: GRPO,
    n: int = 8,
    draws: KeyedDraws | None = None,
    preferences: Tensor | None = None,
) -> Batch:
    """Rollouts of the current weights."""
    steps, shape, dtype = len(backbone.sigmas) - 1, backbone.latent_shape, backbone.sigmas.dtype
    condition, draws = RowCondition(torch.arange(n)), draws or KeyedDraws(0, [0, 1], 0)
    rollout = denoise(
        lambda x, sigma: backbone.velocity(x, sigma, condition, preferences),
        sampler,
        normal(100, n, *shape).to(dtype),
        shifted_sigmas(steps),
        lambda i: normal(200 + i, n, *shape).to(dtype),
        noisy=objective.exploration(steps, draws).noisy,
        keep_path=True,
    )
    backbone.calls.clear()
    return Batch(rollout, condition, torch.zeros(n, dtype=torch.long), preferences, torch.zeros(n, 2, dtype=dtype))
