"""Tables of color for print: what updates do to each reward, and what a slider paints."""

import math
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from analysis.control import has_slider
from analysis.front import Array
from analysis.gradients import ALL, RunGradients, mean_of_known, mean_over_steps
from analysis.pictures import Exhibition, Sheet, Shown, Tiles
from analysis.plots.paper_style import Page, names_beside, new_figure
from analysis.plots.paper_text import (
    LAYOUT_DPI,
    MINUS,
    NOTHING,
    SMALL,
    fitting,
    folded,
    line_height,
    printable,
    text_width,
)
from analysis.plots.style import INK, PALE
from analysis.summary import BenchmarkSummary

ROW = 0.15
# Red against blue is told apart with any kind of color blindness, and the numbers also in grey.
COLOR_MAP = "RdBu"
DARK = 0.62
"""Cosines beyond are written in white."""
SLANT = 35.0
MOST_ROWS, MOST_COLUMNS, LARGEST_TILE = 4, 11, 0.8
GAP, APART, MARGIN = 0.025, 0.09, 0.02


def cosine_figure(part: BenchmarkSummary, page: Page) -> Figure | None:
    """Return the update's mean cosine with every reward's gradient as numbers on color, a row a method.

    The last column is the share of measured steps at which the update went against some reward.

    Args:
        part: The benchmark.
        page: Widths.

    Returns:
        The figure, None if no update was measured.
    """
    rewards = [fitting([printable(reward.name)], 0.3 * page.column, SMALL) for reward in part.yardstick.rewards]
    found = {method: mean_cosines(by_seed) for method, by_seed in part.gradients.items()}
    shown = {method: values for method, values in found.items() if values is not None}
    if not shown:
        return None
    rates = {row.method: row.quantities.get("conflict_rate") for row in part.last_rows}
    names = [*rewards, "conflicts"]
    methods = names_beside(list(shown), page)
    beside = max(text_width(method, SMALL) for method in methods) + 0.1
    cell = (page.column - beside - 0.1) / len(names)
    aslant = any(text_width(name, SMALL) > cell - 0.04 for name in names)
    rise = max(text_width(name, SMALL) for name in names) * math.sin(math.radians(SLANT)) if aslant else 0.0
    figure = new_figure(page.column, ROW * len(shown) + rise + line_height(SMALL) + 0.08)
    axes = figure.subplots()
    table = np.stack(list(shown.values()))
    colors = matplotlib.colormaps[COLOR_MAP].with_extremes(bad=PALE)
    # A mesh and not an image: few cells, sharp at any size.
    axes.pcolormesh(np.arange(len(rewards) + 1) - 0.5, np.arange(len(table) + 1) - 0.5, np.ma.masked_invalid(table),
                    cmap=colors, norm=Normalize(-1.0, 1.0), edgecolors="white", linewidth=0.6)  # fmt: skip
    for row, (method, values) in enumerate(shown.items()):
        rate = rates.get(method)
        for column, value in enumerate(values):
            _write(
                axes, column, row, NOTHING if np.isnan(value) else f"{value:.2f}".replace("-", MINUS), abs(value) > DARK
            )
        _write(axes, len(rewards), row, NOTHING if rate is None else f"{100 * rate.mean:.0f} %", light=False)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), methods)
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(names)), names)
    if aslant:
        for label in axes.get_xticklabels():
            label.set(rotation=SLANT, rotation_mode="anchor", ha="left")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def mean_cosines(by_seed: Mapping[int, RunGradients]) -> Array | None:
    """Return the update's cosine with the gradient of each reward [K], mean over steps and then over seeds.

    Args:
        by_seed: What the seeds of a method recorded.

    Returns:
        The cosines, NaN where one is unknown; None if all are.
    """
    seeds = [mean_over_steps(run.parts[ALL]) for run in by_seed.values() if ALL in run.parts]
    if not seeds:
        return None
    found = mean_of_known(np.array(seeds))
    return None if np.isnan(found).all() else found


def _write(axes: Axes, column: int, row: int, text: str, light: bool) -> None:
    axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color="white" if light else INK)


def sliders_of(shown: Exhibition) -> list[str]:
    """Return the methods whose sweep can be shown: those that answer preferences they trained no model for."""
    return [one.method for one in shown.shown.values() if has_slider(one.front, one.models)]


