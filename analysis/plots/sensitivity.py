"""How the methods' ranks change when the reference point moves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.panels import LEAST_WIDTH, is_left, panel_grid
from analysis.plots.style import FAINT, INK, Look, legend_below
from analysis.sensitivity import Sensitivity, relations


def sensitivity_figure(found: Mapping[str, Sensitivity], looks: Mapping[str, Look]) -> Figure | None:
    """Return the rank of every method above reference points that are moved in all rewards alike, a panel a benchmark.

    Hollow marks are methods significantly below the best one of that reference point, filled ones are tied with it.

    Args:
        found: What is known of each benchmark, by name.
        looks: Look by method.

    Returns:
        The figure, None if nothing is known of any benchmark.
    """
    if not found:
        return None
    most = max(len(one.methods) for one in found.values())
    title = "Rank by hypervolume above other reference points"
    figure, panels = panel_grid(title, list(found), 1.4 + 0.16 * most)
    for index, (axes, one) in enumerate(zip(panels, found.values(), strict=True)):
        _draw(axes, one, looks)
        axes.set_ylabel("rank" if is_left(index) else "")
        taus = one.taus[np.isfinite(one.taus)]
        least = f"{taus.min():.2f}" if len(taus) else "-"
        axes.set_title(f"least τ {least}", loc="right", fontsize=8, color="#666666")
    figure.set_figwidth(max(figure.get_figwidth(), LEAST_WIDTH))
    names = sorted({method for one in found.values() for method in one.methods})
    entries = {name: Line2D([], [], color=looks[name].color, marker=looks[name].marker) for name in names}
    legend_below(figure, entries, 6)
    return figure


def mean_ranks(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the rank of each value, 1 for the largest; equal values share the mean of their ranks.

    Example:
        >>> mean_ranks([5.0, 7.0, 5.0, 1.0]).tolist()
        [2.5, 1.0, 2.5, 4.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    _, group, counts = np.unique(-numbers, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2.0)[group])


def _draw(axes: Axes, one: Sensitivity, looks: Mapping[str, Look]) -> None:
    diagonal = one.diagonal
    places = np.arange(len(diagonal))
    means = np.nanmean(one.volumes[diagonal], axis=2)
    ranks = np.stack([mean_ranks(row) for row in means])
    below = np.stack([relations(one.volumes[r])[row.argmax()] == 1.0 for r, row in zip(diagonal, means, strict=True)])
    for m, method in enumerate(one.methods):
        look = looks[method]
        axes.plot(places, ranks[:, m], color=look.color, linewidth=1.2, zorder=2)
        for hollow in (True, False):
            at = below[:, m] == hollow
            fill = "white" if hollow else look.color
            axes.plot(places[at], ranks[at, m], look.marker, color=look.color, markerfacecolor=fill, markersize=5.0)
    shifts = one.shifts[diagonal, 0]
    axes.axvline(float(places[shifts == 0.0][0]), color=FAINT, linewidth=0.9, linestyle=":")
    axes.set_xticks(places, [f"{shift:+g}" if shift else "frozen" for shift in shifts])
    axes.set_xlabel("towards the base model (+1) →", color=INK)
    axes.set_yticks(range(1, len(one.methods) + 1))
    axes.tick_params(labelsize=8)
    axes.set_ylim(len(one.methods) + 0.6, 0.4)
    axes.set_xlim(-0.3, len(places) - 0.7)
