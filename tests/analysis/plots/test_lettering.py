"""The room that words take."""

import pytest
from matplotlib.figure import Figure

from analysis.plots import drawing
from analysis.plots.lettering import fitted, shortened, text_width
from analysis.plots.style import DPI


@pytest.mark.parametrize("size", [6.5, 7.5, 9.0, 11.0])
@pytest.mark.parametrize("text", ["weighted_sum_raw", "noise 0.25-0.5", "\N{MINUS SIGN}0.05", "iiii", "WWWW", "é →"])
def test_computed_widths_hold_what_is_drawn(text: str, size: float) -> None:
    with drawing():
        figure = Figure(figsize=(4, 1))
        figure.set_dpi(DPI)
        words = figure.text(0, 0, text, fontsize=size)
        figure.draw_without_rendering()
        width = words.get_window_extent().width / DPI
        found = text_width([text], size)
    # Hinting depends on the neighbors, by a pixel a letter at most.
    assert width <= found + len(text) / DPI
    assert found <= width + len(text) / DPI


@pytest.mark.parametrize("letter", ["\N{CJK UNIFIED IDEOGRAPH-4E2D}", "\n", "\ue000"])
def test_a_letter_that_the_font_lacks_is_as_wide_as_its_box(letter: str) -> None:
    # Of another size, so that no letter is loaded.
    text_width(["a"], 20.0)
    box = text_width([letter], 9.0)
    assert box == text_width(["\U0010ffff"], 9.0) > 0.0
    assert text_width([f"a{letter}b"], 9.0) == pytest.approx(text_width(["ab"], 9.0) + box)


def test_the_widest_counts() -> None:
    assert text_width(["a", "abc", "ab"], 8.0) == text_width(["abc"], 8.0)
    assert text_width([], 8.0) == 0.0


@pytest.mark.parametrize(
    ("names", "short"),
    [
        ([], []),
        (["output"], ["output"]),
        (["a.b.head", "a.c.tail"], ["head", "tail"]),
        (["a.x.0", "a.x.1", "a.y.0"], ["x.0", "x.1", "y.0"]),
        (["a.x.0", "b.x.0", "c"], ["a.x.0", "b.x.0", "c"]),
    ],
)
def test_names_are_cut_where_they_stay_apart(names: list[str], short: list[str]) -> None:
    assert shortened(names) == short


def test_long_words_are_shrunk_and_then_cut() -> None:
    assert fitted("short", 9.0, 3.0) == ("short", 9.0)
    whole, small = fitted("a title of some length", 9.0, 1.2)
    assert whole == "a title of some length"
    assert 6.5 <= small < 9.0
    cut, least = fitted("a title of some length" * 5, 9.0, 1.2)
    assert (least, cut[-1]) == (6.5, "\N{HORIZONTAL ELLIPSIS}")
    assert "a title of some length".startswith(cut[:10])
    for text, size in ((whole, small), (cut, least)):
        assert 1.0 < text_width([text], size) <= 1.22
