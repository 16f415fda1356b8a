"""Fronts of many methods in three rewards: one row of panels a method, because as many clouds hide one another."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.front import Array, oriented
from analysis.plots.means import mean_points
from analysis.plots.style import FAINT, INK, PALE, Look, entries_of, legend_below
from analysis.summary import BenchmarkSummary

PAIRS = ((0, 1), (0, 2), (1, 2))
METHODS_BESIDE = 2
PANEL = 1.8


def multiples_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Figure:
    """Return the fronts in each pair of three rewards, three panels a method and two methods a row.

    All panels of a pair share their axes, which run from the worst to the best point of all methods.

    Args:
        part: The benchmark, with three rewards.
        looks: Look by method, for every method of the benchmark.
    """
    rows, columns = -(-len(part.fronts) // METHODS_BESIDE), METHODS_BESIDE * len(PAIRS)
    figure = Figure(figsize=(PANEL * columns + 0.3, PANEL * rows + 1.2), layout="constrained")
    figure.suptitle(f"{part.record.name} (better: to the right and up)", fontsize=11, color=INK)
    panels = figure.subplots(rows, columns, squeeze=False).reshape(-1, len(PAIRS))
    ends = _ends(part)
    for block in panels[len(part.fronts) :]:
        for axes in block:
            axes.remove()
    for index, (block, method) in enumerate(zip(panels, part.fronts, strict=False)):
        block[0].set_title(method, loc="left", fontsize=9, color=looks[method].color, fontweight="bold")
        lowest = index + METHODS_BESIDE >= len(part.fronts)
        for axes, pair in zip(block, PAIRS, strict=True):
            _draw(axes, part, method, looks[method], pair)
            _frame(axes, part, ends, pair, lowest)
    entries = {label: artist for label, artist in entries_of(panels[0][0]).items() if label not in looks}
    if "true front" in entries:
        # Its dots are too small to be told in a legend.
        entries["true front"] = Line2D([], [], marker="o", color=PALE, linestyle="none", markersize=5)
    legend_below(figure, entries, 6)
    return figure


def _ends(part: BenchmarkSummary) -> Array:
    """Return the least and the greatest value of each reward with some room [2, K], more is better."""
    sets = [front.points for fronts in part.fronts.values() for front in fronts.values()]
    sets += [] if part.base is None else [part.base[None, :]]
    sets += [] if part.yardstick.true_front is None else [part.yardstick.true_front.points]
    points = np.concatenate(sets)
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.06 * np.maximum(high - low, 1e-9)
    return np.stack([low - room, high + room])


def _draw(axes: Axes, part: BenchmarkSummary, method: str, look: Look, pair: tuple[int, int]) -> None:
    """Draw one method's mean points, or all points where seeds have no partners, before the true front."""
    rewards, fronts = part.yardstick.rewards, list(part.fronts[method].values())
    mean = mean_points(fronts)
    points = np.concatenate([front.points for front in fronts]) if mean is None else mean
    layers = [(points, look.marker, look.color, method, 3.4)]
    if part.yardstick.true_front is not None:
        layers.insert(0, (part.yardstick.true_front.points, ".", PALE, "true front", 3.4))
    for values, marker, color, label, size in layers:
        x, y = oriented(values, rewards)[:, pair[0]], oriented(values, rewards)[:, pair[1]]
        axes.plot(x, y, marker, color=color, markersize=size, markeredgewidth=0, label=label)
    if part.base is not None:
        base = oriented(part.base, rewards)
        axes.plot(
            base[pair[0]], base[pair[1]], "*", color=INK, markersize=9, markeredgecolor="white", label="base model"
        )


def _frame(axes: Axes, part: BenchmarkSummary, ends: Array, pair: tuple[int, int], lowest: bool) -> None:
    """Set limits such that better is to the right and up, and label the axes."""
    rewards, limits = part.yardstick.rewards, oriented(ends, part.yardstick.rewards)
    axes.set_xlim(*limits[:, pair[0]])
    axes.set_ylim(*limits[:, pair[1]])
    axes.tick_params(labelsize=7, color=FAINT)
    axes.locator_params(nbins=4)
    axes.set_ylabel(rewards[pair[1]].name, fontsize=7.5)
    if lowest:
        axes.set_xlabel(rewards[pair[0]].name, fontsize=7.5)
    else:
        axes.set_xticklabels([])
