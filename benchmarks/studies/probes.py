"""What a sampler's steps do, found by feeding it unit inputs in float64: the code users run is what is judged.

Every sampler here is affine: x_next = a x + b velocity + c previous clean prediction + std * noise.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from methods.base import Sampler

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """The steps of a sampler along a grid of levels: `s` and `n` [N] the levels, and the coefficients [N] above."""

    s: Array
    n: Array
    a: Array
    b: Array
    c: Array
    std: Array

    def __len__(self) -> int:
        """N."""
        return len(self.s)


def probe(sampler: Sampler, sigmas: Tensor) -> Steps:
    """Return the coefficients of all steps of a sampler along sigmas [N + 1], in float64.

    Example:
        >>> from methods.samplers.ode import ODE
        >>> steps = probe(ODE(), torch.tensor([1.0, 0.5, 0.0]))
        >>> steps.a.tolist(), steps.b.tolist(), steps.std.tolist()
        ([1.0, 1.0], [-0.5, -0.5], [0.0, 0.0])
    """
    s, n = sigmas[:-1].double(), sigmas[1:].double()
    zero, one = torch.zeros(len(s), 1, dtype=torch.float64), torch.ones(len(s), 1, dtype=torch.float64)
    plain = sampler.transition(zero, zero, s, n)
    by_x, by_velocity = sampler.transition(one, zero, s, n).mean, sampler.transition(zero, one, s, n).mean
    by_previous = torch.zeros_like(zero)
    if plain.history is not None and len(s) > 1:
        # From the second step on a multistep solver looks back. Its first step has nothing to look back at.
        later, sizes = slice(1, None), plain.history[1][:-1]
        here, there = s[later], n[later]

        def mean(x: Tensor, velocity: Tensor, previous: Tensor) -> Tensor:
            return sampler.transition(x[later], velocity[later], here, there, (previous[later], sizes)).mean

        by_x = torch.cat((by_x[:1], mean(one, zero, zero)))
        by_velocity = torch.cat((by_velocity[:1], mean(zero, one, zero)))
        by_previous = torch.cat((by_previous[:1], mean(zero, zero, one)))
    columns = (s, n, by_x[:, 0], by_velocity[:, 0], by_previous[:, 0], plain.std)
    return Steps(*(column.double().numpy() for column in columns))


def excess_noise(steps: Steps) -> float:
    """Return by how much the noise exceeds what the next level should hold, in variance, summed over the steps.

    With the clean prediction 0 and a unit predicted noise, x is s times that noise; a step that keeps the balance ends
    with a noise of exactly n.
    """
    kept = steps.a * steps.s + steps.b
    return float((kept**2 + steps.std**2 - steps.n**2).sum())


def gaussian_outcome(all_steps: list[Steps], variances: Array) -> tuple[Array, Array]:
    """Return what samplers make of N(0, 1) for Gaussian data of given variances, by an exact recursion.

    The velocity at x is j (x - (1 - s) mean) - mean with j = (s - (1 - s) c2) / ((1 - s)^2 c2 + s^2), so deviations
    from the mean's path obey linear recursions, the mean itself is met exactly, and nothing else has to be known.

    Args:
        all_steps: M samplers along the same levels.
        variances: c2 [V] of the data, >= 0; 0 is a Dirac.

    Returns:
        Variance of the output [M, V], and the factor with which the initial noise still stands in it [M, V].
    """
    s, n = all_steps[0].s[:, None], all_steps[0].n
    slope = (s - (1 - s) * variances) / ((1 - s) ** 2 * variances + s**2)
    a, b, c, std = (np.stack([vars(one)[name] for one in all_steps], 1)[:, :, None] for name in ("a", "b", "c", "std"))
    gain, clean_gain = a + b * slope[:, None, :], 1 - s * slope
    # Noise drawn on the way has no part in a multistep solver's look back: those are deterministic.
    start = np.ones((len(all_steps), len(variances)))
    factor, variance, previous = start, start, np.zeros_like(start)
    for i in range(len(n)):
        clean = clean_gain[i] * factor
        factor = gain[i] * factor + c[i] * previous
        previous = clean
        variance = gain[i] ** 2 * variance + std[i] ** 2
    deterministic = (std == 0).all(0)
    return np.where(deterministic, factor**2, variance), factor
