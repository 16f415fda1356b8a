"""Parallel coordinates."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from analysis.plots import assign_looks, drawing
from analysis.plots.parallel import parallel_figure
from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import Recipe, Task, write_tree


def test_lines_are_normalized_and_bars_are_gains(suite_summary: Summary) -> None:
    part = {part.record.name: part for part in suite_summary.benchmarks}["two-costs"]
    with drawing():
        figure = parallel_figure(part, assign_looks(part.fronts))
    lines, bars = figure.axes
    collections = [artist for artist in lines.collections if isinstance(artist, LineCollection)]
    assert [len(artist.get_segments()) for artist in collections] == [9, 63, 63]
    values = np.concatenate([segment[:, 1] for artist in collections for segment in artist.get_segments()])
    assert values.min() > -0.1
    assert values.max() < 1.1
    row = part.last_rows[0]
    # The first bar is the first method's gain in the first reward, whose bounds are one unit apart.
    assert bars.patches[0].get_width() == pytest.approx(row.quantities["gain_r0"].mean)  # type: ignore[attr-defined]


def test_many_points_are_thinned(tmp_path: Path) -> None:
    many = Recipe("many", 0.9, divisions=20)
    folder = write_tree(tmp_path, (Task("three-targets", 3),), (many,), (0,), prompts=1, samples=2)
    part = summarize(folder).benchmarks[0]
    assert len(part.fronts["many"][0].points) == 231
    with drawing():
        lines = parallel_figure(part, assign_looks(part.fronts)).axes[0]
    (collection,) = [artist for artist in lines.collections if isinstance(artist, LineCollection)]
    assert len(collection.get_segments()) == 116
