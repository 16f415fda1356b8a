"""Fronts in two rewards with the picture of one prompt at their points.

The thumbnails stand along the upper and the right edge of a panel, outside of it, in the order of the points, each
with a line to its point: so none covers another, a point or a line of the front.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.front import Array, oriented
from analysis.pictures import Exhibition, Shown, Tiles
from analysis.plots.fronts import close_up, draw_pair
from analysis.plots.mosaics import magnification, place, reduced, safe_text, wrapped
from analysis.plots.style import DPI, INK, Look, axis_label, entries_of
from analysis.summary import BenchmarkSummary

SLOTS = 5
"""Places for thumbnails along an edge; one more is in the corner."""
PITCH = 0.7
"""Distance between two thumbnails' middles [inches]."""
SIDE = PITCH * SLOTS
LEFT, BOTTOM, TITLE, BESIDE = 0.6, 0.5, 0.3, 0.15
"""Room for the labels of a panel to the left and below, for its title, and between two panels [inches]."""
COLUMNS = 2
LEGEND_COLUMNS = 4
LEGEND_LINE = 0.2


@dataclass(frozen=True, eq=False)
class _Point:
    """A point of a front in raw units, its picture [H, W, 3] and the look of its method."""

    x: float
    y: float
    tile: Tiles
    look: Look


def thumbnail_figure(shown: Exhibition, looks: Mapping[str, Look]) -> Figure | None:
    """Return the fronts of a benchmark with two rewards, and one panel a method with pictures of its points.

    Methods of one point share a panel. The pictures are of one seed, one prompt and one noise, and so are the points
    in those panels; of more points than there is room for, as many are chosen evenly along the front.

    Args:
        shown: What is shown of the benchmark.
        looks: Look by method, for every method of the benchmark.

    Returns:
        The figure, None unless there are two rewards.

    Raises:
        RecordError: If a sheet is missing or damaged.
    """
    part = shown.part
    if len(part.yardstick.rewards) != 2:
        return None
    several = [one for one in shown.shown.values() if len(one.sheets) > 1]
    single = [one for one in shown.shown.values() if len(one.sheets) == 1]
    groups = [[one] for one in several] + ([single] if single else [])
    figure, panels = _panels(shown, 1 + len(groups))
    draw_pair(panels[0], part, looks, 0, 1)
    close_up(panels[0], part)
    panels[0].set_title("all fronts, mean over seeds", loc="left", fontsize=9, color=INK)
    for axes, group in zip(panels[1:], groups, strict=True):
        _draw_group(axes, part, group, looks)
        axes.set_xlim(panels[0].get_xlim())
        axes.set_ylim(panels[0].get_ylim())
        _draw_thumbnails(axes, [point for one in group for point in _points(part, one, looks[one.method])])
    entries = entries_of(panels[0])
    figure.legend(list(entries.values()), list(entries), loc="lower center", ncols=min(LEGEND_COLUMNS, len(entries)))
    return figure


