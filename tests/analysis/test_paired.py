"""Sign-flip tests against scipy and against their promise; what few pairs cannot say."""

import numpy as np
import pytest
from scipy import stats

from analysis.paired import difference_test, least_p, paired_t_p, paired_test, pairs_needed, sign_flip
from benchmarks.records import UsageError


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("count", [2, 3, 7, 12])
def test_exact_p_values_equal_scipy(count: int) -> None:
    values = np.random.default_rng(count).normal(0.5, 1.0, size=count)

    def scipy_p(side: str) -> float:
        found = stats.permutation_test(
            (values,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative=side
        )
        return float(found.pvalue)

    found = sign_flip(values, generator=generator())
    # scipy doubles the smaller side, which for a symmetric set of sums is the same.
    assert (found.p_higher, found.p_lower) == pytest.approx((scipy_p("greater"), scipy_p("less")))
    assert found.p == pytest.approx(scipy_p("two-sided"))
    assert (found.patterns, found.error) == (2**count, 0.0)


@pytest.mark.parametrize("count", [1, 3, 5, 6, 10])
def test_the_least_p_value_is_reached_by_equal_signs(count: int) -> None:
    found = sign_flip(np.arange(1.0, count + 1.0), generator=generator())
    assert found.p == found.least_p == least_p(count) == 2.0 / 2**count
    assert found.p_higher == 1.0 / 2**count


def test_three_seeds_cannot_decide_and_six_can() -> None:
    assert least_p(3) == 0.25
    assert least_p(pairs_needed(0.05)) < 0.05 < least_p(pairs_needed(0.05) - 1)


def test_sums_that_agree_but_for_rounding_are_equal() -> None:
    # 0.1 + 0.2 and 0.3 differ in the last bit; the pattern (+, +, -) gives 0 either way.
    found = sign_flip([0.1, 0.2, -0.3], generator=generator())
    assert found.p == 1.0


def test_no_difference_is_no_evidence() -> None:
    found = sign_flip(np.zeros(4), generator=generator())
    assert (found.p, found.p_higher, found.p_lower) == (1.0, 1.0, 1.0)


def test_drawn_patterns_come_within_their_error_of_all() -> None:
    values = np.random.default_rng(3).normal(0.4, 1.0, size=12)
    exact = sign_flip(values, generator=generator())
    drawn = sign_flip(values, exact_pairs=5, draws=20_000, generator=generator())
    assert drawn.patterns == 20_001
    assert 0.0 < drawn.error < 0.004
    assert abs(drawn.p - exact.p) < 4 * drawn.error
    assert drawn.least_p == 1 / 20_001
    again = sign_flip(values, exact_pairs=5, draws=20_000, generator=generator())
    assert again == drawn


def test_many_pairs_are_drawn() -> None:
    found = sign_flip(np.random.default_rng(4).normal(size=30), draws=1000, generator=generator())
    assert found.patterns == 1001


def test_false_alarms_are_as_rare_as_promised() -> None:
    draws = np.random.default_rng(5).standard_t(2, size=(1500, 8))
    alarms = np.mean([sign_flip(row, generator=generator()).p <= 0.05 for row in draws])
    # 6 of 128 distances: 0.047; three standard errors.
    assert abs(alarms - 6 / 128) < 3 * np.sqrt(0.047 * 0.953 / 1500)


def test_t_test_equals_scipy() -> None:
    first, second = np.random.default_rng(6).normal(np.array([[0.3], [0.0]]), size=(2, 9))
    found = paired_test(dict(enumerate(first)), dict(enumerate(second)), unit="prompts", generator=generator())
    expected = stats.ttest_rel(first, second)
    assert found.t_p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (found.unit, found.pairs) == ("prompts", 9)
    assert paired_t_p([2.0, 2.0]) == 0.0


def test_one_pair_has_no_interval() -> None:
    found = difference_test({4: 0.5}, unit="seeds", generator=generator())
    assert (found.difference, found.low, found.high, found.t_p, found.flips.p) == (0.5, None, None, None, 1.0)


def test_the_order_of_the_pairs_does_not_matter() -> None:
    first, second = {0: 1.0, 1: 5.0, 2: 2.0}, {2: 1.0, 0: 2.0, 1: 3.0}
    assert paired_test(first, second, unit="seeds", generator=generator()).difference == pytest.approx(2.0 / 3.0)


def test_unequal_sets_are_refused_by_name() -> None:
    with pytest.raises(UsageError) as caught:
        paired_test({0: 1.0, 3: 1.0, 2: 1.0}, {0: 1.0, 5: 2.0}, unit="seeds", generator=generator())
    assert str(caught.value) == (
        "a paired test needs the same seeds on both sides, but the first lacks 5 and the second lacks 2, 3"
    )


def test_bad_differences_are_refused() -> None:
    for bad in ([], [np.nan], [[1.0]]):
        with pytest.raises(ValueError, match="differences must be finite, at least one, in one row"):
            sign_flip(bad, generator=generator())
    with pytest.raises(ValueError, match="draws must be at least 1, found 0"):
        sign_flip([1.0], draws=0, generator=generator())
