"""How sure a mean over seeds and prompts is, for new seeds and new prompts of the same kind.

All seeds are evaluated on the same prompts, so the two levels cross: what is special about a prompt comes back in
every seed, and more seeds do not average it away. The t interval over seeds (`analysis.statistics`) speaks of new
seeds on these very prompts; the interval here speaks of new prompts too. Where the standard deviation of prompts is
ten times that of seeds, the former covers 64 % (3 seeds) to 25 % (10 seeds) of simulated trials where it promises
95 %, the latter 94 to 96 % (`tests/analysis/test_coverage.py`, 2000 trials).

A quantity that is no mean, such as the hypervolume, gets the same interval from its jackknife pseudo-values. A
hierarchical bootstrap would need no such detour, but where three seeds differ more than their prompts its
percentiles cover 74 %; here seeds enter by their t distribution, however few they are.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.front import Array
from analysis.pseudo_values import Statistic, pseudo_values
from analysis.quantiles import t_quantile
from analysis.statistics import LEVEL


@dataclass(frozen=True)
class Variances:
    """What makes single values differ: estimates >= 0, in squared units of the quantity.

    Attributes:
        seeds: Variance between seeds.
        prompts: Variance between prompts.
        rest: Variance of what neither a seed nor a prompt explains, noise of the samples included.
    """

    seeds: float
    prompts: float
    rest: float


@dataclass(frozen=True)
class TwoLevel:
    """A mean over seeds and prompts, and how sure it is.

    Attributes:
        mean: Mean over seeds of the mean over prompts.
        low: Lower end of the interval, None for one seed or one prompt.
        high: Upper end, None likewise.
        seeds: How many seeds, >= 1.
        prompts: How many prompts with equal counts would weigh as much as these; below their number if counts differ.
        degrees_of_freedom: Of the t distribution behind the interval, None without one.
        variances: The components, None without an interval.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int
    prompts: float
    degrees_of_freedom: float | None
    variances: Variances | None


def two_level(values: npt.ArrayLike, counts: npt.ArrayLike | None = None, *, level: float = LEVEL) -> TwoLevel:
    """Return the mean of values over seeds and prompts with its interval for new seeds and new prompts.

    Args:
        values: Mean over the samples of each seed and prompt [S, P]; NaN where the quantity does not apply.
        counts: Samples behind each value [S, P]; 1 where not given, and none where the value is NaN.
        level: Probability that the interval covers the expectation, in (0, 1).

    Raises:
        ValueError: If a value is infinite, a seed has no value, the shapes differ, or the level is out of range.

    Source:
        Searle, Casella and McCulloch, "Variance Components", 1992: the two-way crossed random model; Satterthwaite,
        "An approximate distribution of estimates of variance components", 1946, for the degrees of freedom. Two
        deviations: the variance of the mean, (mean square of seeds + of prompts - rest) / (S P), is never taken
        below that of seeds or prompts alone; and unequal counts weigh deviations from the mean, which for equal
        counts is the same.

    Example:
        >>> found = two_level([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
        >>> found.mean, round(found.low, 3), round(found.high, 3), round(found.degrees_of_freedom, 3)
        (3.5, -0.837, 7.837, 2.635)
        >>> found.variances
        Variances(seeds=0.5, prompts=4.0, rest=0.0)
        >>> two_level([[1.0, 3.0, float("nan")], [2.0, 4.0, float("nan")]]).prompts
        2.0
        >>> two_level([[1.0, 3.0]]).low is None
        True
    """
    cells, weights = _checked(values, counts, level)
    shares = weights.sum(axis=0)
    n_seeds, n_prompts = len(cells), float(1.0 / (shares**2).sum())
    of_seeds = n_seeds * (weights * cells).sum(axis=1)
    mean = float(of_seeds.mean())
    # Two prompts in the ratio 1 : 1e-9 are one: nothing can be said of others.
    if n_seeds == 1 or n_prompts < 1.0 + 1e-6:
        return TwoLevel(mean, None, None, n_seeds, n_prompts, None, None)
    squares = _mean_squares(cells, weights, of_seeds, n_prompts)
    half, degrees = _half_width(squares, n_seeds, n_prompts, level)
    seeds, prompts, rest = squares
    variances = Variances(max(seeds - rest, 0.0) / n_prompts, max(prompts - rest, 0.0) / n_seeds, rest)
    return TwoLevel(mean, mean - half, mean + half, n_seeds, n_prompts, degrees, variances)


