"""Adjusted p-values against their definitions, and the rate of false findings they promise."""

import numpy as np
import pytest
from scipy import stats

from analysis.multiplicity import benjamini_hochberg, holm, joint_sign_flips
from analysis.paired import sign_flip


def naive_holm(p_values: list[float]) -> list[float]:
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    for rank, index in enumerate(order):
        before = adjusted[order[rank - 1]] if rank else 0.0
        adjusted[index] = max(before, min(1.0, (len(p_values) - rank) * p_values[index]))
    return adjusted


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_holm_and_benjamini_hochberg_equal_their_definitions(count: int) -> None:
    p_values = np.random.default_rng(count).uniform(size=count) ** 3
    assert holm(p_values) == pytest.approx(naive_holm(p_values.tolist()))
    if count:
        assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values))


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_values_that_are_no_probabilities_are_refused(adjust: type) -> None:
    for bad in ([0.5, 1.5], [float("nan")], [[0.5]]):
        with pytest.raises(ValueError, match=r"p_values must lie in \[0, 1\]"):
            adjust(bad)


def test_one_comparison_needs_no_adjustment() -> None:
    values = np.random.default_rng(1).normal(0.5, 1.0, size=9)
    assert joint_sign_flips([values], generator=generator()) == pytest.approx(
        [sign_flip(values, generator=generator()).p]
    )


def test_eight_prompts_decide_any_number_of_comparisons() -> None:
    # Holm could not: its factor alone is 40.
    steady = np.random.default_rng(2).normal(5.0, 0.2, size=(40, 8))
    assert joint_sign_flips(list(steady), generator=generator()).max() == 2 / 2**8
    assert holm(np.full(40, 2 / 2**8)).max() > 0.05


def test_copies_of_a_comparison_cost_nothing() -> None:
    values = np.random.default_rng(3).normal(0.6, 1.0, size=8)
    single = joint_sign_flips([values], generator=generator())[0]
    copies = joint_sign_flips([values, 100.0 * values, -values], generator=generator())
    assert copies == pytest.approx([single] * 3)


def test_adjusted_is_never_below_single_and_keeps_the_order() -> None:
    gaps = np.random.default_rng(4).normal(0.5, 1.0, size=(6, 8))
    adjusted = joint_sign_flips(list(gaps), generator=generator())
    size = np.abs(gaps.sum(axis=1)) / np.sqrt((gaps**2).sum(axis=1))
    assert (np.diff(adjusted[np.argsort(-size)]) >= 0.0).all()
    assert (adjusted >= [sign_flip(row, generator=generator()).p - 1e-12 for row in gaps]).all()


def test_no_difference_is_never_a_finding() -> None:
    adjusted = joint_sign_flips([np.zeros(8), np.arange(1.0, 9.0)], generator=generator())
    assert adjusted[0] == 1.0


def test_comparisons_of_different_length_stand_side_by_side() -> None:
    adjusted = joint_sign_flips([[1.0, 1.1, 0.9], np.linspace(1.0, 1.2, 9)], generator=generator())
    assert adjusted == pytest.approx([0.25, 2 / 2**9], abs=0.02)


def test_drawn_patterns_agree_with_all() -> None:
    gaps = np.random.default_rng(5).normal(0.4, 1.0, size=(4, 10))
    exact = joint_sign_flips(list(gaps), generator=generator())
    drawn = joint_sign_flips(list(gaps), exact_pairs=3, draws=20_000, generator=generator())
    assert drawn == pytest.approx(exact, abs=4 * 0.5 / np.sqrt(20_000))


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_any_false_finding_is_as_rare_as_promised(shared: float) -> None:
    # Ten comparisons of which two are true, independent or strongly dependent.
    draws = np.random.default_rng(6)
    false = 0
    for _ in range(400):
        common = draws.normal(size=8)
        gaps = shared * common + np.sqrt(1.0 - shared**2) * draws.normal(size=(10, 8))
        gaps[:2] += 4.0
        false += bool((joint_sign_flips(list(gaps), generator=generator())[2:] <= 0.05).any())
    assert false / 400 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_bad_differences_are_refused() -> None:
    for bad in ([], [np.nan]):
        with pytest.raises(ValueError, match="differences must be finite, at least one, in one row"):
            joint_sign_flips([[1.0], bad], generator=generator())
