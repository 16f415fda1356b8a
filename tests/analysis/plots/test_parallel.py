"""Parallel coordinates."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from analysis.plots import assign_looks, drawing
from analysis.plots.panels import Panel
from analysis.plots.parallel import gains_of, parallel_figure
from analysis.plots.sheets import Sheet
from analysis.summary import BenchmarkSummary, Summary, summarize
from tests.analysis.synthetic_records import Recipe, Task, write_tree
from tests.support.figures import data_of, overlapping_words, points_in, sheet_of


def figure_of(part: BenchmarkSummary) -> Sheet:
    with drawing():
        sheet = sheet_of(parallel_figure(part, assign_looks(part.fronts)))
    assert overlapping_words(sheet) == []
    return sheet


def faint_lines(sheet: Sheet, panel: Panel) -> list[np.ndarray]:
    """Return the lines [S, K, 2] of each method's points, in units of the data."""
    kept = [one for one in sheet.artists if isinstance(one, LineCollection) and one.get_alpha() is not None]
    return [data_of(panel, one.get_segments()) for one in kept]


def test_lines_are_normalized_and_bars_are_gains(suite_summary: Summary) -> None:
    part = {part.record.name: part for part in suite_summary.benchmarks}["two-costs"]
    sheet = figure_of(part)
    lines, bars = sheet.panels
    found = faint_lines(sheet, lines)
    assert [len(one) for one in found] == [9, 63, 63]
    for one, (method, fronts) in zip(found, part.fronts.items(), strict=True):
        points = part.yardstick.normalized(np.concatenate([front.points for front in fronts.values()]))
        np.testing.assert_allclose(one[..., 1], points, atol=1e-9)
        np.testing.assert_allclose(points_in(lines, label=method)[:, 1], points.mean(axis=0), atol=1e-9)
    for row, boxes in zip(part.last_rows, bars.fills, strict=True):
        corners = data_of(bars, np.array([path.vertices[:4] for path in boxes.get_paths()]))
        expected = [row.quantities[f"gain_r{k}"] for k in range(2)]
        # Bounds are one unit apart.
        np.testing.assert_allclose(corners[:, 1, 0], [gain.mean for gain in expected], atol=1e-9)
        assert np.round(corners[..., 1].mean(axis=1)).tolist() == [0.0, 1.0]
        np.testing.assert_allclose(gains_of(part, row)[:, 2], [gain.high for gain in expected])


def test_many_points_are_thinned(tmp_path: Path) -> None:
    many = Recipe("many", 0.9, divisions=20)
    folder = write_tree(tmp_path, (Task("three-targets", 3),), (many,), (0,), prompts=1, samples=2)
    part = summarize(folder).benchmarks[0]
    assert len(part.fronts["many"][0].points) == 231
    sheet = figure_of(part)
    (lines,) = faint_lines(sheet, sheet.panels[0])
    assert len(lines) == 116


def test_gains_without_interval_and_without_base_are_unknown(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, (Task("four", 4),), (Recipe("one", 0.9),), (0,), prompts=1, samples=2)
    part = summarize(folder).benchmarks[0]
    gains = gains_of(part, part.last_rows[0])
    assert np.isfinite(gains[:, 1]).all()
    assert np.isnan(gains[:, [0, 2]]).all()
    assert figure_of(part).panels[1].fills[0].get_paths()
    assert pytest.approx(gains[0, 1]) == part.last_rows[0].quantities["gain_r0"].mean
