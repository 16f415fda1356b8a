"""The set of methods that may be the best."""

import numpy as np
import pytest
from scipy import stats

from analysis.ties import tied_set


def table(rows: np.ndarray) -> dict[str, dict[int, float]]:
    return {str(i): dict(enumerate(row.tolist())) for i, row in enumerate(rows)}


def test_two_methods_are_separated_by_the_one_sided_t_test() -> None:
    for seed in range(20):
        rows = np.random.default_rng(seed).normal(np.array([[1.5], [0.0]]), size=(2, 4))
        rows = rows[np.argsort(-rows.mean(axis=1))]
        found = tied_set(table(rows))
        p = stats.ttest_rel(*rows, alternative="greater").pvalue
        assert found is not None
        assert found.best == "0"
        assert found.tied == (frozenset({"1"}) if p >= 0.05 else frozenset())


def test_more_rivals_need_more_evidence() -> None:
    best, near = {0: 1.0, 1: 1.1, 2: 1.2}, {0: 0.5, 1: 0.75, 2: 0.7}
    two = tied_set({"best": best, "near": near})
    assert two is not None
    assert two.tied == frozenset()
    many = tied_set({"best": best, "near": near} | {f"far{i}": {0: 0.0, 1: 0.1, 2: 0.2} for i in range(30)})
    assert many is not None
    assert many.tied == frozenset({"near"})


def test_less_may_be_better() -> None:
    found = tied_set({"a": {0: 1.0, 1: 1.1}, "b": {0: 9.0, 1: 9.1}}, higher_is_better=False)
    assert found is not None
    assert (found.best, found.tied) == ("a", frozenset())


def test_what_shares_no_two_seeds_with_the_best_is_not_left_out() -> None:
    found = tied_set({"a": {0: 9.0, 1: 9.0}, "b": {1: 1.0, 2: 1.0}, "c": {0: 1.0, 1: 1.0}})
    assert found is not None
    assert (found.best, found.tied, found.undecided) == ("a", frozenset({"b"}), frozenset({"b"}))


def test_the_best_method_is_in_the_set() -> None:
    generator, missed = np.random.default_rng(0), 0
    for _ in range(300):
        rows = generator.normal(size=(5, 3)) + generator.normal(size=(1, 3))
        found = tied_set(table(rows))
        assert found is not None
        missed += "0" not in {found.best, *found.tied}
    assert missed / 300 <= 0.05


def test_nothing_to_compare() -> None:
    assert tied_set({"a": {0: 1.0}}) is None
    assert tied_set({}) is None
    with pytest.raises(ValueError, match="every method must have a value, all finite"):
        tied_set({"a": {0: 1.0}, "b": {}})
    with pytest.raises(ValueError, match="level must lie in"):
        tied_set({}, level=1.0)
