"""What the models paint: along the slider of each conditional method, and every method beside the base model."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from analysis.control import has_slider
from analysis.pictures import Exhibition, Sheet, Shown, Tiles
from analysis.plots.blocks import Block, Name, block, stacked
from analysis.plots.mosaics import mosaic
from analysis.plots.style import INK, Look

MOST_COLUMNS, MOST_ROWS, LEAST_ROWS = 11, 12, 2
WIDEST = 10.5
"""Width of all tiles side by side up to which a cell gets a second sample [inches]."""


def strip_figure(shown: Exhibition, looks: Mapping[str, Look]) -> Figure | None:
    """Return the sweep of every method with a slider: a row a prompt, a column a preference, same noise.

    Two rewards: the slider from one end to the other. More: the points nearest to each corner, and the balanced one.
    The base model is the first column, set apart.

    Args:
        shown: What is shown of the benchmark.
        looks: Look by method, for every method of the benchmark.

    Returns:
        The figure, None if no method has a slider.

    Raises:
        RecordError: If a sheet is missing or damaged.
    """
    methods = [one for one in shown.shown.values() if has_slider(one.front, one.models)]
    if not methods:
        return None
    rows = min(len(shown.prompts), max(LEAST_ROWS, MOST_ROWS // len(methods)))
    blocks = [_strip(shown, one, looks[one.method], rows) for one in methods]
    title = f"{shown.part.record.name}: what each preference paints, {_origin(shown, rows)}"
    return stacked(title, blocks, shown.prompts[:rows])


def _strip(shown: Exhibition, one: Shown, look: Look, rows: int) -> Block:
    names = [reward.name for reward in shown.part.yardstick.rewards]
    chosen = _slider(one.sheets) if len(names) == 2 else _corners(one)
    columns = [one.tiles(sheet)[:rows, :1] for sheet in chosen]
    labels = [_preference(sheet) if len(names) == 2 else _corner_name(sheet, one, names) for sheet in chosen]
    ends = (f"← weight on {names[0]}", f"weight on {names[1]} →") if len(names) == 2 else None
    return block(one.method, look.color, columns, [Name(label) for label in labels], _base(shown, rows, 1), ends)


def _slider(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Return the sheets from the end of the first reward to that of the second, thinned to what fits."""
    ordered = sorted(sheets, key=lambda sheet: (-sheet.preference[0], sheet.point))
    count = min(len(ordered), MOST_COLUMNS)
    return [ordered[round(index)] for index in np.linspace(0, len(ordered) - 1, count)]


def _corners(one: Shown) -> list[Sheet]:
    """Return for each reward the sheet that asks most of it, and the balanced one behind them, each once."""
    asked = np.array([sheet.preference for sheet in one.sheets])
    corners = [one.sheets[index] for index in asked.argmax(axis=0)]
    found = corners if one.balanced is None else [*corners, one.balanced]
    return list(dict.fromkeys(found))


def _preference(sheet: Sheet) -> str:
    return ":".join(f"{100 * weight:.3g}" for weight in sheet.preference)


def _corner_name(sheet: Sheet, one: Shown, names: Sequence[str]) -> str:
    if sheet == one.balanced:
        return "balanced"
    greatest = int(np.argmax(sheet.preference))
    return f"{names[greatest]} {100 * sheet.preference[greatest]:.3g} %"


def grid_figure(shown: Exhibition, looks: Mapping[str, Look]) -> Figure | None:
    """Return the base model beside every method's most balanced point: a row a prompt, same noise in every row.

    A cell holds two samples where they fit.

    Args:
        shown: What is shown of the benchmark.
        looks: Look by method, for every method of the benchmark.

    Returns:
        The figure, None if no method has a balanced point.

    Raises:
        RecordError: If a sheet is missing or damaged.
    """
    balanced = [(one, one.balanced) for one in shown.shown.values()]
    chosen = [(one, sheet) for one, sheet in balanced if sheet is not None]
    if not chosen:
        return None
    rows = min(len(shown.prompts), MOST_ROWS)
    samples = min(2, shown.samples)
    columns = [one.tiles(sheet)[:rows] for one, sheet in chosen]
    if mosaic([column[:, :samples] for column in columns], apart=True).size[0] > WIDEST:
        samples = 1
    names = [Name(one.method, looks[one.method].color) for one, _ in chosen]
    drawn = block("", INK, [column[:, :samples] for column in columns], names, _base(shown, rows, samples))
    title = f"{shown.part.record.name}: every method at its most balanced point, {_origin(shown, rows)}"
    return stacked(title, [drawn], shown.prompts[:rows])


def _origin(shown: Exhibition, rows: int) -> str:
    """Return which seed, and how many of its prompts, a figure shows."""
    part = "" if rows == len(shown.prompts) else f", {rows} of {len(shown.prompts)} prompts"
    return f"seed {shown.seed}, same noise in every row{part}"


def _base(shown: Exhibition, rows: int, samples: int) -> Tiles | None:
    return None if shown.base is None else shown.base[:rows, :samples]
