"""Pictures side by side: tiles put into one image on a grid of whole pixels, and texts that come from elsewhere.

A tile is shown with a whole number of screen pixels for each of its own, so that small pictures stay crisp; tiles that
are larger than what is shown are averaged down first.
"""

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from analysis.pictures import Tiles
from analysis.plots.style import DPI, INK, SETTINGS

LARGEST = 96
"""The longer side of a tile on the screen, at most [pixels]."""
WHITE = 255
GAP, APART = 2, 10
"""Between tiles, and between the base model and the rest [pixels of a tile that is shown at three times its size]."""
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
CHARACTER = 0.066
"""Mean width of a character of 8 points [inches]."""


def reduced(tiles: Tiles) -> Tiles:
    """Return tiles [..., H, W, 3] that fit the screen: means over square blocks where they are too large.

    Example:
        >>> reduced(np.zeros((2, 32, 32, 3), dtype=np.uint8)).shape
        (2, 32, 32, 3)
        >>> reduced(np.zeros((2, 512, 256, 3), dtype=np.uint8)).shape
        (2, 85, 42, 3)
    """
    *lead, height, width, _ = tiles.shape
    factor = -(-max(height, width) // LARGEST)
    if factor == 1:
        return tiles
    # What does not fill a block is cut off; a side shorter than a block stays one pixel.
    high, wide = max(height // factor, 1), max(width // factor, 1)
    rows, columns = min(factor, height), min(factor, width)
    blocks = tiles[..., : high * rows, : wide * columns, :].reshape(*lead, high, rows, wide, columns, 3)
    smaller: Tiles = blocks.mean(axis=(-4, -2)).round().astype(np.uint8)
    return smaller


def magnification(tiles: Tiles) -> int:
    """Return how many screen pixels wide a pixel of a tile [..., H, W, 3] is drawn."""
    return max(1, LARGEST // int(max(tiles.shape[-3:-1])))


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Tiles on a grid, with the middles of its columns and rows in pixels of the image.

    Attributes:
        image: Pixels [H, W, 3].
        columns: Middle of each column.
        rows: Middle of each row.
        width: Width of a column.
        scale: Screen pixels for each of the image's.
    """

    image: Tiles
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    width: int
    scale: int

    def inches(self, pixels: float) -> float:
        """Return how long some pixels of the image are on paper."""
        return pixels * self.scale / DPI

    @property
    def size(self) -> tuple[float, float]:
        """Width and height on paper [inches]."""
        return self.inches(self.image.shape[1]), self.inches(self.image.shape[0])


def mosaic(columns: Sequence[Tiles], *, apart: bool) -> Mosaic:
    """Return columns of tiles as one image, white between them.

    Args:
        columns: Tiles [R, S, H, W, 3] of each column: R rows, S tiles beside each other.
        apart: Whether the first column stands apart from the others.
    """
    cells = [reduced(column) for column in columns]
    rows, samples, height, width, _ = cells[0].shape
    scale = magnification(cells[0])
    gap, far = (-(-3 * size // scale) for size in (GAP, APART))
    wide = samples * width + (samples - 1)
    lefts = [index * (wide + gap) + (far if apart and index > 0 else 0) for index in range(len(cells))]
    tops = [index * (height + gap) for index in range(rows)]
    image = np.full((tops[-1] + height, lefts[-1] + wide, 3), WHITE, dtype=np.uint8)
    for left, cell in zip(lefts, cells, strict=True):
        for top, row in zip(tops, cell, strict=True):
            for index, tile in enumerate(row):
                start = left + index * (width + 1)
                image[top : top + height, start : start + width] = tile
    # An image's first pixel is centered at 0.
    middles = tuple(left + wide / 2 - 0.5 for left in lefts)
    return Mosaic(image, middles, tuple(top + height / 2 - 0.5 for top in tops), wide, scale)


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return axes at a place in inches from the lower left corner, moved to whole screen pixels."""
    left, bottom, width, height = (round(length * DPI) / DPI for length in (left, bottom, width, height))
    across, up = figure.get_figwidth(), figure.get_figheight()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def draw_mosaic(axes: Axes, drawn: Mosaic, rows: Sequence[str]) -> None:
    """Draw a mosaic that fills its axes, with a text to the left of each row."""
    # "none" keeps the pixels sharp: they are scaled by whole numbers.
    axes.imshow(drawn.image, interpolation="none", aspect="auto")
    axes.set_axis_off()
    left = -0.5 - 3 * GAP / drawn.scale
    for middle, text in zip(drawn.rows, rows, strict=True):
        axes.text(left, middle, text, ha="right", va="center", fontsize=8, color=INK, parse_math=False)


def safe_text(text: str) -> str:
    r"""Return a text in which every character can be drawn: one line, what the font lacks replaced.

    Drawn with `parse_math=False`, nothing of it is read as a formula.

    Example:
        >>> safe_text("a red\ncircle at $5^2$")
        'a red circle at $5^2$'
    """
    font = get_font(findfont(SETTINGS["font.family"]))
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    drawable = (
        c if c == " " or (_visible(c) and font.get_char_index(ord(c))) else UNKNOWN for c in " ".join(spaced.split())
    )
    return "".join(drawable)


def _visible(character: str) -> bool:
    # Marks that turn the direction of writing, surrogates and private characters have no place in a label.
    return not unicodedata.category(character).startswith("C")


def wrapped(text: str, width: int, lines: int) -> str:
    r"""Return a drawable text in at most `lines` lines of `width` characters, cut with an ellipsis.

    Example:
        >>> wrapped("a red circle left of a blue square", 14, 2)
        'a red circle\nleft of a …'
    """
    found = textwrap.wrap(safe_text(text), width, max_lines=lines, placeholder=" …")
    return "\n".join(found)


def headings(texts: Iterable[str], width: float) -> tuple[list[str], bool]:
    r"""Return names for columns of some width [inches], and whether they must be written aslant to fit.

    Example:
        >>> headings(["base", "fixed_weights"], 0.6)
        (['base', 'fixed_\nweights'], False)
        >>> headings(["base", "fixed_weights"], 0.4)
        (['base', 'fixed_weights'], True)
    """
    names = [safe_text(text) for text in texts]
    fits = partial(_fits, width=width)
    broken = [name if fits(name) else name.replace("_", "_\n").replace("-", "-\n") for name in names]
    return (broken, False) if all(map(fits, broken)) else (names, True)


def _fits(name: str, width: float) -> bool:
    return max(map(len, name.split("\n"))) * CHARACTER <= width
