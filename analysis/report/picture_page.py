"""The pictures that models painted, as a part of a suite's report."""

from collections.abc import Mapping, Sequence
from functools import partial

from analysis.looks import Look
from analysis.pictures import Exhibition, exhibition_of
from analysis.report.studio import Drawing
from analysis.summary import Summary

STRIP, GRID, THUMBNAILS = "strip-", "grid-", "thumbnails-"
PREFIXES = (STRIP, GRID, THUMBNAILS)
EXPLANATION = (
    "Samples of one seed at the methods' last checkpoints. All pictures in a row started from the same noise, so what "
    "differs between them is the model or the preference."
)
CAPTIONS = {
    STRIP: "`strip`: methods that answer preferences they trained no model of their own for, along these preferences.",
    GRID: "`grid`: the base model and every method at the point whose preference is nearest to equal weights.",
    THUMBNAILS: "`thumbnails`: the points of each front with what they paint for one prompt.",
}


def exhibitions_of(summary: Summary) -> tuple[Exhibition, ...]:
    """Return what can be shown of each benchmark; those whose runs kept no pictures are left out.

    Raises:
        RecordError: As `exhibition_of`.
    """
    found = (exhibition_of(part, summary.runs) for part in summary.benchmarks)
    return tuple(one for one in found if one is not None)


def picture_drawings(shown: Exhibition, looks: Mapping[str, Look]) -> dict[str, Drawing]:
    """Return what draws the pictures of a benchmark, by name; drawing reads sheets, which may be damaged."""
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots import grid_figure, strip_figure, thumbnail_figure

    kinds = {STRIP: strip_figure, GRID: grid_figure, THUMBNAILS: thumbnail_figure}
    return {f"{prefix}{shown.part.record.name}": partial(draw, shown, looks) for prefix, draw in kinds.items()}


def captions(names: Sequence[str]) -> tuple[str, ...]:
    """Return what to know before the pictures of these names, nothing where there is none.

    Example:
        >>> captions(["fronts-two-targets"])
        ()
        >>> len(captions(["grid-two-targets", "strip-two-targets"]))
        3
    """
    found = [text for prefix, text in CAPTIONS.items() if any(name.startswith(prefix) for name in names)]
    return (EXPLANATION, *found) if found else ()
