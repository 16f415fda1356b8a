"""Fronts in more than three rewards: every reward against every other one, as a matrix of panels."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np

from analysis.front import Array, oriented
from analysis.plots.layout import Grid
from analysis.plots.lettering import text_width
from analysis.plots.multiples import shown_points
from analysis.plots.panels import GRID, SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks, tick_texts
from analysis.plots.sheets import Mark, Sheet, marks_of
from analysis.plots.style import FAINT, INK, Look
from analysis.statistics import Interval, interval
from analysis.summary import BenchmarkSummary

LEAST_REWARDS = 4
WHOLE, SMALLEST, LARGEST = 8.4, 1.0, 1.75
"""Width of the matrix, and of the smallest and the largest panel [inches]."""
APART = 0.1
ROOM = 0.2
TICKS = (4, 6, 8)
"""Most intervals between two ticks, more where fewer would leave a single tick."""


def pairwise_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Sheet | None:
    """Return a matrix of panels, column against row, in the units of the records; better is to the right and up.

    Below the diagonal stand all points, means over seeds, with the base model and the reference point. Above it each
    method is one mark, the mean over its points, with 95 % intervals over seeds, seen from near: these panels have
    scales of their own, at the upper and the right edge. On the diagonal each method reaches from its least to its
    greatest point, with a dot at the mean.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.

    Returns:
        The figure, None of fewer than four rewards or without a method.
    """
    rewards = part.yardstick.rewards
    if len(rewards) < LEAST_REWARDS or not part.fronts:
        return None
    points = {method: shown_points(part, method) for method in part.fronts}
    means = {method: means_of(part, method) for method in part.fronts}
    wide, near = _scales(part, [*points.values()]), _near_scales(part, [*means.values()])
    count = len(rewards)
    side = min(max(WHOLE / count, SMALLEST), LARGEST)
    rooms = [_room(scales) for scales in (wide, near)]
    grid = Grid(count**2, count, side, side, rooms[0] + 0.18, APART, 0.0, APART, 0.34, rooms[1])
    entries = marks_of(looks, part.fronts)
    entries |= {} if part.base is None else {"base model": Mark(INK, "*")}
    width, height = grid.size
    title = f"{part.record.name}: pairs of rewards (better: to the right and up; above the diagonal means, from near)"
    sheet = Sheet(title, width, height + ROOM, entries | {"reference point": Mark(INK, "+")})
    places = {(i, j): _lower(grid.place(sheet, i * count + j)) for i in range(count) for j in range(count)}
    for i, j in permutations(range(count), 2):
        scales = wide if i > j else near
        panel = sheet.panel(*places[i, j], side, side, scales[j], scales[i])
        if i > j:
            _draw_points(panel, part, points, looks, (j, i))
        else:
            _draw_means(panel, part, means, looks, (j, i))
        _frame(panel, part, (j, i))
    for k in range(count):
        _draw_reach(sheet.panel(*places[k, k], side, side, wide[k], Scale(len(points), -1.6)), part, points, looks, k)
    return sheet


def means_of(part: BenchmarkSummary, method: str) -> list[Interval]:
    """Return the mean over a method's points of each reward, over seeds, in the units of the records.

    Args:
        part: The benchmark.
        method: Name of one of its methods.
    """
    rewards = part.yardstick.rewards
    by_seed = {seed: oriented(front.points.mean(axis=0), rewards) for seed, front in part.fronts[method].items()}
    return [interval({seed: float(mean[k]) for seed, mean in by_seed.items()}) for k in range(len(rewards))]


def _lower(place: tuple[float, float]) -> tuple[float, float]:
    """Leave room for the numbers above the matrix."""
    return place[0], place[1] - ROOM


def _room(scales: list[Scale]) -> float:
    return text_width([text for scale in scales for text in tick_texts(_ticks(scale))], SMALL) + 0.1


def _ticks(scale: Scale) -> Array:
    """Return round numbers, two at the least, that are not so near the ends that those of two panels meet."""
    kept = np.empty(0)
    for count in TICKS:
        found = linear_ticks(*scale.ends, count)
        kept = found[np.abs(scale.share(found) - 0.5) < 0.42]
        if len(kept) > 1:
            break
    return kept


def _scales(part: BenchmarkSummary, points: list[Array]) -> list[Scale]:
    rewards = part.yardstick.rewards
    lone = [part.yardstick.reference_point] + ([] if part.base is None else [part.base])
    found = np.concatenate([*points, oriented(np.array(lone), rewards)])
    return [Scale.around(found[:, k], backwards=not one.higher_is_better) for k, one in enumerate(rewards)]


def _near_scales(part: BenchmarkSummary, means: list[list[Interval]]) -> list[Scale]:
    rewards = part.yardstick.rewards
    base = [] if part.base is None else [oriented(part.base, rewards)]
    found = np.array([*base, *([one.mean for one in of] for of in means)])
    return [Scale.around(found[:, k], room=0.12, backwards=not r.higher_is_better) for k, r in enumerate(rewards)]


def _draw_points(
    panel: Panel,
    part: BenchmarkSummary,
    points: Mapping[str, Array],
    looks: Mapping[str, Look],
    pair: tuple[int, int],
) -> None:
    x, y = pair
    for method, found in points.items():
        # Few points on top of many, or a method of one point vanishes under a dense sweep.
        style: dict[str, Any] = {"label": method, "zorder": 3.0 + 1.0 / len(found)}
        panel.marks(found[:, x], found[:, y], looks[method].color, looks[method].marker, 3.2, **style)
    corner = oriented(part.yardstick.reference_point, part.yardstick.rewards)
    panel.marks([corner[x]], [corner[y]], INK, "+", 6.0, label="reference point")
    _draw_base(panel, part, pair)


def _draw_means(
    panel: Panel,
    part: BenchmarkSummary,
    means: Mapping[str, list[Interval]],
    looks: Mapping[str, Look],
    pair: tuple[int, int],
) -> None:
    _draw_base(panel, part, pair)
    for method, found in means.items():
        across, up, look = found[pair[0]], found[pair[1]], looks[method]
        if across.low is not None and across.high is not None:
            panel.level_bars([up.mean], [across.low], [across.high], look.color, alpha=0.6)
        if up.low is not None and up.high is not None:
            panel.bars([across.mean], [up.low], [up.high], look.color, alpha=0.6)
        style: dict[str, Any] = {"outline": 0.4, "label": method, "zorder": 4.0}
        panel.marks([across.mean], [up.mean], look.color, look.marker, 5.0, **style)


def _draw_base(panel: Panel, part: BenchmarkSummary, pair: tuple[int, int]) -> None:
    if part.base is not None:
        base = oriented(part.base, part.yardstick.rewards)
        style: dict[str, Any] = {"outline": 1.0, "label": "base model", "zorder": 5.0}
        panel.marks([base[pair[0]]], [base[pair[1]]], INK, "*", 8.0, **style)


def _draw_reach(
    panel: Panel, part: BenchmarkSummary, points: Mapping[str, Array], looks: Mapping[str, Look], k: int
) -> None:
    """Draw from where to where the points of each method lie in one reward, a line a method, beneath its name."""
    reward = part.yardstick.rewards[k]
    last = k == len(part.yardstick.rewards) - 1
    if last:
        panel.frame(_ticks(panel.x), edges=False)
        panel.label(reward.name)
    ends = panel.y.low, -0.6
    panel.strokes([[(at, ends[0]), (at, ends[1])] for at in _ticks(panel.x)], colors=GRID, linewidths=0.7, zorder=0.5)
    for row, (method, found) in enumerate(points.items()):
        values = found[:, k]
        panel.line([values.min(), values.max()], [row, row], color=looks[method].color, linewidth=1.6)
        panel.marks([values.mean()], [row], looks[method].color, looks[method].marker, 4.0, label=method)
    if part.base is not None:
        base = float(oriented(part.base, part.yardstick.rewards)[k])
        panel.line([base, base], [len(points) - 0.4, -0.6], color=FAINT, linewidth=0.9, linestyle=":")
    middle, top = panel.left + panel.width / 2, panel.bottom + panel.height
    size = min(9.0, 9.0 * panel.width / max(text_width([reward.name], 9.0), 1e-9))
    panel.sheet.write(middle, top - 0.02, reward.name, size=size, ha="center", va="top", fontweight="bold")


def _frame(panel: Panel, part: BenchmarkSummary, pair: tuple[int, int]) -> None:
    """Draw the axes of a panel, with numbers at the edges of the matrix alone."""
    (x, y), last = pair, len(part.yardstick.rewards) - 1
    below, xs, ys = y > x, _ticks(panel.x), _ticks(panel.y)
    edge_x, edge_y = (y == last, x == 0) if below else (y == 0, x == last)
    panel.frame(xs, ys, None if edge_x else (), None if edge_y else (), far=not below)
    if below:
        names = [part.yardstick.rewards[k].name for k in pair]
        panel.label(names[0] if edge_x else "", names[1] if edge_y else "", beside=panel.left - 0.28)
