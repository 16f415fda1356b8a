"""What all figures for print share: true sizes, type, legends that fit, and how a figure becomes PDF and SVG.

A figure is drawn at the size it has in the paper, so that nothing is scaled and type keeps its size. Titles are left
to the caption. Text is set in STIX, a Times, because the templates of the field's conferences are set in Times; what
it lacks comes from DejaVu. Both ship with matplotlib, so that equal records give equal files on every machine. In the
PDF the fonts are embedded as TrueType, in the SVG text is drawn as paths, which look the same without the fonts.
"""

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.paper_text import FAMILY, LABEL, LAYOUT_DPI, SMALL, fitting, printable
from analysis.plots.style import INK, Look


class Page(NamedTuple):
    """Widths of a figure [inches]: `column` of a narrow one, `full` of a wide one."""

    column: float
    full: float


# Widths of the text as the author instructions of the conferences state them: ICML 3.25 in twice with 0.25 in between,
# CVPR and ICCV 3.25 in twice with 0.3125 in between; NeurIPS and ICLR one column of 5.5 in, where a narrow figure is
# one of two side by side.
ICML = Page(column=3.25, full=6.75)
CVPR = Page(column=3.25, full=6.875)
NEURIPS = Page(column=2.7, full=5.5)
PAGES = {"icml": ICML, "cvpr": CVPR, "neurips": NEURIPS}

# Any, because the stubs of matplotlib want the keys as a literal type of its own.
SETTINGS: Any = {
    "svg.hashsalt": "flowfront",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    # Names of rewards and methods are no formulas.
    "text.parse_math": False,
    "font.family": list(FAMILY),
    "font.size": LABEL,
    "axes.labelsize": LABEL,
    "axes.titlesize": LABEL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#666666",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.linewidth": 0.5,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.4,
    "lines.linewidth": 0.9,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.minor.width": 0.4,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.minor.size": 1.2,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "axes.labelpad": 2.0,
    "legend.handlelength": 1.5,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.0,
    "legend.labelspacing": 0.25,
    "legend.borderpad": 0.1,
    "legend.frameon": False,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "white",
    "figure.constrained_layout.w_pad": 0.02,
    "figure.constrained_layout.h_pad": 0.02,
}


HANDLE = 0.3
"""Room of a mark in a legend, with what is around it [inches]."""


@contextmanager
def printing() -> Iterator[None]:
    """Hold the style of all figures for print while they are made and rendered; the user's settings come back after."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A letter that both fonts lack is drawn as a box, which says it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        with matplotlib.rc_context(SETTINGS):
            yield


def render_for_print(figure: Figure) -> tuple[bytes, bytes]:
    """Return a figure as PDF and as SVG of exactly its size, without dates, so that equal records give equal bytes.

    Call it inside `printing`.
    """
    lay_out(figure)
    svg = io.BytesIO()
    pdf = pdf_of(figure)
    FigureCanvasSVG(figure).print_figure(svg, format="svg", dpi=LAYOUT_DPI, metadata={"Date": None})
    return pdf, svg.getvalue()


def lay_out(figure: Figure) -> None:
    """Put everything of a figure in its place, once for all files."""
    # At the resolution that legends were measured at.
    figure.set_dpi(LAYOUT_DPI)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    # Nothing, and not the engine called "none": with any engine matplotlib draws every file once more beforehand.
    figure.set_layout_engine(None)


def pdf_of(figure: Figure) -> bytes:
    """Return a figure that is laid out as PDF."""
    pdf = io.BytesIO()
    nothing = dict.fromkeys(("Creator", "Producer", "CreationDate"))
    FigureCanvasPdf(figure).print_figure(pdf, format="pdf", dpi=LAYOUT_DPI, metadata=nothing)
    return pdf.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of some size [inches]."""
    return Figure(figsize=(width, height), dpi=LAYOUT_DPI, layout="constrained")


def mark(look: Look, line: Literal["-", "none"]) -> Line2D:
    """Return the handle of a method for a legend, `line` being the style of its line."""
    return Line2D([], [], color=look.color, marker=look.marker, linestyle=line, markersize=4.0, linewidth=1.0)


def names_beside(names: Sequence[str], page: Page) -> list[str]:
    """Return names that stand beside a panel, cut where they would take more than two fifths of a column."""
    return [fitting([printable(name)], 0.4 * page.column, SMALL) for name in names]


def legend_beneath(figure: Figure, entries: Mapping[str, Artist]) -> None:
    """Put one legend beneath all axes, in as many columns as fit, and make the figure higher by it.

    Args:
        figure: As high as its axes want to be with their labels.
        entries: Handle by label, at least one.
    """
    room = figure.get_figwidth() - 0.04
    labels = [fitting([printable(label)], room - HANDLE, SMALL) for label in entries]
    handles = list(entries.values())
    columns = len(labels)
    width, height = _legend_size(figure, handles, labels, columns)
    while columns > 1 and width > room:
        columns -= 1
        width, height = _legend_size(figure, handles, labels, columns)
    # As few columns as give as few rows, so that the last column is no stump.
    columns = math.ceil(len(labels) / math.ceil(len(labels) / columns))
    figure.set_figheight(figure.get_figheight() + height + 0.08)
    # Padding keeps the legend apart from the label of the axis above it.
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, borderaxespad=0.5)


def _legend_size(figure: Figure, handles: Sequence[Artist], labels: Sequence[str], columns: int) -> tuple[float, float]:
    """Return width and height of a legend of so many columns [inches]."""
    legend = figure.legend(handles, labels, ncols=columns)
    extent = legend.get_window_extent()
    legend.remove()
    return extent.width / figure.dpi, extent.height / figure.dpi
