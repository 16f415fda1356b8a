"""What fits is taken, the largest is left out first, and no two sections share an address."""

import base64

import pytest

from analysis.report.html_parts import LONG, fitting, identifiers, page_sections
from analysis.report.section import Section
from analysis.tables import Cell, Column, Table
from tests.support.pages import small_png


@pytest.mark.parametrize("room", [0, 7, 8, 20, 27, 28, 100])
def test_what_fits_never_exceeds_the_room(room: int) -> None:
    pictures = {"small": b"1", "large": b"x" * 12, "middle": b"y" * 5}
    found = fitting(pictures, room)
    assert sum(map(len, found.values())) <= room
    assert [base64.b64decode(text) for text in found.values()] == [pictures[name] for name in found]
    assert list(found) == [name for name in pictures if name in found]
    assert ("large" in found) <= ("middle" in found) <= ("small" in found)


def test_long_tables_are_folded_and_pictures_know_their_size() -> None:
    table = Table((Column("a", "a", text=True),), tuple((Cell(str(row)),) for row in range(LONG)))
    short = Table(table.columns, table.rows[1:])
    text = base64.b64encode(small_png(size=(30, 20))).decode()
    section = Section("Views", (), (("", table), ("few", short)), (), ("overview", "lost"))
    (found,) = page_sections([section], {"overview": text})
    assert [(one.long, one.label) for one in found.tables] == [(True, "Views"), (False, "Views: few")]
    assert [(one.width, one.height) for one in found.pictures] == [(30, 20)]
    assert found.missing == ("lost",)


def test_addresses_are_unique_and_never_the_pages_own() -> None:
    headings = ["Explorer", "explorer", "EXPLORER!", "赤", "", "notes"]
    found = identifiers(headings)
    assert len(set(found)) == len(headings)
    assert not {"explorer", "notes", "main", "summary", "origin", "commands"} & set(found)
    assert all(name.isascii() and " " not in name for name in found)
