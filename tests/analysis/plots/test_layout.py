"""Panels have places of their own."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.plots import drawing
from analysis.plots.layout import Grid, slots_of
from analysis.plots.sheets import Mark, Sheet


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 5))
def test_groups_begin_a_row_where_they_do_not_fit_one(groups: list[int], columns: int) -> None:
    slots = slots_of(groups, columns)
    assert len(slots) == sum(groups)
    assert slots == sorted({*slots})
    start = 0
    for size in groups:
        mine = slots[start : start + size]
        assert mine == list(range(mine[0], mine[0] + size))
        assert mine[0] % columns == 0 or mine[0] // columns == mine[-1] // columns
        start += size


@pytest.mark.parametrize(("count", "columns"), [(1, 4), (4, 4), (6, 4), (3, 1)])
def test_panels_fill_the_body_and_do_not_meet(count: int, columns: int) -> None:
    grid = Grid(count, columns, 2.0, 1.0, 0.5, 0.3, 0.2, 0.25, 0.1, 0.4)
    with drawing():
        sheet = Sheet("title", *grid.size, {"one": Mark("#000000", "o")})
    places = [grid.place(sheet, index) for index in range(count)]
    for (x, y), (other_x, other_y) in itertools.combinations(places, 2):
        assert abs(x - other_x) >= 2.3 - 1e-9 or abs(y - other_y) >= 1.45 - 1e-9
    assert min(x for x, _ in places) >= 0.5
    assert max(x for x, _ in places) + 2.0 + 0.4 <= sheet.get_figwidth()
    assert max(y for _, y in places) + 1.0 + 0.2 == pytest.approx(sheet.top)
    assert min(y for _, y in places) - 0.25 - 0.1 == pytest.approx(sheet.foot, abs=0.01)
    assert [grid.is_left(index) for index in range(count)] == [index % columns == 0 for index in range(count)]


def test_panels_know_what_lies_beneath_them() -> None:
    grid = Grid(6, 4, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    assert [index for index in range(6) if grid.is_lowest(index)] == [2, 3, 4, 5]
    assert (grid.rows, grid.shown_columns) == (2, 4)
