"""The stochastic samplers by the names of the released code, and ways to look into a sampler from outside."""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from methods.base import Sampler
from methods.samplers.cps import CPS
from methods.samplers.dance_precise import DancePrecise
from methods.samplers.dance_sde import DanceSDE
from methods.samplers.flow_sde import FlowSDE
from methods.samplers.kernel import GaussianKernel
from methods.samplers.ode import ODE
from methods.samplers.precise import Precise

STOCHASTIC: dict[str, type[GaussianKernel]] = {
    "flow_grpo": FlowSDE,
    "dance_grpo": DanceSDE,
    "cps": CPS,
    "precise": Precise,
    "dance_precise": DancePrecise,
}
DEFAULTS = {"flow_grpo": 0.7, "dance_grpo": 0.3, "cps": 0.7, "precise": 1.5, "dance_precise": 0.3}


def named(sampler: str, eta: float) -> Sampler:
    """Return a sampler by its published name; "ode" too."""
    return ODE() if sampler == "ode" else STOCHASTIC[sampler](eta=eta)


def doubles(*values: float) -> Tensor:
    """Return a vector in float64."""
    return torch.tensor(values, dtype=torch.float64)


def probed(sampler: Sampler, s: Tensor, n: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return A, B and S [N] of the steps s -> n, each level [N], from what the sampler makes of unit inputs."""
    zero, one = torch.zeros(len(s), 1).double(), torch.ones(len(s), 1).double()
    a, b = sampler.transition(one, zero, s, n), sampler.transition(zero, one, s, n)
    return a.mean[:, 0], b.mean[:, 0], a.std


def gaussian_field(mean: float, variances: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the exact velocity of Gaussian data with one variance a column."""

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        keep, level = (1 - sigma)[:, None], sigma[:, None]
        slope = (level - keep * variances) / (keep**2 * variances + level**2)
        return slope * (x - keep * mean) - mean

    return velocity


def output_variance(sampler: Sampler, sigmas: Tensor, variance: float) -> float:
    """Return the variance of what a sampler makes of N(0, 1) for Gaussian data, from its probed steps."""
    s, n = sigmas[:-1], sigmas[1:]
    a, b, std = probed(sampler, s, n)
    gain = a + b * (s - (1 - s) * variance) / ((1 - s) ** 2 * variance + s**2)
    found = 1.0
    for k, noise in zip(gain.tolist(), std.tolist(), strict=True):
        found = k * k * found + noise * noise
    return found


def through(sampler: Sampler, levels: Sequence[float], clean: float) -> tuple[Tensor, float]:
    """Return the mean [2] from starts 0 and 1, and the variance, of steps along levels with a fixed clean latent."""
    x, variance = doubles(0.0, 1.0)[:, None], 0.0
    for s, n in itertools.pairwise(levels):
        here, there, unit = doubles(s), doubles(n), doubles(0.0, 1.0)[:, None]
        low, high = sampler.transition(unit, (unit - clean) / s, here, there).mean.flatten().tolist()
        step = sampler.transition(x, (x - clean) / s, here, there)
        x, variance = step.mean, (high - low) ** 2 * variance + float(step.std) ** 2
    return x[:, 0], variance
