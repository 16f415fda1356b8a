"""How much room words take.

Places of panels are computed from it instead of asking a drawn figure, which would take as long as drawing it.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from matplotlib.font_manager import findfont, get_font

from analysis.plots.style import DPI, SETTINGS

if TYPE_CHECKING:
    from matplotlib.ft2font import Glyph

UNITS, EXACT_UNITS = 64.0, 65536.0
"""Of a font in a pixel, where letters are hinted and where they are not."""
SMALLEST = 6.5
"""Size down to which words are shrunk before they are cut [points]."""
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def text_width(texts: Iterable[str], size: float) -> float:
    """Return the width of the widest of some texts, each of one line [inches]; 0 of none.

    Args:
        texts: What is written.
        size: Of the font [points].
    """
    font = get_font(findfont(SETTINGS["font.family"]))
    # At the resolution of the PNG, because the length of hinted text depends on that.
    font.set_size(size, DPI)
    lines = list(texts)
    # By index, because asking for a letter that the font lacks fails where no other was loaded before: index 0 is the
    # box that stands for such letters.
    advance = {letter: _pixels(font.load_glyph(font.get_char_index(ord(letter)))) for letter in {*"".join(lines)}}
    widest = max((sum(advance[letter] for letter in line) for line in lines), default=0.0)
    return float(widest / DPI)


def _pixels(glyph: "Glyph") -> float:
    hinted, exact = glyph.horiAdvance / UNITS, glyph.linearHoriAdvance / EXACT_UNITS
    # Releases of matplotlib before 3.11 hint letters that are several times as wide as they are drawn.
    return hinted / max(round(hinted / exact), 1) if exact else hinted


def fitted(text: str, size: float, width: float) -> tuple[str, float]:
    """Return a text and the size at which it fits a width: smaller where it is long, cut where that is not enough.

    Args:
        text: One line.
        size: Of the font where there is room [points].
        width: Room [inches].
    """
    needed = text_width([text], size)
    # Hinted letters do not shrink quite as the size does.
    small = size if needed <= width else max(SMALLEST, 0.96 * size * width / needed)
    while len(text) > 1 and text_width([text], small) > width:
        text = text[:-2] + ELLIPSIS
    return text, small


def shortened(names: Sequence[str]) -> list[str]:
    """Return dotted names by as few of their last parts as tell them apart, at least two of a name that ends in one.

    Example:
        >>> shortened(["transformer.blocks.0", "transformer.blocks.1", "transformer.head"])
        ['blocks.0', 'blocks.1', 'head']
        >>> shortened(["text.blocks.0", "image.blocks.0"])
        ['text.blocks.0', 'image.blocks.0']
    """
    parts = [name.split(".") for name in names]
    for count in range(1, max(map(len, parts), default=1) + 1):
        short = [".".join(one[-max(count, 2 if one[-1].isdigit() else 1) :]) for one in parts]
        if len({*short}) == len({*names}):
            return short
    return list(names)
