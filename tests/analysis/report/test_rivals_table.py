"""The table says of every method what seeds, prompts and both allow to say."""

from pathlib import Path

import pytest

from analysis.report.rivals_table import EXPLANATION, rivals_table
from analysis.statistics import Interval
from analysis.summary import Summary, summarize
from analysis.tables import Value
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, Task, write_tree


def lines_of(summary: Summary) -> dict[str, dict[str, Value]]:
    table = rivals_table(summary.benchmarks[0])
    keys = [column.key for column in table.columns]
    lines = [dict(zip(keys, (cell.value for cell in row), strict=True)) for row in table.rows]
    return {str(line["method"]): line for line in lines}


def test_the_best_comes_first_and_faces_every_other(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], RECIPES, (0, 1, 2), prompts=8))
    lines = lines_of(summary)
    assert list(lines) == ["pareto_slider", "nft_preference", "fixed_weights"]
    for line in lines.values():
        seeds, both = line["hypervolume"], line["hypervolume_both"]
        assert isinstance(seeds, Interval)
        assert isinstance(both, Interval)
        assert both.mean == pytest.approx(seeds.mean, rel=1e-12)
        assert line["seeds"] == 3
        assert line["prompts"] == pytest.approx(8.0)
    assert lines["pareto_slider"]["difference"] is None
    far = lines["fixed_weights"]
    assert (far["p_seeds"], far["seeds_verdict"]) == ("0.25", "not decidable")
    assert (far["p_prompts"], far["prompts_verdict"]) == ("0.0078", "better")
    assert far["improvement"] == "1.00 [0.44, 1.00]"
    difference = far["difference"]
    assert isinstance(difference, Interval)
    values = {row.method: row.quantities["hypervolume"].mean for row in summary.benchmarks[0].last_rows}
    assert difference.mean == pytest.approx(values["pareto_slider"] - values["fixed_weights"], rel=1e-12)
    note = rivals_table(summary.benchmarks[0]).notes[0]
    assert note.startswith("best: pareto_slider, the largest mean, chosen after the fact")
    assert "three never less than 0.25" in EXPLANATION


def test_one_seed_has_tests_over_prompts_alone(tmp_path: Path) -> None:
    lines = lines_of(summarize(write_tree(tmp_path, TASKS[:1], RECIPES[::2], (0,), prompts=8)))
    found = lines["fixed_weights"]
    for key in ("hypervolume_both", "difference", "difference_both"):
        value = found[key]
        assert isinstance(value, Interval)
        assert (value.low, value.high) == (None, None)
    assert (found["p_seeds"], found["seeds_verdict"]) == ("1", "not decidable")
    assert found["prompts_verdict"] == "better"


def test_an_approximate_hypervolume_has_no_prompts(tmp_path: Path) -> None:
    recipes = (Recipe("near", 0.5, divisions=3), Recipe("far", 0.9, divisions=3))
    lines = lines_of(summarize(write_tree(tmp_path, (Task("seven", 7),), recipes, (0, 1))))
    for line in lines.values():
        assert line["hypervolume"] is not None
        assert [line[key] for key in ("hypervolume_both", "p_prompts", "prompts_verdict", "prompts")] == [None] * 4


def test_one_method_has_no_rivals(tmp_path: Path) -> None:
    assert rivals_table(summarize(write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0, 1))).benchmarks[0]).rows == ()
