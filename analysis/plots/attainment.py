"""Attainment surfaces of two and three rewards: what a typical seed reaches, and where two methods differ."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgba

from analysis.attainment import (
    OBJECTIVES,
    SHARES,
    attainment_rectangles,
    attainment_surface,
    shared_sets,
    sliced_sets,
)
from analysis.front import Array, non_dominated, oriented
from analysis.plots.layout import Grid
from analysis.plots.lettering import text_width
from analysis.plots.panels import SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks, tick_texts
from analysis.plots.sheets import Mark, Sheet
from analysis.plots.style import INK, Look, axis_label, short_axis_label
from analysis.ranking import by_hypervolume
from analysis.summary import BenchmarkSummary

MOST_SURFACES = 5
"""More bands than these hide one another."""
PALEST = 0.15
"""Opacity of a difference that tends to nothing; a difference of all seeds is opaque."""
WIDTH, HEIGHTS, ABOVE, BELOW = 3.1, {2: 2.7, 3: 1.75}, 0.3, 0.24
"""Of a panel by the number of rewards, and room for words above and below it [inches]."""
DEPTHS = (0.25, 0.5, 0.75)
"""Levels of the third reward that are looked at, from its least to its greatest on the best method's median surface."""
Sets = Mapping[str, Mapping[int, Array]]


class Slice(NamedTuple):
    """What seeds reach in the plane of two rewards.

    Attributes:
        note: Which part of the front that is, empty for all of it.
        sets: Points [N, 2] of each seed, by method, more is better.
        true: Points of the true front [N, 2] from left to right, None if unknown.
    """

    note: str
    sets: Sets
    true: Array | None


def attainment_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Sheet | None:
    """Return the median attainment surfaces of a benchmark's best methods, and how the best two differ.

    Left the surface that half the seeds attain as a line, and from the one of a quarter to that of three quarters as
    a band. Right the places that one of the best two methods attains more often than the other, the darker the more.
    Three rewards are cut at three levels of the third: a row shows what is reached in the first two with at least so
    much of it.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.

    Returns:
        The figure; None unless there are two or three rewards and a method with two seeds.
    """
    methods = [method for method in by_hypervolume(part) if len(part.fronts[method]) > 1]
    n_objectives = len(part.yardstick.rewards)
    if n_objectives not in OBJECTIVES or not methods:
        return None
    shown, rivals = methods[:MOST_SURFACES], methods[:2]
    low, high = _ends(part, shown)
    slices = slices_of(part, shown, low)
    ends = oriented(np.stack([low, high]), part.yardstick.rewards[:2])
    scales = [Scale(float(ends[0, k]), float(ends[1, k])) for k in (0, 1)]
    count = 3 if len(rivals) == 2 and len(set(part.fronts[rivals[0]]) & set(part.fronts[rivals[1]])) > 1 else 1
    room = text_width(tick_texts(linear_ticks(*scales[1].ends, 5)), SMALL) + 0.32
    size = WIDTH, HEIGHTS[n_objectives]
    grid = Grid(count * len(slices), count, *size, room, room + 0.06, ABOVE, BELOW, 0.2)
    entries = {method: Mark(looks[method].color, line="-") for method in shown}
    if part.yardstick.true_front is not None:
        entries["true front"] = Mark(INK, line="--")
    best = f" of the best {len(shown)} methods" if len(methods) > len(shown) else ""
    title = f"{part.record.name}: what seeds attain (median, 25-75 % band{best})"
    sheet = Sheet(title, *grid.size, entries)
    for row, cut in enumerate(slices):
        panels = [sheet.panel(*grid.place(sheet, row * count + j), *size, scales[0], scales[1]) for j in range(count)]
        # The best method last, so that no other covers it.
        for method in reversed(shown):
            _draw_surfaces(panels[0], part, [*cut.sets[method].values()], looks[method], low)
        panels[0].head(cut.note or "median and band")
        if count == 3:
            _draw_pair(panels[1:], part, cut, rivals, looks, low)
        for panel in panels:
            _frame(panel, part, cut, room - 0.16, row + 1 == len(slices))
    return sheet


def slices_of(part: BenchmarkSummary, methods: Sequence[str], corner: Array) -> list[Slice]:
    """Return the planes that are shown: the front itself of two rewards, three levels of the third of three.

    Args:
        part: The benchmark, of two or three rewards.
        methods: Its methods that are shown, the best first.
        corner: Lower left end of what is shown [2].
    """
    sets = {method: {seed: front.points for seed, front in part.fronts[method].items()} for method in methods}
    true = None if part.yardstick.true_front is None else part.yardstick.true_front.points
    if len(part.yardstick.rewards) == 2:
        return [Slice("", sets, None if true is None else true[np.argsort(true[:, 0], kind="stable")])]
    best = attainment_surface([*sets[methods[0]].values()], share=0.5)[:, 2]
    third, found = part.yardstick.rewards[2], []
    for level in best.min() + np.array(DEPTHS) * np.ptp(best):
        shown = float(oriented(np.array([[0.0, 0.0, level]]), part.yardstick.rewards)[0, 2])
        note = f"{third.name} at {'least' if third.higher_is_better else 'most'} {shown:.3g}".replace(
            "-", "\N{MINUS SIGN}"
        )
        cut = {
            m: dict(zip(by, sliced_sets([*by.values()], level, corner=corner), strict=True)) for m, by in sets.items()
        }
        found.append(Slice(note, cut, None if true is None else _edge(true[true[:, 2] >= level, :2])))
    return found


