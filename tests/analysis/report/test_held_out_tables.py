"""The table of held-out changes says what became worse, and how sure that is."""

from pathlib import Path

import pytest

from analysis.report.held_out_tables import held_out_table
from analysis.report.pages import markdown_page
from analysis.summary import Summary, summarize
from analysis.tables import Table
from tests.analysis.synthetic_pictures import add_features, add_held_out, add_real_features
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, write_tree

RECIPE = Recipe("marble", 0.5, divisions=2)
"""Three points; the balanced one has number 1."""


def table_of(folder: Path) -> Table:
    return held_out_table(summarize(folder).benchmarks[0])


def column(table: Table, key: str) -> list[object]:
    (index,) = (i for i, found in enumerate(table.columns) if found.key == key)
    return [row[index].value for row in table.rows]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two seeds: one reward falls on both, one cost rises on both, one moves to either side."""
    suite = write_tree(tmp_path, TASKS[:1], (RECIPE,), (0, 1))
    for seed, run in enumerate(sorted(suite.glob("*/*/seed*"))):
        add_held_out(run, "clean", [1.0, 9.0, 0.5 + 0.01 * seed, 9.0])
        add_held_out(run, "error", [1.0, 0.0, 2.0 + 0.01 * seed, 0.0], higher_is_better=False)
        add_held_out(run, "odd", [1.0, 9.0, 0.5 + seed, 9.0])
        add_features(run, shift=(2.0, 1.0), spread=(1.0, 0.5 + 0.01 * seed))
    add_real_features(suite / "two-targets")
    return suite


def test_a_column_names_what_became_worse(folder: Path) -> None:
    table = table_of(folder)
    assert column(table, "method") == ["base", "marble"]
    assert column(table, "worse") == [None, "clean, error, diversity"]
    assert column(table, "preference") == [None, "equal"]
    assert column(table, "seeds") == [2, 2]
    assert column(table, "held_out_clean") == [1.0, pytest.approx(0.505)]
    assert column(table, "held_out_change_clean")[0] is None
    assert "less is better: error, distance to real; more is better elsewhere" in table.notes


def test_one_seed_says_nothing_of_worse(tmp_path: Path) -> None:
    suite = write_tree(tmp_path, TASKS[:1], (RECIPE,), (0,))
    for run in suite.glob("*/*/seed*"):
        add_held_out(run, "clean", [1.0, 9.0, 0.5, 9.0])
    table = table_of(suite)
    assert column(table, "worse") == [None, None]
    assert [one.key for one in table.columns] == [
        "method",
        "preference",
        "worse",
        "held_out_clean",
        "held_out_change_clean",
        "seeds",
    ]
    assert table.notes == ("more is better",)


def test_nothing_worse_is_said_as_well(tmp_path: Path) -> None:
    suite = write_tree(tmp_path, TASKS[:1], (RECIPE,), (0, 1))
    for run in suite.glob("*/*/seed*"):
        add_held_out(run, "clean", [1.0, 0.0, 2.0, 0.0])
    assert column(table_of(suite), "worse") == [None, "none"]


def test_methods_that_measured_less_have_empty_cells(folder: Path) -> None:
    write_tree(folder.parent, TASKS[:1], (Recipe("crd", 0.4, divisions=2),), (0, 1))
    for run in sorted(folder.glob("*/crd/seed*")):
        for name, better in (("clean", True), ("error", False), ("odd", True)):
            add_held_out(run, name, [1.0, 1.0, 1.0, 1.0], better)
    table = table_of(folder)
    assert column(table, "method") == ["base", "crd", "marble"]
    assert column(table, "frechet")[1] is None
    assert column(table, "worse")[1] == "none"


def test_where_nothing_was_held_out_there_is_no_section(suite_summary: Summary, folder: Path) -> None:
    assert all(held_out_table(part).rows == () for part in suite_summary.benchmarks)
    assert "Held-out changes" not in markdown_page(suite_summary, [], [])
    page = markdown_page(summarize(folder), [], [])
    assert page.index("## Single models") < page.index("## Held-out changes") < page.index("## Distances and gains")
    assert "| clean, error, diversity |" in page


def test_checkpoints_before_the_last_are_left_out(tmp_path: Path) -> None:
    suite = write_tree(tmp_path, TASKS[:1], RECIPES[2:], (0, 1))
    for run in suite.glob("*/*/seed*"):
        add_features(run, shift=(2.0, 1.0), spread=(1.0, 0.5))
    assert column(table_of(suite), "method") == ["base", "pareto_slider"]
