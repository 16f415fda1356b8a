"""Intervals against scipy and against their promise."""

import math
import pickle

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import interval, paired_difference


def by_seed(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


@pytest.mark.parametrize("count", [2, 3, 5, 30])
def test_interval_equals_scipy(count: int) -> None:
    values = np.random.default_rng(count).normal(3.0, 2.0, size=count)
    low, high = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    found = interval(by_seed(values.tolist()))
    assert found.low is not None
    assert found.high is not None
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), low, high), rel=1e-12)
    assert found.seeds == count


def test_interval_of_two_values_in_closed_form() -> None:
    # With 2 values t(1) = tan(0.475 pi) and s / sqrt(2) is half their distance.
    found = interval({0: 1.0, 1: 2.0})
    assert found.half_width == pytest.approx(math.tan(0.475 * math.pi) * 0.5, rel=1e-10)


def test_interval_covers_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(size=(2000, 3))
    found = [interval(by_seed(row.tolist())) for row in draws]
    covered = sum(one.low is not None and one.high is not None and one.low <= 0.0 <= one.high for one in found)
    # Three binomial standard deviations around 95 %.
    assert abs(covered / 2000 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 2000)


def test_one_seed_has_no_interval() -> None:
    found = interval({4: 0.5})
    assert (found.mean, found.low, found.high, found.half_width, found.seeds) == (0.5, None, None, None, 1)
    assert dict(found.values) == {4: 0.5}


def test_interval_refuses_bad_values() -> None:
    with pytest.raises(ValueError, match="values must be finite and at least one"):
        interval({})
    with pytest.raises(ValueError, match="values must be finite"):
        interval({0: float("nan")})
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), found 1.0"):
        interval({0: 1.0}, level=1.0)


def test_interval_does_not_keep_the_callers_mapping() -> None:
    values = {0: 1.0, 1: 2.0}
    found = interval(values)
    values[0] = 9.0
    assert found.values[0] == 1.0
    with pytest.raises(TypeError):
        found.values[0] = 3.0  # type: ignore[index]


def test_pairing_removes_what_both_methods_share() -> None:
    luck = [0.0, 5.0, -3.0, 8.0]
    first = by_seed([value + 1.0 + 0.01 * index for index, value in enumerate(luck)])
    second = by_seed(luck)
    found = paired_difference(first, second)
    assert found is not None
    assert found.verdict == "higher"
    assert found.difference.mean == pytest.approx(1.015)
    low, high = stats.ttest_rel(list(first.values()), list(second.values())).confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high), rel=1e-9)
    opposite = paired_difference(second, first)
    assert opposite is not None
    assert opposite.verdict == "lower"


def test_verdicts_without_evidence() -> None:
    equal = paired_difference({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0})
    assert equal is not None
    assert equal.verdict == "tie"
    single = paired_difference({0: 1.0, 1: 2.0}, {1: 5.0, 2: 7.0})
    assert single is not None
    assert single.verdict == "one seed"
    assert single.difference.mean == -3.0
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_an_interval_can_be_sent_to_another_process() -> None:
    found = interval({0: 1.0, 3: 2.0})
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert dict(again.values) == {0: 1.0, 3: 2.0}
    with pytest.raises(TypeError):
        again.values[0] = 2.0