def strip_figure(shown: Exhibition, method: str, page: Page) -> Figure:
    """Return the sweep of a method with a slider across the page: a row a prompt, a column a preference, same noise.

    Two rewards: the slider from one end to the other. More: the points nearest to each corner, and the balanced one.
    The base model is the first column, set apart.

    Args:
        shown: What is shown of the benchmark.
        method: One of `sliders_of`.
        page: Widths.

    Raises:
        RecordError: If a sheet is missing or damaged.
    """
    one, rows = shown.shown[method], min(MOST_ROWS, len(shown.prompts))
    columns = _columns(shown, one, rows)
    beside = min(1.15, 0.08 + max(text_width(printable(prompt), SMALL) for prompt in shown.prompts[:rows]))
    gaps = GAP * (len(columns) - 1) + (APART if shown.base is not None else 0.0)
    wide = min(LARGEST_TILE, (page.full - beside - 2 * MARGIN - gaps) / len(columns))
    high = wide * one.pictures.tile[0] / one.pictures.tile[1]
    names, head = _headings(list(columns), wide)
    ends = _ends(shown)
    head += line_height(SMALL) if ends else 0.0
    height = rows * (high + GAP) + head + 2 * MARGIN
    figure = Figure(figsize=(page.full, height), dpi=LAYOUT_DPI)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    left = beside + MARGIN
    for index, (name, tiles) in enumerate(zip(names, columns.values(), strict=True)):
        _draw_column(axes, tiles, left, head, (wide, high))
        axes.text(left + wide / 2, head - 0.03, name, ha="center", va="bottom", fontsize=SMALL, linespacing=1.0)
        left += wide + GAP + (APART if index == 0 and shown.base is not None else 0.0)
    for row, prompt in enumerate(shown.prompts[:rows]):
        text = folded(prompt, beside - 0.05, max(1, int(high / line_height(SMALL))))
        middle = head + row * (high + GAP) + high / 2
        axes.text(beside - 0.04, middle, text, ha="right", va="center", fontsize=SMALL, linespacing=1.0)
    start = beside + MARGIN + (wide + GAP + APART if shown.base is not None else 0.0)
    for text, place, align in zip(ends, (start, left - GAP), ("left", "right"), strict=False):
        axes.text(place, MARGIN, text, ha=align, va="top", fontsize=SMALL)
    # Places are inches from the upper left corner; last, because each picture moves the limits.
    axes.set_xlim(0.0, page.full)
    axes.set_ylim(height, 0.0)
    return figure


def _columns(shown: Exhibition, one: Shown, rows: int) -> dict[str, Tiles]:
    """Return pictures [R, H, W, 3] by the heading of their column, the first sample of each prompt."""
    names = [reward.name for reward in shown.part.yardstick.rewards]
    chosen = _along(one.sheets) if len(names) == 2 else _corners(one, names)
    columns = {} if shown.base is None else {"base": shown.base[:rows, 0]}
    return columns | {heading: one.tiles(sheet)[:rows, 0] for heading, sheet in chosen.items()}


def _ends(shown: Exhibition) -> tuple[str, ...]:
    """Return what the first and the last preference of a slider between two rewards ask for, nothing of more."""
    names = [printable(reward.name) for reward in shown.part.yardstick.rewards]
    return (f"← weight on {names[0]}", f"weight on {names[1]} →") if len(names) == 2 else ()


def _along(sheets: Sequence[Sheet]) -> dict[str, Sheet]:
    """Return the sheets from the end of the first reward to that of the second, thinned to what fits."""
    ordered = sorted(sheets, key=lambda sheet: (-sheet.preference[0], sheet.point))
    kept = np.linspace(0, len(ordered) - 1, min(len(ordered), MOST_COLUMNS)).round().astype(int)
    return {":".join(f"{100 * weight:.3g}" for weight in ordered[i].preference): ordered[i] for i in kept}


def _corners(one: Shown, names: Sequence[str]) -> dict[str, Sheet]:
    """Return for each reward the sheet that asks most of it, and the balanced one behind them."""
    asked = np.array([sheet.preference for sheet in one.sheets])
    found = {name: one.sheets[index] for name, index in zip(names, asked.argmax(axis=0), strict=True)}
    return found if one.balanced is None else found | {"balanced": one.balanced}


def _headings(names: Sequence[str], room: float) -> tuple[list[str], float]:
    """Return headings that fit their columns, broken where they must be, and the height of the highest [inches]."""
    fits = [folded(name, room, 3) for name in names]
    return fits, max(name.count("\n") + 1 for name in fits) * line_height(SMALL) + 0.05


def _draw_column(axes: Axes, tiles: Tiles, left: float, head: float, size: tuple[float, float]) -> None:
    wide, high = size
    for row, tile in enumerate(resampled(tiles, wide)):
        top = head + row * (high + GAP)
        axes.imshow(tile, extent=(left, left + wide, top + high, top), interpolation="none", aspect="auto")


def resampled(tiles: Tiles, width: float) -> Tiles:
    """Return tiles [..., H, W, 3] with about 300 pixels an inch, by repeating pixels or by means over square blocks.

    Repeated pixels stay sharp in viewers that smooth pictures; means keep the file small.

    Args:
        tiles: The pictures.
        width: How wide one is on paper [inches].

    Example:
        >>> resampled(np.zeros((2, 32, 32, 3), dtype=np.uint8), 0.5).shape
        (2, 160, 160, 3)
        >>> resampled(np.zeros((2, 512, 512, 3), dtype=np.uint8), 0.5).shape
        (2, 170, 170, 3)
    """
    *lead, height, pixels, _ = tiles.shape
    wanted = LAYOUT_DPI * width
    if pixels < wanted:
        factor = math.ceil(wanted / pixels)
        return tiles.repeat(factor, axis=-3).repeat(factor, axis=-2)
    factor = max(1, int(pixels // wanted))
    high, wide = max(1, height // factor), pixels // factor
    rows = min(factor, height)
    blocks = tiles[..., : high * rows, : wide * factor, :].reshape(*lead, high, rows, wide, factor, 3)
    smaller: Tiles = blocks.mean(axis=(-4, -2)).round().astype(np.uint8)
    return smaller