def two_level_of(sums: npt.ArrayLike, counts: npt.ArrayLike, statistic: Statistic, *, level: float = LEVEL) -> TwoLevel:
    """Return the two-level interval of a quantity of means over prompts, such as the hypervolume of a front.

    The quantity is taken seed by seed; its expectation is that of a seed's value with as many prompts.

    Args:
        sums: Sum over the samples of each seed and prompt [S, P, ...].
        counts: Numbers of these samples, of the same shape.
        statistic: From means [M, ...] to the quantity of each [M].
        level: Probability that the interval covers the expectation, in (0, 1).

    Raises:
        ValueError: As `two_level` and `pseudo_values`.

    Example:
        >>> product = lambda means: means[:, 0] * means[:, 1]
        >>> sums = [[[1.0, 2.0], [3.0, 2.0]], [[2.0, 2.0], [4.0, 2.0]]]
        >>> found = two_level_of(sums, np.ones((2, 2, 2)), product)
        >>> found.mean, found.variances
        (5.0, Variances(seeds=2.0, prompts=8.0, rest=0.0))
    """
    pairs = zip(np.asarray(sums, dtype=np.float64), np.asarray(counts, dtype=np.float64), strict=True)
    return two_level([pseudo_values(*pair, statistic) for pair in pairs], level=level)


def _checked(values: npt.ArrayLike, counts: npt.ArrayLike | None, level: float) -> tuple[Array, Array]:
    """Return the values with 0 where none is, and weights of the same shape; those of a seed sum to 1 / S."""
    cells = np.array(values, dtype=np.float64)
    if cells.ndim != 2 or cells.size == 0:
        raise ValueError(f"values must have shape [seeds, prompts], both >= 1, found {list(cells.shape)}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie in (0, 1), found {level}")
    weights = np.ones_like(cells) if counts is None else np.array(counts, dtype=np.float64)
    if weights.shape != cells.shape:
        raise ValueError(f"counts must have the shape of values {list(cells.shape)}, found {list(weights.shape)}")
    missing = np.isnan(cells)
    if np.isinf(cells).any() or not np.isfinite(weights).all() or (weights < 0.0).any():
        raise ValueError("values must be finite or NaN, and counts finite and >= 0")
    weights[missing], cells[missing] = 0.0, 0.0
    totals = weights.sum(axis=1, keepdims=True)
    if not totals.all():
        raise ValueError(f"every seed must have a value, found none in row {int(np.argmin(totals))}")
    return cells, weights / (len(cells) * totals)


def _mean_squares(cells: Array, weights: Array, of_seeds: Array, n_prompts: float) -> tuple[float, float, float]:
    """Return the mean squares of seeds, of prompts and of the rest, each in units of single values."""
    n_seeds, n_cells = len(cells), len(cells) * n_prompts
    within = weights * (cells - of_seeds[:, None])
    of_prompts, shares = within.sum(axis=0), weights.sum(axis=0)
    effects = np.divide(of_prompts, shares, out=np.zeros_like(shares), where=shares > 0.0)
    rest = within - weights * effects
    scale_seeds, scale_prompts = n_seeds / (n_seeds - 1.0), n_prompts / (n_prompts - 1.0)
    return (
        float(scale_seeds * ((of_seeds / n_seeds - of_seeds.mean() / n_seeds) ** 2).sum() * n_cells),
        float(scale_prompts * (of_prompts**2).sum() * n_cells),
        float(scale_seeds * scale_prompts * (rest**2).sum() * n_cells),
    )


def _half_width(
    squares: tuple[float, float, float], n_seeds: int, n_prompts: float, level: float
) -> tuple[float, float]:
    """Return half the length of the interval and the degrees of freedom behind it."""
    seeds, prompts, rest = squares
    freedom = (n_seeds - 1.0, n_prompts - 1.0, (n_seeds - 1.0) * (n_prompts - 1.0))
    # The difference of estimates can fall below what each level alone makes sure.
    total = max(seeds, prompts, seeds + prompts - rest)
    if total == 0.0:
        return 0.0, freedom[0]
    degrees = total**2 / sum(square**2 / free for square, free in zip(squares, freedom, strict=True))
    half = t_quantile(degrees, (1.0 + level) / 2.0) * math.sqrt(total / (n_seeds * n_prompts))
    return half, degrees
