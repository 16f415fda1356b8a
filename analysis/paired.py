"""Whether two methods differ on what they share: exact sign-flip tests of paired differences.

If nothing distinguishes the two, each difference might as well have come out with the other sign. The p-value is the
share of all sign patterns whose sum is as far from 0 as the observed one, with no assumption about distributions. The
price is that few pairs cannot tell anything: n pairs never give less than 2 / 2^n, so three seeds never less than
0.25. The test says so as `least_p`.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.front import Array
from analysis.quantiles import t_probability
from analysis.statistics import LEVEL, interval
from benchmarks.records import UsageError

EXACT_PAIRS = 20
DRAWS = 100_000
CHUNK = 4096
# Sums that agree but for rounding count as equal, on every machine.
ROUNDING = 1e-10


@dataclass(frozen=True)
class SignFlip:
    """What the sign patterns of n differences say.

    Attributes:
        p: Share of patterns whose sum lies at least as far from 0 as the observed sum, in (0, 1].
        p_higher: Share whose sum is at least as high: small if the differences are above 0.
        p_lower: Share whose sum is at least as low: small if they are below 0.
        least_p: The smallest `p` that as many differences can give; one-sided tests can give half of it.
        error: Standard error of `p` where patterns were drawn at random, 0 where all were counted.
        patterns: Number of patterns behind the shares.
    """

    p: float
    p_higher: float
    p_lower: float
    least_p: float
    error: float
    patterns: int


@dataclass(frozen=True)
class PairedTest:
    """How the first of two methods differs from the second on what both have.

    Attributes:
        unit: What a pair is, in the plural: `seeds`, `prompts`.
        pairs: How many there are, >= 1.
        difference: Mean of first minus second.
        low: Lower end of the paired t interval, None for one pair.
        high: Upper end, None for one pair.
        t_p: Two-sided p-value of the paired t test, None for one pair; it assumes normal differences.
        flips: The sign-flip test, which does not.
    """

    unit: str
    pairs: int
    difference: float
    low: float | None
    high: float | None
    t_p: float | None
    flips: SignFlip


def least_p(pairs: int) -> float:
    """Return the smallest two-sided p-value that the sign patterns of n pairs can give.

    Example:
        >>> [least_p(pairs) for pairs in (1, 3, 5, 6)]
        [1.0, 0.25, 0.0625, 0.03125]
    """
    return 2.0 ** (1 - pairs)


def pairs_needed(alpha: float) -> int:
    """Return how many pairs a two-sided sign-flip test needs before it can reach a p-value of alpha.

    Args:
        alpha: Level of the test, in (0, 1).

    Example:
        >>> pairs_needed(0.05), pairs_needed(0.25)
        (6, 3)
    """
    return math.ceil(1.0 - math.log2(alpha))


def paired_test(
    first: Mapping[int, float],
    second: Mapping[int, float],
    *,
    unit: str,
    level: float = LEVEL,
    generator: np.random.Generator,
) -> PairedTest:
    """Return how the first method differs from the second, pair by pair.

    Args:
        first: Value by seed, or by prompt.
        second: Value by the same seeds or prompts.
        unit: What the keys are, in the plural.
        level: Probability that the t interval covers the expected difference, in (0, 1).
        generator: Draws sign patterns where there are too many to count.

    Raises:
        UsageError: If one side lacks a seed or prompt that the other has.
        ValueError: If there is no value, one is not finite, or the level is out of range.

    Example:
        >>> generator = np.random.default_rng(0)
        >>> found = paired_test({0: 1.0, 1: 2.0, 2: 3.0}, {0: 0.5, 1: 1.5, 2: 2.0}, unit="seeds", generator=generator)
        >>> round(found.difference, 3), found.flips.p, found.flips.least_p, round(found.t_p, 3)
        (0.667, 0.25, 0.25, 0.057)
        >>> paired_test({0: 1.0, 1: 2.0}, {0: 0.5}, unit="seeds", generator=generator)
        Traceback (most recent call last):
            ...
        benchmarks.records.UsageError: a paired test needs the same seeds on both sides, but the second lacks 1
    """
    _require_same(first.keys(), second.keys(), unit)
    differences = {key: first[key] - second[key] for key in first}
    return difference_test(differences, unit=unit, level=level, generator=generator)


def difference_test(
    differences: Mapping[int, float], *, unit: str, level: float = LEVEL, generator: np.random.Generator
) -> PairedTest:
    """Return what differences of pairs say; `paired_test` takes them.

    Args:
        differences: First minus second by seed, or by prompt.
        unit: What the keys are, in the plural.
        level: Probability that the t interval covers the expected difference, in (0, 1).
        generator: Draws sign patterns where there are too many to count.

    Raises:
        ValueError: If there is no value, one is not finite, or the level is out of range.

    Example:
        >>> generator = np.random.default_rng(0)
        >>> difference_test({0: 1.0, 1: -1.0}, unit="prompts", generator=generator).flips.p
        1.0
    """
    found = interval(differences, level=level)
    values = np.array(list(differences.values()))
    return PairedTest(
        unit=unit,
        pairs=found.seeds,
        difference=found.mean,
        low=found.low,
        high=found.high,
        t_p=paired_t_p(values),
        flips=sign_flip(values, generator=generator),
    )


def paired_t_p(differences: npt.ArrayLike) -> float | None:
    """Return the two-sided p-value of the t test that the mean of differences [n] is 0, None for one.

    Differences that are all equal give 0, or 1 if they are 0.

    Source:
        Student, "The probable error of a mean", 1908.

    Example:
        >>> round(paired_t_p([1.0, 2.0, 3.0]), 4), paired_t_p([0.0, 0.0]), paired_t_p([1.0]) is None
        (0.0742, 1.0, True)
    """
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 2:
        return None
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    if error == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return 2.0 * t_probability(len(values) - 1, -abs(mean) / error)


def sign_flip(
    differences: npt.ArrayLike,
    *,
    exact_pairs: int = EXACT_PAIRS,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> SignFlip:
    """Return the sign-flip test of differences: all patterns of up to 20 pairs are counted, others drawn.

    Args:
        differences: First minus second [n], finite, n >= 1.
        exact_pairs: Up to how many pairs all 2^n patterns are counted.
        draws: How many patterns are drawn otherwise, >= 1; the observed one is counted besides.
        generator: Draws them.

    Raises:
        ValueError: If there is no difference, one is not finite, or there is no draw.

    Source:
        Fisher, "The Design of Experiments", 1935, section 21; Phipson and Smyth, "Permutation p-values should never
        be zero", 2010, for the observed pattern among the drawn.

    Example:
        >>> found = sign_flip([1.0, 2.0, -0.5, 3.0], generator=np.random.default_rng(0))
        >>> found.p, found.p_higher, found.p_lower, found.least_p, found.patterns
        (0.25, 0.125, 0.9375, 0.125, 16)
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"differences must be finite, at least one, in one row, found shape {list(values.shape)}")
    if draws < 1:
        raise ValueError(f"draws must be at least 1, found {draws}")
    exact = len(values) <= exact_pairs
    sums = _all_sums(values) if exact else _drawn_sums(values, draws, generator)
    observed, slack = float(values.sum()), ROUNDING * float(np.abs(values).sum())
    higher, lower = sums >= observed - slack, sums <= observed + slack
    far = np.abs(sums) >= abs(observed) - slack
    p = float(far.mean())
    return SignFlip(
        p=p,
        p_higher=float(higher.mean()),
        p_lower=float(lower.mean()),
        least_p=least_p(len(values)) if exact else 1.0 / len(sums),
        error=0.0 if exact else math.sqrt(p * (1.0 - p) / len(sums)),
        patterns=len(sums),
    )


def _all_sums(values: Array) -> Array:
    """Return the sums of all sign patterns, [2^n]."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _drawn_sums(values: Array, draws: int, generator: np.random.Generator) -> Array:
    """Return the sum as observed and those of patterns drawn at random, [1 + draws]."""
    sums = [np.array([values.sum()])]
    for start in range(0, draws, CHUNK):
        signs = generator.integers(0, 2, size=(min(CHUNK, draws - start), len(values)), dtype=np.int8)
        sums.append((2.0 * signs - 1.0) @ values)
    return np.concatenate(sums)


def _require_same(first: Collection[int], second: Collection[int], unit: str) -> None:
    lacks = [
        f"the {name} lacks {', '.join(map(str, sorted(set(other) - set(own))))}"
        for name, own, other in (("first", first, second), ("second", second, first))
        if set(other) - set(own)
    ]
    if lacks:
        raise UsageError(f"a paired test needs the same {unit} on both sides, but {' and '.join(lacks)}")
