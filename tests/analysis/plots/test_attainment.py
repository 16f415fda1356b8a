"""Pictures of attainment show the surfaces and differences of the records."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from analysis.attainment import attainment_surface
from analysis.front import oriented
from analysis.plots import assign_looks, attainment_figure, drawing, render
from analysis.plots.attainment import step_line
from analysis.ranking import by_hypervolume
from analysis.summary import BenchmarkSummary, Summary, summarize
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, write_tree


def figure_of(summary: Summary, name: str) -> tuple[BenchmarkSummary, Figure | None]:
    part = {part.record.name: part for part in summary.benchmarks}[name]
    with drawing():
        figure = attainment_figure(part, assign_looks(part.fronts))
        if figure is not None:
            render(figure)
    return part, figure


@pytest.mark.parametrize("name", ["two-targets", "two-costs"])
def test_the_median_line_runs_through_the_median_surface(suite_summary: Summary, name: str) -> None:
    part, figure = figure_of(suite_summary, name)
    assert figure is not None
    surfaces, *differences = figure.axes
    assert len(differences) == 2
    looks = assign_looks(part.fronts)
    for method, fronts in part.fronts.items():
        corners = oriented(
            attainment_surface([one.points for one in fronts.values()], share=0.5), part.yardstick.rewards
        )
        (line,) = [line for line in surfaces.get_lines() if line.get_color() == looks[method].color]
        drawn = np.column_stack([line.get_xdata(), line.get_ydata()])
        for corner in corners:
            assert np.isclose(drawn, corner, rtol=0, atol=1e-12).all(axis=1).any()
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "true front"


def test_a_step_line_is_the_height_of_the_region() -> None:
    surface = np.random.default_rng(0).uniform(size=(6, 2))
    surface = attainment_surface([surface], share=1.0)
    places = np.linspace(-0.1, 1.1, 50)
    expected = [max([y for x, y in surface if x >= place], default=-1.0) for place in places]
    assert step_line(surface, places, -1.0).tolist() == expected


def test_differences_lie_inside_their_panels_in_the_colors_of_the_better(suite_summary: Summary) -> None:
    part, figure = figure_of(suite_summary, "two-targets")
    assert figure is not None
    looks = assign_looks(part.fronts)
    best, second = by_hypervolume(part)[:2]
    titles = [axes.get_title() for axes in figure.axes[1:]]
    assert titles == [f"{best} ahead of {second}", f"{second} ahead of {best}"]
    for axes, method in zip(figure.axes[1:], (best, second), strict=True):
        assert axes.title.get_color() == looks[method].color
        (boxes,) = [one for one in axes.collections if isinstance(one, PolyCollection)]
        vertices = np.concatenate([path.vertices for path in boxes.get_paths()] or [np.empty((0, 2))])
        assert len(vertices) or method == second
        assert (vertices[:, 0] >= axes.get_xlim()[0]).all()
        assert (vertices[:, 1] <= axes.get_ylim()[1]).all()


def test_other_numbers_of_rewards_and_one_seed_have_no_picture(suite_summary: Summary, tmp_path: Path) -> None:
    assert figure_of(suite_summary, "three-targets")[1] is None
    assert figure_of(suite_summary, "four-targets")[1] is None
    assert figure_of(summarize(write_tree(tmp_path, TASKS[:1], RECIPES[:2], (0,))), "two-targets")[1] is None


def test_one_method_and_many_methods_can_be_drawn(tmp_path: Path) -> None:
    _, alone = figure_of(summarize(write_tree(tmp_path / "one", TASKS[:1], RECIPES[:1], (0, 1))), "two-targets")
    assert alone is not None
    assert len(alone.axes) == 1
    many = tuple(Recipe(f"m{index}", 0.3 + 0.1 * index, divisions=4) for index in range(7))
    part, figure = figure_of(summarize(write_tree(tmp_path / "many", TASKS[:1], many, (0, 1))), "two-targets")
    assert figure is not None
    assert figure.axes[0].get_title().endswith("(best 5 methods)")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [*by_hypervolume(part)[:5], "true front"]
