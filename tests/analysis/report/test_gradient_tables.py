"""The tables of gradients and of single models."""

import csv
import io
import math
from pathlib import Path

import pytest

from analysis.report.gradient_tables import gradient_lines, gradient_parts_table, gradient_table
from analysis.report.single_models import single_model_table
from analysis.summary import Summary, summarize
from benchmarks.records import EVALUATIONS_FILE, GRAMIANS_FILE, STEPS_FILE, read_table, write_table
from tests.analysis.synthetic_gradients import write_log
from tests.analysis.synthetic_records import GRADIENT_RECIPES, RECIPES, TASKS, write_tree


def records_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_one_row_a_method_and_two_more_for_one_that_solves(gradient_summary: Summary) -> None:
    table = gradient_table(gradient_summary)
    rows = [tuple(cell.value for cell in row[1:4]) for row in table.rows if row[0].value == "two-targets"]
    assert rows == [
        ("marble", "all", 24),
        ("marble", "solve", 12),
        ("marble", "between", 12),
        ("specialists", "all", 48),
        ("weighted_sum", "all", 24),
    ]
    assert len(table.notes) == 1
    found = records_of(table.to_csv())
    assert [float(row["conflict_rate"]) for row in found[:3]] == [0.25, 0.0, 0.5]
    assert float(found[0]["plain_sum_min_cosine"]) == pytest.approx(float(found[4]["min_cosine"]))
    assert r"plain: conflicts" in table.to_latex()


def test_parts_are_in_a_table_of_their_own(gradient_summary: Summary) -> None:
    found = records_of(gradient_parts_table(gradient_summary).to_csv())
    rows = {(row["benchmark"], row["method"], row["part"]): row for row in found}
    assert len(rows) == len(found) == 2 * 3 * 4
    head = rows["two-targets", "weighted_sum", "layer:head"]
    # In the first coordinate the short gradient points against the sum, where it has one at all.
    assert float(head["min_cosine"]) == pytest.approx((1.0 - 1.0) / 2.0)
    noise = rows["two-targets", "weighted_sum", "sigma:0.5-1"]
    assert float(noise["mean_cosine"]) == pytest.approx((3.0 / math.sqrt(5.0) + _pulled()) / 4.0)


def _pulled() -> float:
    """Return the sum of both cosines with the plain sum of two pulled gradients, (9.4, 0.8) over 2."""
    return (9.4 + (-0.6 * 9.4 + 0.64)) / math.hypot(9.4, 0.8)


def test_lines_say_what_conflicts(gradient_summary: Summary) -> None:
    assert gradient_lines(gradient_summary)[1] == (
        "two-targets, marble: no conflict at 12 measured solve steps, a conflict at 6 of 12 measured steps between; "
        "the plain sum of the same gradients conflicts at 50 % of the solve steps"
    )


def test_lines_do_not_hide_conflicts_or_gaps(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], GRADIENT_RECIPES[3:], (0,))
    steps = folder / "two-targets/weighted_sum/seed0"
    write_log(steps, [{"model": 0, "step": step, "solved": 1} for step in range(1, 41)])
    assert gradient_lines(summarize(folder)) == (
        "two-targets, weighted_sum: a conflict at 4 of 8 measured solve steps, no step between was measured; "
        "the plain sum of the same gradients conflicts at 50 % of the solve steps",
    )
    (steps / STEPS_FILE).unlink()
    assert gradient_lines(summarize(folder)) == ()


def test_nothing_measured_gives_empty_tables(suite_summary: Summary) -> None:
    assert gradient_table(suite_summary).rows == ()
    assert gradient_parts_table(suite_summary).rows == ()
    assert gradient_lines(suite_summary) == ()


def test_records_without_the_update_say_so(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], GRADIENT_RECIPES[3:], (0,))
    path = folder / "two-targets/weighted_sum/seed0" / GRAMIANS_FILE
    table = read_table(path)
    kept = table[table["part"] == "all"]
    write_table(path, {name: kept[name].to_numpy() for name in table.columns if name[0] in "msg"})
    found = gradient_table(summarize(folder))
    (row,) = found.rows
    assert [row[3].value, row[4].value] == [8, None]
    assert "records without the update" in found.notes[1]


def test_single_models_stand_with_their_balanced_point(gradient_summary: Summary) -> None:
    part = {part.record.name: part for part in gradient_summary.benchmarks}["two-targets"]
    table = single_model_table(part)
    preferences = {row[0].value: row[1].value for row in table.rows}
    assert preferences == {"marble": "0 1", "specialists": "0 1", "unmeasured": "equal", "weighted_sum": "equal"}
    found = records_of(table.to_csv())
    assert [row["method"] for row in found] == list(preferences)
    for row, expected in zip(found, part.last_rows, strict=True):
        assert float(row["balanced_gain_r0"]) == expected.quantities["balanced_gain_r0"].mean
        assert float(row["composite"]) == expected.quantities["composite"].mean
        assert row["seeds"] == "3"
    best = max(found, key=lambda row: float(row["composite"]))["method"]
    assert [row[0].value for row in table.rows if row[2].best] == [best]
    assert [column.key for column in table.columns].index("composite") == 2


def test_one_method_alone_has_gains_and_no_composite(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[:1], (0,))
    table = single_model_table(summarize(folder).benchmarks[0])
    (row,) = table.rows
    values = {column.key: cell.value for column, cell in zip(table.columns, row, strict=True)}
    assert (values["composite"], values["improved"], values["worsened"]) == (None, None, None)
    assert values["balanced_gain_r0"] is not None
    assert table.notes == ()


def test_points_without_preferences_stand_alone_or_not_at_all(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], RECIPES[:2], (0, 1))
    for path in folder.glob(f"*/*/*/{EVALUATIONS_FILE}"):
        table = read_table(path)
        single = table[table["point"] == 0] if "nft" in path.as_posix() else table
        columns = {str(name): single[name].to_numpy() for name in table.columns if "preference" not in str(name)}
        write_table(path, columns)
    part = summarize(folder).benchmarks[0]
    assert [(row[0].value, row[1].value) for row in single_model_table(part).rows] == [("nft_preference", "none")]
    assert "worst_gain" not in part.last_rows[0].quantities
