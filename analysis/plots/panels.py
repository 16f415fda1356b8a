"""A panel on a sheet: a place and two scales, in whose units everything is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, TransformedBbox

from analysis.front import Array
from analysis.plots.lettering import fitted, text_width
from analysis.plots.scales import Scale, tick_texts
from analysis.plots.style import Look

if TYPE_CHECKING:
    from analysis.plots.sheets import Sheet

EDGE, TICK, GRID = "#666666", "#444444", "#E6E6E6"
SMALL = 7.5
"""Size of the words beside panels [points]."""
BOLD = 1.2
"""Width of bold letters, as a share of that of the others."""
LINES = "+x|"
"""Markers that are lines, and have no inside."""
TICK_LENGTH, GAP, CAP = 0.03, 0.03, 0.02
"""Of a tick, between it and its words, and half of the end of an interval [inches]."""


@dataclass(eq=False)
class Panel:
    """A place on a sheet with two scales; everything is given in units of the data.

    Attributes:
        sheet: The sheet it is on.
        left: Place [inches].
        bottom: Place [inches].
        width: Size [inches].
        height: Size [inches].
        x: The scale to the right.
        y: The scale upwards.
        title: Words above it on the left.
        lines: The lines drawn in it, in order.
        fills: The areas drawn in it, in order.
        image: The table drawn in it.
    """

    sheet: "Sheet"
    left: float
    bottom: float
    width: float
    height: float
    x: Scale
    y: Scale
    title: str = ""
    lines: list[Line2D] = field(default_factory=list)
    fills: list[PolyCollection] = field(default_factory=list)
    image: BboxImage | None = None

    def across(self, values: npt.ArrayLike) -> Array:
        """Return how far to the right of the sheet's edge values stand [inches]."""
        return self.left + self.width * self.x.share(values)

    def up(self, values: npt.ArrayLike) -> Array:
        """Return how high above the sheet's edge values stand [inches]."""
        return self.bottom + self.height * self.y.share(values)

    def line(self, x: npt.ArrayLike, y: npt.ArrayLike, *, clip: bool = False, **style: Any) -> Line2D:
        """Draw a line or marks through points.

        Args:
            x: Values [N].
            y: Values [N].
            clip: Whether what lies beyond the panel is cut off.
            style: As of matplotlib's lines.
        """
        found = Line2D(self.across(x), self.up(y), **style)
        self.sheet.add(found, self._box() if clip else None)
        self.lines.append(found)
        return found

    def marks(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        color: str,
        marker: str,
        size: float,
        *,
        outline: float = 0.0,
        fill: str | None = None,
        **style: Any,
    ) -> Line2D:
        """Draw points.

        Args:
            x: Values [N].
            y: Values [N].
            color: Of the marks.
            marker: As of matplotlib.
            size: Of the marks [points].
            outline: Width of a white edge [points].
            fill: Color inside the marks, whose edge is then colored; that of the marks if None.
            style: As of `line`.
        """
        edge, width = ("white", outline) if outline and marker not in LINES else (color, 1.0)
        if fill is None and not outline and marker not in LINES:
            width = 0.0
        inside = color if fill is None else fill
        own = {"markerfacecolor": inside, "markeredgecolor": edge, "markeredgewidth": width, "markersize": size}
        return self.line(x, y, **{"linestyle": "none", "color": color, "marker": marker, **own, **style})

    def strokes(self, segments: npt.ArrayLike, *, clip: bool = False, **style: Any) -> LineCollection:
        """Draw lines [N, P, 2] through P points each, as one artist."""
        points = np.asarray(segments, dtype=np.float64)
        found = LineCollection([*np.stack([self.across(points[..., 0]), self.up(points[..., 1])], axis=-1)], **style)
        self.sheet.add(found, self._box() if clip else None)
        return found

    def bars(self, x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, color: str, **style: Any) -> None:
        """Draw upright intervals with short ends, those that are known."""
        across, below, above = self.across(x), self.up(low), self.up(high)
        starts, ends = np.stack([across, below], axis=-1), np.stack([across, above], axis=-1)
        self._intervals(starts, ends, np.array([CAP, 0.0]), color, style)

    def level_bars(self, y: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, color: str, **style: Any) -> None:
        """Draw level intervals with short ends, those that are known."""
        up, before, behind = self.up(y), self.across(low), self.across(high)
        starts, ends = np.stack([before, up], axis=-1), np.stack([behind, up], axis=-1)
        self._intervals(starts, ends, np.array([0.0, CAP]), color, style)

    def _intervals(self, starts: Array, ends: Array, cap: Array, color: str, style: Mapping[str, Any]) -> None:
        known = np.isfinite(starts).all(axis=1) & np.isfinite(ends).all(axis=1)
        starts, ends = starts[known], ends[known]
        pairs = [(starts, ends), *((at - cap, at + cap) for at in (starts, ends))]
        segments = np.concatenate([np.stack(pair, axis=1) for pair in pairs])
        if len(segments):
            found = LineCollection([*segments], colors=color, **{"linewidths": 0.9, "zorder": 2.5, **style})
            self.sheet.add(found, self._box())

    def fill(self, corners: Sequence[npt.ArrayLike], *, clip: bool = False, **style: Any) -> None:
        """Fill polygons [N, 2] each."""
        shapes = [np.asarray(one, dtype=np.float64) for one in corners]
        placed = [np.column_stack([self.across(one[:, 0]), self.up(one[:, 1])]) for one in shapes]
        found = PolyCollection(placed, linewidths=0.0, **style)
        self.sheet.add(found, self._box() if clip else None)
        self.fills.append(found)

    def band(self, x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, **style: Any) -> None:
        """Fill what lies between two lines."""
        forth = np.column_stack([np.asarray(x), np.asarray(low)])
        back = np.column_stack([np.asarray(x), np.asarray(high)])[::-1]
        self.fill([np.concatenate([forth, back])], **style)

    def table(self, colors: npt.NDArray[np.uint8]) -> None:
        """Fill the panel with the cells of a table [R, C, 4], the first row on top."""
        # "none" keeps the cells sharp.
        place = TransformedBbox(self._box(), self.sheet.dpi_scale_trans)
        self.image = BboxImage(place, interpolation="none", origin="upper", zorder=1.5)
        self.image.set_data(colors)
        self.sheet.add_artist(self.image)

    def head(
        self,
        title: str,
        *,
        note: str = "",
        look: Look | None = None,
        bold: bool = False,
        room: float | None = None,
    ) -> None:
        """Write a title above the panel, as small as it must be to fit.

        Args:
            title: On the left.
            note: Small, on the right.
            look: Of the method that the panel is of, whose mark stands before the title.
            bold: Whether the title is bold.
            room: For both [inches]; the width of the panel if None.
        """
        self.title = title
        left, above = self.left, self.bottom + self.height + 0.05
        room = (self.width if room is None else room) - (text_width([note], 8.0) + 0.1 if note else 0.0)
        if look is not None:
            place = [left + 0.05], [above + 0.045]
            self.sheet.add(Line2D(*place, color=look.color, marker=look.marker, markersize=5.5, linestyle="none"))
            left, room = left + 0.15, room - 0.15
        text, size = fitted(title, 9.0, room / (BOLD if bold else 1.0))
        self.sheet.write(left, above, text, size=size, fontweight="bold" if bold else "normal")
        if note:
            self.sheet.write(self.left + self.width, above, note, size=8.0, color=EDGE, ha="right")

    def frame(
        self,
        x_ticks: npt.ArrayLike = (),
        y_ticks: npt.ArrayLike = (),
        x_texts: Sequence[str] | None = None,
        y_texts: Sequence[str] | None = None,
        *,
        grid: bool = True,
        edges: bool = True,
        far: bool = False,
        size: float = SMALL,
    ) -> None:
        """Draw the axes with their ticks and the numbers beside them.

        Args:
            x_ticks: Values that get a tick.
            y_ticks: Values that get a tick.
            x_texts: What stands below each; the numbers themselves if None, nothing if empty.
            y_texts: What stands left of each; the numbers themselves if None, nothing if empty.
            grid: Whether lines run through the panel at the ticks.
            edges: Whether the left and the lower edge are drawn.
            far: Whether the axes run along the right and the upper edge instead.
            size: Of the texts [points].
        """
        left, bottom, right, top = self.left, self.bottom, self.left + self.width, self.bottom + self.height
        xs, ys = np.asarray(self.across(x_ticks)), np.asarray(self.up(y_ticks))
        if grid and len(xs) + len(ys):
            lines = [[(x, bottom), (x, top)] for x in xs] + [[(left, y), (right, y)] for y in ys]
            self.sheet.strokes(lines, GRID, 0.7, zorder=0.5)
        # Where the axes run, and which way leads out of the panel.
        x_at, y_at, out = (right, top, 1.0) if far else (left, bottom, -1.0)
        sides = [[(left, y_at), (right, y_at)], [(x_at, bottom), (x_at, top)]] if edges else []
        ticks = [[(x, y_at), (x, y_at + out * TICK_LENGTH)] for x in xs]
        ticks += [[(x_at, y), (x_at + out * TICK_LENGTH, y)] for y in ys]
        if sides or ticks:
            self.sheet.strokes(sides + ticks, EDGE, 0.8, zorder=2.5)
        away = out * (TICK_LENGTH + GAP)
        style: dict[str, Any] = {"size": size, "color": TICK}
        below, beside = "bottom" if far else "top", "left" if far else "right"
        for x, text in zip(xs, tick_texts(x_ticks) if x_texts is None else x_texts, strict=x_texts != ()):
            self.sheet.write(x, y_at + away, text, ha="center", va=below, **style)
        for y, text in zip(ys, tick_texts(y_ticks) if y_texts is None else y_texts, strict=y_texts != ()):
            self.sheet.write(x_at + away, y, text, ha=beside, va="center_baseline", **style)

    def label(self, x: str = "", y: str = "", *, size: float = 8.0, beside: float = 0.4, below: float = 0.2) -> None:
        """Write what the axes stand for.

        Args:
            x: Below the panel.
            y: Upright to the left of it.
            size: Of both [points].
            beside: How far left of the panel the upright words end [inches].
            below: How far below it the level words begin [inches].
        """
        if x:
            self.sheet.write(self.left + self.width / 2, self.bottom - below, x, size=size, ha="center", va="top")
        if y:
            middle = self.bottom + self.height / 2
            style: dict[str, Any] = {"ha": "right", "va": "center", "rotation": 90}
            self.sheet.write(self.left - beside, middle, y, size=size, **style)

    def _box(self) -> Bbox:
        return Bbox.from_bounds(self.left, self.bottom, self.width, self.height)
