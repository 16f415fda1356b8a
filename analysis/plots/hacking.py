"""Where fronts pay with what nobody trained: the front with its flagged points, and beside it what each point paid."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from analysis.front import Array, oriented
from analysis.hacking import FeaturesByMethod, MethodVerdict
from analysis.held_out import DIVERSITY, FRECHET
from analysis.plots.layout import Grid, slots_of
from analysis.plots.lettering import text_width
from analysis.plots.means import mean_points
from analysis.plots.panels import SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks, tick_texts
from analysis.plots.sheets import Mark, Sheet, marks_of
from analysis.plots.style import FAINT, INK, Look, short_axis_label
from analysis.summary import BenchmarkSummary

COLUMNS = 4
WIDTH, HEIGHT, ABOVE, BELOW = 2.15, 2.0, 0.42, 0.45
FEATURES = {FRECHET: ("distance to real data", True), DIVERSITY: ("diversity", False)}
"""What each is called, and whether less of it is better."""
STRIPS = 0.72
"""Share of a reward's row over which the methods are spread."""


class Judged(NamedTuple):
    """A benchmark with the verdicts on those of its methods of which something is known.

    Attributes:
        part: The benchmark.
        verdicts: On its methods.
        features: How drift and diversity changed at their points, by method and name.
    """

    part: BenchmarkSummary
    verdicts: Sequence[MethodVerdict]
    features: FeaturesByMethod


class Price(NamedTuple):
    """How one quantity that nobody trained changed.

    Attributes:
        name: What it is called.
        changes: Change at each point [N] by method, mean over seeds.
        less: Whether less of it is better.
    """

    name: str
    changes: Mapping[str, Array]
    less: bool


def hacking_figure(judged: Sequence[Judged], looks: Mapping[str, Look]) -> Sheet | None:
    """Return for each benchmark its front and what every point paid for it; flagged points are hollow.

    First the front of two rewards, or of more the gain in each of them, a strip a reward. Then a panel for each
    held-out reward, for the distance to real data and for diversity: to the right is more of what the point was asked
    for, up is better, and points beneath the line lost. All are means over seeds.

    Args:
        judged: The benchmarks with held-out rewards.
        looks: Look by method.

    Returns:
        The figure, None if nothing is known of any method.
    """
    known = [one._replace(verdicts=[verdict for verdict in one.verdicts if not verdict.unknown]) for one in judged]
    known = [one for one in known if one.verdicts]
    if not known:
        return None
    prices = [prices_of(one) for one in known]
    slots = slots_of([1 + len(some) for some in prices], COLUMNS)
    upright = [_front_scales(one)[1] for one in known if len(one.part.yardstick.rewards) == 2]
    upright += [_scale(price) for some in prices for price in some]
    room = text_width([text for scale in upright for text in tick_texts(_ticks(scale))], SMALL) + 0.3
    grid = Grid(slots[-1] + 1, COLUMNS, WIDTH, HEIGHT, room, room + 0.06, ABOVE, BELOW)
    names = sorted({verdict.method for one in known for verdict in one.verdicts})
    entries = marks_of(looks, names)
    if any(verdict.flagged for one in known for verdict in one.verdicts):
        entries["hollow: flagged"] = Mark(INK, "o", fill="none")
    sheet = Sheet("What is paid for the rewards with what nobody trained", *grid.size, entries)
    free = iter(slots)
    for one, some in zip(known, prices, strict=True):
        place = grid.place(sheet, next(free))
        draw = _draw_front if len(one.part.yardstick.rewards) == 2 else _draw_gains
        draw(sheet.panel(*place, WIDTH, HEIGHT, *_front_scales(one)), one, looks, room - 0.14)
        sheet.write(place[0], place[1] + HEIGHT + 0.22, one.part.record.name, size=9.0, fontweight="bold")
        for price in some:
            asked = np.concatenate([asked_of(verdict) for verdict in one.verdicts])
            scales = Scale.around(np.append(asked, 0.0), room=0.1), _scale(price)
            panel = sheet.panel(*grid.place(sheet, next(free)), WIDTH, HEIGHT, *scales)
            _draw_price(panel, one, price, looks)
            panel.label("gain in what was asked for →", "change   better →", beside=room - 0.14)
    return sheet


def prices_of(one: Judged) -> list[Price]:
    """Return what is known of each quantity that nobody trained: the held-out rewards, then drift and diversity.

    Args:
        one: A benchmark with verdicts of which something is known.
    """
    found = [
        Price(
            reward.name,
            {v.method: np.array([point.changes[reward.name].mean for point in v.points]) for v in one.verdicts},
            less=False,
        )
        for reward in one.part.record.held_out
    ]
    for name, (label, less) in FEATURES.items():
        known = {v.method: one.features.get(v.method, {}).get(name) for v in one.verdicts}
        changes = {method: np.array([at.mean for at in points]) for method, points in known.items() if points}
        found += [Price(label, changes, less)] if changes else []
    return found


def asked_of(verdict: MethodVerdict) -> Array:
    """Return what each point gained in what it was asked for [N], mean over seeds, in units of the bounds."""
    return np.array([point.asked.mean for point in verdict.points])


