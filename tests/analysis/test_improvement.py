"""The probability of improvement against its definition, and what its interval covers."""

import numpy as np
import pytest
from scipy import stats

from analysis.improvement import probability_of_improvement


def test_one_task_is_the_mann_whitney_statistic() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 6, size=7), generator.integers(0, 6, size=4)
    found = probability_of_improvement([first], [second])
    assert found.probability == pytest.approx(stats.mannwhitneyu(first, second).statistic / 28)
    assert found.tasks == 1


def test_tasks_count_alike() -> None:
    found = probability_of_improvement([[1.0, 2.0], [0.0]], [[0.0], [1.0, 2.0, 3.0]])
    assert found.probability == 0.5
    # Wilson's interval of 1 in 2: one run a task is the least.
    low, high = stats.binomtest(1, 2).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high))


def test_equal_runs_are_neither_better_nor_worse() -> None:
    assert probability_of_improvement([[1.0, 1.0]], [[1.0]]).probability == 0.5


def test_swapping_the_methods_or_the_direction_mirrors_the_answer() -> None:
    first, second = [[3.0, 1.0, 5.0]], [[2.0, 2.5, 4.0]]
    found = probability_of_improvement(first, second)
    swapped = probability_of_improvement(second, first)
    assert (swapped.probability, swapped.low, swapped.high) == pytest.approx(
        (1 - found.probability, 1 - found.high, 1 - found.low)
    )
    assert probability_of_improvement(first, second, higher_is_better=False) == pytest.approx(swapped)


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_interval_covers_at_least_as_often_as_it_says(seeds: int, shift: float) -> None:
    draws = np.random.default_rng(seeds).normal(np.array([[[shift]], [[0.0]]]), size=(400, 2, 2, seeds))
    truth = float(stats.norm.cdf(shift / np.sqrt(2.0)))
    found = [probability_of_improvement(list(first), list(second)) for first, second in draws]
    assert np.mean([one.low <= truth <= one.high for one in found]) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)
    # And says something: some intervals are far from all of [0, 1].
    assert np.mean([one.high - one.low for one in found]) < 0.62


def test_separated_runs_are_not_certain() -> None:
    found = probability_of_improvement([[2.0, 2.1, 2.2]], [[0.0, 0.1, 0.2]])
    assert found.probability == found.high == 1.0
    assert 0.4 < found.low < 0.5


def test_bad_tasks_are_refused() -> None:
    with pytest.raises(ValueError, match="the same tasks, at least one, found 1 and 0"):
        probability_of_improvement([[1.0]], [])
    with pytest.raises(ValueError, match="values of a task must be finite"):
        probability_of_improvement([[1.0]], [[np.nan]])
    with pytest.raises(ValueError, match="level must lie in"):
        probability_of_improvement([[1.0]], [[1.0]], level=1.0)
