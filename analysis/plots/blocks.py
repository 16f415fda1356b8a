"""Mosaics one above the other: what stands above each, the prompts beside it, and a figure that fits them exactly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.pictures import Tiles
from analysis.plots.mosaics import CHARACTER, Mosaic, draw_mosaic, headings, mosaic, place, safe_text, wrapped
from analysis.plots.style import INK

MARGIN, PROMPT_WIDTH, LINE = 0.15, 1.7, 0.15
"""Around everything, for the prompts to the left, and a line of text [inches]."""
BOLD = 1.3
"""Width of a bold character of 9 points, in characters of 8 points."""
SLANT = 40.0
BASE = "base"


@dataclass(frozen=True)
class Name:
    """The name of a column and its color."""

    text: str
    color: str = INK


@dataclass(frozen=True, eq=False)
class Block:
    """A mosaic with what stands above it.

    Attributes:
        title: Above everything, empty for none.
        color: Color of the title.
        drawn: The mosaic.
        names: Names of its columns.
        aslant: Whether these are written aslant.
        ends: Names of the left and the right end of the columns behind the base model, None where there are none.
        first: The first column that `ends` speak of.
    """

    title: str
    color: str
    drawn: Mosaic
    names: tuple[Name, ...]
    aslant: bool
    ends: tuple[str, str] | None
    first: int

    @property
    def start(self) -> float:
        """Left edge of the first column that `ends` speak of [pixels of the image]."""
        return self.drawn.columns[self.first] - self.drawn.width / 2

    @property
    def end_lines(self) -> int:
        """How many lines the ends take: two where they have no room side by side."""
        if self.ends is None:
            return 0
        room = self.drawn.size[0] - self.drawn.inches(self.start)
        return 1 if (sum(map(len, self.ends)) + 2) * CHARACTER <= room else 2

    @property
    def names_height(self) -> float:
        """Height of the columns' names [inches]."""
        if self.aslant:
            return max(len(name.text) for name in self.names) * CHARACTER * math.sin(math.radians(SLANT)) + LINE
        return max(name.text.count("\n") + 1 for name in self.names) * LINE

    @property
    def head(self) -> float:
        """Height of all that stands above the mosaic [inches]."""
        return self.names_height + LINE * (self.end_lines + bool(self.title)) + 0.1

    @property
    def width(self) -> float:
        """Width of the mosaic with what reaches beyond it to the right [inches]."""
        reaches = [self.drawn.size[0], len(self.title) * BOLD * CHARACTER]
        if self.ends is not None:
            reaches.append(self.drawn.inches(self.start) + len(self.ends[0]) * CHARACTER)
        if self.aslant:
            across = CHARACTER * math.cos(math.radians(SLANT))
            middles = map(self.drawn.inches, self.drawn.columns)
            reaches += [x + len(name.text) * across for x, name in zip(middles, self.names, strict=True)]
        return max(reaches)


def block(
    title: str,
    color: str,
    columns: Sequence[Tiles],
    names: Sequence[Name],
    base: Tiles | None,
    ends: tuple[str, str] | None = None,
) -> Block:
    """Return a block, the base model before its columns where that is known.

    Args:
        title: Above everything, empty for none.
        color: Color of the title.
        columns: Tiles [R, S, H, W, 3] of each column.
        names: Their names.
        base: Tiles [R, S, H, W, 3] of the base model, or None.
        ends: What the columns run from and to, or None.
    """
    known = base is not None
    drawn = mosaic([*columns] if base is None else [base, *columns], apart=known)
    all_names = [Name(BASE), *names] if known else [*names]
    texts, aslant = headings([name.text for name in all_names], drawn.inches(drawn.width))
    shown = tuple(Name(text, name.color) for text, name in zip(texts, all_names, strict=True))
    safe = None if ends is None else (safe_text(ends[0]), safe_text(ends[1]))
    return Block(safe_text(title), color, drawn, shown, aslant, safe, int(known))


def stacked(title: str, blocks: Sequence[Block], prompts: Sequence[str]) -> Figure:
    """Return a figure of blocks one above the other, the prompts to the left of each.

    Args:
        title: Of the figure.
        blocks: From top to bottom, at least one.
        prompts: The prompts of the rows, the same for all blocks.
    """
    width = 2 * MARGIN + PROMPT_WIDTH + max(one.width for one in blocks)
    lines = wrapped(title, int(12.5 * width), 4)
    top = 0.25 * (lines.count("\n") + 1)
    heights = [one.head + one.drawn.size[1] + 2 * MARGIN for one in blocks]
    figure = Figure(figsize=(width, sum(heights) + top + MARGIN))
    height = figure.get_figheight()
    figure.text(0.5, 1 - MARGIN / height, lines, ha="center", va="top", fontsize=11, color=INK, parse_math=False)
    row = blocks[0].drawn.size[1] / len(prompts)
    texts = [wrapped(prompt, int((PROMPT_WIDTH - 0.1) / CHARACTER), max(1, int(row / LINE))) for prompt in prompts]
    bottom = height - top - MARGIN
    for one, high in zip(blocks, heights, strict=True):
        bottom -= high
        axes = place(figure, MARGIN + PROMPT_WIDTH, bottom + MARGIN, *one.drawn.size)
        draw_mosaic(axes, one.drawn, texts)
        _draw_head(axes, one)
    return figure


def _draw_head(axes: Axes, one: Block) -> None:
    """Write the names of the columns, above them the ends, above these the title."""
    above = -0.5 - 0.04 / one.drawn.inches(1)
    style: dict[str, Any] = {"va": "bottom", "parse_math": False}
    turned: dict[str, Any] = (
        {"rotation": SLANT, "rotation_mode": "anchor", "ha": "left"} if one.aslant else {"ha": "center"}
    )
    for middle, name in zip(one.drawn.columns, one.names, strict=True):
        axes.text(middle, above, name.text, fontsize=8, color=name.color, **style, **turned)
    line = LINE / one.drawn.inches(1)
    above -= (one.names_height + 0.06) / one.drawn.inches(1)
    if one.ends is not None:
        right = one.drawn.image.shape[1] - 0.5
        axes.text(right, above, one.ends[1], ha="right", fontsize=8, color=INK, **style)
        above -= line * (one.end_lines - 1)
        axes.text(one.start, above, one.ends[0], ha="left", fontsize=8, color=INK, **style)
        above -= line
    if one.title:
        axes.text(-0.5, above, one.title, fontsize=9, fontweight="bold", color=one.color, **style)
