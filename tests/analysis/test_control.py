"""A slider against what it promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from analysis.control import control_quantities, evenness, has_slider, monotone_seeds, smoothness, spearman, wasted
from analysis.front import Front
from analysis.statistics import interval
from analysis.summary import Summary
from analysis.yardstick import yardstick_of
from benchmarks.records import BenchmarkRecord
from tests.analysis.synthetic_records import Task

SWEEP = np.linspace(0, 1, 5)
ASKED = np.column_stack([SWEEP, 1 - SWEEP])


def record_of(task: Task) -> BenchmarkRecord:
    return task.record().model_copy(update={"bounds": [(0.0, 2.0), (-4.0, 0.0)]})


@given(st.lists(st.tuples(st.integers(-3, 3), st.floats(-1, 1, width=16)), min_size=2, max_size=12))
def test_the_rank_correlation_is_scipys(pairs: list[tuple[int, float]]) -> None:
    first, second = np.array(pairs, dtype=np.float64).T
    found = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)
        assert spearman(second, first) == found
        assert spearman(first, -second) == -found


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30, unique=True))
def test_a_perfect_order_is_exactly_one(values: list[float]) -> None:
    ordered = sorted(values)
    assert spearman(ordered, np.arange(len(values))) == 1.0
    assert spearman(ordered[::-1], np.arange(len(values))) == -1.0


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1.0], [1.0], "N >= 2"),
        ([1, 2], [1, 2, 3], "shape"),
        ([[1, 2]], [[1, 2]], "shape"),
        ([1, np.nan], [1, 2], "NaN"),
    ],
)
def test_what_has_no_ranks_is_refused(first: list[float], second: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spearman(first, second)


def test_only_points_without_a_model_of_their_own_make_a_slider() -> None:
    points = np.zeros((5, 2))
    assert has_slider(Front(points, ASKED), models=1)
    assert has_slider(Front(points, ASKED), models=2)
    assert not has_slider(Front(points, ASKED), models=5)
    assert not has_slider(Front(points), models=1)
    assert not has_slider(Front(points[:2], ASKED[:2]), models=1)


def test_ranges_run_from_end_to_end_in_units_of_the_bounds() -> None:
    yardstick = yardstick_of(record_of(Task("one-cost", 2, minimized=(1,))))
    # The second reward was stored as a cost between 0 and 4; it is oriented here.
    points = np.column_stack([[0.0, 0.5, 0.4, 0.6, 1.0], [-1.0, -1.5, -2.0, -2.5, -3.0]])
    found = control_quantities(Front(points, ASKED), 1, yardstick)
    ranks = {"spearman_r0": 0.9, "slider_range_r0": 0.5, "spearman_r1": 1.0, "slider_range_r1": 0.5}
    # One step back of 0.1 on the way from 0 to 1; nothing is wasted, because the other reward rises at that step.
    smooth = {"slider_smoothness_r0": 1.0 / 1.2, "slider_smoothness_r1": 1.0, "slider_wasted": 0.2}
    lengths = np.hypot([0.25, 0.05, 0.1, 0.2], 0.125)
    even = {"slider_evenness": lengths.sum() ** 2 / (4 * (lengths**2).sum())}
    assert found == pytest.approx(ranks | smooth | even, abs=1e-12)
    shuffled = np.array([3, 0, 4, 1, 2])
    assert control_quantities(Front(points[shuffled], ASKED[shuffled]), 1, yardstick) == found


def test_a_slider_that_runs_backwards_has_negative_numbers() -> None:
    yardstick = yardstick_of(record_of(Task("two", 2)))
    found = control_quantities(Front(ASKED[::-1].copy(), ASKED), 1, yardstick)
    assert found["spearman_r0"] == found["spearman_r1"] == -1.0
    assert found["slider_range_r0"] == -0.5
    assert found["slider_range_r1"] == -0.25


def test_a_constant_reward_has_no_order() -> None:
    points = np.column_stack([np.ones(5), 1 - SWEEP])
    found = control_quantities(Front(points, ASKED), 1, yardstick_of(record_of(Task("two", 2))))
    known = {"slider_range_r0", "spearman_r1", "slider_range_r1", "slider_smoothness_r1"}
    assert set(found) == {*known, "slider_evenness", "slider_wasted"}
    assert found["slider_range_r0"] == 0.0
    # All but the best of the other reward are dominated by it.
    assert found["slider_wasted"] == 0.8
    assert found["slider_evenness"] == 1.0
    intervals = {name: interval({0: value, 1: value}) for name, value in found.items()}
    assert monotone_seeds(intervals) == (0, 2)


def test_seeds_are_monotone_one_by_one() -> None:
    ranges = {f"slider_range_{name}": interval({0: 1.0, 1: 1.0, 2: 1.0}) for name in "ab"}
    correlations = {
        "spearman_a": interval({0: 1.0, 1: 1.0, 2: 0.9}),
        "spearman_b": interval({0: 1.0, 2: 1.0}),
    }
    assert monotone_seeds(ranges | correlations) == (1, 3)
    assert monotone_seeds({}) is None


def test_rows_of_sliders_alone_have_the_quantities(suite_summary: Summary) -> None:
    for part in suite_summary.benchmarks:
        for row in part.rows:
            found = {name for name in row.quantities if name.startswith(("spearman_", "slider_range_"))}
            slider = row.method in ("nft_preference", "pareto_slider") and len(part.yardstick.rewards) == 2
            assert bool(found) == slider, (part.record.name, row.label)
            if slider:
                assert row.quantities["spearman_r0"].mean > 0.99
                assert row.quantities["slider_range_r1"].seeds == 3


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_smoothness_is_one_for_what_never_steps_back(values: list[float]) -> None:
    found = smoothness(values)
    if found is None:
        assert len(set(values)) == 1
    else:
        assert -1.0 - 1e-9 <= found <= 1.0 + 1e-9
        if sorted(values) == values:
            assert found == pytest.approx(1.0, abs=1e-9)
        assert smoothness(values[::-1]) == pytest.approx(-found, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_evenness_does_not_depend_on_units_and_direction(seed: int) -> None:
    points = np.random.default_rng(seed).uniform(size=(9, 3))
    found = evenness(points)
    assert found is not None
    assert 1 / 8 <= found < 1.0
    assert evenness(points[::-1]) == pytest.approx(found, rel=1e-12)
    assert evenness(1e-200 * points) == pytest.approx(found, rel=1e-12)
    line = np.linspace([0, 1, 0], [1, 0, 2], 9)
    assert evenness(line) == pytest.approx(1.0, rel=1e-12)
    # One step that makes the whole way is one of eight.
    assert evenness(np.repeat([[0.0, 1.0], [1.0, 0.0]], [4, 5], axis=0)) == pytest.approx(1 / 8, rel=1e-12)


def test_a_step_back_costs_smoothness() -> None:
    assert smoothness([0.0, 2.0, 1.0, 3.0]) == 0.6
    assert smoothness([0.0, 1.0, 0.0]) == 0.0


def test_wasted_preferences_are_dominated_or_repeated() -> None:
    assert wasted(np.column_stack([SWEEP, 1 - SWEEP])).tolist() == [False] * 5
    assert wasted([[0.0, 1.0], [0.0, 1.0], [-1.0, 0.9], [1.0, 0.0]]).tolist() == [False, True, True, False]


@pytest.mark.parametrize("values", [[1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_what_is_no_sweep_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="values must be two finite numbers"):
        smoothness(values)
    with pytest.raises(ValueError, match=r"points must|two rows"):
        evenness([values] if np.ndim(values) == 1 else values)
