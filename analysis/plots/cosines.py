"""Pictures of what the updates do to each reward: cosines over time, and by layer group and noise level."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.front import Array
from analysis.gradient_records import LAYER, sigma_bin
from analysis.gradients import ALL, RunGradients, mean_of_known, mean_over_steps, update_cosines
from analysis.plots.panels import WIDEST, free_labels, is_left, is_lowest, panel_grid
from analysis.plots.style import FAINT, INK, PALE
from analysis.summary import BenchmarkSummary

# Red against blue is told apart with any kind of color blindness; the middle is near white.
COLOR_MAP = "RdBu"
MEANING = "cosine of the update with each reward's gradient (blue: its loss falls, red: it rises)"
ROW_HEIGHT, HEAD_HEIGHT = 0.2, 0.75
LETTER_WIDTH = 0.066
"""Of labels that stand upright below a panel [inches]."""


def cosine_figure(part: BenchmarkSummary) -> Figure | None:
    """Return the update's cosine with every reward's gradient over training, one panel a method.

    A cell is the mean over seeds, and over models where a method trains several; it reaches half way to the measured
    steps beside it. Grey cells have no cosine: the reward applied to no sample.

    Args:
        part: The benchmark.

    Returns:
        The figure, None if no update was measured.
    """
    found = {method: cosines_over_time(by_seed) for method, by_seed in part.gradients.items()}
    shown = {method: pair for method, pair in found.items() if pair is not None}
    if not shown:
        return None
    names = [reward.name for reward in part.yardstick.rewards]
    height = HEAD_HEIGHT + ROW_HEIGHT * len(names)
    title = f"{part.record.name}: {MEANING}"
    figure, panels = panel_grid(title, list(shown), height, beside=1.0)
    rates = {row.method: row.quantities.get("conflict_rate") for row in part.last_rows}
    for index, (axes, (method, (steps, values))) in enumerate(zip(panels, shown.items(), strict=True)):
        _mesh(axes, step_edges(steps), values)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        rate = rates.get(method)
        if rate is not None:
            axes.set_title(f"{100 * rate.mean:.3g} % conflicts", loc="right", fontsize=8, color="#666666")
        _name_rows(axes, names if is_left(index) else [""] * len(names))
        if is_lowest(index, len(panels)):
            axes.set_xlabel("step")
    free_labels(panels)
    _color_bar(figure, panels)
    return figure


def part_figure(part: BenchmarkSummary) -> Figure | None:
    """Return the update's mean cosine with every reward's gradient by layer group and noise level.

    Args:
        part: The benchmark.

    Returns:
        The figure, None if no part of an update was measured.
    """
    parts = list(dict.fromkeys(name for of in part.gradients.values() for run in of.values() for name in run.parts))
    if len(parts) < 2:
        return None
    parts.sort(key=_kind)
    names = [reward.name for reward in part.yardstick.rewards]
    found = {method: cosines_by_part(by_seed, parts, len(names)) for method, by_seed in part.gradients.items()}
    shown = {method: values for method, values in found.items() if not np.isnan(values[:, 1:]).all()}
    if not shown:
        return None
    height = HEAD_HEIGHT - 0.2 + ROW_HEIGHT * len(names)
    title = f"{part.record.name}: mean {MEANING}, by layer group and noise level"
    figure, panels = panel_grid(title, list(shown), height, beside=1.0)
    longest = max(len(part_label(name)) for name in parts)
    figure.set_figheight(figure.get_figheight() + max(0.8, LETTER_WIDTH * longest))
    breaks = [j for j in range(1, len(parts)) if _kind(parts[j]) != _kind(parts[j - 1])]
    for index, (axes, values) in enumerate(zip(panels, shown.values(), strict=True)):
        _mesh(axes, np.arange(len(parts) + 1, dtype=np.float64) - 0.5, values)
        for place in breaks:
            axes.axvline(place - 0.5, color="white", linewidth=4.0)
        _name_rows(axes, names if is_left(index) else [""] * len(names))
        labels = [part_label(name) for name in parts] if is_lowest(index, len(panels)) else [""] * len(parts)
        axes.set_xticks(range(len(parts)), labels, rotation=90, fontsize=7.5)
    free_labels(panels)
    _color_bar(figure, panels)
    return figure


def cosines_over_time(by_seed: Mapping[int, RunGradients]) -> tuple[npt.NDArray[np.int64], Array] | None:
    """Return the measured steps [T] and the mean cosines [K, T] over seeds and models, None without an update.

    Args:
        by_seed: What the seeds of a method recorded.
    """
    whole = [run.parts[ALL] for run in by_seed.values() if ALL in run.parts]
    if not whole:
        return None
    steps = np.concatenate([gramians.steps for gramians in whole])
    cosines = np.concatenate([update_cosines(gramians) for gramians in whole])
    if np.isnan(cosines).all():
        return None
    measured = np.unique(steps)
    return measured, np.stack([mean_of_known(cosines[steps == step]) for step in measured], axis=1)


def cosines_by_part(by_seed: Mapping[int, RunGradients], parts: Sequence[str], n_objectives: int) -> Array:
    """Return the cosines [K, P] by part, mean over the steps of each seed and then over seeds; NaN where unknown.

    Args:
        by_seed: What the seeds of a method recorded.
        parts: Names of the parts, [P].
        n_objectives: K.
    """
    unknown = np.full(n_objectives, np.nan)
    columns = []
    for name in parts:
        seeds = [mean_over_steps(run.parts[name]) for run in by_seed.values() if name in run.parts]
        columns.append(mean_of_known(np.array([*seeds, unknown])))
    return np.stack(columns, axis=1)


def step_edges(steps: npt.NDArray[np.int64]) -> Array:
    """Return where the cells of measured steps begin and end: half way between neighbors, within the training.

    Example:
        >>> step_edges(np.array([1, 11, 31])).tolist()
        [0.5, 6.0, 21.0, 31.5]
    """
    middle = (steps[1:] + steps[:-1]) / 2.0
    return np.concatenate([[steps[0] - 0.5], middle, [steps[-1] + 0.5]])


def part_label(part: str) -> str:
    """Return how a part is called beneath its column.

    Example:
        >>> part_label("layer:blocks.3"), part_label("sigma:0.75-1"), part_label("all")
        ('blocks.3', 'noise 0.75-1', 'all')
    """
    levels = sigma_bin(part)
    return part.removeprefix(LAYER) if levels is None else f"noise {levels[0]:g}-{levels[1]:g}"


def _kind(part: str) -> int:
    return 0 if part == ALL else 1 if sigma_bin(part) is None else 2


def _colors() -> Colormap:
    import matplotlib

    return matplotlib.colormaps[COLOR_MAP].with_extremes(bad=PALE)


def _mesh(axes: Axes, edges: Array, values: Array) -> QuadMesh:
    """Draw a table [K, T] of cosines, the first reward on top."""
    rows = np.arange(len(values) + 1) - 0.5
    # Pixels in the SVG too: thousands of paths would make it slow to open.
    mesh = axes.pcolormesh(
        edges, rows, np.ma.masked_invalid(values), cmap=_colors(), norm=Normalize(-1.0, 1.0), rasterized=True
    )
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.grid(visible=False)
    for row in rows[1:-1]:
        axes.axhline(row, color="white", linewidth=1.0)
    return mesh


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="both", length=2, color=FAINT)


def _color_bar(figure: Figure, panels: Sequence[Axes]) -> None:
    aspect = 10.0 * -(-len(panels) // WIDEST)
    bar = figure.colorbar(ScalarMappable(Normalize(-1.0, 1.0), _colors()), ax=list(panels), aspect=aspect, pad=0.02)
    bar.set_label("cosine", color=INK)
    bar.ax.grid(visible=False)
