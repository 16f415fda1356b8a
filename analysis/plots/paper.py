"""All figures of a benchmark for print, in the order a paper would show them."""

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from analysis.pictures import Exhibition
from analysis.plots.paper_attainment import attainment_figure
from analysis.plots.paper_curves import anytime_figure, control_figure
from analysis.plots.paper_fronts import front_figure
from analysis.plots.paper_grids import cosine_figure, sliders_of, strip_figure
from analysis.plots.paper_style import Page
from analysis.plots.paper_volumes import Marks, volume_figure
from analysis.plots.style import Look
from analysis.summary import BenchmarkSummary

FRONT, VOLUME, ANYTIME, ATTAINMENT = "front", "hypervolume", "anytime", "attainment"
CONTROL, COSINES, STRIP = "control", "cosines", "strip"


def paper_figures(
    part: BenchmarkSummary,
    looks: Mapping[str, Look],
    page: Page,
    marks: Marks,
    shown: Exhibition | None,
) -> Iterator[tuple[str, str, Figure]]:
    """Yield kind, method (empty for all) and figure, one at a time; call it inside `printing`.

    Args:
        part: The benchmark.
        looks: Look by method, for every method of the benchmark.
        page: Widths.
        marks: The best method, and those that are tied with it.
        shown: The pictures of the benchmark, or None.

    Raises:
        RecordError: If a sheet of pictures is missing or damaged.
    """
    drawn = (
        (FRONT, front_figure(part, looks, page)),
        (VOLUME, volume_figure(part, looks, page, marks)),
        (ANYTIME, anytime_figure(part, looks, page)),
        (ATTAINMENT, attainment_figure(part, looks, page)),
        (CONTROL, control_figure(part, looks, page)),
        (COSINES, cosine_figure(part, page)),
    )
    yield from ((kind, "", figure) for kind, figure in drawn if figure is not None)
    if shown is not None:
        yield from ((STRIP, method, strip_figure(shown, method, page)) for method in sliders_of(shown))
