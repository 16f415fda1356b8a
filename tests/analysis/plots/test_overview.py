"""The overview of a suite."""

from pathlib import Path

import pytest

from analysis.plots import assign_looks, drawing, overview_figure
from analysis.plots.sheets import Sheet
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import RECIPES, TASKS, Task, write_tree
from tests.support.figures import overlapping_words, points_in, sheet_of, words_on

SHARES = "share of the true hypervolume   better →"


def figure_of(summary: Summary) -> Sheet:
    with drawing():
        sheet = sheet_of(overview_figure(summary, assign_looks(summary.methods)))
    assert overlapping_words(sheet) == []
    return sheet


def test_shows_shares_where_all_true_fronts_are_known(suite_summary: Summary) -> None:
    sheet = figure_of(suite_summary)
    assert SHARES in words_on(sheet)
    assert list(sheet.entries)[-1] == "true front at the same preferences"
    (panel,) = sheet.panels
    names = [part.record.name for part in suite_summary.benchmarks]
    assert [word for word in words_on(sheet) if word in names] == names
    rows = [(part, row) for part in suite_summary.benchmarks for row in part.last_rows]
    for method in suite_summary.methods:
        mine = [(part, row) for part, row in rows if row.method == method]
        drawn = points_in(panel, label=method)
        shares = [row.quantities["hypervolume"].mean / (part.yardstick.true_hypervolume or 1.0) for part, row in mine]
        assert drawn[:, 0].tolist() == pytest.approx(shares)
        assert (drawn[1:, 1] > drawn[:-1, 1]).all()
    exact = [row.quantities["exact_front_share"].mean for _, row in rows if "exact_front_share" in row.quantities]
    assert points_in(panel, marker="|")[:, 0].tolist() == pytest.approx(exact)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_falls_back_to_the_best_method(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    folder = write_tree(tmp_path, (TASKS[0], Task("open", 2, known_front=False)), RECIPES[:2], seeds)
    sheet = figure_of(summarize(folder))
    assert "hypervolume relative to the best method   better →" in words_on(sheet)
    assert SHARES not in words_on(sheet)
    best = [max(points_in(sheet.panels[0], label=name)[row, 0] for name in sheet.entries) for row in (0, 1)]
    assert best == pytest.approx([1.0, 1.0])
