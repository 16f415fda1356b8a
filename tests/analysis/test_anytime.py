"""Hypervolume against cost: areas in closed form, common ranges, and what is missing."""

import math
from pathlib import Path

import numpy as np
import pytest

from analysis.anytime import COSTS, common_range, cost_curves, cost_normalized, log_area
from analysis.report.anytime_table import anytime_table
from analysis.summary import BenchmarkSummary, summarize
from benchmarks.records import EVALUATIONS_FILE, read_table, write_table
from tests.analysis.synthetic_records import TASKS, Recipe, change_run, write_tree

TWICE = Recipe("twice", 0.9, shares=(0.2, 1.0))
THRICE = Recipe("thrice", 0.7, shares=(0.1, 0.5, 1.0))
ONCE = Recipe("once", 0.8)


def part_of(folder: Path) -> BenchmarkSummary:
    return summarize(folder).benchmarks[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One benchmark, methods with one to three checkpoints, two seeds; a test may damage it."""
    return write_tree(tmp_path, TASKS[:1], (ONCE, THRICE, TWICE), (0, 1))


def naive_log_area(costs: np.ndarray, volumes: np.ndarray, low: float, high: float) -> float:
    """The mean over many costs that are spread evenly over the logarithm."""
    at = np.linspace(math.log(low), math.log(high), 200_001)
    return float(np.interp((at[1:] + at[:-1]) / 2, np.log(costs), volumes).mean())


@pytest.mark.parametrize("seed", range(4))
def test_the_area_is_the_mean_over_log_cost(seed: int) -> None:
    generator = np.random.default_rng(seed)
    costs = np.cumsum(generator.uniform(0.1, 5.0, size=6))
    volumes = generator.normal(size=6)
    low, high = costs[0] * 1.01, costs[-1] * 0.7
    expected = naive_log_area(costs, volumes, low, high)
    assert log_area(costs, volumes, low=low, high=high) == pytest.approx(expected, abs=1e-8)
    # Another unit of cost changes nothing.
    assert log_area(60 * costs, volumes, low=60 * low, high=60 * high) == pytest.approx(expected, abs=1e-8)


def test_a_flat_curve_is_its_height_and_parts_add_up() -> None:
    assert log_area([1, 7, 50], [3, 3, 3], low=1, high=50) == pytest.approx(3.0, rel=1e-12)
    costs, volumes = [1.0, 4.0, 16.0], [0.0, 1.0, 5.0]
    halves = [log_area(costs, volumes, low=low, high=4 * low) for low in (1.0, 4.0)]
    assert log_area(costs, volumes, low=1.0, high=16.0) == pytest.approx(np.mean(halves), rel=1e-12)


@pytest.mark.parametrize(
    ("costs", "volumes", "low", "high", "message"),
    [
        ([1, 2], [1], 1, 2, "one length"),
        ([1, 2], [1, np.nan], 1, 2, "finite"),
        ([0, 2], [1, 2], 1, 2, "rise from above 0"),
        ([2, 2], [1, 2], 1, 2, "rise from above 0"),
        ([1, 2], [1, 2], 0.5, 2, "range must lie in"),
        ([1, 2], [1, 2], 1.5, 1.5, "not be empty"),
    ],
)
def test_refuses_what_has_no_area(
    costs: list[float], volumes: list[float], low: float, high: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        log_area(costs, volumes, low=low, high=high)


def test_curves_run_through_the_checkpoints(folder: Path) -> None:
    part = part_of(folder)
    curves = cost_curves(part)
    assert sorted(curves) == ["thrice", "twice"]
    curve = curves["twice"]
    assert curve.mean_cost("steps").tolist() == [20.0, 100.0]
    assert curve.mean_cost("velocity_evaluations").tolist() == [12_000.0, 60_000.0]
    rows = [row for row in part.rows if row.method == "twice"]
    assert [one.mean for one in curve.intervals] == pytest.approx([row.quantities["hypervolume"].mean for row in rows])
    both = list(curves.values())
    assert common_range(both, "velocity_evaluations") == (12_000.0, 60_000.0)
    assert common_range(both, "steps") == (20.0, 100.0)
    assert common_range([], "steps") is None
    for cost in COSTS:
        found = cost_normalized(both, cost)["twice"]
        # From its first to its last checkpoint, so the mean of the two.
        assert found.mean == pytest.approx(np.mean([one.mean for one in curve.intervals]), rel=1e-12)
        assert found.seeds == 2


def test_the_table_names_range_and_best(folder: Path) -> None:
    table = anytime_table(part_of(folder))
    assert [row[0].value for row in table.rows] == ["thrice", "twice"]
    assert [row[1].value for row in table.rows] == [3, 2]
    assert [row[3].best for row in table.rows] == [False, True]
    assert table.notes[0].startswith("common range: steps 20 to 100; velocity evaluations 1.2e+04 to 6e+04")


def test_a_seed_that_lacks_a_checkpoint_is_left_out_and_named(folder: Path) -> None:
    run = folder / "two-targets/twice/seed1"
    frame = read_table(run / EVALUATIONS_FILE)
    kept = frame[frame["step"] != 20]
    write_table(run / EVALUATIONS_FILE, {name: kept[name].to_numpy() for name in kept.columns})
    change_run(run, lambda content: content["checkpoints"].pop(1))
    part = part_of(folder)
    assert cost_curves(part)["twice"].left_out == (1,)
    assert list(cost_curves(part)["twice"].volumes) == [0]
    assert "left out, because a checkpoint is missing: twice seed 1" in anytime_table(part).notes


def test_costs_that_do_not_overlap_or_stand_still_have_no_area(folder: Path) -> None:
    for seed in (0, 1):

        def dear(content: dict) -> None:
            for checkpoint in content["checkpoints"][1:]:
                checkpoint["velocity_evaluations"] *= 1000
                checkpoint["seconds"] = 5.0

        change_run(folder / f"two-targets/twice/seed{seed}", dear)
    table = anytime_table(part_of(folder))
    assert [row[3].value for row in table.rows] == [None, None]
    assert [row[5].value for row in table.rows] == [None, None]
    assert table.rows[0][2].value is not None
    assert "no range that all curves cover: velocity evaluations, seconds" in table.notes


def test_one_checkpoint_makes_no_curve_and_one_seed_no_interval(tmp_path: Path) -> None:
    ends = part_of(write_tree(tmp_path / "ends", TASKS[:1], (ONCE,), (0, 1)))
    assert cost_curves(ends) == {}
    assert anytime_table(ends).rows == ()
    alone = part_of(write_tree(tmp_path / "alone", TASKS[:1], (TWICE,), (0,)))
    (found,) = cost_normalized(list(cost_curves(alone).values()), "steps").values()
    assert found.low is None
    assert anytime_table(alone).rows[0][2].best is False
