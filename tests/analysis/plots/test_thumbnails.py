"""Thumbnails belong to their points, cover nothing and keep the order of the front."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.front import oriented
from analysis.pictures import Exhibition, exhibition_of
from analysis.plots import assign_looks, drawing, thumbnail_figure
from analysis.plots.thumbnails import assigned
from analysis.summary import summarize
from tests.analysis.synthetic_pictures import level, pictures_below
from tests.analysis.synthetic_records import RECIPES, Recipe, Task, write_tree

SLIDER = Recipe("pareto_slider", 0.95)
"""21 points, of which there is room for 11."""
COSTS = Task("images", 2, minimized=(1,))
Place = tuple[float, float]
PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))


def exhibition(folder: Path, recipes: tuple[Recipe, ...], task: Task = COSTS) -> Exhibition:
    summary = summarize(pictures_below(write_tree(folder, (task,), recipes, (0,))))
    found = exhibition_of(summary.benchmarks[0], summary.runs)
    assert found is not None
    return found


def figure_of(shown: Exhibition) -> Figure:
    with drawing():
        figure = thumbnail_figure(shown, assign_looks(shown.shown))
        assert figure is not None
        figure.draw_without_rendering()
    return figure


def thumbnails(axes: Axes) -> list[tuple[int, Place]]:
    """Return the blue level of each thumbnail, and the raw rewards at the other end of its line."""
    lines = [line for line in axes.get_lines() if line.get_transform() == axes.transAxes]
    ends = [np.asarray(line.get_xydata())[1] for line in lines]
    places = [axes.transData.inverted().transform(axes.transAxes.transform(end)) for end in ends]
    levels = [int(np.asarray(image.get_array())[0, 0, 2]) for image in axes.get_images()]
    return [(blue, (float(x), float(y))) for blue, (x, y) in zip(levels, places, strict=True)]


def test_every_line_ends_at_the_point_of_its_picture(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (SLIDER, RECIPES[0]))
    plain, fixed, slider = figure_of(shown).axes
    assert not plain.get_images()
    for axes, method, points in (
        (fixed, "fixed_weights", [0, 1, 2]),
        (slider, "pareto_slider", list(range(0, 21, 2))),
    ):
        raw = oriented(shown.shown[method].front.points, shown.part.yardstick.rewards)
        found = dict(thumbnails(axes))
        assert sorted(found) == [level(100, point) for point in points]
        for point in points:
            assert found[level(100, point)] == pytest.approx(raw[point].tolist())


def test_no_thumbnail_covers_another_or_the_panel(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (SLIDER, RECIPES[0]))
    figure = figure_of(shown)
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [image.get_window_extent() for axes in figure.axes for image in axes.get_images()]
    assert len(boxes) == 14
    for one, other in itertools.combinations(boxes, 2):
        assert one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
    for box in boxes:
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0
        for axes in figure.axes:
            panel = axes.get_window_extent()
            assert box.x0 >= panel.x1 or box.x1 <= panel.x0 or box.y0 >= panel.y1 or box.y1 <= panel.y0
    for axes in figure.axes:
        for label in (axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()):
            text = label.get_window_extent()
            assert all(
                text.x1 <= box.x0 or box.x1 <= text.x0 or text.y1 <= box.y0 or box.y1 <= text.y0 for box in boxes
            ), label.get_text()


def test_lines_of_a_front_do_not_cross(tmp_path: Path) -> None:
    figure = figure_of(exhibition(tmp_path, (SLIDER,)))
    axes = figure.axes[1]
    ends = [np.asarray(line.get_xydata()) for line in axes.get_lines() if line.get_transform() == axes.transAxes]

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    for one, other in itertools.combinations(ends, 2):
        apart = side(*one, other[0]) * side(*one, other[1]) > 0 or side(*other, one[0]) * side(*other, one[1]) > 0
        assert apart


def test_methods_of_one_point_share_a_panel(tmp_path: Path) -> None:
    task = Task("images", 2)
    singles = tuple(Recipe(name, 0.5, divisions=1) for name in ("crd", "marble"))
    suite = write_tree(tmp_path, (task,), (SLIDER, *singles), (0,))
    for recipe in singles:
        # Only the first of the two points.
        keep_first_point(suite / "images" / recipe.name / "seed0")
    summary = summarize(pictures_below(suite))
    shown = exhibition_of(summary.benchmarks[0], summary.runs)
    assert shown is not None
    _, slider, single = figure_of(shown).axes
    assert [axes.texts[0].get_text() for axes in (slider, single)] == ["pareto_slider", "methods of one point"]
    assert len(single.get_images()) == 2
    looks = assign_looks(shown.shown)
    assert [patch.get_edgecolor()[:3] for patch in single.patches] != [
        patch.get_edgecolor()[:3] for patch in slider.patches[:2]
    ]
    assert {line.get_color() for line in single.get_lines()} == {looks["crd"].color, looks["marble"].color}


def keep_first_point(folder: Path) -> None:
    from benchmarks.records import EVALUATIONS_FILE, read_table, write_table

    frame = read_table(folder / EVALUATIONS_FILE)
    frame = frame[frame["point"] == 0]
    write_table(folder / EVALUATIONS_FILE, {name: frame[name].to_numpy() for name in frame.columns})


def test_all_panels_show_the_same_part_of_the_plane(tmp_path: Path) -> None:
    figure = figure_of(exhibition(tmp_path, (SLIDER, RECIPES[0])))
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1
    assert all(axes.yaxis_inverted() and not axes.xaxis_inverted() for axes in figure.axes)
    title = figure.texts[0].get_text().replace("\n", " ")
    assert "seed 0" in title
    assert title.endswith("prompt: a red circle")


def test_three_rewards_have_no_front_in_the_plane(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (Recipe("pareto_slider", 0.9, divisions=2),), Task("images", 3))
    with drawing():
        assert thumbnail_figure(shown, assign_looks(shown.shown)) is None


@given(st.lists(PLACES, min_size=1, max_size=4), st.lists(PLACES, min_size=4, max_size=6))
def test_slots_are_assigned_in_order_at_the_least_cost(points: list[Place], slots: list[Place]) -> None:
    found = assigned(points, slots)
    assert found == sorted(set(found))
    assert len(found) == len(points)

    def cost(chosen: tuple[int, ...]) -> float:
        return float(np.square(np.array(points) - np.array(slots)[list(chosen)]).sum())

    least = min(cost(chosen) for chosen in itertools.combinations(range(len(slots)), len(points)))
    assert cost(tuple(found)) == pytest.approx(least, abs=1e-12)


def test_too_few_slots_are_refused() -> None:
    with pytest.raises(ValueError, match=r"as many as points \(2\), found 1"):
        assigned([[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0]])
