"""Fronts in many rewards: one line a point across all rewards, and beside it the gain over the base model."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.front import Front
from analysis.plots.style import FAINT, INK, SURE_COLORS, Look, entries_of, legend_below
from analysis.summary import BenchmarkSummary

MOST_LINES = 200


def parallel_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Figure:
    """Return parallel coordinates, normalized by the bounds with more always better, and bars of gains.

    Args:
        part: The benchmark, with any number of rewards.
        looks: Look by method, for every method of the benchmark.
    """
    bars = len(part.last_rows) * len(part.yardstick.rewards)
    figure = Figure(figsize=(11.0, max(4.6, 1.6 + 0.095 * bars)), layout="constrained")
    figure.suptitle(part.record.name, fontsize=11, color=INK)
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
    _draw_lines(left, part, looks)
    _draw_gains(right, part, looks)
    legend_below(figure, entries_of(left), 6)
    return figure


def _draw_lines(axes: Axes, part: BenchmarkSummary, looks: Mapping[str, Look]) -> None:
    yardstick = part.yardstick
    places = np.arange(len(yardstick.rewards))
    for method, fronts in part.fronts.items():
        _draw_method(axes, method, fronts, part, looks[method])
    if yardstick.true_front is not None:
        ideal = yardstick.normalized(yardstick.true_front.points).max(axis=0)
        axes.plot(places, ideal, "--", color=INK, linewidth=1.3, label="best of the true front, each reward alone")
    if part.base is not None:
        base = yardstick.normalized(part.base[None, :])[0]
        axes.plot(
            places, base, "*-", color=INK, linewidth=1.0, markersize=11, markeredgecolor="white", label="base model"
        )
    corner = yardstick.normalized(yardstick.reference_point[None, :])[0]
    axes.plot(places, corner, "+:", color=FAINT, linewidth=1.0, markersize=9, label="reference point")
    axes.set_xticks(places, _ticks(part))
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=0.8)
    axes.set_xlim(-0.15, len(places) - 0.85)
    axes.set_ylabel("reward, 0 to 1 between the bounds   better →")


def _draw_method(axes: Axes, method: str, fronts: Mapping[int, Front], part: BenchmarkSummary, look: Look) -> None:
    """Draw the points of all seeds as faint lines, evenly thinned where they are many, and their mean on top."""
    points = part.yardstick.normalized(np.concatenate([front.points for front in fronts.values()]))
    places = np.arange(points.shape[1])
    lines = [np.column_stack([places, point]) for point in points[:: -(-len(points) // MOST_LINES)]]
    # The more lines, the fainter each: hundreds of points must leave the means readable.
    alpha = max(0.06, min(0.5, 8 / len(lines))) * min(1.0, SURE_COLORS / (2 * len(part.fronts)))
    axes.add_collection(LineCollection(lines, colors=look.color, alpha=alpha, linewidths=0.8))
    axes.plot(
        places,
        points.mean(axis=0),
        look.marker + "-",
        color=look.color,
        linewidth=2.0,
        markersize=6.5,
        markeredgecolor="white",
        label=method,
        zorder=4,
    )


def _draw_gains(axes: Axes, part: BenchmarkSummary, looks: Mapping[str, Look]) -> None:
    """Draw the gain over the base model with its interval, rewards from top to bottom, in units of the bounds."""
    widths = np.diff(part.yardstick.bounds, axis=1)[:, 0]
    names = [reward.name for reward in part.yardstick.rewards]
    rows = part.last_rows
    height = 0.8 / max(len(rows), 1)
    for index, row in enumerate(rows):
        for k, name in enumerate(names):
            gain = row.quantities.get(f"gain_{name}")
            if gain is None:
                continue
            place, look = k - 0.4 + (index + 0.5) * height, looks[row.method]
            axes.barh(place, gain.mean / widths[k], height * 0.86, color=look.color, alpha=0.85)
            if gain.half_width is not None:
                error = gain.half_width / widths[k]
                axes.errorbar(gain.mean / widths[k], place, xerr=error, color=INK, linewidth=1.0, capsize=2.0)
            if len(rows) > SURE_COLORS:
                axes.plot(gain.mean / widths[k], place, look.marker, color=look.color, markersize=4.5, zorder=3)
    axes.axvline(0.0, color=INK, linewidth=0.9)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("gain, mean over points, in units of the bounds   better →")


def _ticks(part: BenchmarkSummary) -> list[str]:
    """Return the names of the rewards, long ones broken at an underscore or a dash."""
    names = [reward.name for reward in part.yardstick.rewards]
    return [name.replace("_", "_\n", 1).replace("-", "-\n", 1) if len(name) > 11 else name for name in names]
