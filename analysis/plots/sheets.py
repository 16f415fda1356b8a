"""Figures of many panels, laid out by hand in inches and without any axes of matplotlib.

An axes takes milliseconds to make and more to lay out and draw, mostly for ticks; dozens of them in a picture add up.
Here a panel is a place and two scales, its frame is a few lines, and words have their room computed.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox, TransformedBbox

from analysis.plots.lettering import text_width
from analysis.plots.panels import SMALL, Panel
from analysis.plots.scales import Scale
from analysis.plots.style import DPI, INK, Look

MARGIN = 0.12
"""Around everything [inches]."""
TITLE_SIZE, TITLE_LINE = 11.0, 0.22
LEAST_WIDTH, MOST_ROWS = 7.4, 4
"""Of a sheet whose legend would have more rows otherwise: in a narrow one it would be higher than the panels."""
ENTRY_SIZE, ENTRY_LINE, HANDLE, APART = 9.0, 0.19, 0.3, 0.24


@dataclass(frozen=True)
class Mark:
    """How an entry of a legend is drawn: as a line, a marker, both, or a filled box.

    Attributes:
        color: Of all of it.
        marker: Of matplotlib, empty for none.
        line: Style of the line, empty for none.
        fill: Color inside the marker; that of the mark if None.
        box: Whether it is a filled box.
        faint: Opacity.
    """

    color: str
    marker: str = ""
    line: str = ""
    fill: str | None = None
    box: bool = False
    faint: float = 1.0


def marks_of(looks: Mapping[str, Look], names: Iterable[str], *, line: str = "") -> dict[str, Mark]:
    """Return the entries of a legend for methods, in the order of their names."""
    return {name: Mark(looks[name].color, looks[name].marker, line) for name in names}


class Sheet(Figure):
    """A figure whose places are inches from its lower left corner.

    Attributes:
        panels: All panels, in the order they were made.
        foot: Height of the legend, above which the body begins [inches].
        entries: The legend.
        indent: By how much the sheet is wider on either side than asked for, so that the legend fits [inches].
        top: Where the body ends, beneath the title [inches].
    """

    def __init__(self, title: str, width: float, height: float, entries: Mapping[str, Mark] | None = None) -> None:
        """Make a sheet with its title and legend.

        Args:
            title: Above everything.
            width: Of the whole [inches].
            height: Of what stands between title and legend [inches].
            entries: Legend beneath everything: how each name is drawn.
        """
        self.entries, self.indent = dict(entries or {}), 0.0
        lines = textwrap.wrap(title, max(20, int(12.5 * width)))
        columns = _legend_columns(list(self.entries), width - 2 * MARGIN)
        if max(map(len, columns), default=0) > MOST_ROWS or _taken(columns) > width - 2 * MARGIN:
            self.indent = max(max(LEAST_WIDTH, _taken(columns) + 2 * MARGIN) - width, 0.0) / 2
            width += 2 * self.indent
            columns = _legend_columns(list(self.entries), width - 2 * MARGIN)
        rows = max(map(len, columns), default=0)
        self.foot = MARGIN + (rows * ENTRY_LINE + 0.05 if rows else 0.0)
        total = self.foot + height + MARGIN + TITLE_LINE * len(lines)
        # Whole pixels, so that the PNG has no row that is half drawn.
        total, width = (round(length * DPI) / DPI for length in (total, width))
        super().__init__(figsize=(width, total))
        self.panels: list[Panel] = []
        self.top = total - MARGIN - TITLE_LINE * len(lines)
        self.write(width / 2, total - MARGIN, "\n".join(lines), size=TITLE_SIZE, ha="center", va="top")
        self._draw_legend(columns, width)

    def write(self, x: float, y: float, text: str, *, size: float = SMALL, color: str = INK, **style: Any) -> Text:
        """Write words at a place [inches]."""
        style = {"transform": self.dpi_scale_trans, "parse_math": False, **style}
        return self.text(x, y, text, fontsize=size, color=color, **style)

    def add(self, artist: Artist, within: Bbox | None = None) -> None:
        """Add an artist whose places are inches.

        Args:
            artist: What is drawn.
            within: Beyond this place it is cut off [inches].
        """
        artist.set_transform(self.dpi_scale_trans)
        self.add_artist(artist)
        if within is not None:
            artist.set_clip_box(TransformedBbox(within, self.dpi_scale_trans))

    def strokes(self, segments: npt.ArrayLike, color: str, width: float, **style: Any) -> None:
        """Draw straight lines [N, 2, 2] between places [inches]."""
        self.add(LineCollection([*np.asarray(segments)], colors=color, linewidths=width, **style))

    def panel(self, left: float, bottom: float, width: float, height: float, x: Scale, y: Scale) -> Panel:
        """Return a panel at a place, moved to whole pixels of the PNG [inches]."""
        left, bottom, width, height = (round(length * DPI) / DPI for length in (left, bottom, width, height))
        found = Panel(self, left, bottom, width, height, x, y)
        self.panels.append(found)
        return found

    def _draw_legend(self, columns: Sequence[Sequence[str]], width: float) -> None:
        widths = [HANDLE + 0.08 + text_width(names, ENTRY_SIZE) for names in columns]
        x = (width - sum(widths) - APART * max(len(widths) - 1, 0)) / 2
        for names, wide in zip(columns, widths, strict=True):
            for row, name in enumerate(names):
                y = self.foot - 0.05 - (row + 0.5) * ENTRY_LINE
                self._draw_handle(x, y, self.entries[name])
                self.write(x + HANDLE + 0.08, y, name, size=ENTRY_SIZE, va="center_baseline")
            x += wide + APART

    def _draw_handle(self, x: float, y: float, mark: Mark) -> None:
        if mark.box:
            box = Rectangle((x, y - 0.055), HANDLE, 0.11, facecolor=mark.color, alpha=mark.faint, linewidth=0.0)
            self.add(box)
            return
        middle = [x + HANDLE / 2]
        if mark.line:
            ends = [x, x + HANDLE]
            line: Any = mark.line
            self.add(Line2D(ends, [y, y], color=mark.color, linestyle=line, linewidth=1.4))
        if mark.marker:
            fill = mark.color if mark.fill is None else mark.fill
            style: Any = {"color": mark.color, "marker": mark.marker, "markerfacecolor": fill, "linestyle": "none"}
            self.add(Line2D(middle, [y], markersize=6.0, alpha=mark.faint, **style))


def _legend_columns(names: Sequence[str], width: float) -> list[list[str]]:
    """Return the names by column, in as few rows as fit the width, and these as even as can be."""
    for count in range(min(len(names), 7), 0, -1):
        columns = _split(names, count)
        if _taken(columns) <= width or count == 1:
            evener = _split(names, -(-len(names) // len(columns[0])))
            return evener if _taken(evener) <= width else columns
    return []


def _split(names: Sequence[str], count: int) -> list[list[str]]:
    """Return names in so many columns, filled column by column; the first ones are the longer ones."""
    shortest, longer = divmod(len(names), count)
    ends = list(accumulate([shortest + 1] * longer + [shortest] * (count - longer)))
    return [list(names[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


def _taken(columns: Sequence[Sequence[str]]) -> float:
    """Return the width of a legend of these columns [inches]."""
    return sum(HANDLE + 0.08 + text_width(names, ENTRY_SIZE) + APART for names in columns) - APART
