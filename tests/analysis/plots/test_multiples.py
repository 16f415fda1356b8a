"""Many methods in one picture."""

from pathlib import Path

import numpy as np
import pytest

from analysis.plots import assign_looks, drawing, front_figure
from analysis.plots.style import SURE_COLORS
from analysis.summary import summarize
from tests.analysis.synthetic_records import Recipe, Task, write_tree

MANY = tuple(Recipe(f"method_{index:02d}", 0.5 + 0.04 * index, divisions=2) for index in range(SURE_COLORS + 1))


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_three_rewards_of_many_methods_get_panels_each(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    folder = write_tree(tmp_path, (Task("three", 3, minimized=(2,)),), MANY, seeds)
    part = summarize(folder).benchmarks[0]
    with drawing():
        figure = front_figure(part, assign_looks(part.fronts))
        figure.draw_without_rendering()
    assert len(figure.axes) == 3 * len(MANY)
    assert [axes.get_title("left") for axes in figure.axes[::3]] == [recipe.name for recipe in MANY]
    first, _, last = figure.axes[:3]
    assert not first.yaxis_inverted()
    assert last.yaxis_inverted()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["true front", "base model"]
    (drawn,) = [line for line in last.get_lines() if line.get_label() == "method_00"]
    mean = np.mean([front.points for front in part.fronts["method_00"].values()], axis=0)
    # The last reward is a cost, and drawn as it was recorded.
    assert sorted(np.asarray(drawn.get_ydata())) == pytest.approx(sorted(-mean[:, 2]))


def test_an_unknown_front_leaves_the_legend_without_it(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("three", 3, known_front=False),), MANY, (0,))
    part = summarize(folder).benchmarks[0]
    with drawing():
        figure = front_figure(part, assign_looks(part.fronts))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["base model"]


def test_bars_of_many_methods_carry_markers(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("four", 4),), MANY, (0,), prompts=1, samples=2)
    part = summarize(folder).benchmarks[0]
    with drawing():
        figure = front_figure(part, assign_looks(part.fronts))
    bars = figure.axes[1]
    assert len(bars.patches) == 4 * len(MANY)
    assert len([line for line in bars.get_lines() if line.get_marker() not in ("None", "")]) == 4 * len(MANY)
    assert figure.get_figheight() > 4.6
