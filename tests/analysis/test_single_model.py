"""A front as one model."""

from pathlib import Path

import numpy as np
import pytest

from analysis.composite import composite
from analysis.front import Front
from analysis.single_model import balanced_index, improved_and_worsened
from analysis.statistics import interval
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import GRADIENT_RECIPES, RECIPES, TASKS, Task, write_tree

POINTS = np.zeros((3, 2))


def test_the_balanced_point_is_nearest_to_equal_weights() -> None:
    assert balanced_index(Front(POINTS, np.array([[0.0, 1.0], [0.55, 0.45], [0.4, 0.6]]))) == 1
    # Equally far: the first, whatever rounding says.
    assert balanced_index(Front(POINTS, np.array([[0.3, 0.7], [0.7, 0.3], [0.7, 0.3]]))) == 0
    assert balanced_index(Front(POINTS)) is None
    assert balanced_index(Front(POINTS[:1])) == 0


def test_gains_of_the_balanced_point_in_closed_form(tmp_path: Path) -> None:
    # Two rewards, one of them a cost: the balanced place is the base model's but for what went wrong there.
    folder = write_tree(tmp_path, (Task("two-costs", 2, minimized=(1,)),), RECIPES[2:], (0, 1))
    part = summarize(folder).benchmarks[0]
    row = part.last_rows[0]
    for seed, front in part.fronts["pareto_slider"].items():
        assert front.preferences is not None
        (index,) = np.flatnonzero(np.isclose(front.preferences[:, 0], 0.5))
        gains = front.points[index] - 0.75
        for k in range(2):
            assert row.quantities[f"balanced_gain_r{k}"].values[seed] == pytest.approx(gains[k], abs=1e-12)
        assert row.quantities["worst_gain"].values[seed] == pytest.approx(gains.min(), abs=1e-12)


def test_the_worst_gain_is_in_units_of_the_bounds(gradient_summary: Summary) -> None:
    for part in gradient_summary.benchmarks:
        widths = np.diff(part.yardstick.bounds, axis=1)[:, 0]
        for row in part.last_rows:
            gains = [
                [row.quantities[f"balanced_gain_r{k}"].values[seed] for k in range(len(widths))] for seed in range(3)
            ]
            assert row.quantities["worst_gain"].mean == pytest.approx(np.mean((gains / widths).min(axis=1)))


def test_the_composite_is_that_of_the_table_of_means(gradient_summary: Summary) -> None:
    for part in gradient_summary.benchmarks:
        names = [f"balanced_gain_{reward.name}" for reward in part.yardstick.rewards]
        expected = composite([[row.quantities[name].mean for name in names] for row in part.last_rows])
        found = [row.quantities["composite"].mean for row in part.last_rows]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_only_last_checkpoints_of_two_methods_have_a_composite(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[2:], (0, 1))
    assert all(row["composite"] is None for row in summarize(folder).to_json())
    write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0, 1))
    found = {row["label"]: row["composite"] is not None for row in summarize(folder).to_json()}
    assert found == {"base": False, "fixed_weights": True, "pareto_slider @ 20 %": False, "pareto_slider": True}


def test_different_seeds_are_compared_by_their_means(tmp_path: Path) -> None:
    write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0, 1))
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[2:], (1, 2, 3))
    rows = summarize(folder).benchmarks[0].last_rows
    assert [list(row.quantities["composite"].values) for row in rows] == [[0, 1], [1, 2, 3]]
    assert sum(row.quantities["composite"].mean for row in rows) == pytest.approx(0.0, abs=1e-12)


def test_counts_of_rewards_need_intervals() -> None:
    up, down = interval({0: 1.0, 1: 1.1}), interval({0: -1.0, 1: -1.1})
    assert improved_and_worsened({"balanced_gain_a": up, "balanced_gain_b": down, "gain_a": down}) == (1, 1)
    assert improved_and_worsened({"balanced_gain_a": interval({0: 1.0})}) is None
    assert improved_and_worsened({"gain_a": up}) is None


def test_json_counts_improved_rewards(gradient_summary: Summary, tmp_path: Path) -> None:
    rows = {(row["benchmark"], row["method"]): row for row in gradient_summary.to_json()}
    # Specialists stand with their first model, which serves the last reward of the sweep.
    specialists = rows["two-targets", "specialists"]
    assert (specialists["improved"], specialists["worsened"]) == (1, 1)
    assert (rows["two-targets", "base"]["improved"], rows["two-targets", "base"]["worsened"]) == (None, None)
    single = summarize(write_tree(tmp_path, TASKS[:1], GRADIENT_RECIPES[:1], (0,))).to_json()[-1]
    assert (single["improved"], single["worsened"]) == (None, None)
    assert single["worst_gain"]["low"] is None
