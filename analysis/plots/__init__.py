"""Pictures of fronts, gradients and samples, drawn without pyplot.

No window, no global figure, the same bytes for the same records.
"""

from analysis.plots.anytime import anytime_figure
from analysis.plots.attainment import attainment_figure
from analysis.plots.coefficients import coefficient_figure
from analysis.plots.control import control_figure
from analysis.plots.cosines import cosine_figure, part_figure
from analysis.plots.fronts import front_figure
from analysis.plots.hacking import hacking_figure
from analysis.plots.overview import overview_figure
from analysis.plots.pairwise import pairwise_figure
from analysis.plots.pictures import grid_figure, strip_figure
from analysis.plots.sensitivity import sensitivity_figure
from analysis.plots.style import Look, assign_looks, drawing, render
from analysis.plots.thumbnails import thumbnail_figure

__all__ = [
    "Look",
    "anytime_figure",
    "assign_looks",
    "attainment_figure",
    "coefficient_figure",
    "control_figure",
    "cosine_figure",
    "drawing",
    "front_figure",
    "grid_figure",
    "hacking_figure",
    "overview_figure",
    "pairwise_figure",
    "part_figure",
    "render",
    "sensitivity_figure",
    "strip_figure",
    "thumbnail_figure",
]