def _panels(shown: Exhibition, count: int) -> tuple[Figure, list[Axes]]:
    """Return the figure and its panels, with room for thumbnails above and to the right of each."""
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    across, up = LEFT + SIDE + PITCH + BESIDE, BOTTOM + SIDE + PITCH + TITLE
    entries = len(shown.part.fronts) + 3
    legend = LEGEND_LINE * -(-entries // LEGEND_COLUMNS) + 0.1
    width = columns * across + BESIDE
    title = (
        f"{shown.part.record.name}: pictures along the fronts, seed {shown.seed}, the same noise everywhere, "
        f"prompt: {safe_text(shown.prompts[0])}"
    )
    text = wrapped(title, int(12.5 * width), 3)
    head = 0.25 * (text.count("\n") + 1) + 0.1
    figure = Figure(figsize=(width, rows * up + legend + head))
    figure.text(
        0.5, 1 - 0.12 / figure.get_figheight(), text, ha="center", va="top", fontsize=11, color=INK, parse_math=False
    )
    panels = []
    for index in range(count):
        left = index % columns * across + LEFT + BESIDE
        bottom = legend + (rows - 1 - index // columns) * up + BOTTOM
        panels.append(place(figure, left, bottom, SIDE, SIDE))
    return figure, panels


def _points(part: BenchmarkSummary, one: Shown, look: Look) -> list[_Point]:
    raw = oriented(one.front.points, part.yardstick.rewards)
    return [
        _Point(float(x), float(y), one.tiles(sheet)[0, 0], look) for (x, y), sheet in zip(raw, one.sheets, strict=True)
    ]


def _draw_group(axes: Axes, part: BenchmarkSummary, group: Sequence[Shown], looks: Mapping[str, Look]) -> None:
    """Draw the points of one seed, and what a panel needs around them."""
    rewards = part.yardstick.rewards
    for one in group:
        raw, look = oriented(one.front.points, rewards), looks[one.method]
        line = raw[np.argsort(raw[:, 0], kind="stable")]
        axes.plot(line[:, 0], line[:, 1], look.marker, linestyle="-", color=look.color, linewidth=1.1, markersize=5.5)
    alone = len(group) == 1
    title = safe_text(group[0].method) if alone else "methods of one point"
    color = looks[group[0].method].color if alone else INK
    # Above the thumbnails.
    axes.text(
        0.0, 1 + (PITCH + 0.08) / SIDE, title, transform=axes.transAxes, fontsize=9, fontweight="bold", color=color,
        parse_math=False,
    )  # fmt: skip
    axes.set_xlabel(axis_label(rewards[0]))
    axes.set_ylabel(axis_label(rewards[1]))


def _draw_thumbnails(axes: Axes, points: Sequence[_Point]) -> None:
    places = np.array([_fraction(axes, point) for point in points])
    # From the upper left to the lower right, as the slots go.
    order = np.argsort(places[:, 0] - places[:, 1], kind="stable")
    slots = _slots()
    chosen = order[np.linspace(0, len(order) - 1, min(len(order), len(slots))).round().astype(int)]
    for index, slot in zip(chosen, assigned(places[chosen], slots), strict=True):
        _draw_thumbnail(axes, points[index], slots[slot])


def _fraction(axes: Axes, point: _Point) -> tuple[float, float]:
    """Return where a point lies in a panel, from 0 to 1 along each axis, also where an axis runs backwards."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return (point.x - left) / (right - left), (point.y - bottom) / (top - bottom)


def _slots() -> Array:
    """Return the middles of the thumbnails' places [2 SLOTS + 1, 2] in units of a panel's side, along its edges."""
    steps = (np.arange(SLOTS) + 0.5) / SLOTS
    beyond = 1 + 0.5 / SLOTS
    above = np.column_stack([steps, np.full(SLOTS, beyond)])
    right = np.column_stack([np.full(SLOTS, beyond), steps[::-1]])
    return np.concatenate([above, [[beyond, beyond]], right])


def assigned(points: npt.ArrayLike, slots: npt.ArrayLike, /) -> list[int]:
    """Return a slot for each point such that both keep their order and the squared distances sum to the least.

    Args:
        points: Places [N, 2] in order.
        slots: Places [M, 2] in order, M >= N.

    Raises:
        ValueError: If there are fewer slots than points.

    Example:
        >>> assigned([[0.9, 0.0], [1.0, 0.0]], [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
        [0, 1]
    """
    here, there = np.asarray(points, dtype=np.float64), np.asarray(slots, dtype=np.float64)
    n, m = len(here), len(there)
    if m < n:
        raise ValueError(f"slots must be at least as many as points ({n}), found {m}")
    costs = np.square(here[:, None, :] - there[None, :, :]).sum(axis=2)
    # best[i, j]: least cost of the first i points in the first j slots.
    best = np.full((n + 1, m + 1), np.inf)
    best[0] = 0.0
    for i in range(1, n + 1):
        for j in range(i, m + 1):
            best[i, j] = min(best[i, j - 1], best[i - 1, j - 1] + costs[i - 1, j - 1])
    found, j = [0] * n, m
    for i in range(n, 0, -1):
        while best[i, j - 1] <= best[i, j]:
            j -= 1
        j -= 1
        found[i - 1] = j
    return found


def _draw_thumbnail(axes: Axes, point: _Point, slot: Array) -> None:
    """Draw a picture in its slot, framed in its method's color, with a line to its point."""
    tile = reduced(point.tile)
    # A whole number of screen pixels for each of the picture's, in units of a panel's side.
    half = np.array([tile.shape[1], tile.shape[0]]) * magnification(tile) / DPI / SIDE / 2
    low, high = slot - half, slot + half
    anywhere: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
    # The line leaves the frame on the side that looks to the panel.
    start = slot - half * (slot > 1)
    ends = np.array([start, _fraction(axes, point)])
    axes.plot(ends[:, 0], ends[:, 1], color=point.look.color, linewidth=0.7, alpha=0.6, zorder=1.5, **anywhere)
    extent = (low[0], high[0], low[1], high[1])
    axes.imshow(tile, extent=extent, interpolation="none", aspect="auto", zorder=3, **anywhere)
    frame = Rectangle(
        (low[0], low[1]), *(high - low), fill=False, edgecolor=point.look.color, linewidth=1.3, **anywhere
    )
    axes.add_patch(frame).set_zorder(4)
