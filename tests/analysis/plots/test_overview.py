"""The overview of a suite."""

from pathlib import Path

import pytest

from analysis.plots import assign_looks, drawing, overview_figure
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import RECIPES, TASKS, Task, write_tree


def label_of(summary: Summary) -> str:
    with drawing():
        figure = overview_figure(summary, assign_looks(summary.methods))
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [part.record.name for part in summary.benchmarks]
    return axes.get_xlabel()


def test_shows_shares_where_all_true_fronts_are_known(suite_summary: Summary) -> None:
    assert label_of(suite_summary) == "share of the true hypervolume   better →"


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_falls_back_to_the_best_method(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    folder = write_tree(tmp_path, (TASKS[0], Task("open", 2, known_front=False)), RECIPES[:2], seeds)
    assert label_of(summarize(folder)) == "hypervolume relative to the best method   better →"