def _edge(points: Array) -> Array:
    """Return the points [N, 2] that none dominates, from left to right."""
    kept = points[non_dominated(points)]
    return np.asarray(kept[np.argsort(kept[:, 0], kind="stable")])


def _ends(part: BenchmarkSummary, methods: Sequence[str]) -> tuple[Array, Array]:
    """Return the corners [2] of a panel that holds what the methods reach with some room, more is better."""
    surfaces = [
        attainment_surface([front.points for front in part.fronts[method].values()], share=share)
        for method in methods
        for share in SHARES
    ]
    points = np.concatenate(surfaces)[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    # Seeds that all reach one place get a panel around it.
    room = 0.08 * np.maximum(high - low, np.maximum(1e-3 * np.abs(high), 1e-9))
    return low - room, high + room


def stairs(surface: Array, low: Array) -> Array:
    """Return the corners [2 M + 2, 2] of the edge of what a surface of two rewards bounds, from left to right.

    Args:
        surface: Corners [M, 2], none dominated by another, more is better.
        low: Lower left end of the panel [2].

    Example:
        >>> stairs(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([0.0, 0.0])).tolist()
        [[0.0, 3.0], [1.0, 3.0], [1.0, 1.0], [2.0, 1.0], [2.0, 0.0]]
    """
    ordered = surface[np.argsort(surface[:, 0])]
    x = np.concatenate([[low[0]], np.repeat(ordered[:, 0], 2)])
    y = np.concatenate([np.repeat(ordered[:, 1], 2), [low[1]]])
    return np.column_stack([x, y])


def _draw_surfaces(panel: Panel, part: BenchmarkSummary, sets: Sequence[Array], look: Look, low: Array) -> None:
    """Draw the median surface as a line, and a band from the surface of a quarter to that of three quarters."""
    rewards = part.yardstick.rewards[:2]
    quarter, median, most = (oriented(stairs(attainment_surface(sets, share=share), low), rewards) for share in SHARES)
    panel.fill([np.concatenate([quarter, most[::-1]])], clip=True, facecolors=look.color, alpha=0.22)
    panel.line(*median.T, clip=True, color=look.color, linewidth=1.5)


def _draw_pair(
    panels: Sequence[Panel],
    part: BenchmarkSummary,
    cut: Slice,
    rivals: Sequence[str],
    looks: Mapping[str, Look],
    low: Array,
) -> None:
    """Draw where each of two methods is ahead of the other, a panel each."""
    shared = shared_sets(cut.sets[rivals[0]], cut.sets[rivals[1]])
    rectangles = attainment_rectangles(*shared, corner=low)
    for panel, method, rival, sign in zip(panels, rivals, rivals[::-1], (1.0, -1.0), strict=True):
        ahead = rectangles[rectangles[:, 4] * sign > 0.0]
        boxes = [oriented([[x, y], [x, top], [right, top], [right, y]], part.yardstick.rewards[:2])
                 for x, y, right, top, _ in ahead]  # fmt: skip
        alphas = PALEST + (1.0 - PALEST) * np.abs(ahead[:, 4])
        colors = [to_rgba(looks[method].color, float(alpha)) for alpha in alphas]
        # Without smoothed edges, which would show as pale seams between rectangles of one color.
        panel.fill(boxes, facecolors=colors, antialiaseds=False)
        most = round(float(np.abs(ahead[:, 4]).max(initial=0.0)) * len(shared[0]))
        note = f"at most {most} of {len(shared[0])} seeds" if most else "nowhere"
        panel.head(f"{method} ahead of {rival}", look=looks[method])
        # Up and to the right of every front there is room.
        place = panel.left + panel.width - 0.03, panel.bottom + panel.height - 0.03
        panel.sheet.write(*place, note, size=8.0, color="#555555", ha="right", va="top")


def _frame(panel: Panel, part: BenchmarkSummary, cut: Slice, beside: float, lowest: bool) -> None:
    rewards = part.yardstick.rewards[:2]
    if cut.true is not None and len(cut.true):
        line = oriented(cut.true, rewards)
        panel.line(*line.T, clip=True, color=INK, linewidth=1.0, linestyle="--", zorder=1.5)
    panel.frame(linear_ticks(*panel.x.ends, 6), linear_ticks(*panel.y.ends, 5))
    words = [axis_label(reward) for reward in rewards]
    # With the unit where the panel is high enough for it.
    upright = words[1] if text_width(words[1:], 8.0) < panel.height + 0.3 else short_axis_label(rewards[1])
    panel.label(words[0] if lowest else "", upright, beside=beside)
