"""The picture of a benchmark holds what it says."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.front import Front, oriented
from analysis.plots import assign_looks, drawing, front_figure
from analysis.plots.fronts import close_up, draw_pair
from analysis.plots.means import mean_points
from analysis.plots.sheets import Sheet
from analysis.summary import BenchmarkSummary, Summary, summarize
from tests.analysis.synthetic_records import RECIPES, Recipe, Task, write_tree
from tests.support.figures import overlapping_words, points_in, sheet_of, words_on

LEGEND = ["true front", "fixed_weights", "nft_preference", "pareto_slider", "base model", "reference point"]


def figure_of(summary: Summary, name: str) -> tuple[BenchmarkSummary, Sheet]:
    part = {part.record.name: part for part in summary.benchmarks}[name]
    with drawing():
        sheet = sheet_of(front_figure(part, assign_looks(part.fronts)))
    assert overlapping_words(sheet) == []
    return part, sheet


@pytest.mark.parametrize(("name", "count"), [("two-targets", 2), ("three-targets", 3)])
def test_one_panel_for_each_pair_of_rewards(suite_summary: Summary, name: str, count: int) -> None:
    _, sheet = figure_of(suite_summary, name)
    assert len(sheet.panels) == count
    assert list(sheet.entries) == LEGEND
    assert "r0, more is better →" in words_on(sheet)


def test_rewards_to_minimize_run_backwards_in_their_own_units(suite_summary: Summary) -> None:
    part, sheet = figure_of(suite_summary, "two-costs")
    for panel in sheet.panels:
        assert panel.y.low > panel.y.high
        assert panel.x.low < panel.x.high
    assert "r1 [s], less is better →" in words_on(sheet)
    assert points_in(sheet.panels[0], label="reference point").ravel().tolist() == pytest.approx([-0.5, 0.5])
    mean = mean_points([*part.fronts["pareto_slider"].values()])
    assert mean is not None
    raw = oriented(mean, part.yardstick.rewards)
    np.testing.assert_allclose(points_in(sheet.panels[1], label="pareto_slider"), raw, atol=1e-9)


def test_everything_lies_inside_the_panel(suite_summary: Summary) -> None:
    for name in ("two-targets", "three-targets"):
        for panel in figure_of(suite_summary, name)[1].panels:
            near = panel.title == "close-up of the fronts"
            for label in LEGEND:
                if not (near and label in ("base model", "reference point")):
                    points = points_in(panel, label=label)
                    assert len(points)
                    assert ((points >= (panel.x.low, panel.y.low)) & (points <= (panel.x.high, panel.y.high))).all()


def test_axes_of_matplotlib_get_the_same_points(suite_summary: Summary) -> None:
    part, sheet = figure_of(suite_summary, "two-costs")
    with drawing():
        axes = Figure(figsize=(3, 3)).subplots()
        draw_pair(axes, part, assign_looks(part.fronts), 0, 1)
        for label in LEGEND:
            (line,) = [line for line in axes.get_lines() if line.get_label() == label]
            drawn = np.column_stack([line.get_xdata(), line.get_ydata()])
            np.testing.assert_allclose(drawn, points_in(sheet.panels[0], label=label), atol=1e-9)
        assert axes.yaxis_inverted()
        close_up(axes, part)
    near = sheet.panels[1]
    assert axes.get_xlim() == pytest.approx((near.x.low, near.x.high))
    assert axes.get_ylim() == pytest.approx((near.y.low, near.y.high))
    assert axes.yaxis_inverted()


def test_four_rewards_are_parallel_coordinates_with_gains(suite_summary: Summary) -> None:
    _, sheet = figure_of(suite_summary, "four-targets")
    assert [word for word in words_on(sheet) if word in ("r0", "r1", "r2", "r3")] == ["r0", "r1", "r2", "r3"] * 2
    assert [len(fill.get_paths()) for fill in sheet.panels[1].fills] == [4, 4, 4]
    assert list(sheet.entries)[:3] == LEGEND[1:4]


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 4])
def test_one_seed_and_an_unknown_front_can_be_drawn(tmp_path: Path, n_objectives: int) -> None:
    folder = write_tree(tmp_path, (Task("open", n_objectives, known_front=False),), RECIPES[:2], (0,))
    _, sheet = figure_of(summarize(folder), "open")
    assert not any("true front" in label for label in sheet.entries)


def test_a_single_point_can_be_drawn(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("two-targets", 2),), (Recipe("one", 0.5, divisions=1),), (0, 1))
    assert "one" in figure_of(summarize(folder), "two-targets")[1].entries


def test_mean_points_belong_together_by_preference() -> None:
    asked = np.array([[1.0, 0.0], [0.0, 1.0]])
    first, second = Front(np.array([[1.0, 0.0], [0.0, 1.0]]), asked), Front(np.array([[3.0, 0.0], [0.0, 3.0]]), asked)
    mean = mean_points([first, second])
    assert mean is not None
    assert mean.tolist() == [[0.0, 2.0], [2.0, 0.0]]
    assert mean_points([first, Front(second.points, asked[::-1])]) is None
    assert mean_points([first, Front(second.points)]) is None
    assert mean_points([first, Front(second.points[:1], asked[:1])]) is None
