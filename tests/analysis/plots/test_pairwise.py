"""The matrix of pairs of rewards."""

from pathlib import Path

import numpy as np
import pytest

from analysis.front import oriented
from analysis.plots import assign_looks, drawing, pairwise_figure
from analysis.plots.pairwise import _ticks, means_of
from analysis.plots.scales import Scale
from analysis.plots.sheets import Sheet
from analysis.summary import BenchmarkSummary, Summary, summarize
from tests.analysis.synthetic_records import RECIPES, Task, write_tree
from tests.support.figures import overlapping_words, points_in, sheet_of, words_on


def figure_of(part: BenchmarkSummary) -> Sheet:
    with drawing():
        sheet = sheet_of(pairwise_figure(part, assign_looks(part.fronts)))
    assert overlapping_words(sheet) == []
    return sheet


def part_of(folder: Path, task: Task, seeds: tuple[int, ...]) -> BenchmarkSummary:
    return summarize(write_tree(folder, (task,), RECIPES, seeds, prompts=1, samples=2)).benchmarks[0]


@pytest.mark.parametrize(("n_objectives", "minimized"), [(4, ()), (4, (0, 3)), (7, (2,))])
def test_every_pair_stands_twice_at_the_means_of_the_records(
    tmp_path: Path, n_objectives: int, minimized: tuple[int, ...]
) -> None:
    part = part_of(tmp_path, Task("many", n_objectives, minimized=minimized), (0, 1, 2))
    sheet, rewards = figure_of(part), part.yardstick.rewards
    pairs = [(i, j) for i in range(n_objectives) for j in range(n_objectives) if i != j]
    panels = dict(zip(pairs, sheet.panels, strict=False))
    assert len(sheet.panels) == n_objectives**2
    assert part.base is not None
    base, corner = oriented(part.base, rewards), oriented(part.yardstick.reference_point, rewards)
    for (i, j), panel in panels.items():
        # Better is to the right and up; rows from top to bottom, columns from left to right.
        assert (panel.x.low > panel.x.high, panel.y.low > panel.y.high) == (j in minimized, i in minimized)
        assert (panel.left > sheet.panels[0].left - 1e-9) or j == 0
        for method, fronts in part.fronts.items():
            points = oriented(np.mean([front.points for front in fronts.values()], axis=0), rewards)[:, [j, i]]
            drawn = points_in(panel, label=method)
            if i > j:
                assert sorted(map(tuple, drawn.round(9))) == sorted(map(tuple, points.round(9)))
            else:
                np.testing.assert_allclose(drawn, [points.mean(axis=0)], atol=1e-9)
        np.testing.assert_allclose(points_in(panel, label="base model"), [base[[j, i]]], atol=1e-9)
        cross = points_in(panel, label="reference point")
        np.testing.assert_allclose(cross, [corner[[j, i]]] if i > j else np.empty((0, 2)), atol=1e-9)
    lefts = [panels[n_objectives - 1, j].left for j in range(n_objectives - 1)]
    assert lefts == sorted(lefts)
    assert panels[1, 0].bottom > panels[2, 0].bottom


def test_the_diagonal_names_the_rewards_and_shows_from_where_to_where(suite_summary: Summary) -> None:
    part = {part.record.name: part for part in suite_summary.benchmarks}["four-targets"]
    sheet, looks = figure_of(part), assign_looks(part.fronts)
    for k, panel in enumerate(sheet.panels[-4:]):
        assert words_on(sheet).count(f"r{k}") >= 1
        for row, (method, fronts) in enumerate(part.fronts.items()):
            values = oriented(np.mean([front.points for front in fronts.values()], axis=0), part.yardstick.rewards)[
                :, k
            ]
            reach = points_in(panel, color=looks[method].color, marker="None")
            np.testing.assert_allclose(reach, [[values.min(), row], [values.max(), row]], atol=1e-9)
            np.testing.assert_allclose(points_in(panel, label=method), [[values.mean(), row]], atol=1e-9)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.07, 1.06), (0.28, 0.91), (-1.46, -0.9), (3.0, 4e4)])
def test_every_scale_has_two_ticks_at_least(low: float, high: float) -> None:
    ticks = _ticks(Scale(low, high))
    assert len(ticks) >= 2
    assert (abs(Scale(low, high).share(ticks) - 0.5) < 0.42).all()


def test_means_have_intervals_over_seeds(suite_summary: Summary) -> None:
    part = {part.record.name: part for part in suite_summary.benchmarks}["four-targets"]
    found = means_of(part, "fixed_weights")
    by_seed = [front.points.mean(axis=0) for _, front in sorted(part.fronts["fixed_weights"].items())]
    for k, one in enumerate(found):
        assert [one.values[seed] for seed in sorted(one.values)] == pytest.approx([mean[k] for mean in by_seed])


def test_few_rewards_have_no_matrix_and_one_seed_has(suite_summary: Summary, tmp_path: Path) -> None:
    looks = assign_looks(suite_summary.methods)
    for part in suite_summary.benchmarks:
        if len(part.yardstick.rewards) < 4:
            assert pairwise_figure(part, looks) is None
    figure_of(part_of(tmp_path, Task("four", 4, known_front=False), (0,)))
