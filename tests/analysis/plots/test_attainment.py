"""Pictures of attainment show the surfaces and differences of the records."""

from pathlib import Path

import numpy as np
import pytest

from analysis.attainment import attained_share, attainment_surface
from analysis.front import oriented
from analysis.plots import assign_looks, attainment_figure, drawing
from analysis.plots.attainment import stairs
from analysis.plots.panels import Panel
from analysis.plots.sheets import Sheet
from analysis.ranking import by_hypervolume
from analysis.summary import BenchmarkSummary, Summary, summarize
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, Task, write_tree
from tests.support.figures import data_of, overlapping_words, points_in, sheet_of


def figure_of(summary: Summary, name: str) -> tuple[BenchmarkSummary, Sheet | None]:
    part = {part.record.name: part for part in summary.benchmarks}[name]
    with drawing():
        figure = attainment_figure(part, assign_looks(part.fronts))
    return part, None if figure is None else sheet_of(figure)


def boxes_in(panel: Panel) -> np.ndarray:
    """Return the corners [R, 4, 2] of the rectangles of a panel of differences, in units of the records."""
    (boxes,) = panel.fills
    found = [path.vertices[:4] for path in boxes.get_paths()]
    return data_of(panel, np.array(found).reshape(-1, 4, 2))


@pytest.mark.parametrize("name", ["two-targets", "two-costs"])
def test_the_median_line_runs_through_the_median_surface(suite_summary: Summary, name: str) -> None:
    part, sheet = figure_of(suite_summary, name)
    assert sheet is not None
    surfaces, *differences = sheet.panels
    assert len(differences) == 2
    looks = assign_looks(part.fronts)
    for method, fronts in part.fronts.items():
        corners = oriented(
            attainment_surface([one.points for one in fronts.values()], share=0.5), part.yardstick.rewards
        )
        drawn = points_in(surfaces, color=looks[method].color)
        for corner in corners:
            assert np.isclose(drawn, corner, rtol=0, atol=1e-9).all(axis=1).any()
    assert list(sheet.entries)[-1] == "true front"
    assert overlapping_words(sheet) == []


def test_stairs_are_the_edge_of_the_region() -> None:
    surface = attainment_surface([np.random.default_rng(1).uniform(size=(6, 2))], share=1.0)
    low = np.array([-0.5, -0.25])
    edge = stairs(surface, low)
    assert (edge[0, 0], edge[-1, 1]) == (low[0], low[1])
    # Level and upright in turn.
    assert (np.diff(edge, axis=0)[::2, 1] == 0.0).all()
    assert (np.diff(edge, axis=0)[1::2, 0] == 0.0).all()
    for x, y in (edge[:-1] + edge[1:]) / 2.0:
        assert attained_share([surface], [[x, y]]).tolist() == [1.0]
        assert attained_share([surface], [[x + 1e-9, y + 1e-9]]).tolist() == [0.0]


@pytest.mark.parametrize("name", ["two-targets", "two-costs"])
def test_differences_are_those_of_the_seeds(suite_summary: Summary, name: str) -> None:
    part, sheet = figure_of(suite_summary, name)
    assert sheet is not None
    best, second = by_hypervolume(part)[:2]
    assert [panel.title for panel in sheet.panels[1:]] == [f"{best} ahead of {second}", f"{second} ahead of {best}"]
    sets = {method: [front.points for front in part.fronts[method].values()] for method in (best, second)}
    rewards = part.yardstick.rewards
    for panel, method, rival in zip(sheet.panels[1:], (best, second), (second, best), strict=True):
        places = oriented(boxes_in(panel).mean(axis=1), rewards)
        ahead = attained_share(sets[method], places) - attained_share(sets[rival], places)
        assert (ahead > 0).all()
        np.testing.assert_allclose(panel.fills[0].get_facecolor()[:, 3], 0.15 + 0.85 * ahead)


@pytest.mark.parametrize("minimized", [(), (0, 2)])
def test_three_rewards_are_cut_at_levels_of_the_third(tmp_path: Path, minimized: tuple[int, ...]) -> None:
    recipes = (Recipe("first", 0.9, divisions=4), Recipe("second", 0.75, divisions=5))
    folder = write_tree(tmp_path, (Task("three", 3, minimized=minimized),), recipes, (0, 1, 2))
    part, sheet = figure_of(summarize(folder), "three")
    assert sheet is not None
    assert len(sheet.panels) == 9
    rewards, looks = part.yardstick.rewards, assign_looks(part.fronts)
    sets = {method: [front.points for front in fronts.values()] for method, fronts in part.fronts.items()}
    best, second = by_hypervolume(part)
    corners = attainment_surface(sets[best], share=0.5)[:, 2]
    for row, depth in enumerate((0.25, 0.5, 0.75)):
        level = corners.min() + depth * np.ptp(corners)
        surfaces, ahead, behind = sheet.panels[3 * row : 3 * row + 3]
        assert surfaces.title.startswith("r2 at most " if 2 in minimized else "r2 at least ")
        for method, of in sets.items():
            edge = oriented(points_in(surfaces, color=looks[method].color), rewards[:2])
            middles = (edge[:-1] + edge[1:]) / 2.0
            inner = middles - 1e-7
            # By a naive count of seeds with a point at least as good in all three rewards.
            for (x, y), most in ((place, True) for place in inner):
                count = sum(any((point >= (x, y, level)).all() for point in points) for points in of)
                assert (count >= 2) is most
            for x, y in middles + 1e-7:
                count = sum(any((point >= (x, y, level)).all() for point in points) for points in of)
                assert count < 2
        for panel, method, rival in ((ahead, best, second), (behind, second, best)):
            for x, y in oriented(boxes_in(panel).mean(axis=1), rewards[:2]):
                shares = [attained_share(sets[name], [[x, y, level]])[0] for name in (method, rival)]
                assert shares[0] > shares[1]
    assert overlapping_words(sheet) == []


def test_other_numbers_of_rewards_and_one_seed_have_no_picture(suite_summary: Summary, tmp_path: Path) -> None:
    assert figure_of(suite_summary, "four-targets")[1] is None
    assert figure_of(summarize(write_tree(tmp_path, TASKS[:1], RECIPES[:2], (0,))), "two-targets")[1] is None


def test_one_method_and_many_methods_can_be_drawn(tmp_path: Path) -> None:
    _, alone = figure_of(summarize(write_tree(tmp_path / "one", TASKS[:1], RECIPES[:1], (0, 1))), "two-targets")
    assert alone is not None
    assert len(alone.panels) == 1
    many = tuple(Recipe(f"m{index}", 0.3 + 0.1 * index, divisions=4) for index in range(7))
    part, sheet = figure_of(summarize(write_tree(tmp_path / "many", TASKS[:1], many, (0, 1))), "two-targets")
    assert sheet is not None
    assert "best 5 methods" in sheet.texts[0].get_text()
    assert list(sheet.entries) == [*by_hypervolume(part)[:5], "true front"]
