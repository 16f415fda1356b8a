"""The exact output density of samplers on a two-mode mixture on the line, by quadrature.

A step of a stochastic sampler is a map of x followed by a Gaussian of one width for all x. The map moves the mass of
every grid point to where it lands, spread over the four neighbors by the weights of cubic interpolation, which keeps
mass and the first three moments; the Gaussian multiplies the Fourier transform. A deterministic sampler is a map of
the initial noise, whose distribution is known.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import ndtr
from torch import Tensor

from benchmarks.mixtures import GaussianMixture
from benchmarks.studies.probes import Array, Steps, probe
from methods.base import Sampler

WEIGHTS, MEANS, STD = (0.3, 0.7), (-1.0, 1.0), 0.2
"""Section 5.2 of our notes on the samplers: light and heavy mode of the mixture."""
HALF_WIDTH, POINTS = 6.0, 2048
STARTS, REFINEMENTS = 2048, 2


@dataclass(frozen=True)
class Outcome:
    """How far a density is from the data.

    Attributes:
        w1: Wasserstein distance of order 1.
        total_variation: Half the integral of the absolute difference.
        mode_weight: Mass of the light mode, left of 0.
        mode_std: Standard deviation of the heavy mode, right of 0.
        variance: Variance of the whole.
    """

    w1: float
    total_variation: float
    mode_weight: float
    mode_std: float
    variance: float


def grid() -> Array:
    """Return the points [G] densities are given at: evenly spaced, and periodic for the Fourier transform."""
    return np.linspace(-HALF_WIDTH, HALF_WIDTH, POINTS, endpoint=False)


def mixture() -> GaussianMixture:
    """Return the mixture in float64."""
    means = torch.tensor(MEANS, dtype=torch.float64)[None, :, None]
    variances = torch.full((1, len(MEANS)), STD**2, dtype=torch.float64)
    return GaussianMixture(means, variances, torch.tensor([WEIGHTS], dtype=torch.float64))


def data_distribution(x: Array) -> Array:
    """Return the distribution function of the mixture at x."""
    return np.asarray(sum(w * ndtr((x - m) / STD) for w, m in zip(WEIGHTS, MEANS, strict=True)))


def _velocity(x: Array, sigma: float) -> Array:
    points = torch.from_numpy(x.reshape(-1, 1))
    rows = len(points)
    found = mixture().velocity(points, torch.full((rows,), sigma, dtype=torch.float64), torch.zeros(rows).long())
    return found.numpy().reshape(x.shape)


def _cubic_weights(place: Array) -> tuple[npt.NDArray[np.int64], Array]:
    # Of the four neighbors of each place (in grid steps): number of the first, and their weights [4, ...].
    below = np.floor(place)
    f = place - below
    weights = np.stack(
        [
            -f * (f - 1) * (f - 2) / 6,
            (f + 1) * (f - 1) * (f - 2) / 2,
            -(f + 1) * f * (f - 2) / 2,
            (f + 1) * f * (f - 1) / 6,
        ]
    )
    return below.astype(np.int64) - 1, weights


def _moved(mass: Array, target: Array) -> Array:
    # Mass [M, G] of the grid's points, carried to target [M, G].
    step = 2 * HALF_WIDTH / POINTS
    first, weights = _cubic_weights((target + HALF_WIDTH) / step)
    rows = np.arange(len(mass))[:, None] * POINTS
    moved = np.zeros(mass.size)
    for k in range(4):
        index = rows + (first + k) % POINTS
        moved += np.bincount(index.ravel(), (weights[k] * mass).ravel(), minlength=mass.size)
    return moved.reshape(mass.shape)


def _widened(mass: Array, std: Array) -> Array:
    frequency = 2 * np.pi * np.fft.rfftfreq(POINTS, 2 * HALF_WIDTH / POINTS)
    return np.fft.irfft(np.fft.rfft(mass) * np.exp(-0.5 * (std[:, None] * frequency) ** 2), POINTS)


def stochastic_outcomes(samplers: list[Sampler], sigmas: Tensor) -> list[Outcome]:
    """Return what stochastic samplers make of N(0, 1) for the mixture, along one grid of levels [N + 1]."""
    if not samplers:
        return []
    x, all_steps = grid(), [probe(sampler, sigmas) for sampler in samplers]
    a, b, std = (np.stack([vars(steps)[name] for steps in all_steps]) for name in ("a", "b", "std"))
    edges = x + HALF_WIDTH / POINTS
    start = np.diff(ndtr(edges), prepend=ndtr(edges[0] - 2 * HALF_WIDTH / POINTS))
    mass = np.tile(start, (len(samplers), 1))
    for i, sigma in enumerate(sigmas[:-1].tolist()):
        target = a[:, i, None] * x + b[:, i, None] * _velocity(x, sigma)
        mass = _widened(_moved(mass, target), std[:, i])
    return [_outcome(row) for row in mass]


def _ends(steps: Steps, x: Array) -> Array:
    # Where a deterministic sampler leads starts x.
    previous = np.zeros_like(x)
    for i in range(len(steps)):
        velocity = _velocity(x, float(steps.s[i]))
        clean = x - steps.s[i] * velocity
        x = steps.a[i] * x + steps.b[i] * velocity + steps.c[i] * previous
        previous = clean
    return x


def deterministic_outcome(sampler: Sampler, sigmas: Tensor) -> Outcome:
    """Return what a deterministic sampler makes of N(0, 1) for the mixture, along a grid of levels [N + 1]."""
    steps, starts = probe(sampler, sigmas), np.linspace(-HALF_WIDTH, HALF_WIDTH, STARTS)
    ends = _ends(steps, starts)
    for _ in range(REFINEMENTS):
        # Few starts end between the modes: place them anew, evenly along the curve of the map.
        length = np.concatenate(([0.0], np.cumsum(np.diff(starts) + np.abs(np.diff(ends)))))
        starts = np.interp(np.linspace(0, length[-1], STARTS), length, starts)
        ends = _ends(steps, starts)
    # At few steps paths may cross: the mass between two neighbors then lies between where they ended.
    order = np.argsort((ends[1:] + ends[:-1]) / 2)
    reached = ndtr(starts[0]) + np.concatenate(([0.0], np.cumsum(np.diff(ndtr(starts))[order])))
    edges = grid() + HALF_WIDTH / POINTS
    distribution = np.interp(edges, np.sort(ends), reached, left=0.0, right=1.0)
    return _outcome(np.diff(distribution, prepend=0.0))


def _outcome(mass: Array) -> Outcome:
    x, step = grid(), 2 * HALF_WIDTH / POINTS
    edges = x + step / 2
    wanted = data_distribution(edges)
    gap = np.cumsum(mass) - wanted
    light, heavy = x < 0, x > 0
    mean, heavy_mass = float(mass @ x), float(mass[heavy].sum())
    heavy_mean = float(mass[heavy] @ x[heavy]) / heavy_mass
    return Outcome(
        w1=float(np.abs(gap).sum() * step),
        total_variation=float(np.abs(mass - np.diff(wanted, prepend=0.0)).sum() / 2),
        mode_weight=float(mass[light].sum()),
        mode_std=float(np.sqrt(mass[heavy] @ (x[heavy] - heavy_mean) ** 2 / heavy_mass)),
        variance=float(mass @ (x - mean) ** 2),
    )
