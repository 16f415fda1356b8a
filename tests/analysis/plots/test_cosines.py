"""Pictures of gradients hold what they say."""

import math

import numpy as np
import pytest

from analysis.gradients import CoefficientLog, Gramians, RunGradients, update_cosines
from analysis.plots import coefficient_figure, cosine_figure, drawing, part_figure, render
from analysis.plots.coefficients import coefficients_over_time
from analysis.plots.cosine_rows import groups_over_time, least_over_time, part_labels, part_over_time, parts_of
from analysis.plots.cosines import colored
from analysis.plots.panels import Panel
from analysis.plots.sheets import Sheet
from analysis.plots.style import DPI
from analysis.summary import BenchmarkSummary, Summary
from tests.analysis.synthetic_gradients import gramians_of
from tests.support.figures import data_of, overlapping_words, sheet_of, words_on

METHODS = ["marble", "specialists", "weighted_sum"]


def part_of(summary: Summary, name: str = "two-targets") -> BenchmarkSummary:
    return {part.record.name: part for part in summary.benchmarks}[name]


def colors_of(panel: Panel) -> np.ndarray:
    """Return the colors [R, pixels, 4] of a heat map."""
    assert panel.image is not None
    return np.asarray(panel.image.get_array())


def groups_of(sheet: Sheet) -> dict[str, list[Panel]]:
    """Return the groups of rows of each method, by its title."""
    found: dict[str, list[Panel]] = {}
    name = ""
    for panel in sheet.panels[:-1]:
        name = panel.title or name
        found.setdefault(name, []).append(panel)
    return found


def test_cosines_over_time(gradient_summary: Summary) -> None:
    part = part_of(gradient_summary)
    with drawing():
        sheet = sheet_of(cosine_figure(part))
    groups = groups_of(sheet)
    assert list(groups) == METHODS
    steps, (each, layers, levels) = groups_over_time(part.gradients["marble"], ["r0", "r1"], parts_of(part)) or ((), ())
    assert list(steps) == [1, 6, 11, 16, 21, 26, 31, 36]
    values = each.values[:, 0]
    np.testing.assert_allclose(values[:, 0], 1.0 / math.sqrt(2.0))
    np.testing.assert_allclose(values[:, 2], 1.0 / math.sqrt(5.0))
    assert values[1, 3] < 0 < values[0, 3]
    assert (layers.names, levels.names) == (["head", "body"], ["noise 0-0.5", "noise 0.5-1"])
    # Scaling a part changes no cosine, so each noise level has those of the whole.
    np.testing.assert_allclose(levels.values, np.stack([values] * 2))
    # Of two models that train one reward each the mean is shown.
    _, found = groups_over_time(part.gradients["specialists"], ["r0", "r1"], parts_of(part)) or ((), ())
    np.testing.assert_allclose(found[0].values[:, 0, 2], (1.0 - 0.6) / 2.0)
    assert "25 % conflicts" in words_on(sheet)
    # The names stand in front of the first of a row alone.
    assert [words_on(sheet).count(name) for name in ("r0", "body", "rewards by layer")] == [1, 1, 1]
    assert overlapping_words(sheet) == []


def test_cells_reach_half_way_to_the_steps_beside_them(gradient_summary: Summary) -> None:
    part = part_of(gradient_summary)
    with drawing():
        sheet = sheet_of(cosine_figure(part))
    for panel, group in zip(
        groups_of(sheet)["marble"],
        (groups_over_time(part.gradients["marble"], ["r0", "r1"], parts_of(part)) or ((), ()))[1],
        strict=True,
    ):
        colors = colors_of(panel)
        rows = group.values.reshape(-1, group.values.shape[-1])
        assert colors.shape[:2] == (len(rows), round(panel.width * DPI))
        for pixel in range(0, colors.shape[1], 7):
            step = data_of(panel, [panel.left + (pixel + 0.5) / DPI, panel.bottom])[0]
            nearest = int(np.abs(np.arange(1, 41, 5) - step).argmin())
            assert (colors[:, pixel] == colored(rows[:, nearest])).all()


def test_the_least_cosine_of_a_part_is_a_mean_of_least_cosines() -> None:
    generator = np.random.default_rng(0)
    runs = {
        seed: RunGradients(
            {"layer:a": gramians_of(generator.normal(size=(4, 3, 5)), generator.normal(size=(4, 5)))}, np.zeros(0), None
        )
        for seed in range(3)
    }
    found = least_over_time(runs, "layer:a", np.array([1, 3, 9]))
    for column, step in enumerate((1, 3)):
        each = [float(update_cosines(run.parts["layer:a"])[step - 1].min()) for run in runs.values()]
        assert found[column] == pytest.approx(np.mean(each))
    assert np.isnan(found[2])
    each = part_over_time(runs, "layer:a", np.array([1, 3, 9]), 3)
    expected = np.mean([update_cosines(run.parts["layer:a"])[[0, 2]].T for run in runs.values()], axis=0)
    np.testing.assert_allclose(each[:, :2], expected)
    assert np.isnan(each[:, 2]).all()
    assert np.isnan(part_over_time(runs, "layer:b", np.array([1, 2]), 3)).all()
    assert np.isnan(least_over_time(runs, "layer:b", np.array([1, 2]))).all()


