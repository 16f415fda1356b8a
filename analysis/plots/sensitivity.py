"""How the methods' ranks change when the reference point moves."""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.plots.layout import Grid
from analysis.plots.panels import Panel
from analysis.plots.scales import Scale
from analysis.plots.sheets import Sheet, marks_of
from analysis.plots.style import FAINT, Look
from analysis.sensitivity import Sensitivity, relations

COLUMNS, WIDTH, ROW = 4, 2.2, 0.16
"""Panels in a row, width of one, and height of a rank [inches]."""


def sensitivity_figure(found: Mapping[str, Sensitivity], looks: Mapping[str, Look]) -> Sheet | None:
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
    grid = Grid(len(found), COLUMNS, WIDTH, max(1.2, ROW * most), 0.45, 0.36, 0.3, 0.42)
    names = sorted({method for one in found.values() for method in one.methods})
    sheet = Sheet("Rank by hypervolume above other reference points", *grid.size, marks_of(looks, names, line="-"))
    for index, (name, one) in enumerate(found.items()):
        scales = Scale(-0.3, len(one.diagonal) - 0.7), Scale(len(one.methods) + 0.6, 0.4)
        panel = sheet.panel(*grid.place(sheet, index), WIDTH, grid.height, *scales)
        _draw(panel, one, looks)
        taus = one.taus[np.isfinite(one.taus)]
        panel.head(name, note=f"least τ {taus.min():.2f}" if len(taus) else "least τ -")
        shifts = one.shifts[one.diagonal, 0]
        ranks = range(1, len(one.methods) + 1)
        texts = [f"{shift:+g}" if shift else "frozen" for shift in shifts]
        panel.frame(range(len(shifts)), ranks, texts, [str(rank) for rank in ranks])
        panel.label("towards the base model (+1) →", "rank" if grid.is_left(index) else "", beside=0.24)
    return sheet


def mean_ranks(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the rank of each value, 1 for the largest; equal values share the mean of their ranks.

    Example:
        >>> mean_ranks([5.0, 7.0, 5.0, 1.0]).tolist()
        [2.5, 1.0, 2.5, 4.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    _, group, counts = np.unique(-numbers, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2.0)[group])


def _draw(panel: Panel, one: Sensitivity, looks: Mapping[str, Look]) -> None:
    diagonal = one.diagonal
    places = np.arange(len(diagonal))
    means = np.nanmean(one.volumes[diagonal], axis=2)
    ranks = np.stack([mean_ranks(row) for row in means])
    below = np.stack([relations(one.volumes[r])[row.argmax()] == 1.0 for r, row in zip(diagonal, means, strict=True)])
    frozen = float(places[one.shifts[diagonal, 0] == 0.0][0])
    panel.strokes([[(frozen, panel.y.low), (frozen, panel.y.high)]], colors=FAINT, linewidths=0.9, linestyles=":")
    for m, method in enumerate(one.methods):
        look = looks[method]
        panel.line(places, ranks[:, m], color=look.color, linewidth=1.2, zorder=2.0)
        for hollow in (True, False):
            at = below[:, m] == hollow
            if at.any():
                fill = "white" if hollow else look.color
                panel.marks(places[at], ranks[at, m], look.color, look.marker, 5.0, fill=fill, zorder=3.0)
