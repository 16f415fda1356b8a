"""Response curves of sliders: how much of a reward one gets against how much of it one asks for, and how well."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.control import EVENNESS, RANGE, SMOOTHNESS, SPEARMAN, WASTED, has_slider, wasted
from analysis.front import Array, Front, oriented
from analysis.plots.layout import Grid, slots_of
from analysis.plots.lettering import text_width
from analysis.plots.panels import SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks, tick_texts
from analysis.plots.sheets import Mark, Sheet, marks_of
from analysis.plots.style import FAINT, INK, Look, short_axis_label
from analysis.statistics import Interval, interval
from analysis.summary import BenchmarkSummary

LEAST_SEEDS = 3
ROOM = 0.25
"""Above and below the seeds' curves, as a share of their range."""
COLUMNS = 3
WIDTH, HEIGHT, ABOVE, BELOW = 2.5, 2.0, 0.32, 0.42
METRICS = ((SPEARMAN, "correlation"), (RANGE, "range"), (SMOOTHNESS, "smoothness"))
"""Of each reward; evenness and waste are those of a whole sweep."""


class Response(NamedTuple):
    """How one reward answers its weight along the sweeps of one method.

    Attributes:
        weights: What was asked for [N], rising.
        values: The reward of each seed [S, N], in the unit of the record.
        wasted: Whether at least half of the seeds waste this preference [N].
    """

    weights: Array
    values: Array
    wasted: np.ndarray


def control_figure(parts: Mapping[str, BenchmarkSummary], looks: Mapping[str, Look]) -> Sheet | None:
    """Return reward against asked weight for each slider between two rewards, and how well it follows, by benchmark.

    Thin lines are seeds, the thick one is their mean, with three seeds at least with its 95 % t interval (that of two
    would hide the curves); a cross marks a preference that at least half of the seeds waste: another one yields as
    much in both rewards. The third panel of a benchmark has the numbers of the table, with 95 % t intervals over
    seeds: correlation, range and smoothness of each reward, evenness, and the share of wasted preferences, of which
    alone less is better.

    Args:
        parts: The benchmarks by name; those of other than two rewards, or without a slider, are left out.
        looks: Look by method.

    Returns:
        The figure, None if there is no slider.
    """
    found = {name: responses for name, part in parts.items() if (responses := responses_of(part))}
    if not found:
        return None
    scales = {name: [_scale(parts[name], k, found[name]) for k in (0, 1)] for name in found}
    texts = [text for pair in scales.values() for scale in pair for text in tick_texts(_ticks(scale))]
    words = [label for name in found for _, label in metrics_of(parts[name])]
    room = text_width(texts, SMALL) + 0.3
    grid = Grid(3 * len(found), COLUMNS, WIDTH, HEIGHT, room, max(room, text_width(words, SMALL) + 0.1), ABOVE, BELOW)
    entries = marks_of(looks, sorted({method for by in found.values() for method in by}), line="-")
    if any(one.wasted.any() for by in found.values() for pair in by.values() for one in pair):
        entries["wasted preference"] = Mark(INK, "x")
    sheet = Sheet("What is asked for, and what one gets", *grid.size, entries)
    slots = iter(slots_of([3] * len(found), COLUMNS))
    for name, by_method in found.items():
        for k, reward in enumerate(parts[name].yardstick.rewards):
            place = grid.place(sheet, next(slots))
            panel = sheet.panel(*place, WIDTH, HEIGHT, Scale(-0.03, 1.03), scales[name][k])
            for method, pair in by_method.items():
                _draw(panel, pair[k], looks[method])
            panel.frame(linear_ticks(0.0, 1.0, 5), _ticks(panel.y))
            panel.label(f"weight of {reward.name}", short_axis_label(reward), beside=room - 0.14)
            if not k:
                panel.head(name, bold=True)
        _draw_metrics(sheet, grid.place(sheet, next(slots)), parts[name], [*by_method], looks)
    return sheet


def metrics_of(part: BenchmarkSummary) -> list[tuple[str, str]]:
    """Return name and label of each number that says how well a slider between two rewards follows."""
    names = [reward.name for reward in part.yardstick.rewards]
    found = [(f"{metric}{name}", f"{label} {name}") for metric, label in METRICS for name in names]
    return [*found, (EVENNESS, "evenness"), (WASTED, "wasted (less is better)")]


