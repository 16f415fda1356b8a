"""The two-level interval against the analysis of variance written out, and in cases known by hand."""

import numpy as np
import pytest
from scipy import stats

from analysis.intervals import two_level, two_level_of
from analysis.statistics import interval


def naive(values: np.ndarray) -> tuple[float, float, tuple[float, float, float]]:
    """Return the half width, the degrees of freedom and the variances of a complete table, from its definitions."""
    s, p = values.shape
    grand = values.mean()
    of_seeds = sum(p * (values[i].mean() - grand) ** 2 for i in range(s)) / (s - 1)
    of_prompts = sum(s * (values[:, j].mean() - grand) ** 2 for j in range(p)) / (p - 1)
    gaps = [values[i, j] - values[i].mean() - values[:, j].mean() + grand for i in range(s) for j in range(p)]
    rest = sum(gap**2 for gap in gaps) / ((s - 1) * (p - 1))
    total = max(of_seeds, of_prompts, of_seeds + of_prompts - rest)
    freedom = total**2 / (of_seeds**2 / (s - 1) + of_prompts**2 / (p - 1) + rest**2 / ((s - 1) * (p - 1)))
    half = stats.t.ppf(0.975, freedom) * np.sqrt(total / (s * p))
    return half, freedom, (max((of_seeds - rest) / p, 0.0), max((of_prompts - rest) / s, 0.0), rest)


@pytest.mark.parametrize("shape", [(2, 2), (3, 8), (5, 4), (10, 30)])
def test_a_complete_table_is_the_analysis_of_variance(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(shape[1]).normal(size=shape) + np.arange(shape[1])
    half, freedom, variances = naive(values)
    found = two_level(values)
    assert found.high is not None
    assert found.variances is not None
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.mean == pytest.approx(half)
    assert found.degrees_of_freedom == pytest.approx(freedom)
    assert (found.variances.seeds, found.variances.prompts, found.variances.rest) == pytest.approx(variances)
    assert (found.seeds, found.prompts) == (shape[0], pytest.approx(shape[1]))


def test_without_differences_between_prompts_it_is_the_t_interval() -> None:
    means = {0: 1.0, 1: 2.5, 2: 3.0}
    found, expected = two_level([[mean] * 6 for mean in means.values()]), interval(means)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.degrees_of_freedom == pytest.approx(2.0)


def test_prompts_to_which_nothing_applies_are_as_if_they_were_not_there() -> None:
    values = np.random.default_rng(0).normal(size=(3, 6))
    padded = np.insert(values, [2, 4], np.nan, axis=1)
    found, expected = two_level(padded), two_level(values)
    assert (found.low, found.high, found.prompts) == pytest.approx((expected.low, expected.high, expected.prompts))


def test_counts_weigh_the_samples() -> None:
    values, counts = np.array([[1.0, 4.0], [2.0, 7.0]]), np.array([[3, 1], [3, 1]])
    found = two_level(values, counts)
    assert found.mean == pytest.approx(np.average(values, weights=counts))
    # Kish: (3 + 1)^2 / (9 + 1) prompts.
    assert found.prompts == pytest.approx(1.6)
    assert two_level(values, 5 * counts) == found


def test_equal_counts_change_nothing() -> None:
    values = np.random.default_rng(1).normal(size=(4, 5))
    assert two_level(values, np.full((4, 5), 7)).low == pytest.approx(two_level(values).low)


@pytest.mark.parametrize("values", [[[1.0, 2.0]], [[1.0], [2.0]], [[1.0, np.nan], [2.0, np.nan]]])
def test_one_seed_or_one_prompt_has_no_interval(values: list[list[float]]) -> None:
    found = two_level(values)
    assert (found.low, found.high, found.degrees_of_freedom, found.variances) == (None, None, None, None)
    assert found.mean == 1.5


def test_a_constant_is_certain() -> None:
    found = two_level([[2.0, 2.0], [2.0, 2.0]])
    assert (found.low, found.mean, found.high) == (2.0, 2.0, 2.0)


def test_a_quantity_of_means_is_taken_seed_by_seed() -> None:
    sums = np.random.default_rng(2).normal(3.0, 1.0, size=(3, 10, 2))
    found = two_level_of(sums, np.ones_like(sums), lambda means: means.prod(axis=1))
    assert found.mean == pytest.approx(np.mean([one.mean(axis=0).prod() for one in sums]))
    assert two_level_of(sums, np.ones_like(sums), lambda means: means[:, 0]).high == pytest.approx(
        two_level(sums[..., 0]).high
    )


def test_bad_tables_are_refused() -> None:
    with pytest.raises(ValueError, match=r"values must have shape \[seeds, prompts\]"):
        two_level([1.0, 2.0])
    with pytest.raises(ValueError, match="every seed must have a value, found none in row 1"):
        two_level([[1.0, 2.0], [np.nan, np.nan]])
    with pytest.raises(ValueError, match="values must be finite or NaN"):
        two_level([[1.0, np.inf]])
    with pytest.raises(ValueError, match=r"counts must have the shape of values \[1, 2\], found \[1, 1\]"):
        two_level([[1.0, 2.0]], [[1]])
    with pytest.raises(ValueError, match="level must lie in"):
        two_level([[1.0, 2.0]], level=0.0)
