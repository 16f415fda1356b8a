"""What all pictures share: colors, markers, labels, and how a figure becomes bytes."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.looks import COLORS, MARKERS, SURE_COLORS, Look, assign_looks
from benchmarks.records import RewardRecord

__all__ = [
    "COLORS",
    "DPI",
    "FAINT",
    "INK",
    "MARKERS",
    "PALE",
    "SETTINGS",
    "SURE_COLORS",
    "Look",
    "assign_looks",
    "axis_label",
    "drawing",
    "entries_of",
    "legend_below",
    "render",
    "short_axis_label",
]

INK, FAINT, PALE = "#222222", "#9A9A9A", "#D2D2D2"
DPI = 160
# Any, because the stubs of matplotlib want the keys as a literal type of its own.
SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.labelcolor": INK,
    "axes.titlesize": 10.0,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.frameon": False,
    "figure.facecolor": "white",
}


@contextmanager
def drawing() -> Iterator[None]:
    """Hold the style of all pictures while figures are made and rendered; the user's settings come back after."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box, which says it; one font alone gives the same bytes everywhere.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        with matplotlib.rc_context(SETTINGS):
            yield


def render(figure: Figure) -> bytes:
    """Return a figure as PNG, of equal bytes for equal records; call it inside `drawing`."""
    _read_no_formulas(figure)
    # At the resolution of the PNG, because the length of hinted text depends on that: labels that are laid out at
    # another one may not fit.
    figure.set_dpi(DPI)
    engine = figure.get_layout_engine()
    if engine is not None:
        # Alone, without the drawing that `draw_without_rendering` adds: the same layout in less time.
        engine.execute(figure)
    # Nothing, and not the engine called "none": with any engine matplotlib draws the file once more beforehand.
    figure.set_layout_engine(None)
    png = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(png, format="png", dpi=DPI, metadata={"Software": None})
    return png.getvalue()


def _read_no_formulas(figure: Figure) -> None:
    """Draw every text as it is: a reward in dollars is no formula. Only ticks of logarithmic axes are."""
    axises = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    formulas = {
        id(label) for axis in axises if axis.get_scale() == "log" for label in axis.get_ticklabels(which="both")
    }
    for axis in axises:
        axis.get_ticklabels(which="both")  # makes them, where drawing would be too late
    for text in figure.findobj(Text):
        if isinstance(text, Text) and id(text) not in formulas:
            text.set_parse_math(False)


def axis_label(reward: RewardRecord) -> str:
    """Return the label of a reward's axis, whose better end is to the right or at the top.

    Example:
        >>> axis_label(RewardRecord(name="cost", unit="s", higher_is_better=False, range=(0, None)))
        'cost [s], less is better →'
    """
    name = reward.name + (f" [{reward.unit}]" if reward.unit else "")
    return f"{name}, {'more' if reward.higher_is_better else 'less'} is better →"


def short_axis_label(reward: RewardRecord) -> str:
    """Return the same without the unit, for small panels.

    Example:
        >>> short_axis_label(RewardRecord(name="cost", unit="s", higher_is_better=False, range=(0, None)))
        'cost, less is better →'
    """
    return f"{reward.name}, {'more' if reward.higher_is_better else 'less'} is better →"


def legend_below(figure: Figure, entries: Mapping[str, Artist], columns: int = 4) -> None:
    """Put one legend for all axes beneath them, where it covers nothing, in fewer columns if it would be too wide."""
    widths = [0.55 + 0.072 * len(label) for label in entries]
    while columns > 1 and _legend_width(widths, min(columns, len(entries))) > figure.get_figwidth():
        columns -= 1
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower center",
        ncols=min(columns, len(entries)),
        handletextpad=0.6,
        columnspacing=1.6,
    )


def _legend_width(widths: Sequence[float], columns: int) -> float:
    """Return the width of a legend that is filled column by column, the longer columns first [inches]."""
    shortest, longer = divmod(len(widths), columns)
    lengths = [shortest + 1] * longer + [shortest] * (columns - longer)
    ends = list(accumulate(lengths))
    return sum(max(widths[end - length : end]) for end, length in zip(ends, lengths, strict=True))


def entries_of(axes: Axes) -> dict[str, Artist]:
    """Return what an axes' artists are called, for the legend: handle by label, in order of drawing."""
    handles, labels = axes.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))
