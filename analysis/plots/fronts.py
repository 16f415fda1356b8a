"""The picture of a benchmark: panels of pairs for two and three rewards, parallel coordinates for more."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from analysis.front import Array, oriented
from analysis.plots.layout import Grid
from analysis.plots.lettering import text_width
from analysis.plots.means import mean_points
from analysis.plots.multiples import multiples_figure, scales_of
from analysis.plots.panels import SMALL, Panel
from analysis.plots.parallel import parallel_figure
from analysis.plots.scales import Scale, linear_ticks, tick_texts
from analysis.plots.sheets import Mark, Sheet
from analysis.plots.style import FAINT, INK, PALE, SURE_COLORS, Look, axis_label
from analysis.summary import BenchmarkSummary

PAIRS = {2: ((0, 1),), 3: ((0, 1), (0, 2), (1, 2))}
WIDTH, HEIGHT, ABOVE, BELOW = 3.6, 3.0, 0.3, 0.4


class Layer(NamedTuple):
    """Points that are drawn alike.

    Attributes:
        label: What they are.
        x: Values of the reward to the right.
        y: Values of the reward upwards.
        style: As of matplotlib's lines.
    """

    label: str
    x: Array
    y: Array
    style: Mapping[str, Any]


def front_figure(part: BenchmarkSummary, looks: Mapping[str, Look]) -> Sheet:
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
    near = len(pairs) == 1
    shown = [*pairs, *pairs] if near else list(pairs)
    whole = scales_of(part, reference=True)
    scales = [whole, _close_scales(part) or whole] if near else [whole] * len(pairs)
    texts = [text for some in scales for one in some for text in tick_texts(_ticks(one))]
    room = text_width(texts, SMALL) + 0.32
    grid = Grid(len(shown), len(shown), WIDTH, HEIGHT, room, room + 0.1, ABOVE, BELOW)
    layers = [[*layers_of(part, looks, *pair)] for pair in shown]
    sheet = Sheet(part.record.name, *grid.size, _entries(layers[0]))
    for index, (pair, some) in enumerate(zip(shown, scales, strict=True)):
        panel = sheet.panel(*grid.place(sheet, index), WIDTH, HEIGHT, some[pair[0]], some[pair[1]])
        _draw(panel, part, layers[index], pair, room - 0.16)
        if near:
            panel.head(("from the reference point", "close-up of the fronts")[index])
    return sheet


def close_up(axes: Axes, part: BenchmarkSummary) -> None:
    """Limit a panel of two rewards to the points of the methods and the true front."""
    scales = _close_scales(part)
    if scales is not None:
        axes.set_xlim(scales[0].low, scales[0].high)
        axes.set_ylim(scales[1].low, scales[1].high)


def _close_scales(part: BenchmarkSummary) -> list[Scale] | None:
    rewards = part.yardstick.rewards
    sets = [oriented(front.points, rewards) for fronts in part.fronts.values() for front in fronts.values()]
    if part.yardstick.true_front is not None:
        sets.append(oriented(part.yardstick.true_front.points, rewards))
    if not sets:
        return None
    points = np.concatenate(sets)
    return [Scale.around(points[:, k], backwards=not rewards[k].higher_is_better) for k in range(2)]


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
    for layer in layers_of(part, looks, x, y):
        axes.plot(layer.x, layer.y, label=layer.label, **layer.style)
    corner = oriented(part.yardstick.reference_point, rewards)
    axes.axvline(corner[x], color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
    axes.axhline(corner[y], color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
    axes.margins(0.06)
    axes.set_xlabel(axis_label(rewards[x]))
    axes.set_ylabel(axis_label(rewards[y]))
    axes.xaxis.set_inverted(not rewards[x].higher_is_better)
    axes.yaxis.set_inverted(not rewards[y].higher_is_better)


def layers_of(part: BenchmarkSummary, looks: Mapping[str, Look], x: int, y: int) -> Iterator[Layer]:
    """Yield all that is drawn of two of the rewards, in the units of the records.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
        x: Number of the reward to the right.
        y: Number of the reward upwards.
    """
    rewards = part.yardstick.rewards
    if part.yardstick.true_front is not None:
        yield _true_layer(oriented(part.yardstick.true_front.points, rewards), x, y, len(rewards) == 2)
    for method in part.fronts:
        yield from _method_layers(part, method, looks[method], (x, y))
    alone: dict[str, Any] = {"linestyle": "none", "color": INK}
    if part.base is not None:
        base = oriented(part.base, rewards)
        star = {"marker": "*", "markersize": 13.0, "markeredgecolor": "white", "zorder": 6.0}
        yield Layer("base model", base[[x]], base[[y]], alone | star)
    corner = oriented(part.yardstick.reference_point, rewards)
    cross = {"marker": "+", "markersize": 11.0, "markeredgewidth": 1.4, "zorder": 5.0}
    yield Layer("reference point", corner[[x]], corner[[y]], alone | cross)


def _true_layer(points: Array, x: int, y: int, planar: bool) -> Layer:
    if planar:
        line = points[np.argsort(points[:, x], kind="stable")]
        return Layer("true front", line[:, x], line[:, y], {"color": INK, "linewidth": 1.3, "zorder": 2.0})
    # A surface seen from the side: many faint points show where it lies without hiding the methods.
    dots = {"color": PALE, "marker": ".", "linestyle": "none", "markersize": 3.4, "zorder": 1.0}
    return Layer("true front", points[:, x], points[:, y], dots)


def _method_layers(part: BenchmarkSummary, method: str, look: Look, pair: tuple[int, int]) -> Iterator[Layer]:
    """Yield the points of each seed small and faint, and their mean over seeds on top."""
    rewards, fronts, (x, y) = part.yardstick.rewards, part.fronts[method], pair
    every = oriented(np.concatenate([front.points for front in fronts.values()]), rewards)
    mean = mean_points(list(fronts.values()))
    basis: dict[str, Any] = {"color": look.color, "marker": look.marker}
    if len(fronts) > 1 or mean is None:
        faint = {"linestyle": "none", "alpha": 0.28, "markersize": 3.2, "markeredgewidth": 0.0, "zorder": 3.0}
        # A label that begins with an underscore stands in no legend.
        yield Layer(method if mean is None else f"_{method}", every[:, x], every[:, y], basis | faint)
    if mean is not None:
        planar, shown = len(rewards) == 2, oriented(mean, rewards)
        strong = {
            "linestyle": "-" if planar else "none",
            "linewidth": 1.1,
            "markersize": 5.5 if planar else 4.2,
            "markeredgecolor": "white",
            "markeredgewidth": 0.5,
            # Few points on top of many, or a baseline of three models vanishes under a dense sweep.
            "zorder": 4.0 + 1.0 / len(shown),
        }
        yield Layer(method, shown[:, x], shown[:, y], basis | strong)


def _entries(layers: list[Layer]) -> dict[str, Mark]:
    """Return the legend: the true front as a line or a dot, methods as their marks, then what stands alone."""
    return {
        one.label: Mark(
            one.style["color"],
            # Dots are too small to be told in a legend.
            "o" if one.style.get("marker") == "." else one.style.get("marker", ""),
            "" if one.style.get("linestyle") == "none" else "-",
        )
        for one in layers
        if not one.label.startswith("_")
    }


def _ticks(scale: Scale) -> Array:
    return linear_ticks(*scale.ends, 7)


def _draw(panel: Panel, part: BenchmarkSummary, layers: list[Layer], pair: tuple[int, int], beside: float) -> None:
    for layer in layers:
        panel.line(layer.x, layer.y, clip=True, label=layer.label, **layer.style)
    rewards = part.yardstick.rewards
    corner = oriented(part.yardstick.reference_point, rewards)
    ends = (panel.x.low, panel.x.high), (panel.y.low, panel.y.high)
    lines = [[(corner[pair[0]], end) for end in ends[1]], [(end, corner[pair[1]]) for end in ends[0]]]
    panel.strokes(lines, clip=True, colors=FAINT, linewidths=0.8, linestyles=":", zorder=1.0)
    panel.frame(_ticks(panel.x), _ticks(panel.y))
    panel.label(axis_label(rewards[pair[0]]), axis_label(rewards[pair[1]]), beside=beside)
