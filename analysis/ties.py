"""Which methods may be the best, after a handful of seeds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.paired import paired_t_p
from analysis.statistics import LEVEL


@dataclass(frozen=True)
class TiedSet:
    """The methods that are not separable from the best.

    Attributes:
        best: The method with the best mean.
        tied: The others that cannot be told from it; together they hold the truly best method with the probability
            that was asked for.
        undecided: Those of `tied` that share fewer than two seeds with it, of which nothing can be said.
    """

    best: str
    tied: frozenset[str]
    undecided: frozenset[str]


def tied_set(
    values: Mapping[str, Mapping[int, float]], *, higher_is_better: bool = True, level: float = LEVEL
) -> TiedSet | None:
    """Return the best of several methods and those that are not separable from it, corrected for their number.

    A method is left out if the best one passes it in a one-sided paired t test on the seeds both have, at the level
    divided by the number of its rivals. The truly best method is compared with no more than these, whichever turns
    out best, so it is left out with no more than the probability 1 - level. (The sign-flip test is no use here: with
    fewer than six seeds it never separates anything.)

    Args:
        values: Value by seed by method, each with a seed at least.
        higher_is_better: Direction of the values.
        level: Probability that the set holds the best method, in (0, 1).

    Returns:
        The set, None for fewer than two methods.

    Raises:
        ValueError: If the level is out of range, or a method has no seed or a value that is not finite.

    Source:
        Hsu, "Simultaneous confidence intervals for all distances from the best", 1981; with paired differences and
        Bonferroni's inequality instead of one common variance.

    Example:
        >>> far, near = {0: 0.0, 1: 0.1, 2: 0.0}, {0: 0.9, 1: 1.2, 2: 0.9}
        >>> found = tied_set({"a": {0: 1.0, 1: 1.1, 2: 1.0}, "b": near, "c": far})
        >>> found.best, sorted(found.tied)
        ('a', ['b'])
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie in (0, 1), found {level}")
    if not all(by_seed and all(map(math.isfinite, by_seed.values())) for by_seed in values.values()):
        raise ValueError("every method must have a value, all finite")
    if len(values) < 2:
        return None
    sign = 1.0 if higher_is_better else -1.0
    best = max(values, key=lambda name: sign * float(np.mean(list(values[name].values()))))
    tied, undecided = set[str](), set[str]()
    for name in values.keys() - {best}:
        p = separation_p(values[best], values[name], len(values) - 1, higher_is_better=higher_is_better)
        if p is None:
            undecided.add(name)
        elif p >= 1.0 - level:
            tied.add(name)
    return TiedSet(best, frozenset(tied | undecided), frozenset(undecided))


def separation_p(
    best: Mapping[int, float], other: Mapping[int, float], rivals: int, *, higher_is_better: bool = True
) -> float | None:
    """Return the p-value that tells a method from the best, corrected for how many are compared with it.

    Args:
        best: Value of the best by seed.
        other: Value of the other by seed.
        rivals: How many methods are compared with the best, >= 1.
        higher_is_better: Direction of the values.

    Returns:
        That of the one-sided paired t test on shared seeds times `rivals`, at most 1, and 1 where the other one is
        ahead; None for fewer than two shared seeds.

    Example:
        >>> round(separation_p({0: 1.0, 1: 1.2, 2: 1.1}, {0: 0.5, 1: 0.6, 2: 0.4}, rivals=2), 4)
        0.0091
    """
    sign = 1.0 if higher_is_better else -1.0
    gaps = np.array([sign * (best[seed] - other[seed]) for seed in best if seed in other])
    p = paired_t_p(gaps)
    if p is None:
        return None
    # Half of a two-sided p-value is that of the side the mean lies on.
    return 1.0 if gaps.mean() <= 0.0 else min(1.0, p / 2.0 * rivals)
