"""What a handful of seeds allows to say: t intervals, and paired differences between two methods.

A bootstrap over 3 seeds covers the truth in about three quarters of the cases where it promises 95 %; the t interval
keeps its promise from 2 seeds on, if the values are roughly normal. Many comparisons at once are
`analysis.multiplicity` and `analysis.ties`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from analysis.quantiles import t_quantile

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and how sure it is.

    Attributes:
        mean: Mean of the values.
        low: Lower end of the 95 % t interval, None for one seed.
        high: Upper end, None for one seed.
        seeds: How many seeds, >= 1.
        values: The value of each seed. Read-only.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int
    values: Mapping[int, float]

    @property
    def half_width(self) -> float | None:
        """Half the length of the interval, None for one seed."""
        return None if self.high is None else self.high - self.mean

    def __reduce__(self) -> tuple[Callable[..., "Interval"], tuple[object, ...]]:
        """Return what makes the same in another process, to which a read-only view cannot be sent."""
        return _restored, (self.mean, self.low, self.high, self.seeds, dict(self.values))


def _restored(mean: float, low: float | None, high: float | None, seeds: int, values: dict[int, float]) -> Interval:
    return Interval(mean, low, high, seeds, MappingProxyType(values))


@dataclass(frozen=True)
class Comparison:
    """The difference between two methods on the seeds both have run.

    Attributes:
        difference: Interval of the first minus the second, seed by seed.
        verdict: `higher` or `lower` if the interval leaves out 0, `tie` if it holds 0, `one seed` if there is none.
    """

    difference: Interval
    verdict: str


def interval(values: Mapping[int, float], *, level: float = LEVEL) -> Interval:
    """Return the mean of values over seeds with its t interval.

    Args:
        values: Value by seed, finite, at least one.
        level: Probability that the interval covers the expectation, in (0, 1).

    Raises:
        ValueError: If there is no value, one is not finite, or the level is out of range.

    Source:
        Student, "The probable error of a mean", 1908: mean +- t(n - 1) s / sqrt(n), s with n - 1 in the denominator.

    Example:
        >>> answer = interval({0: 1.0, 1: 2.0, 2: 3.0})
        >>> answer.mean, round(answer.low, 4), round(answer.high, 4), answer.seeds
        (2.0, -0.4841, 4.4841, 3)
        >>> interval({0: 1.0}).low is None
        True
    """
    numbers = np.array(list(values.values()), dtype=np.float64)
    if len(numbers) == 0 or not np.isfinite(numbers).all():
        raise ValueError(f"values must be finite and at least one, found {dict(values)}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie in (0, 1), found {level}")
    mean, count = float(numbers.mean()), len(numbers)
    kept = MappingProxyType({seed: float(value) for seed, value in values.items()})
    if count == 1:
        return Interval(mean, None, None, 1, kept)
    half = t_quantile(count - 1, (1.0 + level) / 2.0) * float(numbers.std(ddof=1)) / math.sqrt(count)
    return Interval(mean, mean - half, mean + half, count, kept)


def paired_difference(
    first: Mapping[int, float], second: Mapping[int, float], *, level: float = LEVEL
) -> Comparison | None:
    """Return how the first method differs from the second on their shared seeds.

    A seed fixes prompts and noise for every method, so pairing by seed removes what both have in common.

    Args:
        first: Value by seed.
        second: Value by seed.
        level: Probability that the interval covers the expected difference, in (0, 1).

    Returns:
        The comparison, None if no seed is shared.

    Raises:
        ValueError: If a shared value is not finite or the level is out of range.

    Example:
        >>> paired_difference({0: 1.0, 1: 2.0, 2: 3.1}, {0: 0.5, 1: 1.5, 2: 2.5}).verdict
        'higher'
        >>> paired_difference({0: 1.0, 1: 2.0}, {0: 2.0, 1: 1.0}).verdict
        'tie'
    """
    shared = [seed for seed in first if seed in second]
    if not shared:
        return None
    difference = interval({seed: first[seed] - second[seed] for seed in shared}, level=level)
    return Comparison(difference, _verdict(difference))


def _verdict(difference: Interval) -> str:
    if difference.low is None or difference.high is None:
        return "one seed"
    if difference.low > 0.0:
        return "higher"
    return "lower" if difference.high < 0.0 else "tie"