def responses_of(part: BenchmarkSummary) -> dict[str, tuple[Response, Response]]:
    """Return the responses of both rewards by method, empty without two rewards or without a slider.

    Methods whose seeds were asked for different preferences are left out.

    Args:
        part: The benchmark.
    """
    if len(part.yardstick.rewards) != 2:
        return {}
    models = {row.method: row.models for row in part.last_rows}
    found = {}
    for method, by_seed in part.fronts.items():
        fronts = [by_seed[seed] for seed in sorted(by_seed)]
        if all(has_slider(front, models[method]) for front in fronts) and _alike(fronts):
            found[method] = (_response(part, fronts, 0), _response(part, fronts, 1))
    return found


def _alike(fronts: Sequence[Front]) -> bool:
    first = fronts[0].preferences
    assert first is not None, "a slider has preferences"
    asked = [front.preferences for front in fronts]
    return all(one is not None and one.shape == first.shape and np.allclose(one, first) for one in asked)


def _response(part: BenchmarkSummary, fronts: Sequence[Front], k: int) -> Response:
    asked = fronts[0].preferences
    assert asked is not None, "a slider has preferences"
    order = np.argsort(asked[:, k], kind="stable")
    values = np.stack([oriented(front.points, part.yardstick.rewards)[order, k] for front in fronts])
    share = np.mean([wasted(front.points) for front in fronts], axis=0)
    return Response(asked[order, k], values, share[order] >= 0.5)


def _scale(part: BenchmarkSummary, k: int, found: Mapping[str, tuple[Response, Response]]) -> Scale:
    # What an interval has beyond the panel is cut off, or the wide ones would flatten the curves.
    values = np.concatenate([pair[k].values.ravel() for pair in found.values()])
    return Scale.around(values, room=ROOM, backwards=not part.yardstick.rewards[k].higher_is_better)


def _ticks(scale: Scale) -> Array:
    return linear_ticks(*scale.ends, 5)


def _draw(panel: Panel, response: Response, look: Look) -> None:
    weights, values = response.weights, response.values
    if len(values) > 1:
        lines = np.stack([np.broadcast_to(weights, values.shape), values], axis=-1)
        panel.strokes(lines, colors=look.color, alpha=0.3, linewidths=0.7, zorder=2.0)
    if len(values) >= LEAST_SEEDS:
        found = [interval(dict(enumerate(column.tolist()))) for column in values.T]
        low = [one.mean if one.low is None else one.low for one in found]
        high = [one.mean if one.high is None else one.high for one in found]
        panel.band(weights, low, high, clip=True, facecolors=look.color, alpha=0.12, zorder=1.0)
    mean = values.mean(axis=0)
    style: dict[str, Any] = {"outline": 0.4, "linestyle": "-", "linewidth": 1.6, "zorder": 3.0}
    panel.marks(weights, mean, look.color, look.marker, 4.0, **style)
    if response.wasted.any():
        panel.marks(weights[response.wasted], mean[response.wasted], INK, "x", 6.5, zorder=4.0)


def _draw_metrics(
    sheet: Sheet,
    place: tuple[float, float],
    part: BenchmarkSummary,
    methods: Sequence[str],
    looks: Mapping[str, Look],
) -> None:
    """Draw a row a number, in it the methods one beneath the other."""
    metrics, rows = metrics_of(part), {row.method: row for row in part.last_rows}
    known = [value for method in methods for name, _ in metrics if (value := rows[method].quantities.get(name))]
    x = Scale.around([0.0, 1.0, *(value.mean for value in known)], room=0.05)
    panel = sheet.panel(*place, WIDTH, HEIGHT, x, Scale(len(metrics) - 0.5, -0.5))
    panel.strokes([[(end, -0.5), (end, len(metrics) - 0.5)] for end in (0.0, 1.0)], colors=FAINT, linewidths=0.8)
    for number, method in enumerate(methods):
        look, off = looks[method], 0.6 * ((number + 0.5) / len(methods) - 0.5)
        found = {
            row + off: value for row, (name, _) in enumerate(metrics) if (value := rows[method].quantities.get(name))
        }
        low, high = ([np.nan if end is None else end for end in ends] for ends in _ends(found))
        panel.level_bars([*found], low, high, look.color)
        means = [value.mean for value in found.values()]
        panel.marks(means, [*found], look.color, look.marker, 4.5, outline=0.4, zorder=3.0)
    panel.frame(linear_ticks(*x.ends, 5), range(len(metrics)), None, [label for _, label in metrics])
    panel.head("how well the slider follows")


def _ends(found: Mapping[float, Interval]) -> tuple[list[float | None], list[float | None]]:
    return [value.low for value in found.values()], [value.high for value in found.values()]
