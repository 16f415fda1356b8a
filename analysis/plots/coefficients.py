"""The picture of a min-norm method's coefficients: which rewards its update is made of, over training."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analysis.front import Array
from analysis.gradients import RunGradients
from analysis.plots.layout import Grid
from analysis.plots.scales import Scale, linear_ticks, tick_texts
from analysis.plots.sheets import Mark, Sheet
from analysis.summary import BenchmarkSummary

# Paul Tol's light scheme: areas side by side that differ for readers with any kind of color blindness.
REWARD_COLORS = (
    "#77AADD", "#EE8866", "#EEDD88", "#FFAABB", "#99DDFF", "#44BB99", "#BBCC33", "#AAAA00", "#DDDDDD",
)  # fmt: skip
COLUMNS, WIDTH, HEIGHT = 4, 2.2, 1.3
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


def coefficient_figure(part: BenchmarkSummary) -> Sheet | None:
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
    names = [reward.name for reward in part.yardstick.rewards]
    colors = [REWARD_COLORS[k % len(REWARD_COLORS)] for k in range(len(names))]
    entries = {name: Mark(color, box=True) for name, color in zip(names, colors, strict=True)}
    # A lone panel would be narrower than the title above it.
    width = WIDTH if len(shown) > 1 else 2 * WIDTH
    grid = Grid(len(shown), COLUMNS, width, HEIGHT, 0.5, 0.2, 0.28, 0.22, 0.18)
    sheet = Sheet(f"{part.record.name}: coefficients of the rewards in the update", *grid.size, entries)
    for index, (method, (steps, alpha)) in enumerate(shown.items()):
        time = Scale(float(steps[0]), float(max(steps[-1], steps[0] + 1)))
        panel = sheet.panel(*grid.place(sheet, index), width, HEIGHT, time, Scale(0.0, 1.0))
        tops = np.concatenate([np.zeros((len(alpha), 1)), np.cumsum(alpha, axis=1)], axis=1)
        # Coefficients hold until the next step that records some.
        at, rows = np.repeat(steps, 2)[1:], np.repeat(np.arange(len(steps)), 2)[:-1]
        for k, color in enumerate(colors):
            panel.band(at, tops[rows, k], tops[rows, k + 1], facecolors=color)
        panel.head(method)
        levels = tick_texts(LEVELS) if grid.is_left(index) else ()
        panel.frame(linear_ticks(*time.ends, 4, whole=True), LEVELS, None, levels, grid=False)
        panel.label("step" if grid.is_lowest(index) else "", "coefficient" if grid.is_left(index) else "", beside=0.34)
    return sheet


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
