"""The picture of a benchmark: one panel for two rewards, three for three, parallel coordinates for more."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.front import Array, oriented
from analysis.plots.means import mean_points
from analysis.plots.multiples import multiples_figure
from analysis.plots.parallel import parallel_figure
from analysis.plots.style import FAINT, INK, PALE, SURE_COLORS, Look, axis_label, entries_of, legend_below
from analysis.summary import BenchmarkSummary

PAIRS = {2: ((0, 1),), 3: ((0, 1), (0, 2), (1, 2))}


def front_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Figure:
    """Return the picture of all fronts of a benchmark at the methods' last checkpoints, in the units of the records.

    Axes of rewards to minimize run backwards, so that better is always to the right and up.

    Two and three rewards are drawn as panels of pairs, one panel a pair; three rewards of more than eight methods as
    panels of pairs for each method; one reward and more than three as parallel coordinates with the gain over the base
    model.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
    """
    pairs = PAIRS.get(len(part.yardstick.rewards))
    if pairs is None:
        return parallel_figure(part, looks)
    if len(pairs) > 1 and len(part.fronts) > SURE_COLORS:
        return multiples_figure(part, looks)
    # With two rewards the front is small beside the distance to the reference point, so it is shown a second time.
    shown = [*pairs, *pairs] if len(pairs) == 1 else list(pairs)
    figure = Figure(figsize=(4.3 * len(shown), 4.5), layout="constrained")
    figure.suptitle(part.record.name, fontsize=11, color=INK)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (x, y) in zip(panels, shown, strict=True):
        draw_pair(axes, part, looks, x, y)
    if len(pairs) == 1:
        panels[0].set_title("from the reference point")
        panels[1].set_title("close-up of the fronts")
        close_up(panels[1], part)
    legend_below(figure, entries_of(panels[0]), 6)
    return figure


def close_up(axes: Axes, part: BenchmarkSummary) -> None:
    """Limit a panel of two rewards to the points of the methods and the true front."""
    rewards = part.yardstick.rewards
    sets = [oriented(front.points, rewards) for fronts in part.fronts.values() for front in fronts.values()]
    if part.yardstick.true_front is not None:
        sets.append(oriented(part.yardstick.true_front.points, rewards))
    if not sets:
        return
    points = np.concatenate(sets)
    low, high = points.min(0), points.max(0)
    room = 0.06 * np.maximum(high - low, 1e-9)
    ends = [(float(low[k] - room[k]), float(high[k] + room[k])) for k in range(2)]
    axes.set_xlim(ends[0] if rewards[0].higher_is_better else ends[0][::-1])
    axes.set_ylim(ends[1] if rewards[1].higher_is_better else ends[1][::-1])


def draw_pair(axes: Axes, part: BenchmarkSummary, looks: Mapping[str, Look], x: int, y: int) -> None:
    """Draw the points of all methods in two of the rewards, with the base model and the reference point.

    Args:
        axes: Where to.
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
        x: Number of the reward to the right.
        y: Number of the reward upwards.
    """
    rewards = part.yardstick.rewards
    planar = len(rewards) == 2
    if part.yardstick.true_front is not None:
        _draw_true_front(axes, oriented(part.yardstick.true_front.points, rewards), x, y, planar)
    for method in part.fronts:
        _draw_method(axes, part, method, looks[method], (x, y))
    if part.base is not None:
        base = oriented(part.base, rewards)
        axes.plot(
            base[x], base[y], "*", color=INK, markersize=13, markeredgecolor="white", label="base model", zorder=6
        )
    corner = oriented(part.yardstick.reference_point, rewards)
    axes.plot(
        corner[x], corner[y], "+", color=INK, markersize=11, markeredgewidth=1.4, label="reference point", zorder=5
    )
    axes.axvline(corner[x], color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
    axes.axhline(corner[y], color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
    axes.margins(0.06)
    axes.set_xlabel(axis_label(rewards[x]))
    axes.set_ylabel(axis_label(rewards[y]))
    axes.xaxis.set_inverted(not rewards[x].higher_is_better)
    axes.yaxis.set_inverted(not rewards[y].higher_is_better)


def _draw_true_front(axes: Axes, points: Array, x: int, y: int, planar: bool) -> None:
    if planar:
        line = points[np.argsort(points[:, x], kind="stable")]
        axes.plot(line[:, x], line[:, y], color=INK, linewidth=1.3, label="true front", zorder=2)
    else:
        # A surface seen from the side: many faint points show where it lies without hiding the methods.
        axes.plot(points[:, x], points[:, y], ".", color=PALE, markersize=3.4, label="true front", zorder=1)


def _draw_method(axes: Axes, part: BenchmarkSummary, method: str, look: Look, pair: tuple[int, int]) -> None:
    """Draw the points of each seed small and faint, and their mean over seeds on top."""
    rewards, fronts, (x, y) = part.yardstick.rewards, part.fronts[method], pair
    every = oriented(np.concatenate([front.points for front in fronts.values()]), rewards)
    mean = mean_points(list(fronts.values()))
    if len(fronts) > 1 or mean is None:
        label = None if mean is not None else method
        axes.plot(
            every[:, x],
            every[:, y],
            look.marker,
            color=look.color,
            alpha=0.28,
            markersize=3.2,
            markeredgewidth=0,
            label=label,
            zorder=3,
        )
    if mean is not None:
        planar = len(rewards) == 2
        shown = oriented(mean, rewards)
        axes.plot(
            shown[:, x],
            shown[:, y],
            look.marker,
            linestyle="-" if planar else "none",
            color=look.color,
            linewidth=1.1,
            markersize=5.5 if planar else 4.2,
            markeredgecolor="white",
            markeredgewidth=0.5,
            label=method,
            # Few points on top of many, or a baseline of three models vanishes under a dense sweep.
            zorder=4 + 1 / len(shown),
        )
