"""Fronts for print: one panel for two rewards, three for three, parallel coordinates for more."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.front import Array, Front, oriented
from analysis.plots.fronts import PAIRS
from analysis.plots.means import mean_points
from analysis.plots.paper_style import Page, legend_beneath, mark, new_figure
from analysis.plots.paper_text import SMALL, number, reward_labels, text_width
from analysis.plots.style import FAINT, INK, PALE, Look, entries_of
from analysis.summary import BenchmarkSummary

PANEL_HEIGHT = 2.1
BASE, TRUE = "base model", "true front"
NEAR = 1.4
"""How much longer the base model may make an axis before it is named in the legend instead."""
MOST_LINES = 120
FEW = 10
"""Points of a method up to which it is drawn large among three rewards."""


def front_figure(part: BenchmarkSummary, looks: Mapping[str, Look], page: Page) -> Figure | None:
    """Return the fronts of a benchmark: two rewards in a column, more across the page.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
        page: Widths.

    Returns:
        The figure, None for a single reward, which has no front, or without methods.
    """
    count = len(part.yardstick.rewards)
    if count < 2 or not part.fronts:
        return None
    return _pairs(part, looks, page) if count in PAIRS else _parallel(part, looks, page)


def _pairs(part: BenchmarkSummary, looks: Mapping[str, Look], page: Page) -> Figure:
    pairs = PAIRS[len(part.yardstick.rewards)]
    width = page.column if len(pairs) == 1 else page.full
    figure = new_figure(width, PANEL_HEIGHT)
    panels = figure.subplots(1, len(pairs), squeeze=False)[0]
    labels = reward_labels(part.yardstick.rewards, min(width / len(pairs) - 0.5, PANEL_HEIGHT - 0.4))
    entries: dict[str, Artist] = {}
    for axes, (x, y) in zip(panels, pairs, strict=True):
        entries |= _draw_true_front(axes, part, (x, y))
        for method, fronts in part.fronts.items():
            _draw_method(axes, part, list(fronts.values()), looks[method], (x, y))
        if part.base is not None:
            base = oriented(part.base, part.yardstick.rewards)
            entries[BASE] = _star(axes, base[x], base[y])
        _frame(axes, part, (x, y))
        axes.set_xlabel(labels[x])
        axes.set_ylabel(labels[y])
    methods = {method: mark(looks[method], "-" if len(pairs) == 1 else "none") for method in part.fronts}
    legend_beneath(figure, methods | _named(part, panels[0], entries))
    return figure


def _draw_true_front(axes: Axes, part: BenchmarkSummary, pair: tuple[int, int]) -> dict[str, Artist]:
    """Draw the true front as a line, or of three rewards as pale dots, and return its entry of the legend."""
    if part.yardstick.true_front is None:
        return {}
    points, (x, y) = part.yardstick.true_front.points, pair
    if points.shape[1] == 2:
        line = oriented(points[np.argsort(points[:, 0], kind="stable")], part.yardstick.rewards)
        return {TRUE: axes.plot(line[:, x], line[:, y], color=INK, linewidth=0.9, zorder=2)[0]}
    dots = oriented(points, part.yardstick.rewards)
    # Many dots are one picture, which opens faster than as many paths.
    axes.plot(dots[:, x], dots[:, y], "o", color=PALE, markersize=1.8, markeredgewidth=0, zorder=1, rasterized=True)
    return {TRUE: Line2D([], [], marker="o", color=PALE, linestyle="none", markersize=4.0)}


def _draw_method(
    axes: Axes, part: BenchmarkSummary, fronts: Sequence[Front], look: Look, pair: tuple[int, int]
) -> None:
    """Draw the mean of each point over seeds, of two rewards on top of the seeds; all points where none is a partner.

    The more points, the smaller and the further below: a method of few would vanish among the points of sweeps.
    """
    (x, y), rewards = pair, part.yardstick.rewards
    planar, mean = len(rewards) == 2, mean_points(fronts)
    every = oriented(np.concatenate([front.points for front in fronts]), rewards)
    shown = every if mean is None else oriented(mean, rewards)
    if planar and len(fronts) > 1 and mean is not None:
        axes.plot(every[:, x], every[:, y], look.marker, color=look.color, alpha=0.3, markersize=2.2, markeredgewidth=0,
                  zorder=3)  # fmt: skip
    few = planar or len(shown) <= FEW
    axes.plot(shown[:, x], shown[:, y], look.marker, linestyle="-" if planar and mean is not None else "none",
              color=look.color, linewidth=0.8, markersize=3.8 if few else 2.3, markeredgecolor="white",
              markeredgewidth=0.35 if few else 0.0, zorder=4 + 1 / len(shown))  # fmt: skip


def _star(axes: Axes, x: float, y: float) -> Artist:
    (star,) = axes.plot(x, y, "*", color=INK, markersize=7.0, markeredgecolor="white", markeredgewidth=0.4, zorder=6)
    return star


def _frame(axes: Axes, part: BenchmarkSummary, pair: tuple[int, int]) -> None:
    """Limit a panel to the methods and the true front, and to the base model unless it is far."""
    rewards = part.yardstick.rewards
    sets = [front.points for fronts in part.fronts.values() for front in fronts.values()]
    if part.yardstick.true_front is not None:
        sets.append(part.yardstick.true_front.points)
    ends = ends_of(np.concatenate(sets))
    if part.base is not None:
        wider = ends_of(np.concatenate([ends, part.base[None, :]]))
        if (wider[1] - wider[0] <= NEAR * (ends[1] - ends[0]))[list(pair)].all():
            ends = wider
    room = 0.05 * (ends[1] - ends[0])
    limits = oriented(np.stack([ends[0] - room, ends[1] + room]), rewards)
    axes.set_xlim(*limits[:, pair[0]])
    axes.set_ylim(*limits[:, pair[1]])
    axes.locator_params(nbins=5)


def _named(part: BenchmarkSummary, axes: Axes, entries: Mapping[str, Artist]) -> dict[str, Artist]:
    """Return the legend of what is no method; a base model outside the panel is named with its place."""
    found = {TRUE: entries[TRUE]} if TRUE in entries else {}
    if part.base is not None:
        base = oriented(part.base, part.yardstick.rewards)
        across, up = sorted(axes.get_xlim()), sorted(axes.get_ylim())
        inside = across[0] <= base[0] <= across[1] and up[0] <= base[1] <= up[1]
        place = ", ".join(number(value, 3) for value in base)
        found[BASE if inside else f"{BASE} at ({place})"] = entries[BASE]
    return found


def ends_of(points: Array) -> Array:
    """Return the least and the greatest value of each reward [2, K], never equal.

    Example:
        >>> ends_of(np.array([[1.0, 5.0], [3.0, 2.0]])).tolist()
        [[1.0, 2.0], [3.0, 5.0]]
    """
    low, high = points.min(axis=0), points.max(axis=0)
    return np.stack([low, np.maximum(high, low + 1e-9)])


def _parallel(part: BenchmarkSummary, looks: Mapping[str, Look], page: Page) -> Figure:
    """Return one line a point across all rewards, normalized by the bounds, the mean of each method on top."""
    figure = new_figure(page.full, PANEL_HEIGHT)
    axes = figure.subplots()
    yardstick = part.yardstick
    places = np.arange(len(yardstick.rewards))
    for method, fronts in part.fronts.items():
        points = yardstick.normalized(np.concatenate([front.points for front in fronts.values()]))
        _draw_lines(axes, points, looks[method], len(part.fronts))
        axes.plot(places, points.mean(axis=0), looks[method].marker + "-", color=looks[method].color, linewidth=1.1,
                  markersize=4.2, markeredgecolor="white", markeredgewidth=0.4, label=method, zorder=4)  # fmt: skip
    if yardstick.true_front is not None:
        ideal = yardstick.normalized(yardstick.true_front.points).max(axis=0)
        axes.plot(places, ideal, "--", color=INK, linewidth=0.9, label="best of the true front, each reward alone")
    if part.base is not None:
        base = yardstick.normalized(part.base[None, :])[0]
        axes.plot(places, base, "*-", color=INK, linewidth=0.7, markersize=6.5, markeredgecolor="white",
                  markeredgewidth=0.4, label="base model", zorder=4)  # fmt: skip
    axes.set_xticks(places, _ticks(part, page.full / len(places)))
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=0.5)
    axes.set_xlim(-0.12, len(places) - 0.88)
    axes.set_ylabel("normalized reward, better ↑")
    legend_beneath(figure, entries_of(axes))
    return figure


def _draw_lines(axes: Axes, points: Array, look: Look, methods: int) -> None:
    """Draw points as faint lines, evenly thinned where they are many."""
    shown = points[:: -(-len(points) // MOST_LINES)]
    lines = [np.column_stack([np.arange(points.shape[1]), point]) for point in shown]
    alpha = max(0.08, min(0.4, 5 / len(lines))) * min(1.0, 8 / methods)
    axes.add_collection(LineCollection(lines, colors=look.color, alpha=alpha, linewidths=0.45))


def _ticks(part: BenchmarkSummary, room: float) -> list[str]:
    """Return names of the rewards with an arrow for those of which less is better, broken where they are too long."""
    names = [reward.name + ("" if reward.higher_is_better else " (less is better)") for reward in part.record.rewards]
    return [
        name if text_width(name, SMALL) <= room - 0.1 else name.replace("_", "_\n").replace(" ", "\n") for name in names
    ]
