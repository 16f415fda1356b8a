"""What paired differences say of many comparisons at once: a test, adjusted p-values and a verdict for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.front import Array
from analysis.multiplicity import holm, joint_sign_flips
from analysis.paired import PairedTest, difference_test

BETTER, WORSE, TIED, UNDECIDED = "better", "worse", "tied", "not decidable"


@dataclass(frozen=True)
class Finding:
    """What the pairs of one level say of a difference.

    Attributes:
        test: Second side minus first.
        adjusted_p: P-value of the sign-flip test, adjusted by flipping all comparisons together.
        holm_p: The same p-value, adjusted by Holm's rule.
        verdict: Of the second side: `better`, `worse`, `tied`, or `not decidable` where as few pairs can never be
            significant.
    """

    test: PairedTest
    adjusted_p: float
    holm_p: float
    verdict: str


def findings_of(
    differences: Sequence[Mapping[int, float]],
    higher_is_better: Sequence[bool],
    *,
    unit: str,
    alpha: float,
    generator: np.random.Generator,
) -> list[Finding]:
    """Return what paired differences say of each of several comparisons.

    Args:
        differences: For each comparison, second side minus first by seed or prompt, at least one.
        higher_is_better: Direction of each.
        unit: What the keys are, in the plural.
        alpha: Probability of any false finding, in (0, 1); intervals cover 1 - alpha.
        generator: Draws sign patterns where there are too many to count.

    Example:
        >>> gaps = [{i: 1.0 + 0.1 * i for i in range(8)}, {i: (-1.0) ** i for i in range(8)}]
        >>> found = findings_of(gaps, [False, True], unit="prompts", alpha=0.05, generator=np.random.default_rng(0))
        >>> [(one.verdict, one.test.flips.p, one.adjusted_p, one.holm_p) for one in found]
        [('worse', 0.0078125, 0.015625, 0.015625), ('tied', 1.0, 1.0, 1.0)]
    """
    if not differences:
        return []
    tests = [difference_test(one, unit=unit, level=1.0 - alpha, generator=generator) for one in differences]
    single = np.array([test.flips.p for test in tests])
    # Where patterns are drawn, chance could put an adjusted p-value below that of the test alone.
    jointly = np.maximum(single, joint_sign_flips(_aligned(differences), generator=generator)).tolist()
    by_holm = holm(single).tolist()
    return [
        Finding(test, p, holm_p, verdict(test, p, alpha, higher_is_better=better))
        for test, p, holm_p, better in zip(tests, jointly, by_holm, higher_is_better, strict=True)
    ]


def verdict(test: PairedTest, adjusted_p: float, alpha: float, *, higher_is_better: bool) -> str:
    """Return what a test of second minus first says of the second side.

    Example:
        >>> test = difference_test({i: 1.0 for i in range(8)}, unit="prompts", generator=np.random.default_rng(0))
        >>> verdict(test, 0.01, 0.05, higher_is_better=False), verdict(test, 0.2, 0.05, higher_is_better=False)
        ('worse', 'tied')
        >>> verdict(test, 0.01, 0.001, higher_is_better=False)
        'not decidable'
    """
    if test.difference == 0.0 and (test.low is None or test.low == 0.0):
        return TIED
    if test.flips.least_p > alpha:
        return UNDECIDED
    if adjusted_p > alpha:
        return TIED
    return BETTER if (test.difference > 0.0) == higher_is_better else WORSE


def _aligned(differences: Sequence[Mapping[int, float]]) -> list[Array]:
    """Return the differences in the same order of keys, 0 where a comparison lacks a key."""
    keys = sorted({key for one in differences for key in one})
    return [np.array([one.get(key, 0.0) for key in keys]) for one in differences]
