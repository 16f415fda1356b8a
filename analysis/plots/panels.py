"""Small multiples: one panel a method, as many in a row as stay readable."""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import INK

WIDEST = 4
PANEL_WIDTH = 2.9
LEAST_WIDTH = 7.4
"""Of a figure whose legend names many methods [inches]; in a narrow one the legend is higher than the panels."""


def panel_grid(title: str, methods: Sequence[str], height: float, *, beside: float = 0.0) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel a method, in rows of at most four, and the panels in the order of the methods.

    Args:
        title: Title of the figure.
        methods: Titles of the panels, at least one.
        height: Height of a panel with its labels [inches].
        beside: Width left for what stands beside the panels [inches].
    """
    columns = min(WIDEST, len(methods))
    rows = -(-len(methods) // columns)
    # A lone panel would be narrower than the titles above it.
    width = max(PANEL_WIDTH * columns, 1.6 * PANEL_WIDTH) + beside
    figure = Figure(figsize=(width, height * rows + 0.7), layout="constrained")
    figure.suptitle("\n".join(textwrap.wrap(title, int(12.5 * width))), fontsize=11, color=INK)
    panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for axes in panels[len(methods) :]:
        axes.remove()
    for axes, method in zip(panels, methods, strict=False):
        axes.set_title(method, loc="left", fontsize=9, color=INK)
    return figure, panels[: len(methods)]


def is_left(index: int) -> bool:
    """Return whether a panel is the first of its row."""
    return index % WIDEST == 0


def is_lowest(index: int, count: int) -> bool:
    """Return whether no panel lies beneath a panel."""
    return index + min(WIDEST, count) >= count


def free_labels(panels: Sequence[Axes]) -> None:
    """Let the labels below panels of the last row but one hang into the empty places of the last row.

    Otherwise the layout would move all panels of the last row down to make room for them.
    """
    columns = min(WIDEST, len(panels))
    last_row = (len(panels) - 1) // columns
    for index, axes in enumerate(panels):
        if is_lowest(index, len(panels)) and index // columns < last_row:
            # The label of an axis stands below those ticks' labels that take part in the layout.
            for label in [axes.xaxis.label] if axes.get_xlabel() else axes.get_xticklabels():
                label.set_in_layout(False)
