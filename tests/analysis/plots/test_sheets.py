"""Sheets and panels draw what they are given where it belongs."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from analysis.plots import assign_looks, drawing
from analysis.plots.panels import Panel
from analysis.plots.scales import Scale
from analysis.plots.sheets import Mark, Sheet, marks_of
from analysis.plots.style import DPI, render
from tests.support.figures import data_of, overlapping_words, points_in, words_on


def pixels_of(sheet: Sheet) -> np.ndarray:
    """Return the PNG as bytes [H, W, 3], the lowest row first."""
    found = imread(io.BytesIO(render(sheet)), format="png")
    return np.round(255 * found[::-1, :, :3]).astype(int)


def small(x: Scale, y: Scale) -> tuple[Sheet, Panel]:
    sheet = Sheet("", 4.0, 3.0)
    return sheet, sheet.panel(1.0, 1.0, 2.0, 1.0, x, y)


def test_a_table_fills_its_panel_to_the_pixel() -> None:
    with drawing():
        sheet, panel = small(Scale(0.0, 2.0), Scale(0.0, 1.0))
        panel.table(
            np.array([[[255, 0, 0, 255], [0, 255, 0, 255]], [[0, 0, 255, 255], [9, 9, 9, 255]]], dtype=np.uint8)
        )
        found = pixels_of(sheet)
    left, bottom, wide, high = DPI, DPI, 2 * DPI, DPI
    expected = {(0.25, 0.75): [255, 0, 0], (0.75, 0.75): [0, 255, 0], (0.25, 0.25): [0, 0, 255], (0.75, 0.25): [9] * 3}
    for (x, y), color in expected.items():
        assert found[int(bottom + y * high), int(left + x * wide)].tolist() == color
    # Its edges and the line between its cells are sharp.
    assert found[bottom + 1, left].tolist() == [0, 0, 255]
    assert found[bottom + 1, left - 1].tolist() == [255, 255, 255]
    assert found[bottom + 1, left + DPI - 1].tolist() == [0, 0, 255]
    assert found[bottom + 1, left + DPI].tolist() == [9, 9, 9]


@pytest.mark.parametrize("backwards", [False, True])
def test_marks_stand_at_their_values(backwards: bool) -> None:
    scale = Scale(4.0, 0.0) if backwards else Scale(0.0, 4.0)
    with drawing():
        sheet, panel = small(scale, Scale(1.0, 100.0, log=True))
        panel.marks([1.0, 3.0], [10.0, 10.0], "#ff0000", "s", 6.0)
        found = pixels_of(sheet)
    np.testing.assert_allclose(points_in(panel, color="#ff0000"), [[1.0, 10.0], [3.0, 10.0]])
    assert found[int(1.5 * DPI), int(1.5 * DPI)].tolist() == [255, 0, 0]
    assert found[int(1.5 * DPI), int(2.5 * DPI)].tolist() == [255, 0, 0]
    assert found[int(1.5 * DPI), int(2.0 * DPI)].tolist() == [255, 255, 255]


def test_what_lies_beyond_is_cut_off_where_it_is_asked_for() -> None:
    with drawing():
        sheet, panel = small(Scale(0.0, 1.0), Scale(0.0, 1.0))
        panel.fill([[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]]], clip=True, facecolors="#00ff00")
        panel.line([0.5, 0.5], [-9.0, 9.0], clip=True, color="#ff0000")
        panel.bars([0.2], [-9.0], [9.0], "#0000ff")
        found = pixels_of(sheet)
    inside = (found.sum(axis=2) < 765).nonzero()
    assert (inside[0].min(), inside[0].max()) == (DPI, 2 * DPI - 1)
    assert (inside[1].min(), inside[1].max()) == (DPI, 3 * DPI - 1)
    assert [255, 0, 0] in found[DPI + 5].tolist()
    assert [0, 0, 255] in found[DPI + 5].tolist()


def test_unknown_intervals_are_not_drawn() -> None:
    with drawing():
        sheet, panel = small(Scale(0.0, 1.0), Scale(0.0, 1.0))
        panel.bars([0.2, 0.4], [np.nan, np.nan], [0.5, np.nan], "#0000ff")
        panel.level_bars([0.2], [0.1], [np.nan], "#0000ff")
        assert (pixels_of(sheet) == 255).all()


def test_frames_say_their_numbers_near_and_far() -> None:
    with drawing():
        sheet, panel = small(Scale(0.0, 1.0), Scale(0.0, 1.0))
        panel.frame([0.0, 0.5], [1.0], None, ["top"])
        panel.frame([0.25], (), ["above"], far=True)
        panel.frame([0.75], [0.75], (), ())
        panel.label("x", "y")
        panel.head("head", note="note")
    words = words_on(sheet)
    assert [word for word in words if word] == ["0.0", "0.5", "top", "above", "x", "y", "head", "note"]
    places = {text.get_text(): data_of(panel, text.get_position()) for text in sheet.texts}
    assert places["0.5"][0] == pytest.approx(0.5)
    assert places["0.5"][1] < 0.0
    assert places["top"][0] < 0.0
    assert places["above"][1] > 1.0
    assert panel.title == "head"


def test_legends_fit_beneath_and_say_all_names() -> None:
    names = [f"a_rather_long_method_{index:02d}" for index in range(12)]
    for width in (3.0, 6.0, 12.0):
        with drawing():
            sheet = Sheet("", width, 1.0, marks_of(assign_looks(names), names, line="-"))
        assert words_on(sheet)[1:] == names
        assert overlapping_words(sheet) == []
        assert max(text.get_position()[1] for text in sheet.texts if text.get_text()) < sheet.foot
    assert list(sheet.entries) == names


@pytest.mark.parametrize(("count", "rows"), [(7, 1), (8, 2), (9, 2), (12, 2), (15, 3)])
def test_the_columns_of_a_legend_are_even(count: int, rows: int) -> None:
    names = [f"name{index:02d}" for index in range(count)]
    with drawing():
        sheet = Sheet("", 12.0, 1.0, marks_of(assign_looks(names), names))
    lefts = [text.get_position()[0] for text in sheet.texts if text.get_text() in names]
    sizes = [lefts.count(left) for left in dict.fromkeys(lefts)]
    assert max(sizes) == rows
    assert min(sizes) >= rows - 1
    assert len(sizes) == -(-count // rows)


def test_every_kind_of_mark_can_stand_in_a_legend() -> None:
    kinds = {
        "line": Mark("#ff0000", line="--"),
        "marker": Mark("#00ff00", "o"),
        "box": Mark("#0000ff", box=True),
        "hollow": Mark("#00ffff", "s", fill="none"),
    }
    with drawing():
        sheet = Sheet("", 6.0, 0.5, kinds)
        seen = {tuple(pixel) for pixel in pixels_of(sheet).reshape(-1, 3).tolist()}
    assert {(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 255, 255)} <= seen


def test_long_titles_are_folded_above_the_body() -> None:
    with drawing():
        sheet = Sheet("a title of many words " * 6, 3.0, 1.0)
    assert words_on(sheet)[0].count("\n") > 2
    assert sheet.top == pytest.approx(sheet.foot + 1.0, abs=0.01)
    assert overlapping_words(sheet) == []
