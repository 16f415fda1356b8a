"""Pictures of fronts, drawn without pyplot: no window, no global figure, the same bytes for the same records."""

from analysis.plots.fronts import front_figure
from analysis.plots.overview import overview_figure
from analysis.plots.style import Look, assign_looks, drawing, render

__all__ = ["Look", "assign_looks", "drawing", "front_figure", "overview_figure", "render"]