def test_of_many_rewards_the_least_is_shown() -> None:
    generator = np.random.default_rng(1)
    for n_objectives, strips in ((2, 2), (3, 3), (4, 1)):
        gramians = gramians_of(generator.normal(size=(4, n_objectives, 6)), generator.normal(size=(4, 6)))
        runs = {0: RunGradients({"all": gramians, "layer:a": gramians, "sigma:0-1": gramians}, np.zeros(0), None)}
        rewards = [f"r{k}" for k in range(n_objectives)]
        _, groups = groups_over_time(runs, rewards, ["layer:a", "sigma:0-1"]) or ((), ())
        assert [group.values.shape for group in groups] == [(n_objectives, 1, 4), (1, strips, 4), (1, strips, 4)]
        whole = groups[0].values[:, 0]
        expected = whole.min(axis=0, keepdims=True) if strips == 1 else whole
        for group in groups[1:]:
            np.testing.assert_allclose(group.values[0], expected)


def test_what_no_reward_has_a_gradient_in_is_grey() -> None:
    nothing = gramians_of(np.zeros((2, 2, 3)), np.ones((2, 3)))
    assert isinstance(nothing, Gramians)
    found = least_over_time({0: RunGradients({"layer:a": nothing}, np.zeros(0), None)}, "layer:a", np.array([1, 2]))
    assert np.isnan(found).all()
    grey = colored(np.array([np.nan]))[0]
    assert grey[0] == grey[1] == grey[2] < 255
    red, blue = colored(np.array([-1.0, 1.0]))
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_cosines_by_part(gradient_summary: Summary) -> None:
    part = part_of(gradient_summary)
    with drawing():
        sheet = sheet_of(part_figure(part))
    panels = {panel.title: panel for panel in sheet.panels[:-1]}
    assert list(panels) == METHODS
    colors = colors_of(panels["weighted_sum"])
    assert len(colors) == 2
    # Five parts: the first reward has no gradient in the body of the network, scaled parts are as the whole.
    middle = [int((j + 0.5) / 5 * colors.shape[1]) for j in range(5)]
    assert (colors[0, middle[2]] == colored(np.array([np.nan]))[0]).all()
    assert (colors[:, middle[3]] == colors[:, middle[0]]).all()
    assert (colors[:, middle[4]] == colors[:, middle[0]]).all()
    labels = ["all", "head", "body", "noise 0-0.5", "noise 0.5-1"]
    assert [word for word in words_on(sheet) if word in labels] == labels * 3
    assert overlapping_words(sheet) == []


def test_long_names_of_layers_are_cut() -> None:
    parts = ["all", *(f"layer:transformer.blocks.{index}" for index in range(3)), "layer:preference", "sigma:0-0.5"]
    assert part_labels(parts) == ["all", "blocks.0", "blocks.1", "blocks.2", "preference", "noise 0-0.5"]


def test_coefficients_over_time(gradient_summary: Summary) -> None:
    with drawing():
        sheet = sheet_of(coefficient_figure(part_of(gradient_summary, "three-targets")))
    (panel,) = sheet.panels
    assert panel.title == "marble"
    assert list(sheet.entries) == ["r0", "r1", "r2"]
    steps, alpha = coefficients_over_time(part_of(gradient_summary, "three-targets").gradients["marble"]) or ((), ())
    assert list(steps) == [1, 11, 21, 31, 40]
    other = 1.0 / (0.4 + 1.6 * 2)
    np.testing.assert_allclose(alpha[1], [1.0 - 2 * other, other, other])
    np.testing.assert_allclose(alpha[2], 1.0 / 3.0)
    # Areas stand on one another, from 0 to 1, and hold their height until the next step.
    areas = [data_of(panel, fill.get_paths()[0].vertices) for fill in panel.fills]
    assert len(areas) == 3
    for k, area in enumerate(areas):
        at_5 = area[np.isclose(area[:, 0], 1.0) | np.isclose(area[:, 0], 11.0)][:, 1]
        assert at_5.min() >= sum(alpha[0][:k]) - 1e-9 or at_5.min() >= sum(alpha[1][:k]) - 1e-9
    tops = [area[np.isclose(area[:, 0], 1.0)][:, 1].max() for area in areas]
    np.testing.assert_allclose(tops, np.cumsum(alpha[0]), atol=1e-9)
    assert max(area[:, 1].max() for area in areas) == pytest.approx(1.0)
    held = areas[0][np.isclose(areas[0][:, 0], 11.0)][:, 1]
    assert {round(float(y), 9) for y in held} == {0.0, round(float(alpha[0][0]), 9), round(float(alpha[1][0]), 9)}


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
            assert render(figure).startswith(b"\x89PNG")
