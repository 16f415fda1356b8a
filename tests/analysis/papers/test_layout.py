"""How a paper's table looks: within a line, with what was not found and where a number comes from."""

import pytest

from analysis.papers.layout import WIDTH, paper_table, text_width, to_lines
from analysis.papers.tables import PAPERS, PaperNumber, PaperTable, table, tables
from analysis.tables import Cell, Column, Table

TABLES = [one for paper in PAPERS for one in tables(paper)]


def number(
    row: str, metric: str, text: str | None, status: str = "printed", note: str = "", unit: str = ""
) -> PaperNumber:
    return PaperNumber("crd", "", "t", row, metric, None, text, unit, None, status, note)


def of(*numbers: PaperNumber) -> PaperTable:
    return PaperTable("crd", "t", "title", "setting", "", numbers)


@pytest.mark.parametrize("one", TABLES, ids=lambda one: one.name)
def test_every_table_fits_into_a_line(one: PaperTable) -> None:
    shown = paper_table(one)
    lines = to_lines(shown)
    assert max(map(len, lines)) <= WIDTH
    texts = "\n".join(lines)
    for found in one.numbers:
        assert (found.text or "?") in texts
        assert found.metric in texts


def test_marks_tell_kinds_apart_only_where_there_are_several() -> None:
    alone = of(number("a", "x", "1", "code"), number("a", "y", "2", "code"))
    assert [cell.value for cell in paper_table(alone).rows[0]] == ["a", "1", "2"]
    assert paper_table(alone).notes == ("all code: from released code, not from the paper",)
    mixed = of(number("a", "x", "1"), number("a", "y", "2", "derived"), number("b", "x", None, "not found"))
    shown = paper_table(mixed)
    assert [[cell.value for cell in row] for row in shown.rows] == [["a", "1", "2 (d)"], ["b", "?", None]]
    assert shown.notes[0].startswith("(d) derived: ")
    assert "? not found: " in shown.notes[0]


def test_printed_numbers_need_no_legend() -> None:
    assert paper_table(of(number("a", "x", "1"))).notes == ()


def test_notes_name_whose_they_are() -> None:
    rows = [number(row, metric, "1", note="same") for row in "abcd" for metric in "xy"]
    assert paper_table(of(*rows)).notes == ("all: same",)
    assert paper_table(of(*rows[:3], number("b", "y", "1"))).notes == ("a; b, x: same",)
    named = [number("a", metric, "1", note="same" if metric in "vwx" else "") for metric in "vwxyz"]
    assert paper_table(of(*named)).notes == ("a (v, w, x): same",)
    many = [number("a", metric, "1", note="same" if metric != "v" else "") for metric in "vwxyz"]
    assert paper_table(of(*many)).notes == ("a (4 of 5 metrics): same",)
    assert paper_table(of(*rows, number("e", "x", "1"), number("e", "y", "1"))).notes == ("4 rows from a on: same",)


def test_a_unit_is_said_once() -> None:
    heads = [column.label for column in paper_table(table("marble", "2")).columns]
    assert heads == ["row", "relative speed", "GPU memory [GB]", "relative memory"]
    labels = [row[0].value for row in paper_table(table("precise", "main-10")).rows]
    assert "PickScore iterations saved" in labels


def test_a_table_lies_on_its_side_or_becomes_a_list_where_that_reads_better() -> None:
    long = [f"metric of some length {k}" for k in range(8)]
    wide = of(*(number(row, metric, "1") for row in "ab" for metric in long))
    assert [column.label for column in paper_table(wide).columns] == ["metric", "a", "b"]
    assert [column.label for column in paper_table(wide, 1000).columns] == ["row", *long]
    sparse = of(*(number(row, row + "-metric", "1") for row in "abcd"))
    assert [column.label for column in paper_table(sparse).columns] == ["row", "metric", "value"]


def test_blocks_hold_every_column_once() -> None:
    names = [f"column{k}" for k in range(9)]
    columns = (Column("row", "row", text=True), *(Column(name, name) for name in names))
    whole = Table(columns, ((Cell("x"), *(Cell(k) for k in range(9))),), ("a note " * 20,))
    assert text_width(whole) > 40
    lines = to_lines(whole, 40)
    assert max(map(len, lines)) <= 40
    assert [word for line in lines for word in line.split() if word.startswith("column")] == names
    assert sum(line.startswith("x ") for line in lines) > 1
    assert " ".join(" ".join(lines).split()).endswith(("a note " * 20).strip())
    assert to_lines(Table(whole.columns, whole.rows), 1000) == Table(whole.columns, whole.rows).to_text().splitlines()
