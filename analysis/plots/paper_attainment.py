"""Attainment surfaces of two rewards for print: what half of the seeds reach, and how far the seeds differ."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.attainment import SHARES, attainment_surface
from analysis.front import Array, Front, non_dominated, oriented
from analysis.plots.attainment import stairs
from analysis.plots.paper_fronts import PANEL_HEIGHT, TRUE, ends_of
from analysis.plots.paper_style import Page, legend_beneath, mark, new_figure
from analysis.plots.paper_text import reward_labels
from analysis.plots.style import INK, Look
from analysis.ranking import by_hypervolume
from analysis.summary import BenchmarkSummary

MOST_SURFACES = 5
"""More bands than these hide one another."""


def attainment_figure(part: BenchmarkSummary, looks: Mapping[str, Look], page: Page) -> Figure | None:
    """Return the median attainment surfaces of a benchmark's best methods with their 25-75 % bands.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
        page: Widths.

    Returns:
        The figure; None unless there are two rewards and a method with two seeds.
    """
    methods = [method for method in by_hypervolume(part) if len(part.fronts[method]) > 1][:MOST_SURFACES]
    if len(part.yardstick.rewards) != 2 or not methods:
        return None
    figure = new_figure(page.column, PANEL_HEIGHT)
    axes = figure.subplots()
    surfaces = {method: _surfaces(part.fronts[method]) for method in methods}
    ends = ends_of(np.concatenate([corners for of in surfaces.values() for corners in of]))
    room = 0.08 * (ends[1] - ends[0])
    low, high = ends[0] - room, ends[1] + room
    # The best method last, so that no other covers it.
    for method in reversed(methods):
        _draw_surfaces(axes, part, surfaces[method], looks[method], low)
    rewards = part.yardstick.rewards
    entries: dict[str, Artist] = {method: mark(looks[method], "-") for method in methods}
    if part.yardstick.true_front is not None:
        true = part.yardstick.true_front.points
        line = oriented(true[non_dominated(true)], rewards)
        line = line[np.argsort(line[:, 0], kind="stable")]
        (entries[TRUE],) = axes.plot(line[:, 0], line[:, 1], "--", color=INK, linewidth=0.8, zorder=1.5)
    limits = oriented(np.stack([low, high]), rewards)
    axes.set_xlim(*limits[:, 0])
    axes.set_ylim(*limits[:, 1])
    across, up = reward_labels(rewards, min(page.column - 0.5, PANEL_HEIGHT - 0.4))
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    legend_beneath(figure, entries)
    return figure


def _surfaces(fronts: Mapping[int, Front]) -> list[Array]:
    sets = [fronts[seed].points for seed in sorted(fronts)]
    return [attainment_surface(sets, share=share) for share in SHARES]


def _draw_surfaces(axes: Axes, part: BenchmarkSummary, surfaces: Sequence[Array], look: Look, low: Array) -> None:
    """Draw the band and the median as steps, the corners of the median marked."""
    rewards = part.yardstick.rewards
    outer, median, inner = (oriented(stairs(surface, low), rewards) for surface in surfaces)
    band = np.concatenate([outer, inner[::-1]])
    axes.fill(band[:, 0], band[:, 1], color=look.color, alpha=0.22, linewidth=0)
    axes.plot(median[:, 0], median[:, 1], color=look.color, linewidth=1.0)
    marks = oriented(surfaces[1], rewards)
    axes.plot(marks[:, 0], marks[:, 1], look.marker, color=look.color, markersize=3.2, markeredgecolor="white",
              markeredgewidth=0.3)  # fmt: skip
