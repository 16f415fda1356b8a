"""Pictures of what the updates do to each reward: cosines over time, and by layer group and noise level."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import numpy.typing as npt

from analysis.front import Array
from analysis.gradients import ALL
from analysis.plots.cosine_rows import Group, cosines_by_part, groups_over_time, kind_of, part_labels, parts_of
from analysis.plots.layout import Grid
from analysis.plots.lettering import text_width
from analysis.plots.panels import EDGE, SMALL, Panel
from analysis.plots.scales import Scale, linear_ticks
from analysis.plots.sheets import MARGIN, Sheet
from analysis.plots.style import DPI, PALE
from analysis.summary import BenchmarkSummary

# Red against blue is told apart with any kind of color blindness; the middle is near white.
COLOR_MAP = "RdBu"
MEANING = "cosine of the update with each reward's gradient (blue: its loss falls, red: it rises)"
CELL, STRIP, HEADING = 0.125, 0.07, 0.14
"""Height of a row, of each strip in a row of several, and of the space above a group, where it is named [inches]."""
COLUMNS = 4
PANEL, APART, ABOVE = 2.25, 0.2, 0.26
"""Width of a panel, room between panels, and above one [inches]."""
BAR, BAR_WIDTH = 0.75, 0.14
"""Room for the scale of colors, and its width [inches]."""
LOW_BAR = 0.8
"""Height of that scale up to which five numbers beside it would touch [inches]."""


def cosine_figure(part: BenchmarkSummary) -> Sheet | None:
    """Return the update's cosines over training, one panel a method.

    The upper rows are the cosines with the gradient of each reward. Beneath stand those by layer group and by noise
    level, a strip for each of up to three rewards in the order above; of more the least, so that red says that there a
    reward is worked against. A cell is the mean over seeds, and over models where a method trains several; it reaches
    half way to the measured steps beside it. Grey cells have no cosine: no gradient reached that part, or the reward
    applied to no sample.

    Args:
        part: The benchmark.

    Returns:
        The figure, None if no update was measured.
    """
    rewards, parts = [reward.name for reward in part.yardstick.rewards], parts_of(part)
    found = {method: groups_over_time(by_seed, rewards, parts) for method, by_seed in part.gradients.items()}
    shown = {method: pair for method, pair in found.items() if pair is not None}
    if not shown:
        return None
    groups = next(iter(shown.values()))[1]
    height = sum(_height(group) for group in groups) + (len(groups) - 1) * HEADING
    words = [name for group in groups for name in group.names] + [group.heading for group in groups[1:]]
    grid = Grid(len(shown), COLUMNS, PANEL, height, text_width(words, SMALL) + 0.1, APART, ABOVE, 0.2, 0.16, BAR)
    sheet = Sheet(f"{part.record.name}: {MEANING}", *grid.size)
    rates = {row.method: row.quantities.get("conflict_rate") for row in part.last_rows}
    for index, (method, (steps, groups)) in enumerate(shown.items()):
        panels = _stack(sheet, grid, index, steps, groups)
        rate = rates.get(method)
        panels[0].head(method, note="" if rate is None else f"{100 * rate.mean:.3g} % conflicts")
        panels[-1].frame(linear_ticks(*panels[-1].x.ends, 4, whole=True), grid=False, edges=False)
        panels[-1].label("step" if grid.is_lowest(index) else "")
    _color_bar(sheet, grid)
    return sheet


def _stack(sheet: Sheet, grid: Grid, index: int, steps: npt.NDArray[np.int64], groups: Sequence[Group]) -> list[Panel]:
    """Draw the groups of one method one above the other, with their names in front of the first of a row."""
    edges, (left, bottom) = step_edges(steps), grid.place(sheet, index)
    time, top, panels = Scale(float(edges[0]), float(edges[-1])), bottom + grid.height, []
    for number, group in enumerate(groups):
        rows, high = len(group.names), _height(group)
        panel = sheet.panel(left, top - high, PANEL, high, time, Scale(rows, 0.0))
        _draw_cells(panel, edges, group.values)
        if grid.is_left(index):
            panel.frame((), np.arange(rows) + 0.5, (), group.names, grid=False, edges=False)
            if number:
                sheet.write(left - 0.06, top + HEADING / 2, group.heading, color=EDGE, ha="right", va="center_baseline")
        panels.append(panel)
        top -= high + HEADING
    return panels


def _height(group: Group) -> float:
    strips = group.values.shape[1]
    return len(group.names) * (CELL if strips == 1 else STRIP * strips)


def part_figure(part: BenchmarkSummary) -> Sheet | None:
    """Return the update's mean cosine with every reward's gradient by layer group and noise level.

    Args:
        part: The benchmark.

    Returns:
        The figure, None if no part of an update was measured.
    """
    parts = [ALL, *parts_of(part)]
    names = [reward.name for reward in part.yardstick.rewards]
    found = {method: cosines_by_part(by_seed, parts, len(names)) for method, by_seed in part.gradients.items()}
    shown = {method: values for method, values in found.items() if not np.isnan(values[:, 1:]).all()}
    if not shown:
        return None
    labels = part_labels(parts)
    below, height = text_width(labels, SMALL) + 0.02, 0.19 * len(names)
    # Only the lowest panel of a column names the parts; what hangs beneath a shorter column has the place to itself.
    grid = Grid(len(shown), COLUMNS, PANEL, height, text_width(names, SMALL) + 0.1, APART, ABOVE, 0.08, below, BAR)
    title = f"{part.record.name}: mean {MEANING}, by layer group and noise level"
    sheet = Sheet(title, *grid.size)
    breaks = [j for j in range(1, len(parts)) if kind_of(parts[j]) != kind_of(parts[j - 1])]
    for index, (method, values) in enumerate(shown.items()):
        panel = sheet.panel(*grid.place(sheet, index), PANEL, height, Scale(0.0, len(parts)), Scale(len(names), 0.0))
        panel.head(method)
        _draw_cells(panel, np.arange(len(parts) + 1, dtype=np.float64), values[:, None])
        panel.strokes([[(j, 0), (j, len(names))] for j in breaks], colors="white", linewidths=4.0, zorder=2.0)
        if grid.is_left(index):
            panel.frame((), np.arange(len(names)) + 0.5, (), names, grid=False, edges=False)
        if grid.is_lowest(index):
            for place, label in zip(panel.across(np.arange(len(parts)) + 0.5), labels, strict=True):
                sheet.write(place, panel.bottom - 0.05, label, rotation=90, ha="center", va="top")
    _color_bar(sheet, grid)
    return sheet


def step_edges(steps: npt.NDArray[np.int64]) -> Array:
    """Return where the cells of measured steps begin and end: half way between neighbors, within the training.

    Example:
        >>> step_edges(np.array([1, 11, 31])).tolist()
        [0.5, 6.0, 21.0, 31.5]
    """
    middle = (steps[1:] + steps[:-1]) / 2.0
    return np.concatenate([[steps[0] - 0.5], middle, [steps[-1] + 0.5]])


def _draw_cells(panel: Panel, edges: Array, values: Array) -> None:
    """Draw a table [R, S, T] of cosines as one image, a column of it for each pixel of the PNG."""
    pixels = round(panel.width * DPI)
    ends = (edges - edges[0]) / (edges[-1] - edges[0]) * pixels
    column = np.searchsorted(ends[1:-1], np.arange(pixels) + 0.5, side="right")
    rows, strips, count = values.shape
    panel.table(colored(values.reshape(rows * strips, count))[:, column])
    panel.strokes([[(edges[0], r), (edges[-1], r)] for r in range(1, rows)], colors="white", linewidths=0.7, zorder=1.8)


def colored(cosines: Array) -> npt.NDArray[np.uint8]:
    """Return the colors [..., 4] of cosines, grey for NaN."""
    shades = matplotlib.colormaps[COLOR_MAP].with_extremes(bad=PALE)
    return np.asarray(shades(np.ma.masked_invalid((cosines + 1.0) / 2.0), bytes=True))


def _color_bar(sheet: Sheet, grid: Grid) -> None:
    height = min(grid.size[1] - grid.above - grid.below - grid.foot, 3.0)
    left = sheet.get_figwidth() - MARGIN - BAR + 0.2
    bar = sheet.panel(left, sheet.top - grid.above - height, BAR_WIDTH, height, Scale(0.0, 1.0), Scale(-1.0, 1.0))
    sheet.write(left, sheet.top - grid.above + 0.1, "cosine", size=8.0)
    bar.table(colored(np.linspace(1.0, -1.0, 256)[:, None]))
    # A low bar has room for its ends and middle alone.
    for level in np.linspace(-1.0, 1.0, 5 if height > LOW_BAR else 3):
        text = f"{level:+.1f}" if level else "0"
        sheet.write(left + BAR_WIDTH + 0.05, float(bar.up(level)), text, color=EDGE, va="center_baseline")
