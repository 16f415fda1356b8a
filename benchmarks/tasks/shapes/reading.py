"""Reads signs: finds the characters of a picture by normalized correlation with the glyphs, whatever the prompt."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.tasks.shapes.glyphs import ADVANCE, CELL, FINE, glyphs
from benchmarks.tasks.shapes.language import CHARACTERS, LONGEST_TEXT

FLOOR = 0.7
"""Least correlation of a legible character; object scenes and noise stay below it, blurred signs above."""
FAINT = 0.05
"""Standard deviation of the ink in a cell at which its correlation is damped to 1 / sqrt(2), so flat areas read as
nothing."""
STEP = 2
"""Places a pixel, along each side, at which a character is looked for."""
ROWS = (5, 16)
"""Pixel rows [from, to) in which a cell may begin: those of the renderer (6-14), and one more on either side."""
WINDOW = (13, 9)
"""Pixels that hold a cell wherever it begins inside a pixel."""
LUMINANCE = (0.299, 0.587, 0.114)


class Reading(NamedTuple):
    """What a picture says; "" with confidence 0 if nothing is legible.

    `confidence` is the correlation of the least legible character, in [-1, 1].
    """

    text: str
    confidence: float


class Reader:
    """Reads dark characters on brighter ground, in one row of one to three, at any place a sign can have.

    Every cell is compared with every glyph at every half pixel by the weighted normalized correlation, so neither ink
    nor plate nor contrast matters. Among all texts that fit, the reading has the largest sum of (correlation - FLOOR)
    over its characters: a further character is read only if it is legible itself.
    """

    def __init__(self) -> None:
        """Draw the templates.

        Raises:
            UsageError: If the font is missing.
        """
        masks = np.stack(list(glyphs().values()))
        places = [(down, right) for down in range(STEP) for right in range(STEP)]
        weights = np.stack([_placed(np.ones_like(masks[:1]), place) for place in places])
        templates = np.stack([_placed(masks, place) for place in places])
        total = weights.sum((2, 3), keepdims=True)
        centered = weights * (templates - (weights * templates).sum((2, 3), keepdims=True) / total)
        # Sum of weights * (template - mean)^2: the second factor's mean drops out, as the first one sums to zero.
        norms = np.sqrt((centered * templates).sum((2, 3), keepdims=True))
        self._templates = torch.from_numpy(centered / norms).float().flatten(0, 1)[:, None]  # [STEP^2 * 20, 1, 13, 9]
        self._weights = torch.from_numpy(weights).float()  # [STEP^2, 1, 13, 9]

    def __call__(self, pictures: Tensor) -> list[Reading]:
        """Return the readings of pictures [B, 3, 32, 32] in [0, 1]."""
        matches, correlation = self._compared(pictures)
        rows = [_best_row(correlation, length) for length in range(1, LONGEST_TEXT + 1)]
        texts = [_texts(matches, row.cells) for row in rows]
        evidence = torch.stack([torch.zeros(len(pictures)), *(row.evidence for row in rows)], 1)
        return [
            Reading(texts[length - 1][i], float(rows[length - 1].weakest[i])) if length else Reading("", 0.0)
            for i, length in enumerate(evidence.argmax(1).tolist())
        ]

    def _compared(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return the unnormalized matches of all glyphs, and the correlation of the best one, with cells of pictures.

        Matches [B, STEP (down), STEP (right), 20, rows, columns] are at half pixels (down, right) of a pixel. In the
        correlation [B, rows * STEP, columns * STEP], cell (y, x) begins at pixel (ROWS[0] + y / STEP, x / STEP).
        """
        ink = 1 - torch.einsum("bchw,c->bhw", pictures.detach().float().cpu(), torch.tensor(LUMINANCE))
        # A level added to the ink changes nothing below; without it the variance loses no digits.
        ink = (ink - ink.mean((1, 2), keepdim=True))[:, None, ROWS[0] : ROWS[1] - 1 + WINDOW[0]]
        matches = functional.conv2d(ink, self._templates)
        matches = matches.view(len(ink), STEP, STEP, len(CHARACTERS), *matches.shape[2:])
        total = self._weights.sum((1, 2, 3))[:, None, None]
        mean, square = (functional.conv2d(moment, self._weights) / total for moment in (ink, ink.square()))
        deviation = (total * ((square - mean.square()).clamp_min(0) + FAINT**2)).sqrt()
        correlation = matches.amax(3) / deviation.view(matches[:, :, :, 0].shape)
        # [B, down, right, rows, columns] to one grid of half pixels.
        return matches, correlation.permute(0, 3, 1, 4, 2).flatten(3, 4).flatten(1, 2)


class _Row(NamedTuple):
    """The best n cells in a row of each picture: flat places [B, n], evidence [B], least correlation [B]."""

    cells: Tensor
    evidence: Tensor
    weakest: Tensor


def _best_row(correlation: Tensor, length: int) -> _Row:
    apart, columns = round(ADVANCE * STEP), correlation.shape[2]
    # Later characters may be half a pixel off: drawn ones are not, but generated ones are.
    near, place = functional.max_pool2d(correlation[:, None], (1, 3), 1, (0, 1), return_indices=True)
    width = columns - apart * (length - 1)
    later = [near[:, 0, :, apart * i : apart * i + width] for i in range(1, length)]
    characters = torch.stack([correlation[:, :, :width], *later], 1)
    evidence, start = (characters - FLOOR).sum(1).flatten(1).max(1)
    first = (start // width * columns + start % width)[:, None]
    cells = [first, *(place.flatten(1).gather(1, first + apart * i) for i in range(1, length))]
    weakest = characters.amin(1).flatten(1).gather(1, start[:, None])[:, 0]
    return _Row(torch.cat(cells, 1), evidence, weakest)


def _texts(matches: Tensor, cells: Tensor) -> list[str]:
    """Return the texts [B] of the best glyphs in n cells [B, n] a picture, given as flat places in the correlation."""
    columns = matches.shape[-1] * STEP
    y, x = cells // columns, cells % columns
    picture = torch.arange(len(cells))[:, None]
    glyph = matches[picture, y % STEP, x % STEP, :, y // STEP, x // STEP].argmax(2)
    return ["".join(CHARACTERS[index] for index in row) for row in glyph.tolist()]


def _placed(masks: np.ndarray, place: tuple[int, int]) -> np.ndarray:
    """Return masks [N, 48, 34] as pixels [N, 13, 9], `place` half pixels down and right of the window's corner."""
    down, right = (FINE // STEP * offset for offset in place)
    fine = np.zeros((len(masks), WINDOW[0] * FINE, WINDOW[1] * FINE))
    fine[:, down : down + round(CELL[0] * FINE), right : right + round(CELL[1] * FINE)] = masks
    pixels: np.ndarray = fine.reshape(-1, WINDOW[0], FINE, WINDOW[1], FINE).mean((2, 4))
    return pixels
