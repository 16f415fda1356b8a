"""Strips and grids show the pictures of the right points, in the right order."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.pictures import Exhibition, exhibition_of
from analysis.plots import assign_looks, drawing, grid_figure, render, strip_figure
from analysis.plots.mosaics import mosaic
from analysis.summary import summarize
from benchmarks.pictures import Gallery
from tests.analysis.synthetic_pictures import GALLERY, pictures_below, tile_color
from tests.analysis.synthetic_records import RECIPES, Recipe, Task, write_tree

SLIDER = Recipe("pareto_slider", 0.95, divisions=10)
SINGLE = Recipe("marble", 0.6, divisions=1)
FIXED = RECIPES[0]


def exhibition(
    folder: Path,
    recipes: tuple[Recipe, ...],
    n_objectives: int = 2,
    gallery: Gallery = GALLERY,
    seeds: tuple[int, ...] = (3,),
) -> Exhibition:
    suite = pictures_below(write_tree(folder, (Task("images", n_objectives),), recipes, seeds), gallery)
    summary = summarize(suite)
    found = exhibition_of(summary.benchmarks[0], summary.runs)
    assert found is not None
    return found


def texts(figure: Figure) -> list[str]:
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    return [text.get_text() for text in figure.texts] + found


def colors(axes: Axes, columns: int, samples: int, rows: int) -> list[list[list[list[int]]]]:
    """Return the color in the middle of every tile [rows][columns][samples] of a drawn mosaic of 4 x 5 tiles."""
    (image,) = axes.get_images()
    pixels = np.asarray(image.get_array())
    shape = mosaic([np.zeros((rows, samples, 4, 5, 3), dtype=np.uint8)] * columns, apart=True)
    assert pixels.shape == shape.image.shape
    lefts = [round(x + 0.5 - shape.width / 2) for x in shape.columns]
    return [
        [[pixels[round(y), left + 6 * s + 2].tolist() for s in range(samples)] for left in lefts] for y in shape.rows
    ]


def drawn(figure: Figure | None) -> Figure:
    assert figure is not None
    figure.draw_without_rendering()
    return figure


def test_a_strip_runs_from_the_first_reward_to_the_second(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (SLIDER, FIXED))
    with drawing():
        figure = drawn(strip_figure(shown, assign_looks(shown.shown)))
    # Fixed weights have no slider; the sweep runs from (0, 1), point 0, to (1, 0), point 10.
    (axes,) = figure.axes
    expected = [
        [[tile_color(0, 0, p, 0)], *([tile_color(100, point, p, 0)] for point in range(10, -1, -1))] for p in range(3)
    ]
    assert colors(axes, 12, 1, 3) == expected
    names = [text.get_text() for text in axes.texts]
    assert names[:3] == list(GALLERY.prompts) or [name.replace("\n", " ") for name in names[:3]] == list(
        GALLERY.prompts
    )
    assert names[3:15] == ["base", *(f"{100 - 10 * i}:{10 * i}" for i in range(11))]
    assert names[15:] == ["weight on r1 →", "← weight on r0", "pareto_slider"]
    assert "images" in figure.texts[0].get_text()
    assert "seed 3" in figure.texts[0].get_text()


def test_a_long_sweep_is_thinned_and_keeps_its_ends(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (Recipe("nft_preference", 0.6),))
    with drawing():
        figure = drawn(strip_figure(shown, assign_looks(shown.shown)))
    row = colors(figure.axes[0], 12, 1, 3)[0]
    assert row == [[tile_color(0, 0, 0, 0)], *([tile_color(100, point, 0, 0)] for point in range(20, -1, -2))]


def test_more_rewards_show_corners_and_the_balanced_point(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (Recipe("pareto_slider", 0.9, divisions=3),), n_objectives=3)
    with drawing():
        figure = drawn(strip_figure(shown, assign_looks(shown.shown)))
    front = shown.shown["pareto_slider"].front
    assert front.preferences is not None
    asked = front.preferences.tolist()
    points = [asked.index([1.0, 0.0, 0.0]), asked.index([0.0, 1.0, 0.0]), asked.index([0.0, 0.0, 1.0])]
    points.append(int(np.flatnonzero(np.ptp(front.preferences, axis=1) < 1e-9)[0]))
    expected = [[tile_color(0, 0, 1, 0)], *([tile_color(100, point, 1, 0)] for point in points)]
    assert colors(figure.axes[0], 5, 1, 3)[1] == expected
    assert [name.replace("\n", " ") for name in texts(figure)[4:9]] == [
        "base",
        "r0 100 %",
        "r1 100 %",
        "r2 100 %",
        "balanced",
    ]


def test_several_sliders_share_the_rows(tmp_path: Path) -> None:
    gallery = Gallery(tuple(f"prompt {index}" for index in range(8)), 1)
    recipes = (SLIDER, Recipe("rewarded_soup", 0.7, divisions=4, models=2))
    shown = exhibition(tmp_path, recipes, gallery=gallery)
    with drawing():
        figure = drawn(strip_figure(shown, assign_looks(shown.shown)))
    assert [axes.texts[-1].get_text() for axes in figure.axes] == ["pareto_slider", "rewarded_soup"]
    colors(figure.axes[0], 12, 1, 6)
    colors(figure.axes[1], 6, 1, 6)
    assert "6 of 8 prompts" in figure.texts[0].get_text()
    low, high = (axes.get_window_extent() for axes in reversed(figure.axes))
    assert high.y0 > low.y1


def test_without_a_slider_there_is_no_strip(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (FIXED, SINGLE))
    with drawing():
        assert strip_figure(shown, assign_looks(shown.shown)) is None


def test_a_grid_shows_every_method_at_its_balanced_point(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (SLIDER, FIXED))
    with drawing():
        figure = drawn(grid_figure(shown, assign_looks(shown.shown)))
    (axes,) = figure.axes
    # The middle model of three, and the middle of eleven preferences.
    places = [(0, 0), (100, 1), (100, 5)]
    expected = [[[tile_color(*place, p, s) for s in range(2)] for place in places] for p in range(3)]
    assert colors(axes, 3, 2, 3) == expected
    names = [text.get_text().replace("\n", " ").replace("_ ", "_") for text in axes.texts]
    assert names[3:6] == ["base", "fixed_weights", "pareto_slider"]
    looks = assign_looks(shown.shown)
    assert [text.get_color() for text in axes.texts[4:6]] == [looks[name].color for name in names[4:6]]


def test_many_methods_get_one_sample_each_and_turned_names(tmp_path: Path) -> None:
    recipes = tuple(Recipe(f"methodwithoutbreaks{index:02d}", 0.5, divisions=2) for index in range(13))
    shown = exhibition(tmp_path, recipes)
    with drawing():
        figure = drawn(grid_figure(shown, assign_looks(shown.shown)))
    colors(figure.axes[0], 14, 1, 3)
    heads = [text for text in figure.axes[0].texts if text.get_text().startswith("method")]
    assert {text.get_rotation() for text in heads} == {40.0}
    width, height = figure.get_size_inches() * figure.dpi
    for text in heads:
        box = text.get_window_extent()
        assert box.x1 <= width
        assert box.y1 <= height


def test_every_text_lies_within_the_figure_and_beside_the_pictures(tmp_path: Path) -> None:
    shown = exhibition(tmp_path, (SLIDER, FIXED))
    with drawing():
        for draw in (strip_figure, grid_figure):
            figure = drawn(draw(shown, assign_looks(shown.shown)))
            width, height = figure.get_size_inches() * figure.dpi
            (axes,) = figure.axes
            frame = axes.get_window_extent()
            for text in axes.texts:
                box = text.get_window_extent()
                assert box.x0 >= 0
                assert box.y0 >= 0
                assert box.x1 <= width
                assert box.y1 <= figure.texts[0].get_window_extent().y0 <= height
                assert box.x1 <= frame.x0 or box.y0 >= frame.y1, text.get_text()


def test_hostile_prompts_are_drawn_as_they_are(tmp_path: Path) -> None:
    gallery = Gallery(("cost $5^2$ and $\\frac{", "<script>", "\u202e\x00 漢", "w" * 300), 1)
    shown = exhibition(tmp_path, (SLIDER,), gallery=gallery)
    with drawing():
        figure = strip_figure(shown, assign_looks(shown.shown))
        assert figure is not None
        assert render(figure) == render(figure)
    assert texts(figure)[1].replace("\n", " ") == "cost $5^2$ and $\\frac{"


@pytest.mark.parametrize("draw", [strip_figure, grid_figure])
def test_an_unknown_base_model_is_left_out(tmp_path: Path, draw: object) -> None:
    shown = exhibition(tmp_path, (SLIDER,))
    unknown = Exhibition(shown.part, shown.seed, None, shown.shown)
    with drawing():
        figure = drawn((strip_figure if draw is strip_figure else grid_figure)(unknown, assign_looks(shown.shown)))
    assert "base" not in texts(figure)
