"""Response curves of sliders: how much of a reward one gets against how much of it one asks for."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.control import has_slider, wasted
from analysis.front import Array, Front, oriented
from analysis.plots.panels import panel_grid
from analysis.plots.style import INK, Look, legend_below, short_axis_label
from analysis.statistics import interval
from analysis.summary import BenchmarkSummary

LEAST_SEEDS = 3
ROOM = 0.25
"""Above and below the seeds' curves, as a share of their range."""


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


def control_figure(parts: Mapping[str, BenchmarkSummary], looks: Mapping[str, Look]) -> Figure | None:
    """Return reward against asked weight for each slider between two rewards, one panel a benchmark and reward.

    Thin lines are seeds, the thick one is their mean, with three seeds at least with its 95 % t interval (that of two
    would hide the curves); a cross marks a preference that at least half of the seeds waste: another one yields as
    much in both rewards.

    Args:
        parts: The benchmarks by name; those of other than two rewards, or without a slider, are left out.
        looks: Look by method.

    Returns:
        The figure, None if there is no slider.
    """
    found = {name: responses_of(part) for name, part in parts.items()}
    shown = [(name, k) for name, by_method in found.items() if by_method for k in (0, 1)]
    if not shown:
        return None
    figure, panels = panel_grid("What is asked for, and what one gets", [name for name, _ in shown], 2.9)
    entries: dict[str, Line2D] = {}
    for axes, (name, k) in zip(panels, shown, strict=True):
        reward = parts[name].yardstick.rewards[k]
        for method, pair in found[name].items():
            look = looks[method]
            _draw(axes, pair[k], look)
            entries[method] = Line2D([], [], color=look.color, marker=look.marker)
        axes.set_ylabel(short_axis_label(reward), fontsize=8)
        axes.set_xlabel(f"weight of {reward.name}", fontsize=8)
        values = np.concatenate([pair[k].values.ravel() for pair in found[name].values()])
        room = ROOM * max(float(np.ptp(values)), 1e-9)
        # What an interval has beyond the panel is cut off, or the wide ones would flatten the curves.
        axes.set_ylim(float(values.min()) - room, float(values.max()) + room)
        axes.yaxis.set_inverted(not reward.higher_is_better)
    if any(one.wasted.any() for by_method in found.values() for pair in by_method.values() for one in pair):
        entries["wasted preference"] = Line2D([], [], color=INK, marker="x", linestyle="none", markersize=7)
    legend_below(figure, entries, 6)
    return figure


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


def _draw(axes: Axes, response: Response, look: Look) -> None:
    weights, values = response.weights, response.values
    if len(values) > 1:
        axes.plot(weights, values.T, color=look.color, alpha=0.3, linewidth=0.7, zorder=2)
    if len(values) >= LEAST_SEEDS:
        found = [interval(dict(enumerate(column.tolist()))) for column in values.T]
        low = [one.mean if one.low is None else one.low for one in found]
        high = [one.mean if one.high is None else one.high for one in found]
        axes.fill_between(weights, low, high, color=look.color, alpha=0.12, linewidth=0, zorder=1)
    mean = values.mean(axis=0)
    axes.plot(weights, mean, look.marker + "-", color=look.color, linewidth=1.6, markersize=4.0,
              markeredgecolor="white", markeredgewidth=0.4, zorder=3)  # fmt: skip
    axes.plot(weights[response.wasted], mean[response.wasted], "x", color=INK, markersize=6.5, zorder=4)
