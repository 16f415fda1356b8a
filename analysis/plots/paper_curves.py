"""Curves for print: hypervolume for what was spent, and what a slider answers."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from analysis.anytime import CostCurve, cost_curves
from analysis.plots.anytime import MOST_BARS
from analysis.plots.control import LEAST_SEEDS, Response, responses_of
from analysis.plots.paper_style import Page, legend_beneath, mark, names_beside, new_figure
from analysis.plots.paper_text import LABEL, SMALL, line_height, printable, reward_labels, spread, text_width
from analysis.plots.style import FAINT, INK, Look
from analysis.statistics import Interval, interval
from analysis.summary import BenchmarkSummary

COST, UNIT = "velocity_evaluations", 1e6
VOLUME = "hypervolume"
PANEL_HEIGHT = 1.9
MARK = 1.1
"""Where the marks beside a panel stand, in its widths."""


def anytime_figure(part: BenchmarkSummary, looks: Mapping[str, Look], page: Page) -> Figure | None:
    """Return the hypervolume against velocity evaluations with 95 % intervals, each curve named at its end.

    Methods that were evaluated at their end alone are marks without a line.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
        page: Widths.

    Returns:
        The figure, None if no method has a curve.
    """
    curves = cost_curves(part)
    if not curves:
        return None
    gap = line_height(SMALL)
    height = max(PANEL_HEIGHT, gap * len(part.last_rows) + 0.45)
    figure = new_figure(page.column, height)
    axes = figure.subplots()
    ends = {}
    for row in part.last_rows:
        volume, cost = row.quantities[VOLUME], row.quantities[COST].mean / UNIT
        if row.method in curves:
            _draw_curve(axes, curves[row.method], looks[row.method])
        else:
            _draw_bars(axes, [cost], [volume], looks[row.method], "none")
        ends[row.method] = (cost, volume.mean)
    _log_axis(axes)
    axes.set_xlabel("velocity evaluations [million]")
    axes.set_ylabel("hypervolume, better ↑")
    _name_ends(axes, ends, looks, gap / (height - 0.4), names_beside(list(ends), page))
    return figure


def _draw_curve(axes: Axes, curve: CostCurve, look: Look) -> None:
    costs, found = (curve.mean_cost(COST) / UNIT).tolist(), curve.intervals
    if len(found) <= MOST_BARS:
        _draw_bars(axes, costs, found, look, "-")
        return
    low = [one.mean if one.low is None else one.low for one in found]
    high = [one.mean if one.high is None else one.high for one in found]
    axes.fill_between(costs, low, high, color=look.color, alpha=0.13, linewidth=0)
    axes.plot(costs, [one.mean for one in found], look.marker + "-", color=look.color, markersize=2.4,
              markevery=max(1, len(found) // 6))  # fmt: skip


def _draw_bars(axes: Axes, costs: Sequence[float], found: Sequence[Interval], look: Look, line: str) -> None:
    halves = [np.nan if one.half_width is None else one.half_width for one in found]
    axes.errorbar(costs, [one.mean for one in found], yerr=halves, linestyle=line, marker=look.marker,
                  color=look.color, markersize=3.4, markeredgecolor="white", markeredgewidth=0.3, elinewidth=0.5,
                  capsize=1.2, capthick=0.5)  # fmt: skip


def _log_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10.0, subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.06)


def _name_ends(
    axes: Axes,
    ends: Mapping[str, tuple[float, float]],
    looks: Mapping[str, Look],
    gap: float,
    names: Sequence[str],
) -> None:
    """Write the methods' names to the right of a panel, each with its mark and tied to the end of its curve.

    Args:
        axes: The panel.
        ends: Cost and hypervolume by method.
        looks: Look by method.
        gap: Height of a line, as a share of that of the panel.
        names: How the methods are called.
    """
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    places = spread([(end - low) / (high - low) for _, end in ends.values()], gap)
    # The names as a whole stay beside the panel.
    shift = max(0.0, gap / 2 - min(places)) - max(0.0, max(places) - (1.0 - gap / 2))
    for (method, end), place, name in zip(ends.items(), places, names, strict=True):
        tie = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.4, "shrinkA": 0.0, "shrinkB": 2.5}
        axes.annotate("", end, (MARK - 0.04, place + shift), textcoords="axes fraction", arrowprops=tie,
                      annotation_clip=False, zorder=1)  # fmt: skip
        axes.plot(MARK, place + shift, looks[method].marker, color=looks[method].color, markersize=3.6,
                  transform=axes.transAxes, clip_on=False)  # fmt: skip
        axes.text(MARK + 0.05, place + shift, name, fontsize=SMALL, color=INK, va="center", transform=axes.transAxes)


def control_figure(part: BenchmarkSummary, looks: Mapping[str, Look], page: Page) -> Figure | None:
    """Return each reward against its asked weight for the methods with a slider, in panels side by side.

    Thin lines are seeds, the thick one is their mean, with three seeds at least with its 95 % interval; a cross marks a
    preference that at least half of the seeds waste.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
        page: Widths.

    Returns:
        The figure, None unless there are two rewards and a slider.
    """
    found = responses_of(part)
    if not found:
        return None
    figure = new_figure(page.column, 0.47 * page.column)
    rewards = part.yardstick.rewards
    panels = figure.subplots(1, len(rewards), squeeze=False)[0]
    labels = reward_labels(rewards, 0.47 * page.column - 0.35)
    asked = [f"weight of {printable(reward.name)}" for reward in rewards]
    if max(text_width(text, LABEL) for text in asked) > page.column / len(rewards) - 0.45:
        # The other axis names the reward.
        asked = ["its weight"] * len(rewards)
    entries: dict[str, Artist] = {}
    for k, (axes, reward) in enumerate(zip(panels, rewards, strict=True)):
        for method, responses in found.items():
            look = looks[method]
            _draw_response(axes, responses[k], look)
            entries[method] = mark(look, "-")
        values = np.concatenate([responses[k].values.ravel() for responses in found.values()])
        room = 0.12 * max(float(np.ptp(values)), 1e-9)
        # What an interval has beyond the panel is cut off, or the wide ones would flatten the curves.
        axes.set_ylim(float(values.min()) - room, float(values.max()) + room)
        axes.yaxis.set_inverted(not reward.higher_is_better)
        axes.set_xticks([0.0, 0.5, 1.0])
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(asked[k])
        axes.set_ylabel(labels[k])
    if any(one.wasted.any() for responses in found.values() for one in responses):
        entries["wasted preference"] = Line2D([], [], color=INK, marker="x", linestyle="none", markersize=4.0)
    legend_beneath(figure, entries)
    return figure


def _draw_response(axes: Axes, response: Response, look: Look) -> None:
    weights, values = response.weights, response.values
    if len(values) > 1:
        axes.plot(weights, values.T, color=look.color, alpha=0.3, linewidth=0.4, zorder=2)
    if len(values) >= LEAST_SEEDS:
        found = [interval(dict(enumerate(column.tolist()))) for column in values.T]
        low = [one.mean if one.low is None else one.low for one in found]
        high = [one.mean if one.high is None else one.high for one in found]
        axes.fill_between(weights, low, high, color=look.color, alpha=0.14, linewidth=0, zorder=1)
    mean = values.mean(axis=0)
    axes.plot(weights, mean, look.marker + "-", color=look.color, linewidth=1.0, markersize=3.2,
              markeredgecolor="white", markeredgewidth=0.3, zorder=3)  # fmt: skip
    axes.plot(weights[response.wasted], mean[response.wasted], "x", color=INK, markersize=4.0, markeredgewidth=0.7,
              zorder=4)  # fmt: skip
