"""One picture of a suite: how much of the true hypervolume each method fills on each benchmark."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import FAINT, INK, Look, entries_of, legend_below
from analysis.statistics import Interval
from analysis.summary import BenchmarkSummary, Row, Summary

SHARE = "share_of_true_hypervolume"


def overview_figure(summary: Summary, looks: Mapping[str, Look]) -> Figure:
    """Return dots with 95 % intervals, one group of rows a benchmark.

    Where a benchmark of the suite does not know its true front, all are shown relative to the best method instead.

    Args:
        summary: The suite.
        looks: Look by method, for every method of the suite.
    """
    known = all(part.yardstick.true_hypervolume is not None for part in summary.benchmarks)
    rows = sum(len(part.last_rows) + 1 for part in summary.benchmarks)
    figure = Figure(figsize=(7.6, 1.5 + 0.27 * rows), layout="constrained")
    axes = figure.subplots()
    place, ticks = 0.0, []
    for part in summary.benchmarks:
        height = max(len(part.last_rows), 1)
        ticks.append((place + (height - 1) / 2, part.record.name))
        for row in part.last_rows:
            _draw_row(axes, row, looks[row.method], place, _unit(part, known))
            if known:
                _draw_exact_front_share(axes, row, place)
            place += 1
        place += 1 if part.last_rows else 2
        axes.axhline(place - 1, color="#D8D8D8", linewidth=0.8)
    axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place - 1, -1)
    axes.grid(visible=False, axis="y")
    quantity = "share of the true hypervolume" if known else "hypervolume relative to the best method"
    axes.set_xlabel(f"{quantity}   better →")
    axes.axvline(1.0, color=FAINT, linewidth=0.9, linestyle=":")
    entries = entries_of(axes)
    if entries:
        legend_below(figure, {label: entries[label] for label in sorted(entries, key=lambda at: (at not in looks, at))})
    return figure


def _unit(part: BenchmarkSummary, known: bool) -> float:
    """Return the hypervolume that counts as 1 on a benchmark."""
    if known and part.yardstick.true_hypervolume is not None:
        return part.yardstick.true_hypervolume
    best = max((row.quantities["hypervolume"].mean for row in part.last_rows), default=0.0)
    return best if best > 0 else 1.0


def _draw_row(axes: Axes, row: Row, look: Look, place: float, unit: float) -> None:
    """Draw the mean with its interval, and the seeds behind it."""
    volume = row.quantities["hypervolume"]
    seen = [value / unit for value in volume.values.values()]
    axes.plot(seen, [place] * len(seen), ".", color=look.color, alpha=0.35, markersize=5, markeredgewidth=0)
    axes.errorbar(
        volume.mean / unit,
        place,
        xerr=_error(volume, unit),
        fmt=look.marker,
        color=look.color,
        markersize=6.5,
        markeredgecolor="white",
        linewidth=1.5,
        capsize=2.5,
        label=_once(axes, row.method),
        zorder=3,
    )


def _draw_exact_front_share(axes: Axes, row: Row, place: float) -> None:
    """Draw the share that the true front itself reaches at the same preferences as a bar."""
    exact = row.quantities.get("exact_front_share")
    if exact is not None:
        label = _once(axes, "true front at the same preferences")
        axes.plot(exact.mean, place, "|", color=INK, markersize=12, markeredgewidth=1.4, label=label, zorder=2)


def _error(volume: Interval, unit: float) -> float | None:
    return None if volume.half_width is None else volume.half_width / unit


def _once(axes: Axes, label: str) -> str | None:
    """Return a label that the legend does not hold yet."""
    return None if label in entries_of(axes) else label
