"""The best method against the others, against scipy's tests and closed forms."""

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from analysis.rivals import Rival, rivals_of, shares_by_method, two_levels
from analysis.summary import Summary

SEEDS, PROMPTS = range(4), range(6)
Table = dict[int, dict[int, float]]


def some_shares(methods: str = "abc") -> dict[str, Table]:
    """Contributions whose seeds and prompts are common to all methods, a ahead of b by little and of c by much."""
    generator = np.random.default_rng(5)
    common = generator.normal(size=(len(SEEDS), len(PROMPTS)))
    return {
        method: {
            seed: {prompt: float(common[seed, prompt] + generator.normal(-0.4 * index**2, 0.3)) for prompt in PROMPTS}
            for seed in SEEDS
        }
        for index, method in enumerate(methods)
    }


def values_of(shares: Mapping[str, Table]) -> dict[str, dict[int, float]]:
    return {
        method: {seed: float(np.mean(list(by_prompt.values()))) for seed, by_prompt in by_seed.items()}
        for method, by_seed in shares.items()
    }


def rivals(shares: Mapping[str, Table], best: str = "a") -> dict[str, Rival]:
    found = rivals_of(values_of(shares), shares, best, generator=np.random.default_rng(0))
    return {one.method: one for one in found}


def matrix(table: Table) -> np.ndarray:
    return np.array([list(row.values()) for row in table.values()])


def naive_flips(differences: np.ndarray) -> float:
    """Return the two-sided p-value over all sign patterns."""
    sums = [abs(float(np.dot(signs, differences))) for signs in itertools.product((1, -1), repeat=len(differences))]
    return float(np.mean([total >= abs(differences.sum()) - 1e-9 for total in sums]))


def test_differences_equal_scipys_paired_t_test_and_all_sign_patterns() -> None:
    shares = some_shares()
    for name, found in rivals(shares).items():
        cells = matrix(shares["a"]) - matrix(shares[name])
        expected = stats.ttest_1samp(cells.mean(axis=1), 0.0)
        test = found.seeds.test
        assert test.difference == pytest.approx(cells.mean(), rel=1e-12)
        assert (test.low, test.high) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-10)
        assert test.t_p == pytest.approx(expected.pvalue, rel=1e-10)
        assert test.flips.p == naive_flips(cells.mean(axis=1))
        assert found.prompts is not None
        assert found.prompts.test.difference == pytest.approx(cells.mean(), rel=1e-12)
        assert found.prompts.test.flips.p == naive_flips(cells.mean(axis=0))
        # Adjusted for two rivals: at least the single p-value, at most Bonferroni's.
        for finding in (found.seeds, found.prompts):
            assert finding.test.flips.p <= finding.adjusted_p <= min(1.0, 2.0 * finding.test.flips.p) + 1e-12


def test_the_interval_over_both_levels_is_that_of_the_crossed_model() -> None:
    shares = some_shares()
    cells = matrix(shares["a"]) - matrix(shares["c"])
    n_seeds, n_prompts = cells.shape
    # The textbook's analysis of variance with two factors, by hand.
    rows, columns, mean = cells.mean(axis=1), cells.mean(axis=0), cells.mean()
    squares = (
        n_prompts * ((rows - mean) ** 2).sum() / (n_seeds - 1),
        n_seeds * ((columns - mean) ** 2).sum() / (n_prompts - 1),
        ((cells - rows[:, None] - columns + mean) ** 2).sum() / ((n_seeds - 1) * (n_prompts - 1)),
    )
    total = max(squares[0], squares[1], squares[0] + squares[1] - squares[2])
    freedom = (n_seeds - 1, n_prompts - 1, (n_seeds - 1) * (n_prompts - 1))
    degrees = total**2 / sum(square**2 / free for square, free in zip(squares, freedom, strict=True))
    half = stats.t.ppf(0.975, degrees) * np.sqrt(total / (n_seeds * n_prompts))
    both = rivals(shares)["c"].both
    assert both is not None
    assert (both.mean, both.low, both.high) == pytest.approx((mean, mean - half, mean + half), rel=1e-10)
    assert both.degrees_of_freedom == pytest.approx(degrees, rel=1e-10)
    assert both.seeds == n_seeds
    assert both.prompts == pytest.approx(n_prompts)


def test_the_probability_of_improvement_is_the_share_of_pairs() -> None:
    shares = some_shares()
    values = values_of(shares)
    for name, found in rivals(shares).items():
        wins = [one > other for one in values["a"].values() for other in values[name].values()]
        assert found.improvement.probability == pytest.approx(np.mean(wins))
        assert found.improvement.low < found.improvement.probability


def test_only_what_both_have_is_paired_and_what_nobody_shares_is_left_out() -> None:
    shares = some_shares("abcd")
    del shares["b"][0]
    for seed in SEEDS:
        del shares["c"][seed][5]
        shares["d"] = {seed + 10: row for seed, row in shares["d"].items()}
    found = rivals(shares)
    assert list(found) == ["b", "c"]
    assert found["b"].seeds.test.pairs == 3
    assert found["b"].both is not None
    assert found["b"].both.seeds == 3
    assert found["c"].prompts is not None
    assert found["c"].prompts.test.pairs == 5


def test_prompts_that_cannot_be_told_apart_leave_the_seeds() -> None:
    shares = some_shares()
    values = values_of(shares)
    for known in ({}, {"a": shares["a"]}, {"a": shares["a"], "b": {0: shares["b"][0]}}):
        found = rivals_of(values, known, "a", generator=np.random.default_rng(0))
        assert [one.method for one in found] == ["b", "c"]
        assert [(one.prompts, one.both) for one in found] == [(None, None)] * 2
        assert found[0].seeds.test.pairs == 4


def test_masked_prompts_count_by_their_weight() -> None:
    table = some_shares()["a"]
    whole = two_levels(table)
    assert whole.prompts == pytest.approx(6.0)
    for seed in (0, 1):
        del table[seed][0]
    masked = two_levels(table)
    # Weights of a prompt over seeds: 5 whole ones of (2 / 5 + 2 / 6) / 4, and one of 2 / 6 / 4.
    weights = np.array([(2 / 5 + 2 / 6) / 4] * 5 + [2 / 6 / 4])
    assert masked.prompts == pytest.approx(1.0 / (weights**2).sum())
    assert 5.0 < masked.prompts < 6.0


def test_contributions_have_the_hypervolume_as_their_mean(suite_summary: Summary) -> None:
    for part in suite_summary.benchmarks[:2]:
        shares = shares_by_method(part)
        assert sorted(shares) == sorted(part.fronts)
        for row in part.last_rows:
            means = {seed: float(np.mean(list(one.values()))) for seed, one in shares[row.method].items()}
            assert means == pytest.approx(dict(row.quantities["hypervolume"].values), rel=1e-12)
