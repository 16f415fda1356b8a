"""The picture of a benchmark holds what it says."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from analysis.front import Front
from analysis.plots import assign_looks, drawing, front_figure
from analysis.plots.means import mean_points
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import RECIPES, Recipe, Task, write_tree

LEGEND = ["true front", "fixed_weights", "nft_preference", "pareto_slider", "base model", "reference point"]


def panels_of(summary: Summary, name: str) -> tuple[list[Axes], list[str]]:
    part = {part.record.name: part for part in summary.benchmarks}[name]
    with drawing():
        figure = front_figure(part, assign_looks(part.fronts))
        figure.draw_without_rendering()
    return figure.axes, [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(("name", "count"), [("two-targets", 2), ("three-targets", 3)])
def test_one_panel_for_each_pair_of_rewards(suite_summary: Summary, name: str, count: int) -> None:
    panels, legend = panels_of(suite_summary, name)
    assert len(panels) == count
    assert legend == LEGEND
    assert panels[0].get_xlabel() == "r0, more is better →"


def test_rewards_to_minimize_run_backwards_in_their_own_units(suite_summary: Summary) -> None:
    (axes, close_up), _ = panels_of(suite_summary, "two-costs")
    assert axes.yaxis_inverted()
    assert close_up.yaxis_inverted()
    assert not axes.xaxis_inverted()
    assert not close_up.xaxis_inverted()
    assert axes.get_ylabel() == "r1 [s], less is better →"
    corner = next(line for line in axes.get_lines() if line.get_label() == "reference point")
    assert (corner.get_xdata()[0], corner.get_ydata()[0]) == (-0.5, 0.5)  # type: ignore[index]


def test_everything_lies_inside_the_panel(suite_summary: Summary) -> None:
    for name in ("two-targets", "three-targets"):
        for axes in panels_of(suite_summary, name)[0]:
            close_up = axes.get_title() == "close-up of the fronts"
            for line in axes.get_lines():
                beyond = line.get_linestyle() == ":" or (
                    close_up and line.get_label() in ("base model", "reference point")
                )
                if not beyond:
                    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
                    assert (x >= axes.get_xlim()[0]).all()
                    assert (x <= axes.get_xlim()[1]).all()
                    assert (y >= axes.get_ylim()[0]).all()
                    assert (y <= axes.get_ylim()[1]).all()


def test_four_rewards_are_parallel_coordinates_with_gains(suite_summary: Summary) -> None:
    (lines, bars), legend = panels_of(suite_summary, "four-targets")
    assert [tick.get_text() for tick in lines.get_xticklabels()] == ["r0", "r1", "r2", "r3"]
    assert len(bars.patches) == 12
    assert legend[:3] == LEGEND[1:4]


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 4])
def test_one_seed_and_an_unknown_front_can_be_drawn(tmp_path: Path, n_objectives: int) -> None:
    folder = write_tree(tmp_path, (Task("open", n_objectives, known_front=False),), RECIPES[:2], (0,))
    _, legend = panels_of(summarize(folder), "open")
    assert not any("true front" in label for label in legend)


def test_a_single_point_can_be_drawn(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("two-targets", 2),), (Recipe("one", 0.5, divisions=1),), (0, 1))
    assert "one" in panels_of(summarize(folder), "two-targets")[1]


def test_mean_points_belong_together_by_preference() -> None:
    asked = np.array([[1.0, 0.0], [0.0, 1.0]])
    first, second = Front(np.array([[1.0, 0.0], [0.0, 1.0]]), asked), Front(np.array([[3.0, 0.0], [0.0, 3.0]]), asked)
    mean = mean_points([first, second])
    assert mean is not None
    assert mean.tolist() == [[0.0, 2.0], [2.0, 0.0]]
    assert mean_points([first, Front(second.points, asked[::-1])]) is None
    assert mean_points([first, Front(second.points)]) is None
    assert mean_points([first, Front(second.points[:1], asked[:1])]) is None
