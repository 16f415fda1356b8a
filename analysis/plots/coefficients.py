"""The picture of a min-norm method's coefficients: which rewards its update is made of, over training."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.front import Array
from analysis.gradients import RunGradients
from analysis.plots.panels import free_labels, is_left, is_lowest, panel_grid
from analysis.plots.style import legend_below
from analysis.summary import BenchmarkSummary

# Paul Tol's light scheme: areas side by side that differ for readers with any kind of color blindness.
REWARD_COLORS = (
    "#77AADD", "#EE8866", "#EEDD88", "#FFAABB", "#99DDFF", "#44BB99", "#BBCC33", "#AAAA00", "#DDDDDD",
)  # fmt: skip


def coefficient_figure(part: BenchmarkSummary) -> Figure | None:
    """Return the coefficients as areas over training, one panel a method that has them, mean over seeds.

    Args:
        part: The benchmark.

    Returns:
        The figure, None if no method recorded coefficients.
    """
    found = {method: coefficients_over_time(by_seed) for method, by_seed in part.gradients.items()}
    shown = {method: pair for method, pair in found.items() if pair is not None}
    if not shown:
        return None
    title = f"{part.record.name}: coefficients of the rewards in the update"
    figure, panels = panel_grid(title, list(shown), 1.9)
    names = [reward.name for reward in part.yardstick.rewards]
    colors = [REWARD_COLORS[k % len(REWARD_COLORS)] for k in range(len(names))]
    for index, (axes, (steps, alpha)) in enumerate(zip(panels, shown.values(), strict=True)):
        # Coefficients hold until the next step that records some.
        axes.stackplot(steps, alpha.T, colors=colors, step="post", linewidth=0.0)
        axes.set_xlim(steps[0], max(steps[-1], steps[0] + 1))
        axes.set_ylim(0.0, 1.0)
        axes.grid(visible=False)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        if is_left(index):
            axes.set_ylabel("coefficient")
        else:
            axes.set_yticklabels([])
        if is_lowest(index, len(panels)):
            axes.set_xlabel("step")
    free_labels(panels)
    legend_below(figure, {name: Patch(color=color) for name, color in zip(names, colors, strict=True)}, 5)
    return figure


def coefficients_over_time(by_seed: Mapping[int, RunGradients]) -> tuple[npt.NDArray[np.int64], Array] | None:
    """Return the steps [T] at which coefficients changed and their mean [T, K] over seeds and models, or None.

    The first and the last step that recorded some are always among them.

    Args:
        by_seed: What the seeds of a method recorded.
    """
    logs = [run.coefficients for run in by_seed.values() if run.coefficients is not None]
    if not logs:
        return None
    steps = np.concatenate([log.steps for log in logs])
    alpha = np.concatenate([log.alpha for log in logs])
    recorded, group = np.unique(steps, return_inverse=True)
    sums = np.zeros((len(recorded), alpha.shape[1]))
    np.add.at(sums, group, alpha)
    mean = sums / np.bincount(group)[:, None]
    # Between two solve steps nothing changes, and areas of equal steps would only make the file larger.
    changes = np.flatnonzero(np.abs(np.diff(mean, axis=0)).max(axis=1) > 0.0) + 1
    kept = np.unique(np.concatenate([[0], changes, [len(recorded) - 1]]))
    return recorded[kept], mean[kept]
