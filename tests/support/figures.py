"""What tests ask of figures."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots import drawing, render


def drawn(figure: Figure | None) -> Figure:
    """Return a figure that is there, rendered as for a report."""
    assert figure is not None
    with drawing():
        render(figure)
    return figure


def points_of(axes: Axes, **wanted: str) -> npt.NDArray[np.float64]:
    """Return the points [N, 2] of all lines of an axes with these properties."""
    kept = [line for line in axes.get_lines() if all(getattr(line, f"get_{k}")() == v for k, v in wanted.items())]
    return np.concatenate([np.column_stack([line.get_xdata(), line.get_ydata()]) for line in kept])
