"""Samples side by side, with words: a sheet for people, unlike the sheets of `benchmarks.pictures`."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from benchmarks.records import UsageError

SMALLEST = 160
"""Tiles with words below them are at least this wide, in pixels; smaller ones are enlarged by a whole number."""

GAP, MARGIN, TEXT = 8, 12, 13
INK, PAPER = (40, 40, 40), (255, 255, 255)


@dataclass(frozen=True)
class Sheet:
    """Where samples stand and what is written beside them.

    Attributes:
        samples: Pictures [R, C, 3, H, W] or videos [R, C, F, 3, H, W] in [0, 1].
        titles: What stands above each row [R]; empty for nothing.
        labels: What stands below each column [C], a line each entry; empty for nothing.
        frame_rate: Frames a second of videos.
    """

    samples: Tensor
    titles: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    frame_rate: float | None = None

    @property
    def moving(self) -> bool:
        """Whether the samples are videos."""
        return self.samples.ndim == 6


def preference_label(preference: Sequence[float], names: Sequence[str]) -> tuple[str, ...]:
    """Return the lines below a sample that a preference asked for; weights of 0 are left out.

    Example:
        >>> preference_label((0.25, 0.75, 0.0), ("plain", "colorful", "sharp"))
        ('0.25 plain', '0.75 colorful')
    """
    return tuple(f"{weight:.2f} {name}" for weight, name in zip(preference, names, strict=True) if weight)


def sheet_of(
    samples: Tensor, prompts: Sequence[str], preferences: Sequence[Sequence[float]], names: Sequence[str],
    frame_rate: float | None = None,
) -> Sheet:  # fmt: skip
    """Return the sheet of samples [V, P, S, ...]: a column a preference, or a sample where there is one preference.

    Args:
        samples: V preferences, P prompts, S samples of each.
        prompts: Texts [P].
        preferences: What was asked for [V][K]; none for a model without.
        names: Of the K rewards.
        frame_rate: Frames a second of videos.
    """
    v, p, s = samples.shape[:3]
    if v == 1:
        label = preference_label(preferences[0], names) if preferences and s > 1 else ()
        labels = (label, *[()] * (s - 1)) if label else ()
        return Sheet(samples[0], tuple(prompts) if p > 1 else ("",), labels, frame_rate)
    rows = samples.movedim(0, 2).flatten(0, 1)
    titles = tuple(prompt if i == 0 and p > 1 else "" for prompt in prompts for i in range(s))
    return Sheet(rows, titles, tuple(preference_label(row, names) for row in preferences), frame_rate)


def draw(sheet: Sheet) -> list[Image.Image]:
    """Return the sheet as pictures: one, or one a frame. A single sample without words is left as it is."""
    levels = (sheet.samples.clamp(0, 1) * 255).round().byte().numpy()
    if not sheet.moving:
        levels = levels[:, :, None]
    bare = levels.shape[:2] == (1, 1) and not any(sheet.titles) and not sheet.labels
    return [
        Image.fromarray(_upright(levels[0, 0, i])) if bare else _page(levels[:, :, i], sheet)
        for i in range(levels.shape[2])
    ]


def _upright(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture.transpose(1, 2, 0))


def _page(tiles: np.ndarray, sheet: Sheet) -> Image.Image:
    rows, columns, _, height, width = tiles.shape
    factor = max(1, math.ceil(SMALLEST / width))
    height, width = factor * height, factor * width
    heads = [TEXT + GAP if title else 0 for title in sheet.titles]
    lines = max((len(label) for label in sheet.labels), default=0)
    total_width = 2 * MARGIN + columns * (width + GAP) - GAP
    total_height = 2 * MARGIN + sum(heads) + rows * (height + GAP) - GAP + (lines * (TEXT + 4) + GAP if lines else 0)
    page = Image.new("RGB", (total_width, total_height), PAPER)
    pen, top = ImageDraw.Draw(page), MARGIN
    for row, title in enumerate(sheet.titles):
        if title:
            _write(pen, title, MARGIN, top, total_width - 2 * MARGIN)
        top += heads[row]
        for column in range(columns):
            tile = Image.fromarray(_upright(tiles[row, column]))
            page.paste(tile.resize((width, height), Image.Resampling.NEAREST), (MARGIN + column * (width + GAP), top))
        top += height + GAP
    for column, label in enumerate(sheet.labels):
        for i, line in enumerate(label):
            _write(pen, line, MARGIN + column * (width + GAP), top + i * (TEXT + 4), width)
    return page


def _write(pen: ImageDraw.ImageDraw, text: str, left: int, top: int, width: int) -> None:
    font = ImageFont.load_default(TEXT)
    if pen.textlength(text, font) > width:
        while text and pen.textlength(f"{text}...", font) > width:
            text = text[:-1]
        text = f"{text.rstrip()}..."
    pen.text((left, top), text, INK, font)


def check_suffix(suffix: str, *, moving: bool) -> None:
    """Check that samples can be kept in a file of a name that ends so.

    Raises:
        UsageError: If they cannot.
    """
    known = (".png", ".gif") if moving else (".png",)
    if suffix.lower() not in known:
        raise UsageError(f"--out: expected a name that ends in {' or '.join(known)}, found {suffix or 'none'}")


def to_file(sheet: Sheet, suffix: str) -> bytes:
    """Return a sheet as the content of a PNG, or of a GIF for videos; both play.

    Raises:
        UsageError: If the suffix is another one.
    """
    check_suffix(suffix, moving=sheet.moving)
    pages, stream = draw(sheet), io.BytesIO()
    if not sheet.moving:
        pages[0].save(stream, format="PNG")
        return stream.getvalue()
    duration = 1000 / (24.0 if sheet.frame_rate is None else sheet.frame_rate)
    pages[0].save(stream, format=suffix[1:].upper(), save_all=True, append_images=pages[1:], duration=duration, loop=0)
    return stream.getvalue()
