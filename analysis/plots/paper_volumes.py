"""Hypervolumes for print: dots with intervals, of one benchmark in a column and of a suite across the page."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.paper_style import Page, names_beside, new_figure
from analysis.plots.paper_text import SMALL, fitting, printable, text_width
from analysis.plots.style import INK, Look
from analysis.ranking import by_hypervolume
from analysis.statistics import Interval
from analysis.summary import BASE, BenchmarkSummary, Row

SHARE, VOLUME = "share_of_true_hypervolume", "hypervolume"
Marks = tuple[str | None, frozenset[str]]
"""The best method of a benchmark, or None, and those that are not separable from it."""
ROW = 0.145
TIED = "="
MOST_PANELS = 5
BESIDE = 0.2
"""Of an axis, for ticks and what keeps panels apart [inches]."""


def volume_figure(part: BenchmarkSummary, looks: Mapping[str, Look], page: Page, marks: Marks) -> Figure | None:
    """Return the hypervolume of each method with its 95 % interval, the largest on top, the base model beneath.

    The name of the best method is bold, those of the tied ones have the mark of a tie.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
        page: Widths.
        marks: Which method is the best, and which are tied with it.

    Returns:
        The figure, None without methods.
    """
    order = by_hypervolume(part)
    if not order:
        return None
    best, tied = marks
    rows = {row.method: row for row in part.rows if row.last}
    order += [BASE] if BASE in rows else []
    figure = new_figure(page.column, 0.42 + ROW * len(order))
    axes = figure.subplots()
    _draw_rows(axes, part, [rows[method] for method in order], looks)
    names = [f"{TIED} {method}" if method in tied and method != best else method for method in order]
    _name_rows(axes, names_beside(names, page))
    for label, method in zip(axes.get_yticklabels(), order, strict=True):
        label.set_fontweight("bold" if method == best else "normal")
    room = page.column - max(text_width(label.get_text(), SMALL) for label in axes.get_yticklabels()) - BESIDE
    axes.set_xlabel(fitting([f"{_quantity(part)}, better →", *_short(part)], room))
    return figure


def suite_figures(
    parts: Sequence[BenchmarkSummary], looks: Mapping[str, Look], page: Page, marks: Mapping[str, Marks]
) -> list[Figure]:
    """Return the hypervolumes of all benchmarks side by side, methods in the order of the mean of their ranks.

    Dots of the best method of a panel and of those tied with it are filled, the others hollow.

    Args:
        parts: The benchmarks.
        looks: Look by method, for every method.
        page: Widths.
        marks: Marks by benchmark.

    Returns:
        Figures of at most five panels, none for fewer than two benchmarks or methods.
    """
    shown = [part for part in parts if part.fronts]
    ranks: dict[str, list[int]] = {}
    for part in shown:
        for rank, method in enumerate(by_hypervolume(part)):
            ranks.setdefault(method, []).append(rank)
    order = sorted(ranks, key=lambda method: (sum(ranks[method]) / len(ranks[method]), method))
    if len(shown) < 2 or len(order) < 2:
        return []
    sheets = -(-len(shown) // MOST_PANELS)
    size = -(-len(shown) // sheets)
    return [_suite(shown[at : at + size], order, looks, page, marks) for at in range(0, len(shown), size)]


def _suite(
    parts: Sequence[BenchmarkSummary],
    order: Sequence[str],
    looks: Mapping[str, Look],
    page: Page,
    marks: Mapping[str, Marks],
) -> Figure:
    figure = new_figure(page.full, 0.58 + ROW * len(order))
    panels = figure.subplots(1, len(parts), squeeze=False)[0]
    names = names_beside(order, page)
    room = (page.full - max(text_width(name, SMALL) for name in names) - BESIDE) / len(parts) - BESIDE
    for index, (axes, part) in enumerate(zip(panels, parts, strict=True)):
        rows = {row.method: row for row in part.last_rows}
        best, tied = marks[part.record.name]
        first = tied | ({best} if best is not None else set())
        _draw_rows(axes, part, [rows.get(method) for method in order], looks, first)
        _name_rows(axes, names if index == 0 else [""] * len(order))
        axes.set_title(fitting([printable(part.record.name)], room))
        axes.set_xlabel(fitting(_short(part), room))
    return figure


def _known(part: BenchmarkSummary) -> bool:
    return part.yardstick.true_hypervolume is not None


def _quantity(part: BenchmarkSummary) -> str:
    return "share of the true hypervolume" if _known(part) else "hypervolume"


def _short(part: BenchmarkSummary) -> list[str]:
    return ["share of true HV →", "HV share →"] if _known(part) else ["hypervolume →", "HV →"]


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.locator_params(axis="x", nbins=5)


def _draw_rows(
    axes: Axes,
    part: BenchmarkSummary,
    rows: Sequence[Row | None],
    looks: Mapping[str, Look],
    filled: frozenset[str] | None = None,
) -> None:
    """Draw a row a method, nothing for None; those that are not to be `filled` hollow, all filled if that is None."""
    for place, row in enumerate(rows):
        if row is not None:
            look = looks.get(row.method, Look(INK, "*"))
            hollow = filled is not None and row.method not in filled
            _draw_row(axes, row.quantities[SHARE if _known(part) else VOLUME], look, place, hollow=hollow)


def _draw_row(axes: Axes, volume: Interval, look: Look, place: float, *, hollow: bool) -> None:
    """Draw the mean with its interval, and the seeds behind it."""
    seen = list(volume.values.values())
    if len(seen) > 1:
        axes.plot(seen, [place] * len(seen), ".", color=look.color, alpha=0.4, markersize=3.2, markeredgewidth=0)
    axes.errorbar(volume.mean, place, xerr=volume.half_width, fmt=look.marker, color=look.color,
                  markersize=5.5 if look.marker == "*" else 4.2, markerfacecolor="white" if hollow else look.color,
                  markeredgecolor=look.color if hollow else "white", markeredgewidth=0.7 if hollow else 0.4,
                  elinewidth=0.9, capsize=1.6, capthick=0.7, zorder=3)  # fmt: skip
