"""Hypervolume against what was spent for it, through the evaluated checkpoints."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from analysis.anytime import CostCurve, common_range, cost_curves
from analysis.plots.panels import LEAST_WIDTH, is_left, is_lowest, panel_grid
from analysis.plots.style import FAINT, Look, entries_of, legend_below
from analysis.summary import BenchmarkSummary, Row

COST, UNIT = "velocity_evaluations", 1e6
LABEL = "velocity evaluations of training [million]"
MOST_BARS = 4
"""Checkpoints whose intervals are drawn as bars; those of a curve with more are a band."""


def anytime_figure(parts: Mapping[str, BenchmarkSummary], looks: Mapping[str, Look]) -> Figure | None:
    """Return the hypervolume against velocity evaluations with 95 % intervals over seeds, a panel a benchmark.

    Methods that were evaluated at their end alone are marks without a line. Dotted lines bound the costs that all
    curves cover, over which the cost-normalized hypervolume is a mean.

    Args:
        parts: The benchmarks by name; those without a curve are left out.
        looks: Look by method.

    Returns:
        The figure, None if no method of any benchmark has a curve.
    """
    curves = {name: cost_curves(part) for name, part in parts.items()}
    shown = {name: found for name, found in curves.items() if found}
    if not shown:
        return None
    figure, panels = panel_grid("Hypervolume for what was spent", list(shown), 2.9)
    for index, (axes, (name, found)) in enumerate(zip(panels, shown.items(), strict=True)):
        for row in parts[name].last_rows:
            if row.method in found:
                _draw_curve(axes, found[row.method], looks[row.method])
            else:
                _draw_end(axes, row, looks[row.method])
        _frame(axes, common_range(list(found.values()), COST))
        axes.set_ylabel("hypervolume   better →" if is_left(index) else "")
        if is_lowest(index, len(panels)):
            axes.set_xlabel(LABEL, fontsize=8)
    figure.set_figwidth(max(figure.get_figwidth(), LEAST_WIDTH))
    entries = {label: handle for axes in panels for label, handle in entries_of(axes).items()}
    legend_below(figure, dict(sorted(entries.items())), 6)
    return figure


def _draw_curve(axes: Axes, curve: CostCurve, look: Look) -> None:
    costs, found = curve.mean_cost(COST) / UNIT, curve.intervals
    means = np.array([one.mean for one in found])
    halves = np.array([np.nan if one.half_width is None else one.half_width for one in found])
    few = len(found) <= MOST_BARS
    axes.plot(
        costs,
        means,
        look.marker + "-",
        color=look.color,
        markersize=4.5 if few else 2.5,
        markeredgecolor="white",
        markeredgewidth=0.4,
        linewidth=1.3,
        label=curve.method,
        zorder=3,
    )
    if few:
        axes.errorbar(costs, means, yerr=halves, fmt="none", ecolor=look.color, elinewidth=0.8, capsize=1.8, alpha=0.7)
    else:
        axes.fill_between(costs, means - halves, means + halves, color=look.color, alpha=0.13, linewidth=0)


def _draw_end(axes: Axes, row: Row, look: Look) -> None:
    volume, cost = row.quantities["hypervolume"], row.quantities[COST].mean / UNIT
    if volume.half_width is not None:
        axes.errorbar(cost, volume.mean, yerr=volume.half_width, ecolor=look.color, elinewidth=0.8, capsize=1.8)
    axes.plot(cost, volume.mean, look.marker, color=look.color, markersize=4.5, label=row.method, zorder=4)


def _frame(axes: Axes, ends: tuple[float, float] | None) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10.0, subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.06)
    axes.tick_params(labelsize=8)
    for end in ends or ():
        axes.axvline(end / UNIT, color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
