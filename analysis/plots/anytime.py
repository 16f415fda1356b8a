"""Hypervolume against what was spent for it, through the evaluated checkpoints."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.anytime import COSTS, STEPS, CostCurve, common_range, cost_curves
from analysis.front import Array
from analysis.plots.layout import Grid
from analysis.plots.lettering import text_width
from analysis.plots.panels import SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks, short_number, tick_texts, ticks_of
from analysis.plots.sheets import Sheet, marks_of
from analysis.plots.style import FAINT, Look
from analysis.summary import BenchmarkSummary, Row

LABELS = {
    STEPS: "steps of each model",
    "velocity_evaluations": "velocity evaluations",
    "reward_calls": "reward calls",
    "seconds": "seconds",
}
COLUMNS = 4
WIDTH, HEIGHT, ABOVE, BELOW = 2.2, 1.3, 0.1, 0.42
"""Of a panel, and room for words above and below it [inches]."""
HEAD = 0.2
MOST_BARS = 4
"""Checkpoints whose intervals are drawn as bars; those of a curve with more are a band."""


def anytime_figure(parts: Mapping[str, BenchmarkSummary], looks: Mapping[str, Look]) -> Sheet | None:
    """Return the hypervolume against each cost with 95 % intervals over seeds: a row a cost, a column a benchmark.

    Methods that were evaluated at their end alone are marks without a line. Dotted lines bound the costs that all
    curves cover, over which the cost-normalized hypervolume is a mean. More than four benchmarks continue beneath.

    Args:
        parts: The benchmarks by name; those without a curve are left out.
        looks: Look by method.

    Returns:
        The figure, None if no method of any benchmark has a curve.
    """
    curves = {name: cost_curves(part) for name, part in parts.items()}
    shown = [name for name, found in curves.items() if found]
    if not shown:
        return None
    scales = {name: _volumes(parts[name], curves[name]) for name in shown}
    texts = {name: tick_texts(linear_ticks(*scales[name].ends, 4)) for name in shown}
    room = text_width([text for one in texts.values() for text in one], SMALL) + 0.14
    columns = min(COLUMNS, len(shown))
    blocks = -(-len(shown) // columns)
    grid = Grid(blocks * len(COSTS) * columns, columns, WIDTH, HEIGHT, room + 0.2, room + 0.1, ABOVE, BELOW)
    width, height = grid.size
    names = sorted({row.method for name in shown for row in parts[name].last_rows})
    sheet = Sheet("Hypervolume for what was spent", width, height + HEAD, marks_of(looks, names, line="-"))
    for number, name in enumerate(shown):
        block, column = divmod(number, columns)
        for row, cost in enumerate(COSTS):
            left, bottom = grid.place(sheet, (block * len(COSTS) + row) * columns + column)
            values = _costs(parts[name], curves[name], cost)
            # What cost nothing has no place on a logarithmic axis.
            x = Scale.around(values, log=bool((values > 0.0).all()))
            panel = sheet.panel(left, bottom - HEAD, WIDTH, HEIGHT, x, scales[name])
            _draw(panel, parts[name], curves[name], cost, looks)
            ticks = ticks_of(panel.x, 5)
            panel.frame(ticks, linear_ticks(*panel.y.ends, 4), [short_number(tick) for tick in ticks], texts[name])
            panel.label(LABELS[cost], "" if column else "hypervolume   better →", beside=room - 0.06)
            if not row:
                panel.head(name)
    return sheet


def _volumes(part: BenchmarkSummary, curves: Mapping[str, CostCurve]) -> Scale:
    """Return a scale that holds the means of all methods; of wide intervals the ends may lie beyond."""
    means = np.array([one.mean for curve in curves.values() for one in curve.intervals]
                     + [row.quantities["hypervolume"].mean for row in part.last_rows])  # fmt: skip
    return Scale.around(means, room=0.12)


def _costs(part: BenchmarkSummary, curves: Mapping[str, CostCurve], cost: str) -> Array:
    ends = [_cost_of(row, cost) for row in part.last_rows]
    return np.concatenate([*(curve.mean_cost(cost) for curve in curves.values()), ends])


def _cost_of(row: Row, cost: str) -> float:
    return float(row.step) if cost == STEPS else row.quantities[cost].mean


def _draw(
    panel: Panel, part: BenchmarkSummary, curves: Mapping[str, CostCurve], cost: str, looks: Mapping[str, Look]
) -> None:
    for row in part.last_rows:
        look = looks[row.method]
        if row.method in curves:
            _draw_curve(panel, curves[row.method], cost, look)
        else:
            volume = row.quantities["hypervolume"]
            at, half = [_cost_of(row, cost)], volume.half_width or np.nan
            panel.bars(at, [volume.mean - half], [volume.mean + half], look.color, alpha=0.7)
            style: dict[str, Any] = {"outline": 0.4, "label": row.method, "zorder": 4.0}
            panel.marks(at, [volume.mean], look.color, look.marker, 4.5, **style)
    for end in common_range(list(curves.values()), cost) or ():
        panel.strokes([[(end, panel.y.low), (end, panel.y.high)]], colors=FAINT, linewidths=0.8, linestyles=":")


def _draw_curve(panel: Panel, curve: CostCurve, cost: str, look: Look) -> None:
    costs, found = curve.mean_cost(cost), curve.intervals
    means = np.array([one.mean for one in found])
    halves = np.array([np.nan if one.half_width is None else one.half_width for one in found])
    few = len(found) <= MOST_BARS
    if few:
        panel.bars(costs, means - halves, means + halves, look.color, alpha=0.7)
    elif np.isfinite(halves).all():
        panel.band(costs, means - halves, means + halves, clip=True, color=look.color, alpha=0.13)
    style: dict[str, Any] = {"linestyle": "-", "linewidth": 1.3, "label": curve.method, "zorder": 3.0}
    panel.marks(costs, means, look.color, look.marker, 4.5 if few else 2.5, outline=0.4, **style)
