"""Colors that can be seen on dark paper and stay what they are where they can be seen already."""

import pytest

from analysis.looks import COLORS, DARKEST, luminance, on_dark

DARK_PAPER = "#12161b"


@pytest.mark.parametrize("color", [*COLORS, "#000000", "#ffffff", "#0000ff"])
def test_colors_can_be_seen_on_dark_paper(color: str) -> None:
    found = on_dark(color)
    contrast = (luminance(found) + 0.05) / (luminance(DARK_PAPER) + 0.05)
    # What the guidelines want of graphics.
    assert contrast >= 3.0
    assert (found == color) == (luminance(color) >= DARKEST)


def test_the_hue_is_kept() -> None:
    red, green, blue = (int(on_dark("#1B1F6B")[at : at + 2], 16) for at in (1, 3, 5))
    assert blue > green > red


def test_luminance_is_that_of_the_guidelines() -> None:
    # Pure red, green and blue are their weights.
    assert [luminance(color) for color in ("#ff0000", "#00ff00", "#0000ff")] == pytest.approx([0.2126, 0.7152, 0.0722])
    assert luminance("#777777") == pytest.approx(0.1845, abs=1e-4)
