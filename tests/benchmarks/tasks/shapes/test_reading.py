"""The reader of signs: on drawn and damaged signs, on pictures without one, and against a plain correlation."""

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from benchmarks.records import UsageError
from benchmarks.tasks.shapes import glyphs as glyphs_module
from benchmarks.tasks.shapes.glyphs import FINE, glyphs
from benchmarks.tasks.shapes.language import CHARACTERS, Sign
from benchmarks.tasks.shapes.reading import FAINT, FLOOR, LUMINANCE, ROWS, Reader, Reading
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import all_scenes, pick

READER = Reader()
TEXTS = [
    *CHARACTERS,
    *(s.text for s in pick(all_scenes("sign"), 160, "reading") if isinstance(s, Sign)),
    "10",
    "88",
    "X",
]
SIGNS = Renderer()([Sign(text) for text in TEXTS], np.random.default_rng(0))


def share_exact(pictures: Tensor) -> float:
    return float(np.mean([reading.text == text for reading, text in zip(READER(pictures), TEXTS, strict=True)]))


def noisy(pictures: Tensor, std: float) -> Tensor:
    noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))
    return (pictures + std * noise).clamp(0, 1)


def blurred(pictures: Tensor, std: float) -> Tensor:
    weights = torch.exp(-(torch.arange(-3, 4) ** 2) / (2 * std**2))
    kernel = torch.outer(weights, weights) / weights.sum() ** 2
    padded = functional.pad(pictures, (3, 3, 3, 3), mode="replicate")
    return functional.conv2d(padded, kernel.expand(3, 1, 7, 7), groups=3)


def compressed(pictures: Tensor, quality: int) -> Tensor:
    back = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray((255 * picture.permute(1, 2, 0)).round().byte().numpy()).save(file, "JPEG", quality=quality)
        back.append(torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255)
    return torch.stack(back)


def test_drawn_signs_are_read_exactly() -> None:
    assert share_exact(SIGNS) >= 0.99
    assert min(reading.confidence for reading in READER(SIGNS)) > FLOOR


@pytest.mark.parametrize(
    "damaged",
    [noisy(SIGNS, 0.05), blurred(SIGNS, 0.8), compressed(SIGNS, 50), 0.5 * SIGNS + 0.25, SIGNS.double()],
    ids=["noise", "blur", "JPEG", "contrast", "float64"],
)
def test_damaged_signs_are_read(damaged: Tensor) -> None:
    assert share_exact(damaged) >= 0.99


def test_damage_lowers_the_confidence() -> None:
    assert all(
        after.confidence < before.confidence
        for before, after in zip(READER(SIGNS), READER(blurred(SIGNS, 0.8)), strict=True)
    )


def test_what_is_no_sign_says_nothing() -> None:
    things = [*all_scenes("several"), *pick(all_scenes("pair"), 60, "reading"), *pick(all_scenes("placed"), 60, "r")]
    generator = torch.Generator().manual_seed(1)
    grain = torch.randn(200, 3, 32, 32, generator=generator)
    pictures = {
        "things": Renderer()(things, np.random.default_rng(2)),
        "noise": torch.rand(200, 3, 32, 32, generator=generator),
        "smooth noise": (1.5 * blurred(grain, 1.0) + 0.5).clamp(0, 1),
        "plain": torch.rand(200, 3, 1, 1, generator=generator).expand(-1, -1, 32, 32),
        "ramps": torch.linspace(0.3, 0.7, 32).expand(200, 3, 32, 32),
    }
    for name, shown in pictures.items():
        legible = [reading for reading in READER(shown) if reading != Reading("", 0.0)]
        assert len(legible) <= 0.02 * len(shown), (name, legible)


def test_only_dark_characters_on_bright_ground_are_read() -> None:
    assert share_exact(1 - SIGNS) == 0


def test_an_empty_plate_says_nothing_and_a_lone_character_does() -> None:
    plate = torch.full((2, 3, 32, 32), 0.5)
    plate[:, :, 8:24, 3:29] = 0.97
    plate[1, :, 11:21, 15:17] = 0.05
    plate[1, :, 19:21, 12:20] = 0.05
    plate[1, :, 11:13, 13:17] = 0.05
    assert [reading.text for reading in READER(plate)] == ["", "1"]


def test_a_picture_is_read_alike_in_any_company_and_left_as_it_was() -> None:
    before = SIGNS[:6].clone()
    together = READER(SIGNS[:6])
    assert [READER(picture[None])[0].text for picture in SIGNS[:6]] == [reading.text for reading in together]
    assert torch.equal(SIGNS[:6], before)
    assert READER(SIGNS[:0]) == []


def plain_correlation(picture: np.ndarray, mask: np.ndarray) -> float:
    """Best damped weighted correlation of a glyph with a cell, cell by cell, straight from the definition."""
    ink = 1 - np.tensordot(np.asarray(LUMINANCE), picture, 1)
    best = -1.0
    for top, left in itertools.product(range(ROWS[0] * FINE, ROWS[1] * FINE, 2), range(0, 24 * FINE, 2)):
        rows, columns = slice(top // FINE, top // FINE + 13), slice(left // FINE, left // FINE + 9)
        margins = ((top % FINE, 4 - top % FINE), (left % FINE, 2 - left % FINE))
        weight, glyph = (
            np.pad(values, margins).reshape(13, FINE, 9, FINE).mean((1, 3)) for values in (np.ones_like(mask), mask)
        )
        level = ink[rows, columns] - np.average(ink[rows, columns], weights=weight)
        shape = glyph - np.average(glyph, weights=weight)
        norms = (weight * shape**2).sum() * (weight * (level**2 + FAINT**2)).sum()
        best = max(best, float((weight * shape * level).sum() / np.sqrt(norms)))
    return best


@pytest.mark.parametrize("text", ["7", "0"])
def test_the_confidence_is_the_weighted_correlation(text: str) -> None:
    picture = SIGNS[TEXTS.index(text)]
    reading = READER(picture[None])[0]
    assert reading.text == text
    assert reading.confidence == pytest.approx(plain_correlation(picture.double().numpy(), glyphs()[text]), abs=1e-5)


def test_a_missing_font_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs_module, "font_path", lambda: Path("/nowhere/font.ttf"))
    with pytest.raises(UsageError, match=r"expected DejaVu Sans Mono Bold at /nowhere/font.ttf"):
        Reader()
