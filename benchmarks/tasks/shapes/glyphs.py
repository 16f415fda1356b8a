"""The characters of signs as coverage masks, from a real font: DejaVu Sans Mono Bold, which matplotlib brings."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.records import UsageError
from benchmarks.tasks.shapes.language import CHARACTERS

FINE = 4
"""Subpixels of a pixel, along each side."""
FONT_SIZE = 14
"""Size of the font in pixels; a capital letter is then about 10 high."""
ADVANCE = 8.5
"""Pixels from one character to the next."""
CELL = (12.0, 8.5)
"""Height and width of a character's cell in pixels."""


def font_path() -> Path:
    """Return where matplotlib keeps the font."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono-Bold.ttf"


def glyphs(path: Path | None = None) -> dict[str, np.ndarray]:
    """Return each character's coverage [12 * FINE, 8.5 * FINE] in [0, 1], at FINE subpixels a pixel.

    Raises:
        UsageError: If the font is missing or no font.

    Example:
        >>> masks = glyphs()
        >>> len(masks), masks["A"].shape
        (20, (48, 34))
    """
    path = path or font_path()
    try:
        font = ImageFont.truetype(str(path), FONT_SIZE * FINE)
    except OSError as error:
        raise UsageError(f"font of the signs: expected DejaVu Sans Mono Bold at {path}, found: {error}") from error
    height, width = round(CELL[0] * FINE), round(CELL[1] * FINE)
    masks = {}
    for character in CHARACTERS:
        image = Image.new("L", (width, height))
        ImageDraw.Draw(image).text((width / 2, height / 2), character, font=font, fill=255, anchor="mm")
        masks[character] = np.asarray(image, dtype=np.float32) / 255
    return masks
