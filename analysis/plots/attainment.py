"""Attainment surfaces of two rewards: what a typical seed of each method reaches, and where two methods differ."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.attainment import SHARES, attainment_rectangles, attainment_surface, shared_sets
from analysis.front import Array, Front, oriented
from analysis.plots.style import INK, Look, axis_label, legend_below
from analysis.ranking import by_hypervolume
from analysis.summary import BenchmarkSummary

MOST_SURFACES = 5
"""More bands than these hide one another."""
PALEST = 0.15
"""Opacity of a difference that tends to nothing; a difference of all seeds is opaque."""


def attainment_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Figure | None:
    """Return the median attainment surfaces of a benchmark's best methods, and how the best two differ.

    Left the surface that half the seeds attain as a line, and from the one of a quarter to that of three quarters as
    a band. Right the places that one of the best two methods attains more often than the other, the darker the more.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.

    Returns:
        The figure; None unless there are two rewards and a method with two seeds.
    """
    methods = [method for method in by_hypervolume(part) if len(part.fronts[method]) > 1]
    if len(part.yardstick.rewards) != 2 or not methods:
        return None
    shown, rivals = methods[:MOST_SURFACES], methods[:2]
    surfaces = {method: _surfaces(part.fronts[method]) for method in shown}
    low, high = _ends(list(surfaces.values()))
    sets = [{seed: front.points for seed, front in part.fronts[method].items()} for method in rivals]
    shared = shared_sets(sets[0], sets[1]) if len(rivals) == 2 else ([], [])
    count = 3 if len(shared[0]) > 1 else 1
    figure = Figure(figsize=(max(3.9 * count, 5.5), 4.3), layout="constrained")
    title = f"{part.record.name}: what seeds attain"
    figure.suptitle(title, fontsize=11, color=INK)
    panels = figure.subplots(1, count, squeeze=False)[0]
    more = len(methods) - len(shown)
    # The best method last, so that no other covers it.
    for method in reversed(shown):
        _draw_surfaces(panels[0], part, surfaces[method], looks[method], low)
    panels[0].set_title("median surface, 25-75 % band" + (f" (best {len(shown)} methods)" if more else ""), fontsize=9)
    if count == 3:
        rectangles = attainment_rectangles(*shared, corner=low)
        for axes, method, rival, sign in zip(panels[1:], rivals, rivals[::-1], (1.0, -1.0), strict=True):
            _draw_differences(axes, part, rectangles, looks[method], sign)
            axes.set_title(f"{method} ahead of {rival}", fontsize=9, color=looks[method].color)
            _count_note(axes, rectangles, sign, len(shared[0]))
    for axes in panels:
        _frame(axes, part, low, high)
    entries = {method: Line2D([], [], color=looks[method].color, linewidth=1.8) for method in shown}
    if part.yardstick.true_front is not None:
        entries["true front"] = Line2D([], [], color=INK, linewidth=1.0, linestyle="--")
    legend_below(figure, entries, 6)
    return figure


def _surfaces(fronts: Mapping[int, Front]) -> list[Array]:
    sets = [fronts[seed].points for seed in sorted(fronts)]
    return [attainment_surface(sets, share=share) for share in SHARES]


def _ends(surfaces: Sequence[Sequence[Array]]) -> tuple[Array, Array]:
    """Return the corners of a panel that holds all corners of all surfaces with some room, more is better."""
    points = np.concatenate([corners for of in surfaces for corners in of])
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.08 * np.maximum(high - low, 1e-9)
    return low - room, high + room


def step_line(surface: Array, places: Array, floor: float) -> Array:
    """Return how high a surface of two rewards reaches at places of the first, `floor` beyond its last corner.

    Args:
        surface: Corners [M, 2], none dominated by another, more is better.
        places: Values of the first reward [P].
        floor: Lower end of the panel.

    Example:
        >>> step_line(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([0.5, 1.0, 1.5, 2.5]), 0.0).tolist()
        [3.0, 3.0, 1.0, 0.0]
    """
    order = np.argsort(surface[:, 0])
    x, heights = surface[order, 0], np.append(surface[order, 1], floor)
    return np.asarray(heights[np.searchsorted(x, places, side="left")])


def _draw_surfaces(axes: Axes, part: BenchmarkSummary, surfaces: Sequence[Array], look: Look, low: Array) -> None:
    """Draw band and median as steps; `pre` because a corner's height holds up to its own place."""
    corners = np.unique(np.concatenate([surface[:, 0] for surface in surfaces]))
    # Behind the last corner the surface falls to the floor at once.
    places = np.concatenate([[low[0]], corners, [corners[-1] + 1e-9 * max(1.0, abs(float(corners[-1])))]])
    lines = [step_line(surface, places, float(low[1])) for surface in surfaces]
    raw = [oriented(np.column_stack([places, line]), part.yardstick.rewards) for line in lines]
    axes.fill_between(raw[0][:, 0], raw[2][:, 1], raw[0][:, 1], step="pre", color=look.color, alpha=0.22, linewidth=0)
    axes.plot(raw[1][:, 0], raw[1][:, 1], drawstyle="steps-pre", color=look.color, linewidth=1.5)


def _draw_differences(axes: Axes, part: BenchmarkSummary, rectangles: Array, look: Look, sign: float) -> None:
    ahead = rectangles[rectangles[:, 4] * sign > 0.0]
    boxes = [oriented([[x, y], [x, top], [right, top], [right, y]], part.yardstick.rewards)
             for x, y, right, top, _ in ahead]  # fmt: skip
    alphas = PALEST + (1.0 - PALEST) * np.abs(ahead[:, 4])
    colors = [to_rgba(look.color, float(alpha)) for alpha in alphas]
    # Without smoothed edges, which would show as pale seams between rectangles of one color.
    axes.add_collection(PolyCollection(boxes, facecolors=colors, edgecolors="none", antialiaseds=False))


def _count_note(axes: Axes, rectangles: Array, sign: float, seeds: int) -> None:
    ahead = rectangles[rectangles[:, 4] * sign > 0.0]
    most = round(float(np.abs(ahead[:, 4]).max()) * seeds) if len(ahead) else 0
    text = f"at most {most} of {seeds} seeds more" if most else "nowhere"
    # Up and to the right of every front there is room.
    axes.text(0.98, 0.97, text, transform=axes.transAxes, fontsize=8, color="#555555", ha="right", va="top")


def _frame(axes: Axes, part: BenchmarkSummary, low: Array, high: Array) -> None:
    rewards = part.yardstick.rewards
    if part.yardstick.true_front is not None:
        true = oriented(part.yardstick.true_front.points, rewards)
        line = true[np.argsort(true[:, 0], kind="stable")]
        axes.plot(line[:, 0], line[:, 1], color=INK, linewidth=1.0, linestyle="--", zorder=1.5)
    limits = oriented(np.stack([low, high]), rewards)
    axes.set_xlim(*limits[:, 0])
    axes.set_ylim(*limits[:, 1])
    axes.set_xlabel(axis_label(rewards[0]))
    axes.set_ylabel(axis_label(rewards[1]))
