"""One picture of a suite: how much of the true hypervolume each method fills on each benchmark."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.front import Array
from analysis.plots.lettering import text_width
from analysis.plots.panels import GRID, SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks
from analysis.plots.sheets import MARGIN, Mark, Sheet, marks_of
from analysis.plots.style import FAINT, INK, Look
from analysis.summary import BenchmarkSummary, Row, Summary

WIDTH, ROW, BELOW = 6.5, 0.18, 0.42
"""Of the panel, height of the row of a method, and room for words below the panel [inches]."""
APART = "#D8D8D8"


def overview_figure(summary: Summary, looks: Mapping[str, Look]) -> Sheet:
    """Return dots with 95 % intervals, one group of rows a benchmark.

    Where a benchmark of the suite does not know its true front, all are shown relative to the best method instead.

    Args:
        summary: The suite.
        looks: Look by method, for every method of the suite.
    """
    parts = summary.benchmarks
    known = all(part.yardstick.true_hypervolume is not None for part in parts)
    exact = known and any("exact_front_share" in row.quantities for part in parts for row in part.last_rows)
    entries = marks_of(looks, summary.methods) | (
        {"true front at the same preferences": Mark(INK, "|")} if exact else {}
    )
    names = [part.record.name for part in parts]
    tops = np.cumsum([0, *(max(len(part.last_rows), 1) + 1 for part in parts)])
    height, left = ROW * float(tops[-1]), MARGIN + text_width(names, SMALL) + 0.1
    sheet = Sheet("", left + WIDTH + MARGIN, height + BELOW, entries)
    scales = Scale.around(_seen(summary, known), room=0.04), Scale(float(tops[-1]) - 1.0, -1.0)
    panel = sheet.panel(sheet.indent + left, sheet.foot + BELOW, WIDTH, height, *scales)
    for part, top in zip(parts, tops, strict=False):
        for index, row in enumerate(part.last_rows):
            _draw_row(panel, row, looks[row.method], float(top + index), _unit(part, known), exact)
    borders = [[(panel.x.low, top - 1.0), (panel.x.high, top - 1.0)] for top in tops[1:]]
    panel.strokes(borders, colors=APART, linewidths=0.8)
    panel.strokes([[(1.0, panel.y.low), (1.0, panel.y.high)]], colors=FAINT, linewidths=0.9, linestyles=":")
    ticks = linear_ticks(*panel.x.ends, 6)
    lines = [[(tick, panel.y.low), (tick, panel.y.high)] for tick in ticks]
    panel.strokes(lines, colors=GRID, linewidths=0.7, zorder=0.5)
    panel.frame(ticks, (tops[:-1] + tops[1:] - 2.0) / 2.0, None, names, grid=False)
    quantity = "share of the true hypervolume" if known else "hypervolume relative to the best method"
    panel.label(f"{quantity}   better →", size=9.0)
    return sheet


def _unit(part: BenchmarkSummary, known: bool) -> float:
    """Return the hypervolume that counts as 1 on a benchmark."""
    if known and part.yardstick.true_hypervolume is not None:
        return part.yardstick.true_hypervolume
    best = max((row.quantities["hypervolume"].mean for row in part.last_rows), default=0.0)
    return best if best > 0 else 1.0


def _seen(summary: Summary, known: bool) -> Array:
    """Return all that must lie in the panel: seeds, ends of intervals, 0 and 1."""
    found = [0.0, 1.0]
    for part in summary.benchmarks:
        unit = _unit(part, known)
        for row in part.last_rows:
            volume = row.quantities["hypervolume"]
            ends = (volume.mean - (volume.half_width or 0.0), volume.mean + (volume.half_width or 0.0))
            found += [value / unit for value in (*volume.values.values(), *ends)]
    return np.array(found)


def _draw_row(panel: Panel, row: Row, look: Look, place: float, unit: float, exact: bool) -> None:
    """Draw the mean with its interval, the seeds behind it, and the share that the true front itself reaches."""
    volume = row.quantities["hypervolume"]
    seen = [value / unit for value in volume.values.values()]
    panel.marks(seen, [place] * len(seen), look.color, ".", 5.0, alpha=0.35)
    if volume.half_width is not None:
        low, high = volume.mean - volume.half_width, volume.mean + volume.half_width
        panel.level_bars([place], [low / unit], [high / unit], look.color, linewidths=1.5)
    style: dict[str, Any] = {"outline": 1.0, "label": row.method, "zorder": 3.0}
    panel.marks([volume.mean / unit], [place], look.color, look.marker, 6.5, **style)
    share = row.quantities.get("exact_front_share") if exact else None
    if share is not None:
        panel.marks([share.mean], [place], INK, "|", 11.0, markeredgewidth=1.4, zorder=2.0)
