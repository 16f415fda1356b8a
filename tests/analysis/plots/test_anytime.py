"""The picture of hypervolume against cost."""

from pathlib import Path

import numpy as np
import pytest

from analysis.anytime import COSTS, STEPS, common_range, cost_curves
from analysis.plots import anytime_figure, assign_looks, drawing
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, write_tree
from tests.support.figures import overlapping_words, points_in, sheet_of, words_on


def test_curves_and_ends_stand_where_they_were_measured(suite_summary: Summary) -> None:
    parts = {part.record.name: part for part in suite_summary.benchmarks}
    with drawing():
        sheet = sheet_of(anytime_figure(parts, assign_looks(suite_summary.methods)))
    assert len(sheet.panels) == len(COSTS) * len(parts)
    found = iter(sheet.panels)
    for name, part in parts.items():
        curve, (end,) = cost_curves(part)["pareto_slider"], [r for r in part.last_rows if r.method == "fixed_weights"]
        for cost in COSTS:
            panel = next(found)
            assert panel.x.log
            expected = np.column_stack([curve.mean_cost(cost), [one.mean for one in curve.intervals]])
            np.testing.assert_allclose(points_in(panel, label="pareto_slider"), expected, rtol=1e-9)
            # What the checkpoints recorded, not what the curve says of them.
            runs = [one.run.record for one in part.measured if one.run.record.method.name == "pareto_slider"]
            spent = [[getattr(at, "step" if cost == STEPS else cost) for at in run.checkpoints[1:]] for run in runs]
            np.testing.assert_allclose(points_in(panel, label="pareto_slider")[:, 0], np.mean(spent, axis=0), rtol=1e-9)
            at = float(end.step) if cost == STEPS else end.quantities[cost].mean
            np.testing.assert_allclose(
                points_in(panel, label="fixed_weights"), [[at, end.quantities["hypervolume"].mean]], rtol=1e-9
            )
            low, high = common_range([*cost_curves(part).values()], cost) or (0.0, 0.0)
            assert panel.x.low < low < high < panel.x.high
        assert [panel.title for panel in sheet.panels].count(name) == 1
    assert list(sheet.entries) == ["fixed_weights", "nft_preference", "pareto_slider"]
    assert overlapping_words(sheet) == []
    for label in ("steps of each model", "velocity evaluations", "reward calls", "seconds"):
        assert words_on(sheet).count(label) == len(parts)


def test_without_checkpoints_on_the_way_there_are_no_curves(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], RECIPES[:2], (0, 1)))
    assert anytime_figure({"two-targets": summary.benchmarks[0]}, assign_looks(summary.methods)) is None


@pytest.mark.parametrize("shares", [(0.2, 1.0), (0.1, 0.2, 0.3, 0.4, 0.5, 1.0)])
@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_one_seed_is_a_line_without_interval(tmp_path: Path, shares: tuple[float, ...], seeds: tuple[int, ...]) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], (Recipe("one", 0.9, shares=shares),), seeds))
    with drawing():
        sheet = sheet_of(anytime_figure({"two-targets": summary.benchmarks[0]}, assign_looks(["one"])))
    for panel in sheet.panels:
        assert np.isfinite(points_in(panel, label="one")).all()
        assert len(points_in(panel, label="one")) == len(shares)
        # Of many checkpoints the intervals are a band, of few they are bars, of one seed there are none.
        assert len(panel.fills) == (len(shares) > 4 and len(seeds) > 1)


def test_many_benchmarks_continue_beneath(suite_summary: Summary) -> None:
    part = suite_summary.benchmarks[0]
    parts = {f"benchmark-{index}": part for index in range(5)}
    with drawing():
        sheet = sheet_of(anytime_figure(parts, assign_looks(suite_summary.methods)))
    assert len(sheet.panels) == 5 * len(COSTS)
    first, last = sheet.panels[0], sheet.panels[4 * len(COSTS)]
    assert first.left == last.left
    assert last.bottom < sheet.panels[len(COSTS) - 1].bottom
    assert overlapping_words(sheet) == []
