"""The rows of a suite against values in closed form."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.front import oriented
from analysis.hypervolume import hypervolume
from analysis.summary import Row, Summary, summarize
from benchmarks.records import EVALUATIONS_FILE, read_table, write_table
from tests.analysis.synthetic_records import (
    RECIPES,
    TASKS,
    Recipe,
    Task,
    change_run,
    write_synthetic_run,
    write_tree,
)

KEYS = (
    "hypervolume",
    "share_of_true_hypervolume",
    "exact_front_share",
    "igd_plus",
    "epsilon_plus",
    "expected_utility",
    "velocity_evaluations",
    "velocity_evaluations_per_model",
    "reward_calls",
    "seconds",
)


def row_of(summary: Summary, label: str, benchmark: str = "two-targets") -> Row:
    for part in summary.benchmarks:
        for row in part.rows:
            if (part.record.name, row.label) == (benchmark, label):
                return row
    raise AssertionError(f"no row {label}")


def test_one_row_for_each_method_and_checkpoint(suite_summary: Summary) -> None:
    summary = suite_summary
    assert [part.record.name for part in summary.benchmarks] == sorted(task.name for task in TASKS)
    labels = ["base", "fixed_weights", "nft_preference", "pareto_slider @ 20 %", "pareto_slider"]
    for part in summary.benchmarks:
        assert [row.label for row in part.rows] == labels
        assert [row.last for row in part.rows] == [True, True, True, False, True]
        assert list(part.fronts) == ["fixed_weights", "nft_preference", "pareto_slider"]
        assert part.reference_set == "true front"
    assert summary.methods == ["fixed_weights", "nft_preference", "pareto_slider"]


def test_base_row_in_closed_form(suite_summary: Summary) -> None:
    # The base model stands at the center of the simplex, where each of two rewards is 3/4; corner at -1/2.
    found = row_of(suite_summary, "base").quantities
    assert found["hypervolume"].mean == pytest.approx(1.25**2, rel=1e-12)
    assert found["expected_utility"].mean == pytest.approx(0.75, rel=1e-12)
    assert found["gain_r0"].mean == 0.0
    assert found["velocity_evaluations"].mean == 0.0
    assert found["hypervolume"].seeds == 3
    assert "exact_front_share" not in found


def test_hypervolume_equals_a_direct_count(suite_folder: Path, suite_summary: Summary) -> None:
    record = TASKS[1].record()
    found = row_of(suite_summary, "pareto_slider", "two-costs").quantities["hypervolume"].values[2]
    table = read_table(suite_folder / "two-costs" / "pareto_slider" / "seed2" / EVALUATIONS_FILE)
    means = table[table["step"] == 100].groupby("point")[["reward_r0", "reward_r1"]].mean().to_numpy()
    expected = hypervolume(oriented(means, record.rewards), reference_point=[-0.5, -0.5])
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_perfect_method_reaches_its_exact_front_share(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (Recipe("perfect", 1.0),), (0,))
    table = read_table(folder / "two-targets/perfect/seed0" / EVALUATIONS_FILE)
    preferences = table[["preference_0", "preference_1"]].to_numpy()
    trained = table["step"].to_numpy() > 0
    exact = TASKS[0].rewards_at(preferences)
    for k in range(2):
        table[f"reward_r{k}"] = np.where(trained, exact[:, k], table[f"reward_r{k}"])
    columns = {name: table[name].to_numpy() for name in table.columns}
    write_table(folder / "two-targets/perfect/seed0" / EVALUATIONS_FILE, columns)
    found = row_of(summarize(folder), "perfect").quantities
    assert found["share_of_true_hypervolume"].mean == pytest.approx(found["exact_front_share"].mean, rel=1e-12)
    assert 0.97 < found["exact_front_share"].mean < 1.0


def test_rewards_to_minimize_are_judged_like_the_others(tmp_path: Path) -> None:
    gains, costs = Task("same", 2), Task("same", 2, minimized=(0, 1))
    rows = []
    for name, task in (("gains", gains), ("costs", costs)):
        write_synthetic_run(tmp_path / name, task, RECIPES[0], 0)
        rows.append(row_of(summarize(tmp_path / name), "fixed_weights", "same").quantities)
    for key in (*KEYS, "gain_r0", "gain_r1"):
        # The noise of the two runs differs in sign, and has mean zero.
        assert rows[0][key].mean == pytest.approx(rows[1][key].mean, rel=1e-9), key


def test_costs_count_all_models_and_each(suite_summary: Summary) -> None:
    fixed, slider = row_of(suite_summary, "fixed_weights"), row_of(suite_summary, "pareto_slider @ 20 %")
    assert fixed.models == 3
    assert fixed.quantities["velocity_evaluations"].mean == 60_000
    assert fixed.quantities["velocity_evaluations_per_model"].mean == 20_000
    assert slider.quantities["velocity_evaluations"].mean == 12_000
    assert slider.quantities["seconds"].mean == pytest.approx(2.5)


def test_prompts_without_a_reward_do_not_change_the_others(small_folder: Path) -> None:
    path = small_folder / "two-targets" / "fixed_weights" / "seed0" / EVALUATIONS_FILE
    table = read_table(path)
    columns = {name: table[name].to_numpy(copy=True) for name in table.columns}
    columns["reward_r0"][columns["prompt_id"] == 1] = np.nan
    write_table(path, columns)
    kept = table[(table["prompt_id"] == 0) & (table["step"] == 100)].groupby("point")["reward_r0"].mean()
    part = summarize(small_folder).benchmarks[0]
    front = part.fronts["fixed_weights"][0]
    np.testing.assert_allclose(front.points[:, 0], kept.to_numpy(), rtol=1e-12)
    assert front.counts is not None
    assert front.counts.tolist() == [[4, 8]] * 3


def test_one_seed_has_means_without_intervals(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES, (4,))
    found = row_of(summarize(folder), "nft_preference").quantities["hypervolume"]
    assert (found.low, found.high, found.seeds, list(found.values)) == (None, None, 1, [4])


def test_unfinished_runs_do_not_count(small_folder: Path) -> None:
    change_run(small_folder / "two-targets/fixed_weights/seed0", lambda content: content.update(status="failed"))
    summary = summarize(small_folder)
    assert row_of(summarize(small_folder), "fixed_weights").quantities["hypervolume"].seeds == 1
    assert [run.record.seed for run in summary.unfinished] == [0]


def test_unknown_front_is_replaced_by_the_union(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("open", 2, known_front=False),), RECIPES, (0, 1))
    part = summarize(folder).benchmarks[0]
    assert part.reference_set == "union of all methods"
    for row in part.rows:
        assert "share_of_true_hypervolume" not in row.quantities
    assert min(row.quantities["igd_plus"].mean for row in part.rows) < 0.02
    for found in summarize(folder).to_json():
        assert (found["share_of_true_hypervolume"], found["exact_front_share"]) == (None, None)


def test_held_out_gains(small_folder: Path) -> None:
    for folder in small_folder.glob("*/*/seed*"):
        table = read_table(folder / EVALUATIONS_FILE)
        columns = {name: table[name].to_numpy() for name in table.columns}
        columns["held_out_drift"] = np.where(columns["step"] == 0, 1.0, 3.0)
        write_table(folder / EVALUATIONS_FILE, columns)
        drift = {"name": "drift", "unit": "", "higher_is_better": False, "range": [0, None]}
        change_run(folder, lambda content, drift=drift: content["benchmark"].update(held_out=[drift]))  # type: ignore[misc]
    assert row_of(summarize(small_folder), "pareto_slider").quantities["gain_held_out_drift"].mean == -2.0


def test_many_rewards_are_marked_as_approximate(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("seven", 7),), (Recipe("many", 0.5, divisions=2),), (0,))
    assert row_of(summarize(folder), "many", "seven").exact
    folder = write_tree(tmp_path / "more", (Task("seven", 7),), (Recipe("many", 0.5, divisions=3),), (0,))
    assert not row_of(summarize(folder), "many", "seven").exact


def test_json_has_the_documented_keys(suite_summary: Summary) -> None:
    rows = suite_summary.to_json()
    assert len(rows) == 20
    found: dict[str, Any] = json.loads(json.dumps(rows, allow_nan=False))[1]
    assert (found["suite"], found["benchmark"], found["method"]) == ("toy", "four-targets", "fixed_weights")
    for key in (*KEYS, *(f"gain_r{k}" for k in range(4))):
        assert set(found[key]) == {"mean", "low", "high", "seeds", "values"}
        assert found[key]["low"] <= found[key]["mean"] <= found[key]["high"]
        assert list(found[key]["values"]) == ["0", "1", "2"]