def gains_of(part: BenchmarkSummary, verdict: MethodVerdict) -> Array:
    """Return the gain of each point over the base model [N, K], mean over seeds, in units of the bounds."""
    assert part.base is not None, "without a base model nothing is known of a point"
    mean = np.mean([front.points for front in verdict.fronts.values()], axis=0)
    return np.asarray((mean - part.base) / np.diff(part.yardstick.bounds, axis=1)[:, 0])


def _scale(price: Price) -> Scale:
    # 0 is always seen: above it nothing was paid.
    return Scale.around(np.concatenate([*price.changes.values(), [0.0]]), room=0.1, backwards=price.less)


def _front_scales(one: Judged) -> tuple[Scale, Scale]:
    rewards = one.part.yardstick.rewards
    if len(rewards) != 2:
        gains = np.concatenate([gains_of(one.part, verdict).ravel() for verdict in one.verdicts])
        return Scale.around(np.append(gains, 0.0)), Scale(len(rewards) - 0.5, -0.5)
    points = np.concatenate([_means(verdict, one) for verdict in one.verdicts])
    first, second = (Scale.around(points[:, k], backwards=not r.higher_is_better) for k, r in enumerate(rewards))
    return first, second


def _means(verdict: MethodVerdict, one: Judged) -> Array:
    """Return the points of a method [N, K], means over seeds, in the order of the records and in their units."""
    mean = np.mean([front.points for front in verdict.fronts.values()], axis=0)
    return oriented(mean, one.part.yardstick.rewards)


def _draw_front(panel: Panel, one: Judged, looks: Mapping[str, Look], beside: float) -> None:
    rewards = one.part.yardstick.rewards
    for verdict in one.verdicts:
        look, fronts = looks[verdict.method], list(verdict.fronts.values())
        line = mean_points(fronts)
        if line is not None and len(line) > 1:
            panel.line(*oriented(line, rewards).T, color=look.color, linewidth=0.8, alpha=0.6, zorder=2.0)
        _draw_points(panel, _means(verdict, one), verdict, look)
    panel.head("front")
    panel.frame(_ticks(panel.x), _ticks(panel.y))
    panel.label(short_axis_label(rewards[0]), short_axis_label(rewards[1]), beside=beside)


def _draw_gains(panel: Panel, one: Judged, looks: Mapping[str, Look], beside: float) -> None:
    """Draw the gain of every point in each reward, a strip a reward, in it the methods one beneath the other."""
    count = len(one.verdicts)
    for row, reward in enumerate(one.part.yardstick.rewards):
        panel.sheet.write(
            panel.left + 0.03, float(panel.up(row - 0.48)), reward.name, size=6.5, color="#777777", va="top"
        )
        for number, verdict in enumerate(one.verdicts):
            gains = gains_of(one.part, verdict)[:, row]
            height = row + 0.1 + STRIPS * ((number + 0.5) / count - 0.5)
            points = np.column_stack([gains, np.full(len(gains), height)])
            _draw_points(panel, points, verdict, looks[verdict.method], size=3.4)
    rows = len(one.part.yardstick.rewards)
    edges = [[(panel.x.low, row + 0.5), (panel.x.high, row + 0.5)] for row in range(rows - 1)]
    panel.strokes(edges, colors=FAINT, linewidths=0.5, zorder=1.0)
    _zero(panel, across=False)
    panel.head("gain in each trained reward")
    panel.frame(_ticks(panel.x), ())
    panel.label("gain in units of the bounds →", beside=beside)


def _draw_price(panel: Panel, one: Judged, price: Price, looks: Mapping[str, Look]) -> None:
    for verdict in one.verdicts:
        if verdict.method in price.changes:
            points = np.column_stack([asked_of(verdict), price.changes[verdict.method]])
            _draw_points(panel, points, verdict, looks[verdict.method])
    _zero(panel, across=True)
    _zero(panel, across=False)
    panel.head(price.name, note="less is better" if price.less else "")
    panel.frame(_ticks(panel.x), _ticks(panel.y))


def _zero(panel: Panel, *, across: bool) -> None:
    """Draw where nothing changed."""
    if across:
        panel.strokes([[(panel.x.low, 0.0), (panel.x.high, 0.0)]], colors=INK, linewidths=0.8, zorder=1.0)
    else:
        ends = [[(0.0, panel.y.low), (0.0, panel.y.high)]]
        panel.strokes(ends, colors=FAINT, linewidths=0.8, linestyles=":", zorder=1.0)


def _ticks(scale: Scale) -> Array:
    return linear_ticks(*scale.ends, 5)


def _draw_points(panel: Panel, points: Array, verdict: MethodVerdict, look: Look, size: float = 4.4) -> None:
    """Draw the flagged points of a method hollow, and the others filled on top."""
    flagged = np.array([point.flagged for point in verdict.points])
    for kept, fill, order in ((flagged, "none", 3.0), (~flagged, look.color, 4.0)):
        if kept.any():
            x, y = points[kept].T
            panel.marks(x, y, look.color, look.marker, size, fill=fill, zorder=order)
