"""Who is best, who is tied, and what the tables show."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from analysis.report.headline import best_and_tied, comparison_table, full_table, headline_table, indicator_table
from analysis.summary import Summary, summarize
from benchmarks.records import EVALUATIONS_FILE, read_table, write_table
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, Task, change_run, write_tree


def test_marks_the_best_method_and_no_earlier_checkpoint(suite_summary: Summary) -> None:
    summary = suite_summary
    part = summary.benchmarks[-1]
    assert best_and_tied(part) == ("pareto_slider", frozenset())
    rows = [row for row in headline_table(summary).rows if row[0].value == "two-targets"]
    assert [row[1].value for row in rows if row[2].best] == ["pareto_slider"]


def test_methods_with_equal_points_are_tied(tmp_path: Path) -> None:
    twins = (Recipe("first", 0.9), Recipe("other", 0.9), Recipe("worse", 0.1))
    folder = write_tree(tmp_path, TASKS[:1], twins, (0, 1, 2))
    best, tied = best_and_tied(summarize(folder).benchmarks[0])
    assert best in {"first", "other"}
    assert tied == {"first", "other"} - {best}
    assert "0.99" in headline_table(summarize(folder)).to_text()


def test_one_method_is_not_the_best_of_anything(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0, 1))
    table = headline_table(summarize(folder))
    assert not any(cell.best for row in table.rows for cell in row)
    assert len(table.notes) == 1


def test_headline_fits_a_terminal(suite_summary: Summary) -> None:
    table = headline_table(suite_summary)
    lines = table.to_text().split("\n\n", maxsplit=1)[0].splitlines()
    assert max(len(line) for line in lines) <= 120
    assert lines[0].split("  ")[0] == "benchmark"
    assert len(lines) == 2 + 20


def test_full_table_round_trips_through_csv(suite_summary: Summary) -> None:
    summary = suite_summary
    rows = list(csv.DictReader(io.StringIO(full_table(summary).to_csv())))
    for found, expected in zip(rows, summary.to_json(), strict=True):
        assert found["label"] == expected["label"]
        assert float(found["hypervolume_low"]) == expected["hypervolume"]["low"]
        exact = expected["exact_front_share"]
        assert found["exact_front_share"] == ("" if exact is None else repr(exact["mean"]))


def test_indicators_name_their_reference_set(suite_summary: Summary) -> None:
    table = indicator_table(suite_summary)
    assert len(table.rows) == 16
    assert "two-targets: true front" in table.notes[0]


def test_comparisons_set_the_best_against_the_others(suite_summary: Summary) -> None:
    table = comparison_table(suite_summary)
    assert len(table.rows) == 4 * 2
    rows = [row for row in table.rows if row[0].value == "two-targets"]
    verdicts = {(row[1].value, row[2].value): row[6].value for row in rows}
    assert verdicts == {("pareto_slider", other): "higher" for other in ("fixed_weights", "nft_preference")}


def test_comparisons_without_a_shared_seed_say_so(tmp_path: Path) -> None:
    write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,))
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[1:2], (1,))
    (row,) = comparison_table(summarize(folder)).rows
    assert [cell.value for cell in row[3:]] == [None, 0, None, "no shared seed"]


def test_approximate_hypervolumes_are_marked(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("seven", 7),), (Recipe("many", 0.5, divisions=3),), (0,))
    assert "≈" in headline_table(summarize(folder)).to_text()


def test_a_base_model_that_was_not_measured_has_no_gains(small_folder: Path) -> None:
    for folder in small_folder.glob("*/*/seed*"):
        table = read_table(folder / EVALUATIONS_FILE)
        kept = table[table["step"] > 0]
        write_table(folder / EVALUATIONS_FILE, {name: np.asarray(kept[name]) for name in kept.columns})

        def without_base(content: dict[str, Any]) -> None:
            content["checkpoints"] = content["checkpoints"][1:]

        change_run(folder, without_base)
    summary = summarize(small_folder)
    assert summary.benchmarks[0].base is None
    assert [row[5].value for row in indicator_table(summary).rows] == [None, None]
