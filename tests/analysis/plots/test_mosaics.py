"""Tiles stand where the grid says, pixel by pixel, and foreign texts cannot break a picture."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from analysis.plots import drawing, render
from analysis.plots.mosaics import (
    LARGEST,
    draw_mosaic,
    headings,
    magnification,
    mosaic,
    place,
    reduced,
    safe_text,
    wrapped,
)

HOSTILE = (
    "cost $5^2$ and $\\frac{",
    "<script>alert(1)</script> & -->",
    "漢字 \u202ertl\x00\x1b[31m \ud800",
    "new\nline\ttab",
    "\\$ % _ # {} ~ ^",
    "",
    "x" * 300,
)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Return random tiles without white pixels, so that gaps can be told from them."""
    return np.random.default_rng(seed).integers(0, 255, (*shape, 3)).astype(np.uint8)


@pytest.mark.parametrize("apart", [False, True])
def test_tiles_stand_on_the_grid_and_white_between(apart: bool) -> None:
    columns = [noise(2, 3, 8, 6, seed=seed) for seed in range(4)]
    drawn = mosaic(columns, apart=apart)
    left = np.zeros(drawn.image.shape[:2], dtype=bool)
    for x, column in zip(drawn.columns, columns, strict=True):
        for y, row in zip(drawn.rows, column, strict=True):
            for s, tile in enumerate(row):
                top, start = round(y + 0.5 - 4), round(x + 0.5 - drawn.width / 2) + 7 * s
                np.testing.assert_array_equal(drawn.image[top : top + 8, start : start + 6], tile)
                assert not left[top : top + 8, start : start + 6].any()
                left[top : top + 8, start : start + 6] = True
    assert (drawn.image[~left] == 255).all()
    assert left[0, 0]
    assert left[-1, -1]
    steps = np.diff(drawn.columns)
    assert (steps[1:] == steps[1]).all()
    assert (steps[0] > steps[1]) == apart


@given(st.integers(1, 700), st.integers(1, 700))
def test_tiles_are_shown_as_large_as_fits(height: int, width: int) -> None:
    smaller = reduced(np.full((1, height, width, 3), 77, dtype=np.uint8))
    scale = magnification(smaller)
    assert max(smaller.shape[1:3]) * scale <= LARGEST
    assert max(smaller.shape[1:3]) * (scale + 1) > LARGEST or max(height, width) > LARGEST
    assert (smaller == 77).all()


def test_large_tiles_are_averaged() -> None:
    tile = np.zeros((1, 192, 192, 3), dtype=np.uint8)
    tile[0, ::2] = 100
    smaller = reduced(tile)
    assert smaller.shape == (1, 96, 96, 3)
    assert (smaller == 50).all()
    whole = noise(2, 96, 32)
    assert reduced(whole) is whole


@pytest.mark.parametrize("side", [5, 32])
def test_every_pixel_is_drawn_with_a_whole_number_of_screen_pixels(side: int) -> None:
    drawn = mosaic([noise(2, 1, side, side, seed=seed) for seed in range(3)], apart=True)
    with drawing():
        figure = Figure(figsize=(6.013, 5.017))
        axes = place(figure, 1.2345, 1.777, *drawn.size)
        draw_mosaic(axes, drawn, ["first", "second"])
        png = render(figure)
    with Image.open(io.BytesIO(png)) as image:
        screen = np.asarray(image.convert("RGB"))
    expected = drawn.image.repeat(drawn.scale, axis=0).repeat(drawn.scale, axis=1)
    left, bottom = round(1.2345 * 160), round(1.777 * 160)
    top = screen.shape[0] - bottom - expected.shape[0]
    found = screen[top : top + expected.shape[0], left : left + expected.shape[1]]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_can_be_drawn(text: str) -> None:
    drawn = mosaic([noise(1, 1, 8, 8)], apart=False)
    with warnings.catch_warnings(), drawing():
        warnings.simplefilter("error")
        figure = Figure(figsize=(4, 3))
        draw_mosaic(place(figure, 2.0, 1.0, *drawn.size), drawn, [wrapped(text, 24, 3)])
        assert render(figure).startswith(b"\x89PNG")


@given(st.text(max_size=60))
def test_safe_texts_are_one_line_of_known_characters(text: str) -> None:
    found = safe_text(text)
    assert found == " ".join(found.split())
    assert safe_text(found) == found
    assert all(character.isprintable() for character in found)


def test_what_can_be_drawn_stays() -> None:
    assert safe_text("a $ign: 100 % «né» → ±1") == "a $ign: 100 % «né» → ±1"
    assert safe_text("\u6f22a\u202e") == "\N{REPLACEMENT CHARACTER}a\N{REPLACEMENT CHARACTER}"


@given(st.text(max_size=200), st.integers(5, 40), st.integers(1, 4))
def test_wrapped_texts_keep_their_size(text: str, width: int, lines: int) -> None:
    found = wrapped(text, width, lines).split("\n")
    assert len(found) <= lines
    assert max(map(len, found)) <= width


def test_names_are_broken_before_they_are_turned() -> None:
    assert headings(["base", "marble"], 0.6) == (["base", "marble"], False)
    assert headings(["nft_preference", "a-b"], 0.75) == (["nft_\npreference", "a-b"], False)
    assert headings(["unbreakable-name"], 0.6) == (["unbreakable-name"], True)
