"""The picture of hypervolume against cost."""

from pathlib import Path

import numpy as np
import pytest

from analysis.anytime import cost_curves
from analysis.plots import (
    anytime_figure,
    assign_looks,
    drawing,
)
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, write_tree
from tests.support.figures import drawn


def test_curves_and_ends_stand_where_they_were_measured(suite_summary: Summary) -> None:
    parts = {part.record.name: part for part in suite_summary.benchmarks}
    with drawing():
        figure = drawn(anytime_figure(parts, assign_looks(suite_summary.methods)))
    assert len(figure.axes) == 4
    for axes, part in zip(figure.axes, parts.values(), strict=True):
        curve = cost_curves(part)["pareto_slider"]
        (line,) = [line for line in axes.get_lines() if line.get_label() == "pareto_slider"]
        np.testing.assert_allclose(line.get_xdata(), curve.mean_cost("velocity_evaluations") / 1e6)
        np.testing.assert_allclose(line.get_ydata(), [one.mean for one in curve.intervals])
        (end,) = [line for line in axes.get_lines() if line.get_label() == "fixed_weights"]
        assert len(np.asarray(end.get_xdata())) == 1
        assert axes.get_xscale() == "log"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["fixed_weights", "nft_preference", "pareto_slider"]


def test_without_checkpoints_on_the_way_there_are_no_curves(tmp_path: Path) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], RECIPES[:2], (0, 1)))
    assert anytime_figure({"two-targets": summary.benchmarks[0]}, assign_looks(summary.methods)) is None


@pytest.mark.parametrize("shares", [(0.2, 1.0), (0.1, 0.2, 0.3, 0.4, 0.5, 1.0)])
def test_one_seed_is_a_line_without_interval(tmp_path: Path, shares: tuple[float, ...]) -> None:
    summary = summarize(write_tree(tmp_path, TASKS[:1], (Recipe("one", 0.9, shares=shares),), (0,)))
    with drawing():
        figure = drawn(anytime_figure({"two-targets": summary.benchmarks[0]}, assign_looks(["one"])))
    (line,) = [line for line in figure.axes[0].get_lines() if line.get_label() == "one"]
    assert np.isfinite(np.asarray(line.get_ydata(), dtype=float)).all()
    for band in figure.axes[0].collections:
        assert not any(np.isfinite(path.vertices).all() and len(path.vertices) for path in band.get_paths())
