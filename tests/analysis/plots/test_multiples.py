"""Many methods in one picture."""

from pathlib import Path

import numpy as np
import pytest

from analysis.plots import assign_looks, drawing, front_figure
from analysis.plots.sheets import Sheet
from analysis.plots.style import SURE_COLORS
from analysis.summary import BenchmarkSummary, summarize
from tests.analysis.synthetic_records import Recipe, Task, write_tree
from tests.support.figures import overlapping_words, points_in, sheet_of

MANY = tuple(Recipe(f"method_{index:02d}", 0.5 + 0.04 * index, divisions=2) for index in range(SURE_COLORS + 1))


def figure_of(part: BenchmarkSummary) -> Sheet:
    with drawing():
        sheet = sheet_of(front_figure(part, assign_looks(part.fronts)))
    assert overlapping_words(sheet) == []
    return sheet


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_three_rewards_of_many_methods_get_panels_each(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    folder = write_tree(tmp_path, (Task("three", 3, minimized=(2,)),), MANY, seeds)
    part = summarize(folder).benchmarks[0]
    sheet = figure_of(part)
    assert [panel.title for panel in sheet.panels[::3]] == [recipe.name for recipe in MANY]
    assert len(sheet.panels) == 3 * len(MANY)
    first, _, last = sheet.panels[:3]
    assert first.y.low < first.y.high
    assert last.y.low > last.y.high
    assert list(sheet.entries) == ["true front", "base model"]
    look = assign_looks(part.fronts)["method_00"]
    drawn = points_in(last, color=look.color)
    mean = np.mean([front.points for front in part.fronts["method_00"].values()], axis=0)
    # The last reward is a cost, and drawn as it was recorded.
    assert sorted(drawn[:, 1]) == pytest.approx(sorted(-mean[:, 2]))
    # All panels of a pair share their axes.
    assert len({(panel.x, panel.y) for panel in sheet.panels[::3]}) == 1


def test_an_unknown_front_leaves_the_legend_without_it(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("three", 3, known_front=False),), MANY, (0,))
    assert list(figure_of(summarize(folder).benchmarks[0]).entries) == ["base model"]


def test_bars_of_many_methods_carry_markers(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("four", 4),), MANY, (0,), prompts=1, samples=2)
    sheet = figure_of(summarize(folder).benchmarks[0])
    bars = sheet.panels[1]
    assert [len(one.get_paths()) for one in bars.fills] == [4] * len(MANY)
    assert len(points_in(bars)) == 4 * len(MANY)
    assert bars.height > 3.4
