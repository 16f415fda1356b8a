"""Fronts in many rewards: one line a point across all rewards, and beside it the gain over the base model."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.front import Array
from analysis.plots.lettering import text_width
from analysis.plots.panels import GRID, SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks
from analysis.plots.sheets import MARGIN, Mark, Sheet
from analysis.plots.style import FAINT, INK, SURE_COLORS, Look
from analysis.summary import BenchmarkSummary, Row

MOST_LINES = 200
LINES, GAINS = 5.4, 4.2
"""Width of both panels [inches]."""
LEFT, BELOW = 0.55, 0.5
IDEAL = "best of the true front, each reward alone"


def parallel_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Sheet:
    """Return parallel coordinates, normalized by the bounds with more always better, and bars of gains.

    Args:
        part: The benchmark, with any number of rewards.
        looks: Look by method, for every method of the benchmark.
    """
    names = [reward.name for reward in part.yardstick.rewards]
    height = max(3.4, 0.9 + 0.085 * len(part.last_rows) * len(names))
    entries = {method: Mark(looks[method].color, looks[method].marker, "-") for method in part.fronts}
    if part.yardstick.true_front is not None:
        entries[IDEAL] = Mark(INK, line="--")
    if part.base is not None:
        entries["base model"] = Mark(INK, "*", "-")
    beside = text_width(names, SMALL) + 0.35
    width = 2 * MARGIN + LEFT + LINES + beside + GAINS
    sheet = Sheet(part.record.name, width, height + BELOW + 0.1, entries | {"reference point": Mark(FAINT, "+", ":")})
    bottom, left = sheet.foot + BELOW, sheet.indent + MARGIN + LEFT
    _draw_lines(sheet, left, bottom, height, part, looks)
    _draw_gains(sheet, left + LINES + beside, bottom, height, part, looks)
    return sheet


def _draw_lines(
    sheet: Sheet, left: float, bottom: float, height: float, part: BenchmarkSummary, looks: Mapping[str, Look]
) -> None:
    yardstick = part.yardstick
    places = np.arange(len(yardstick.rewards), dtype=np.float64)
    points = {m: yardstick.normalized(np.concatenate([f.points for f in by.values()])) for m, by in part.fronts.items()}
    lone = {"corner": yardstick.normalized(yardstick.reference_point[None, :])[0]}
    if yardstick.true_front is not None:
        lone["ideal"] = yardstick.normalized(yardstick.true_front.points).max(axis=0)
    if part.base is not None:
        lone["base"] = yardstick.normalized(part.base[None, :])[0]
    scale = Scale.around(np.concatenate([*(one.ravel() for one in points.values()), *lone.values()]), room=0.04)
    panel = sheet.panel(left, bottom, LINES, height, Scale(-0.15, len(places) - 0.85), scale)
    panel.strokes([[(at, scale.low), (at, scale.high)] for at in places], colors=FAINT, linewidths=0.8, zorder=0.6)
    for method, found in points.items():
        _draw_method(panel, method, found, len(points), looks[method])
    if "ideal" in lone:
        panel.line(places, lone["ideal"], color=INK, linestyle="--", linewidth=1.3, label=IDEAL)
    if "base" in lone:
        panel.marks(places, lone["base"], INK, "*", 11.0, outline=1.0, linestyle="-", linewidth=1.0, label="base model")
    dotted: dict[str, Any] = {"linestyle": ":", "linewidth": 1.0, "label": "reference point"}
    panel.marks(places, lone["corner"], FAINT, "+", 9.0, **dotted)
    panel.frame((), linear_ticks(*scale.ends, 6))
    for at, name in zip(panel.across(places), _folded(part), strict=True):
        sheet.write(float(at), bottom - 0.08, name, size=SMALL + 0.5, ha="center", va="top")
    panel.label("", "reward, 0 to 1 between the bounds   better →", beside=0.34)


def _draw_method(panel: Panel, method: str, points: Array, n_methods: int, look: Look) -> None:
    """Draw the points of all seeds as faint lines, evenly thinned where they are many, and their mean on top."""
    places = np.arange(points.shape[1], dtype=np.float64)
    shown = points[:: -(-len(points) // MOST_LINES)]
    # The more lines, the fainter each: hundreds of points must leave the means readable.
    alpha = max(0.06, min(0.5, 8 / len(shown))) * min(1.0, SURE_COLORS / (2 * n_methods))
    lines = np.stack([np.broadcast_to(places, shown.shape), shown], axis=-1)
    panel.strokes(lines, colors=look.color, alpha=alpha, linewidths=0.8)
    style: dict[str, Any] = {"outline": 1.0, "linestyle": "-", "linewidth": 2.0, "label": method, "zorder": 4.0}
    panel.marks(places, points.mean(axis=0), look.color, look.marker, 6.5, **style)


def _draw_gains(
    sheet: Sheet, left: float, bottom: float, height: float, part: BenchmarkSummary, looks: Mapping[str, Look]
) -> None:
    """Draw the gain over the base model with its interval, rewards from top to bottom, in units of the bounds."""
    names, rows = [reward.name for reward in part.yardstick.rewards], part.last_rows
    found = {row.method: gains_of(part, row) for row in rows}
    ends = [found[row.method][:, :3].ravel() for row in rows]
    scale = Scale.around(np.concatenate([*ends, [0.0]]), room=0.04)
    panel = sheet.panel(left, bottom, GAINS, height, scale, Scale(len(names) - 0.45, -0.55))
    high = 0.8 / max(len(rows), 1)
    for index, row in enumerate(rows):
        gains, look = found[row.method], looks[row.method]
        places = np.arange(len(names)) - 0.4 + (index + 0.5) * high
        known = np.isfinite(gains[:, 1])
        boxes = [
            [(0.0, at - 0.43 * high), (gain, at - 0.43 * high), (gain, at + 0.43 * high), (0.0, at + 0.43 * high)]
            for at, gain in zip(places[known], gains[known, 1], strict=True)
        ]
        panel.fill(boxes, facecolors=look.color, alpha=0.85)
        panel.level_bars(places, gains[:, 0], gains[:, 2], INK)
        if len(rows) > SURE_COLORS:
            panel.marks(gains[known, 1], places[known], look.color, look.marker, 5.0, label=row.method, zorder=3.0)
    panel.strokes([[(0.0, panel.y.low), (0.0, panel.y.high)]], colors=INK, linewidths=0.9, zorder=2.6)
    ticks = linear_ticks(*scale.ends, 6)
    panel.strokes(
        [[(tick, panel.y.low), (tick, panel.y.high)] for tick in ticks], colors=GRID, linewidths=0.7, zorder=0.5
    )
    panel.frame(ticks, range(len(names)), None, names, grid=False)
    panel.label("gain, mean over points, in units of the bounds   better →")


def gains_of(part: BenchmarkSummary, row: Row) -> Array:
    """Return the gain in each reward in units of the bounds: lower end, mean and upper end [K, 3], NaN where unknown.

    Args:
        part: The benchmark.
        row: One of its methods.
    """
    widths = np.diff(part.yardstick.bounds, axis=1)[:, 0]
    gains = np.full((len(widths), 3), np.nan)
    for k, reward in enumerate(part.yardstick.rewards):
        gain = row.quantities.get(f"gain_{reward.name}")
        if gain is not None:
            half = np.nan if gain.half_width is None else gain.half_width
            gains[k] = gain.mean - half, gain.mean, gain.mean + half
    return gains / widths[:, None]


def _folded(part: BenchmarkSummary) -> list[str]:
    """Return the names of the rewards, long ones broken at an underscore or a dash."""
    names = [reward.name for reward in part.yardstick.rewards]
    return [name.replace("_", "_\n", 1).replace("-", "-\n", 1) if len(name) > 11 else name for name in names]
