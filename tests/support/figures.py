"""What tests ask of figures."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots import drawing, render
from analysis.plots.panels import Panel
from analysis.plots.scales import Scale
from analysis.plots.sheets import Sheet

Array = npt.NDArray[np.float64]


def drawn(figure: Figure | None) -> Figure:
    """Return a figure that is there, rendered as for a report."""
    assert figure is not None
    with drawing():
        render(figure)
    return figure


def sheet_of(figure: Figure | None) -> Sheet:
    """Return a sheet that is there, rendered as for a report."""
    found = drawn(figure)
    assert isinstance(found, Sheet)
    return found


def value_at(scale: Scale, share: Array) -> Array:
    """Return what stands at places of an axis, 0 at its lower end: the other way round than `Scale.share`."""
    if scale.log:
        return np.asarray(scale.low * (scale.high / scale.low) ** share)
    return np.asarray(scale.low + share * (scale.high - scale.low))


def data_of(panel: Panel, places: npt.ArrayLike) -> Array:
    """Return places on a sheet [..., 2] in units of a panel's data."""
    at = np.asarray(places, dtype=np.float64)
    x = value_at(panel.x, (at[..., 0] - panel.left) / panel.width)
    return np.stack([x, value_at(panel.y, (at[..., 1] - panel.bottom) / panel.height)], axis=-1)


def lines_in(panel: Panel, **wanted: str) -> list[Line2D]:
    """Return the lines of a panel with these properties."""
    return [line for line in panel.lines if all(getattr(line, f"get_{k}")() == v for k, v in wanted.items())]


def points_in(panel: Panel, **wanted: str) -> Array:
    """Return the points [N, 2] of all lines of a panel with these properties, in units of the data."""
    kept = [np.column_stack([line.get_xdata(), line.get_ydata()]) for line in lines_in(panel, **wanted)]
    return data_of(panel, np.concatenate([np.empty((0, 2)), *kept]))


def words_on(sheet: Sheet) -> list[str]:
    """Return all that is written on a sheet."""
    return [text.get_text() for text in sheet.texts]


def overlapping_words(sheet: Sheet) -> list[tuple[str, str]]:
    """Return the pairs of words of a rendered sheet that cover one another, and words beyond its edge twice."""
    with drawing():
        sheet.draw_without_rendering()
        boxes = [(text.get_text(), text.get_window_extent()) for text in sheet.texts if text.get_text()]
    # A point, which letters leave free of their boxes.
    slack = sheet.dpi / 72.0
    found = []
    for index, (one, box) in enumerate(boxes):
        if min(box.x0, box.y0, sheet.bbox.x1 - box.x1, sheet.bbox.y1 - box.y1) < -slack:
            found.append((one, one))
        for other, beside in boxes[index + 1 :]:
            across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
            if across > slack and min(box.y1, beside.y1) - max(box.y0, beside.y0) > slack:
                found.append((one, other))
    return found
