"""The table of control has a row for each slider and none for anything else."""

from pathlib import Path

import numpy as np

from analysis.report.control_table import control_table
from analysis.report.pages import markdown_page
from analysis.statistics import Interval
from analysis.summary import Summary, summarize
from benchmarks.records import EVALUATIONS_FILE, read_table, write_table
from tests.analysis.synthetic_records import TASKS, Recipe, write_tree


def test_sliders_of_two_rewards_have_rows(suite_summary: Summary) -> None:
    tables = {part.record.name: control_table(part) for part in suite_summary.benchmarks}
    for name, table in tables.items():
        expected = ["nft_preference", "pareto_slider"] if name.startswith("two-") else []
        assert [row[0].value for row in table.rows] == expected
    row = tables["two-targets"].rows[1]
    assert [column.label for column in tables["two-targets"].columns] == [
        "method",
        "correlation r0",
        "correlation r1",
        "range r0",
        "range r1",
        "smoothness r0",
        "smoothness r1",
        "evenness",
        "wasted",
        "monotone",
        "points",
    ]
    assert isinstance(row[3].value, Interval)
    assert 0.8 < row[3].value.mean < 1.0
    assert row[10].value == 21


def test_control_has_a_section_where_there_is_a_slider(suite_summary: Summary, tmp_path: Path) -> None:
    page = markdown_page(suite_summary, [], [])
    assert page.index("## Control") < page.index("## Distances and gains")
    assert "### three-targets" not in page[page.index("## Control") : page.index("## Distances and gains")]
    alone = summarize(write_tree(tmp_path, TASKS[2:3], (Recipe("pareto_slider", 0.5, divisions=2),), (0,)))
    assert "## Control" not in markdown_page(alone, [], [])


def test_seeds_that_turn_back_are_counted_out(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, TASKS[:1], (Recipe("pareto_slider", 0.9, divisions=5),), (0, 1, 2))
    path = folder / "two-targets/pareto_slider/seed1" / EVALUATIONS_FILE
    frame = read_table(path)
    columns = {name: frame[name].to_numpy(copy=True) for name in frame.columns}
    columns["reward_r0"] += np.where((columns["step"] > 0) & (columns["point"] == 2), 5.0, 0.0)
    write_table(path, columns)
    (row,) = control_table(summarize(folder).benchmarks[0]).rows
    assert row[9].value == "2 of 3 seeds"
    assert isinstance(row[1].value, Interval)
    # Of six places, the third moved to the top: 1 - 6 * (3^2 + 3 * 1) / (6 * 35).
    assert row[1].value.values[1] == 1 - 6 * 12 / 210
