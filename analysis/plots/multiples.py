"""Fronts of many methods in three rewards: panels of pairs for each method, because as many clouds hide one another."""

from collections.abc import Mapping

import numpy as np

from analysis.front import Array, oriented
from analysis.plots.layout import Grid
from analysis.plots.lettering import text_width
from analysis.plots.means import mean_points
from analysis.plots.panels import SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks, tick_texts
from analysis.plots.sheets import Mark, Sheet
from analysis.plots.style import INK, PALE, Look
from analysis.summary import BenchmarkSummary

PAIRS = ((0, 1), (0, 2), (1, 2))
METHODS_BESIDE = 2
PANEL = 1.25


def multiples_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Sheet:
    """Return the fronts in each pair of three rewards, three panels a method and two methods a row.

    All panels of a pair share their axes, which run from the worst to the best point of all methods.

    Args:
        part: The benchmark, with three rewards.
        looks: Look by method, for every method of the benchmark.
    """
    rewards, scales = part.yardstick.rewards, scales_of(part)
    ticks = [linear_ticks(*scale.ends, 3) for scale in scales]
    texts = [tick_texts(one) for one in ticks]
    room = text_width([text for some in texts for text in some], SMALL) + 0.32
    columns = METHODS_BESIDE * len(PAIRS)
    grid = Grid(len(part.fronts) * len(PAIRS), columns, PANEL, PANEL, room, room + 0.06, 0.3, 0.08, 0.32)
    entries = {} if part.yardstick.true_front is None else {"true front": Mark(PALE, "o")}
    entries |= {} if part.base is None else {"base model": Mark(INK, "*")}
    sheet = Sheet(f"{part.record.name} (better: to the right and up)", *grid.size, entries)
    for number, method in enumerate(part.fronts):
        points = shown_points(part, method)
        for beside, pair in enumerate(PAIRS):
            index = number * len(PAIRS) + beside
            panel = sheet.panel(*grid.place(sheet, index), PANEL, PANEL, scales[pair[0]], scales[pair[1]])
            _draw(panel, part, points, looks[method], pair)
            if not beside:
                panel.head(method, look=looks[method], bold=True, room=2 * PANEL + grid.apart)
            lowest = grid.is_lowest(index)
            panel.frame(ticks[pair[0]], ticks[pair[1]], texts[pair[0]] if lowest else (), texts[pair[1]])
            names = [rewards[k].name for k in pair]
            panel.label(names[0] if lowest else "", names[1], size=SMALL, beside=room - 0.16)
    return sheet


def scales_of(part: BenchmarkSummary, *, reference: bool = False) -> list[Scale]:
    """Return a scale for each reward that holds the points of all methods, the base model and the true front.

    The scales are in the units of the records, better at their upper ends.

    Args:
        part: The benchmark.
        reference: Whether they hold the reference point too.
    """
    sets = [front.points for fronts in part.fronts.values() for front in fronts.values()]
    sets += [] if part.base is None else [part.base[None, :]]
    sets += [] if part.yardstick.true_front is None else [part.yardstick.true_front.points]
    sets += [part.yardstick.reference_point[None, :]] if reference else []
    rewards = part.yardstick.rewards
    points = oriented(np.concatenate(sets), rewards)
    return [Scale.around(points[:, k], backwards=not one.higher_is_better) for k, one in enumerate(rewards)]


def shown_points(part: BenchmarkSummary, method: str) -> Array:
    """Return a method's points [N, K] in the units of the records: means over seeds, all where these have no partners.

    Args:
        part: The benchmark.
        method: Name of one of its methods.
    """
    fronts = list(part.fronts[method].values())
    mean = mean_points(fronts)
    points = np.concatenate([front.points for front in fronts]) if mean is None else mean
    return oriented(points, part.yardstick.rewards)


def _draw(panel: Panel, part: BenchmarkSummary, points: Array, look: Look, pair: tuple[int, int]) -> None:
    """Draw the points of one method before the true front, and the base model."""
    rewards = part.yardstick.rewards
    if part.yardstick.true_front is not None:
        true = oriented(part.yardstick.true_front.points, rewards)
        panel.marks(true[:, pair[0]], true[:, pair[1]], PALE, ".", 3.4, label="true front", zorder=1.0)
    panel.marks(points[:, pair[0]], points[:, pair[1]], look.color, look.marker, 3.4)
    if part.base is not None:
        base = oriented(part.base, rewards)
        panel.marks([base[pair[0]]], [base[pair[1]]], INK, "*", 9.0, outline=1.0, label="base model")
