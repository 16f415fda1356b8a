"""Where fronts pay with held-out rewards: what each point gained and lost, and flagged points on the front."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.front import oriented
from analysis.hacking import MethodVerdict
from analysis.plots.fronts import close_up
from analysis.plots.means import mean_points
from analysis.plots.panels import LEAST_WIDTH, panel_grid
from analysis.plots.style import FAINT, INK, Look, legend_below, short_axis_label
from analysis.summary import BenchmarkSummary
from benchmarks.records import RewardRecord


class Judged(NamedTuple):
    """A benchmark with the verdicts on those of its methods of which something is known."""

    part: BenchmarkSummary
    verdicts: Sequence[MethodVerdict]

    @property
    def mixed(self) -> bool:
        """Whether some points are flagged and others are not, so that a front shows where."""
        flags = {point.flagged for verdict in self.verdicts for point in verdict.points}
        return len(flags) == 2


def hacking_figure(judged: Sequence[Judged], looks: Mapping[str, Look]) -> Figure | None:
    """Return the price of each point in each held-out reward, and fronts of two rewards; flagged points are hollow.

    In a panel of a held-out reward to the right is more of what the point was asked for, up is better; points beneath
    the line lost. Fronts are shown where some points are flagged and others are not. All are means over seeds.

    Args:
        judged: The benchmarks with held-out rewards.
        looks: Look by method.

    Returns:
        The figure, None if nothing is known of any method.
    """
    known = [Judged(part, [one for one in verdicts if not one.unknown]) for part, verdicts in judged]
    known = [one for one in known if one.verdicts]
    if not known:
        return None
    fronts = [one for one in known if len(one.part.yardstick.rewards) == 2 and one.mixed]
    prices = [(one, reward) for one in known for reward in one.part.record.held_out]
    titles = [f"{one.part.record.name}\nfront" for one in fronts]
    titles += [f"{one.part.record.name}\n{reward.name}" for one, reward in prices]
    figure, panels = panel_grid("What is paid for the rewards with rewards that nobody trained", titles, 3.0)
    for axes, one in zip(panels, fronts, strict=False):
        _draw_front(axes, one, looks)
    for axes, (one, reward) in zip(panels[len(fronts) :], prices, strict=True):
        _draw_price(axes, one, reward, looks)
    figure.set_figwidth(max(figure.get_figwidth(), LEAST_WIDTH))
    methods = sorted({verdict.method for one in known for verdict in one.verdicts})
    entries = {name: _mark(looks[name].marker, looks[name].color, looks[name].color) for name in methods}
    if any(verdict.flagged for one in known for verdict in one.verdicts):
        entries["hollow: flagged"] = _mark("o", INK, "none")
    legend_below(figure, entries, 6)
    return figure


def _mark(marker: str, color: str, fill: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, markerfacecolor=fill, linestyle="none", markersize=7)


def _draw_front(axes: Axes, one: Judged, looks: Mapping[str, Look]) -> None:
    rewards = one.part.yardstick.rewards
    close_up(axes, one.part)
    for verdict in one.verdicts:
        look, fronts = looks[verdict.method], list(verdict.fronts.values())
        line = mean_points(fronts)
        if line is not None and len(line) > 1:
            axes.plot(*oriented(line, rewards).T, color=look.color, linewidth=0.8, alpha=0.6, zorder=2)
        # In the order of the records, as the verdicts are.
        points = oriented(np.mean([front.points for front in fronts], axis=0), rewards)
        _points(axes, points, verdict, look)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel(short_axis_label(rewards[0]), fontsize=8)
    axes.set_ylabel(short_axis_label(rewards[1]), fontsize=8)
    axes.tick_params(labelsize=8)


def _draw_price(axes: Axes, one: Judged, reward: RewardRecord, looks: Mapping[str, Look]) -> None:
    for verdict in one.verdicts:
        points = np.array([[point.asked.mean, point.changes[reward.name].mean] for point in verdict.points])
        _points(axes, points, verdict, looks[verdict.method])
    axes.axhline(0.0, color=INK, linewidth=0.8, zorder=1)
    axes.axvline(0.0, color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
    axes.margins(0.1)
    axes.tick_params(labelsize=8)
    axes.set_ylabel("change   better →", fontsize=8)
    axes.set_xlabel("gain in what was asked for →", fontsize=8)


def _points(axes: Axes, points: npt.NDArray[np.float64], verdict: MethodVerdict, look: Look) -> None:
    """Draw the flagged points of a method hollow, and the others filled on top."""
    flagged = np.array([point.flagged for point in verdict.points])
    for kept, fill, order in ((flagged, "none", 3), (~flagged, look.color, 4)):
        x, y = points[kept].T
        axes.plot(x, y, look.marker, color=look.color, markerfacecolor=fill, markersize=4.4, zorder=order)
