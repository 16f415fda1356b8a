"""How a paper's table is shown: as the paper has it where that fits, else in blocks, on its side, or as a list."""

import textwrap
from collections.abc import Iterable

from analysis.papers.tables import NOT_FOUND, PRINTED, STATUSES, PaperNumber, PaperTable
from analysis.tables import Cell, Column, Table

WIDTH = 100
"""Characters of a line."""
SPARSE = 0.5
"""Share of filled cells below which a table is a list."""
UNKNOWN, MARKS = "?", {"second-hand": " (s)", "code": " (c)", "derived": " (d)"}
NAMED = 3
"""Rows, and metrics of a row, that a note names; of more it gives the number."""
SHOWN_UNITS = ("GB", "percent", "hours")


def paper_table(table: PaperTable, width: int = WIDTH) -> Table:
    """Return a paper's table for readers.

    Numbers stand as the paper prints them. What was not found is `?`, a cell that the paper does not have `-`; marks
    tell second-hand, code and derived numbers from printed ones where a table has several kinds.

    Args:
        table: The table.
        width: Characters of a line, which decide whether rows or metrics go down the page.
    """
    rows, metrics = table.rows, table.metrics
    if len(table.numbers) < SPARSE * len(rows) * len(metrics):
        return _listing(table)
    upright = _grid(table, on_side=False)
    if text_width(upright) <= width:
        return upright
    on_side = _grid(table, on_side=True)
    return on_side if text_width(on_side) <= width else upright


def _grid(table: PaperTable, *, on_side: bool) -> Table:
    cells, mixed = table.cells, _mixed(table.numbers)
    heads = {metric: _head(table, metric) for metric in table.metrics}
    if on_side:
        columns = [Column("metric", "metric", text=True), *(Column(row, row) for row in table.rows)]
        lines = [
            [heads[metric], *(_text(cells.get((row, metric)), mixed) for row in table.rows)] for metric in table.metrics
        ]
    else:
        columns = [Column("row", "row", text=True), *(Column(metric, heads[metric]) for metric in table.metrics)]
        lines = [[row, *(_text(cells.get((row, metric)), mixed) for metric in table.metrics)] for row in table.rows]
    return Table(tuple(columns), tuple(tuple(Cell(text) for text in line) for line in lines), _notes(table))


def _head(table: PaperTable, metric: str) -> str:
    numbers = [number for number in table.numbers if number.metric == metric]
    unit = numbers[0].unit
    said = all("%" in (number.text or "%") for number in numbers)
    return f"{metric} [{unit}]" if unit in SHOWN_UNITS and not said else metric


def _listing(table: PaperTable) -> Table:
    mixed = _mixed(table.numbers)
    columns = tuple(Column(name, name, text=True) for name in ("row", "metric", "value"))
    lines = [(number.row, number.metric, _text(number, mixed)) for number in table.numbers]
    return Table(columns, tuple(tuple(Cell(text) for text in line) for line in lines), _notes(table))


def _mixed(numbers: Iterable[PaperNumber]) -> bool:
    return len({number.status for number in numbers if number.found}) > 1


def _text(number: PaperNumber | None, mixed: bool) -> str | None:
    if number is None:
        return None
    if number.text is None:
        return UNKNOWN
    return number.text + (MARKS.get(number.status, "") if mixed else "")


def _notes(table: PaperTable) -> tuple[str, ...]:
    statuses = dict.fromkeys(number.status for number in table.numbers)
    found = [status for status in statuses if status != NOT_FOUND]
    if len(found) > 1:
        legend = [f"{MARKS[status].strip()} {status}: {STATUSES[status]}" for status in found if status != PRINTED]
    else:
        legend = [f"all {status}: {STATUSES[status]}" for status in found if status != PRINTED]
    legend += [f"{UNKNOWN} {NOT_FOUND}: {STATUSES[NOT_FOUND]}"] if NOT_FOUND in statuses else []
    return (*(["; ".join(legend)] if legend else []), *_remarks(table))


def _remarks(table: PaperTable) -> list[str]:
    of_note: dict[str, list[PaperNumber]] = {}
    for number in table.numbers:
        if number.note:
            of_note.setdefault(number.note, []).append(number)
    return [f"{_whose(table, noted)}: {note}" for note, noted in of_note.items()]


def _whose(table: PaperTable, noted: list[PaperNumber]) -> str:
    if len(noted) == len(table.numbers):
        return "all"
    rows = list(dict.fromkeys(number.row for number in noted))
    names = []
    for row in rows:
        metrics = [number.metric for number in noted if number.row == row]
        in_row = sum(number.row == row for number in table.numbers)
        if len(metrics) == in_row:
            names.append(row)
        elif len(metrics) <= NAMED:
            names.append(f"{row}, {' and '.join(metrics)}" if len(metrics) < NAMED else f"{row} ({', '.join(metrics)})")
        else:
            names.append(f"{row} ({len(metrics)} of {in_row} metrics)")
    return "; ".join(names) if len(names) <= NAMED else f"{len(names)} rows from {names[0]} on"


def text_width(table: Table) -> int:
    """Return the characters of the widest line of a table as text, without its notes."""
    return max(len(line) for line in _bare(table).to_text().splitlines())


def _bare(table: Table) -> Table:
    return Table(table.columns, table.rows)


def to_lines(table: Table, width: int = WIDTH) -> list[str]:
    """Return a table as lines of text, split into blocks of columns where it is wider than a line.

    Every block begins with the first column; notes come last and are broken where a line ends.

    Args:
        table: The table.
        width: Characters of a line.

    Example:
        >>> columns = (Column("row", "row", text=True), Column("a", "a"), Column("b", "b"))
        >>> print("|".join(to_lines(Table(columns, ((Cell("x"), Cell("11"), Cell("22")),)), 8)))
        row   a|---  --|x    11||row   b|---  --|x    22
    """
    lines: list[str] = []
    for part in _blocks(_bare(table), width):
        lines += [*([""] if lines else []), *part.to_text().splitlines()]
    for note in table.notes:
        lines += (
            ["", *textwrap.wrap(note, width, subsequent_indent="  ")]
            if note == table.notes[0]
            else (textwrap.wrap(note, width, subsequent_indent="  "))
        )
    return lines


def _blocks(table: Table, width: int) -> list[Table]:
    chosen: list[list[int]] = [[]]
    for column in range(1, len(table.columns)):
        if chosen[-1] and text_width(_of_columns(table, [0, *chosen[-1], column])) > width:
            chosen.append([])
        chosen[-1].append(column)
    return [_of_columns(table, [0, *columns]) for columns in chosen]


def _of_columns(table: Table, chosen: list[int]) -> Table:
    return Table(
        tuple(table.columns[index] for index in chosen),
        tuple(tuple(row[index] for index in chosen) for row in table.rows),
    )
