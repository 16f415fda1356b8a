"""All pictures of a report by name, each with what it takes to draw it."""

from collections.abc import Sequence
from functools import partial

from analysis.looks import assign_looks
from analysis.pictures import Exhibition
from analysis.report.depth_page import Depth, depth_drawings
from analysis.report.picture_page import picture_drawings
from analysis.report.sampler_page import sampler_drawings
from analysis.report.studio import Drawing
from analysis.samplers import SamplerStudy
from analysis.summary import Summary


def drawings_of(
    summary: Summary, study: SamplerStudy | None, shown: Sequence[Exhibition], depth: Depth
) -> dict[str, Drawing]:
    """Return the overview first, then fronts, further views of them, samples and gradients.

    Args:
        summary: The suite.
        study: The sampler study, where the suite is one.
        shown: The pictures of its benchmarks, of those that have some.
        depth: What is known of the fronts besides their volume.
    """
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots import coefficient_figure, cosine_figure, front_figure, overview_figure, part_figure

    looks = assign_looks(summary.methods)
    drawings: dict[str, Drawing] = {"overview": partial(overview_figure, summary, looks)}
    drawings |= {f"fronts-{part.record.name}": partial(front_figure, part, looks) for part in summary.benchmarks}
    drawings |= depth_drawings(depth, looks)
    for one in shown:
        drawings |= picture_drawings(one, looks)
    for part in summary.benchmarks:
        kinds = {"gradients": cosine_figure, "gradient-parts": part_figure, "coefficients": coefficient_figure}
        drawings |= {f"{kind}-{part.record.name}": partial(draw, part) for kind, draw in kinds.items()}
    return drawings | ({} if study is None else sampler_drawings(study))
