"""What stands above and beside a mosaic keeps to its place, however long it is."""

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.plots import drawing
from analysis.plots.blocks import Block, Name, block, stacked

LONG = "a_reward_with_a_long_name"


def tiles(value: int = 9) -> np.ndarray:
    """Return two rows of one tile of 16 x 16."""
    return np.full((2, 1, 16, 16, 3), value, dtype=np.uint8)


def drawn(blocks: list[Block], prompts: tuple[str, str] = ("first", "second")) -> Figure:
    with drawing():
        figure = stacked("a title", blocks, prompts)
        figure.draw_without_rendering()
    return figure


def overlap(one: Text, other: Text) -> bool:
    a, b = one.get_window_extent(), other.get_window_extent()
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1


def block_of(n: int, ends: tuple[str, str] | None, title: str = "pareto_slider", base: bool = True) -> Block:
    names = [Name(f"{i}:{n - i}") for i in range(n)]
    return block(title, "#000000", [tiles()] * n, names, tiles(200) if base else None, ends)


@pytest.mark.parametrize("count", [1, 2, 3, 11])
@pytest.mark.parametrize("base", [False, True])
@pytest.mark.parametrize("length", ["short", "long"])
def test_no_text_covers_another_or_leaves_the_figure(count: int, base: bool, length: str) -> None:
    ends = (f"← {LONG}", f"{LONG} →") if length == "long" else ("← a", "b →")
    title = "a_method_with_a_very_long_name_indeed" if length == "long" else "crd"
    figure = drawn([block_of(count, ends, title, base), block_of(1, None, "")])
    width, height = figure.get_size_inches() * figure.dpi
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    for text in texts:
        box = text.get_window_extent()
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0, text.get_text()
        for axes in figure.axes:
            frame = axes.get_window_extent()
            beside = box.x1 <= frame.x0 or box.x0 >= frame.x1 or box.y0 >= frame.y1 or box.y1 <= frame.y0
            assert beside, text.get_text()
    for one, other in itertools.combinations(texts, 2):
        assert not overlap(one, other), (one.get_text(), other.get_text())


@pytest.mark.parametrize(("base", "first"), [(False, 0), (True, 1)])
def test_the_ends_stand_above_the_columns_they_speak_of(base: bool, first: int) -> None:
    one = block_of(4, ("← a", "b →"), base=base)
    (axes,) = drawn([one]).axes
    found = {text.get_text(): text for text in axes.texts}
    assert one.end_lines == 1
    assert found["← a"].get_position()[0] == one.drawn.columns[first] - 8
    assert found["b →"].get_position()[0] == one.drawn.columns[-1] + 8
    assert found["← a"].get_position()[1] == found["b →"].get_position()[1]


def test_ends_without_room_side_by_side_get_a_line_each() -> None:
    narrow, wide = (block_of(n, (f"← {LONG}", f"{LONG} →")) for n in (3, 11))
    assert (narrow.end_lines, wide.end_lines, block_of(3, None).end_lines) == (2, 1, 0)
    assert narrow.head > wide.head


def test_the_base_model_is_named_only_where_it_is_known() -> None:
    with_base, without = block_of(2, None), block_of(2, None, base=False)
    assert [name.text for name in with_base.names] == ["base", "0:2", "1:1"]
    assert [name.text for name in without.names] == ["0:2", "1:1"]
    assert (with_base.drawn.image[0, 0] == 200).all()
    assert (without.drawn.image[0, 0] == 9).all()
