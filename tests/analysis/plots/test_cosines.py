"""Pictures of gradients hold what they say."""

import math

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from analysis.gradients import CoefficientLog, RunGradients
from analysis.plots import coefficient_figure, cosine_figure, drawing, part_figure, render
from analysis.plots.coefficients import coefficients_over_time
from analysis.plots.panels import free_labels, is_left, is_lowest, panel_grid
from analysis.summary import BenchmarkSummary, Summary

METHODS = ["marble", "specialists", "weighted_sum"]


def part_of(summary: Summary, name: str = "two-targets") -> BenchmarkSummary:
    return {part.record.name: part for part in summary.benchmarks}[name]


def panels_of(figure: Figure | None) -> dict[str, Axes]:
    assert figure is not None
    figure.draw_without_rendering()
    return {axes.get_title("left"): axes for axes in figure.axes if axes.get_title("left")}


def values_of(axes: Axes) -> np.ndarray:
    (mesh,) = [artist for artist in axes.collections if isinstance(artist, QuadMesh)]
    values = mesh.get_array()
    assert values is not None
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


def test_cosines_over_time(gradient_summary: Summary) -> None:
    with drawing():
        panels = panels_of(cosine_figure(part_of(gradient_summary)))
    assert list(panels) == METHODS
    values = values_of(panels["marble"])
    assert values.shape == (2, 8)
    np.testing.assert_allclose(values[:, 0], 1.0 / math.sqrt(2.0))
    np.testing.assert_allclose(values[:, 2], 1.0 / math.sqrt(5.0))
    assert values[1, 3] < 0 < values[0, 3]
    assert panels["marble"].get_title("right") == "25 % conflicts"
    assert [label.get_text() for label in panels["marble"].get_yticklabels()] == ["r0", "r1"]
    # The first reward is on top, and of two models that train one reward each the mean is shown.
    assert panels["marble"].yaxis_inverted()
    np.testing.assert_allclose(values_of(panels["specialists"])[:, 2], (1.0 - 0.6) / 2.0)


def test_cosines_by_part(gradient_summary: Summary) -> None:
    with drawing():
        panels = panels_of(part_figure(part_of(gradient_summary)))
    assert list(panels) == METHODS
    values = values_of(panels["weighted_sum"])
    assert values.shape == (2, 5)
    np.testing.assert_allclose(values[:, 3], values[:, 0])
    np.testing.assert_allclose(values[:, 4], values[:, 0])
    # The first reward has no gradient in the body of the network.
    assert np.isnan(values[0, 2])
    labels = [label.get_text() for label in panels["marble"].get_xticklabels()]
    assert labels == ["all", "head", "body", "noise 0-0.5", "noise 0.5-1"]


def test_coefficients_over_time(gradient_summary: Summary) -> None:
    with drawing():
        figure = coefficient_figure(part_of(gradient_summary, "three-targets"))
        panels = panels_of(figure)
    assert list(panels) == ["marble"]
    assert len(panels["marble"].collections) == 3
    assert figure is not None
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["r0", "r1", "r2"]
    steps, alpha = coefficients_over_time(part_of(gradient_summary, "three-targets").gradients["marble"]) or ((), ())
    assert list(steps) == [1, 11, 21, 31, 40]
    other = 1.0 / (0.4 + 1.6 * 2)
    np.testing.assert_allclose(alpha[1], [1.0 - 2 * other, other, other])
    np.testing.assert_allclose(alpha[2], 1.0 / 3.0)


def test_coefficients_are_means_over_seeds() -> None:
    logs = [
        CoefficientLog(np.array([1, 3]), np.array([[1.0, 0.0], [0.5, 0.5]])),
        CoefficientLog(np.array([1]), np.array([[0.5, 0.5]])),
    ]
    runs = {seed: RunGradients({}, np.zeros(0), log) for seed, log in enumerate(logs)}
    found = coefficients_over_time(runs)
    assert found is not None
    assert (found[0].tolist(), found[1].tolist()) == ([1, 3], [[0.75, 0.25], [0.5, 0.5]])
    assert coefficients_over_time({0: RunGradients({}, np.zeros(0), None)}) is None


def test_nothing_measured_gives_no_pictures(suite_summary: Summary) -> None:
    for draw in (cosine_figure, part_figure, coefficient_figure):
        assert draw(suite_summary.benchmarks[0]) is None


def test_pictures_become_files(gradient_summary: Summary) -> None:
    for draw in (cosine_figure, part_figure, coefficient_figure):
        with drawing():
            figure = draw(part_of(gradient_summary))
            assert figure is not None
            png, svg = render(figure)
        assert png.startswith(b"\x89PNG")
        assert len(svg) < 300_000


@pytest.mark.parametrize(
    ("count", "lowest", "left"), [(1, [0], [0]), (4, [0, 1, 2, 3], [0]), (6, [2, 3, 4, 5], [0, 4])]
)
def test_panels_know_their_place(count: int, lowest: list[int], left: list[int]) -> None:
    assert [index for index in range(count) if is_lowest(index, count)] == lowest
    assert [index for index in range(count) if is_left(index)] == left


def test_labels_above_empty_places_do_not_move_the_others() -> None:
    with drawing():
        figure, panels = panel_grid("title", [f"m{index}" for index in range(6)], 1.5)
        for axes in panels:
            axes.set_xticks([0.0, 1.0], ["a very long label", "another very long label"], rotation=90)
        free_labels(panels)
        panels[0].set_xticklabels(["", ""])
        panels[1].set_xticklabels(["", ""])
        figure.draw_without_rendering()
        tops = [axes.get_position().y1 for axes in panels]
        bottoms = [axes.get_position().y0 for axes in panels]
    assert len(figure.axes) == 6
    # The second row begins below the first one without room for labels between them.
    assert bottoms[0] - tops[4] < 0.5 * (bottoms[4])
