"""One description of a table, and its five renderings: terminal, plain text, Markdown, CSV, LaTeX and HTML.

A cell holds a value, not a text: how many decimals it gets, how an interval looks and how the best is marked is
decided here, once. CSV alone gives full precision, and the ends of an interval in columns of their own.
"""

import csv
import html
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.statistics import Interval

if TYPE_CHECKING:
    from rich.console import Console

Value = str | int | float | Interval | None
BEST_MARK, TIE_MARK, MISSING = "*", "=", "-"
MARKUP = re.compile(r"<(?=[A-Za-z/!?])")
MARKS_NOTE = (
    "* (bold) best of its benchmark, = not separable from it (paired t over seeds, one-sided, 95 %, corrected for the "
    "number of methods; with three seeds and many methods only large and even differences separate)"
)


@dataclass(frozen=True)
class Column:
    """A column: `key` names it in CSV, `label` everywhere else; numbers show `decimals` digits.

    A column of `intervals` gets two more columns in CSV, for the lower and the upper end.
    """

    key: str
    label: str
    decimals: int = 3
    intervals: bool = False
    text: bool = False


@dataclass(frozen=True)
class Cell:
    """A value with its marks: the `best` of its group, `tied` with the best, or only `approximate`.

    Nothing (None) shows no mark.
    """

    value: Value
    best: bool = False
    tied: bool = False
    approximate: bool = False


@dataclass(frozen=True)
class Table:
    """Columns, rows of cells, and the sentences that belong beneath.

    Example:
        >>> columns = (Column("method", "method", text=True), Column("share", "share", decimals=2))
        >>> table = Table(columns, ((Cell("nft_a"), Cell(0.5)), (Cell("crd"), Cell(0.75, best=True))))
        >>> print(table.to_markdown())
        | method | share |
        |:--|--:|
        | nft_a | 0.50 |
        | crd | **0.75** |
        <BLANKLINE>
        >>> print(table.to_text())
        method  share
        ------  -----
        nft_a    0.50
        crd     0.75*
        <BLANKLINE>
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that every row is complete.

        Raises:
            ValueError: If a row does not have one cell a column.
        """
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"row {index} must have {len(self.columns)} cells, found {len(row)}")

    def without_empty(self) -> "Table":
        """Return the table without the columns in which no row has a value.

        Example:
            >>> columns = (Column("a", "a"), Column("b", "b"))
            >>> [column.key for column in Table(columns, ((Cell(None), Cell(1)),)).without_empty().columns]
            ['b']
        """
        kept = [j for j in range(len(self.columns)) if any(row[j].value is not None for row in self.rows)]
        if not self.rows or len(kept) == len(self.columns):
            return self
        return Table(
            tuple(self.columns[j] for j in kept), tuple(tuple(row[j] for j in kept) for row in self.rows), self.notes
        )

    def to_text(self) -> str:
        """Return aligned plain text, for logs and pipes."""
        lines = [[column.label for column in self.columns], *self._texts(_plain)]
        widths = [max(len(line[j]) for line in lines) for j in range(len(self.columns))]
        lines.insert(1, ["-" * width for width in widths])
        text = "".join(f"{self._aligned(line, widths)}\n" for line in lines)
        return text + "".join(f"\n{note}\n" for note in self.notes)

    def _aligned(self, line: Sequence[str], widths: Sequence[int]) -> str:
        padded = [
            text.ljust(width) if column.text else text.rjust(width)
            for column, text, width in zip(self.columns, line, widths, strict=True)
        ]
        return "  ".join(padded).rstrip()

    def to_terminal(self, console: "Console") -> None:
        """Print the table: with rules and bold on a terminal, as aligned plain text elsewhere."""
        if not console.is_terminal:
            console.print(self.to_text(), end="", soft_wrap=True, highlight=False, markup=False)
            return
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        rich_table = RichTable(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
        for column in self.columns:
            rich_table.add_column(column.label, justify="left" if column.text else "right", no_wrap=column.text)
        for index, (texts, row) in enumerate(zip(self._texts(_plain), self.rows, strict=True)):
            styles = ["bold" if _is_best(cell) else "" for cell in row]
            rich_table.add_row(*(Text(text, style=style) for text, style in zip(texts, styles, strict=True)))
            if index + 1 < len(self.rows) and self.rows[index + 1][0].value != row[0].value:
                rich_table.add_section()
        console.print(rich_table)
        for note in self.notes:
            console.print(note, style="dim", highlight=False, markup=False)

    def to_markdown(self) -> str:
        """Return a GitHub table, the best in bold."""
        head = [markdown_text(column.label) for column in self.columns]
        rules = [":--" if column.text else "--:" for column in self.columns]
        lines = [f"| {' | '.join(head)} |", f"|{'|'.join(rules)}|"]
        lines += [f"| {' | '.join(texts)} |" for texts in self._texts(_markdown)]
        return "\n".join([*lines, *(f"\n{markdown_text(note)}" for note in self.notes)]) + "\n"

    def to_csv(self) -> str:
        """Return comma-separated values at full precision; what is missing is an empty field."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        head = [[c.key, f"{c.key}_low", f"{c.key}_high"] if c.intervals else [c.key] for c in self.columns]
        writer.writerow([key for keys in head for key in keys])
        for row in self.rows:
            fields = [_csv_fields(cell.value, column) for cell, column in zip(row, self.columns, strict=True)]
            writer.writerow([field for part in fields for field in part])
        return stream.getvalue()

    def to_latex(self) -> str:
        """Return a `tabular` for the package booktabs, the best bold, ties marked `=`, special characters escaped.

        Decimals of means and of half widths are aligned, and a mark takes no room. Groups of rows that share their
        first cell are set apart.
        """
        spec = "".join("l" if column.text else "r" for column in self.columns)
        heads = [latex_text(column.label) for column in self.columns]
        lines = [rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}", r"\toprule", rf"{' & '.join(heads)} \\", r"\midrule"]
        firsts = [row[0].value for row in self.rows]
        grouped = any(one == other for one, other in itertools.pairwise(firsts))
        widths = [_half_digits(self.rows, j, column.decimals) for j, column in enumerate(self.columns)]
        for index, row in enumerate(self.rows):
            if grouped and index > 0 and firsts[index] != firsts[index - 1]:
                lines.append(r"\midrule")
            cells = zip(row, self.columns, widths, strict=True)
            lines.append(rf"{' & '.join(_latex(cell, column.decimals, digits) for cell, column, digits in cells)} \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
        return "\n".join([*lines, *(f"% {' '.join(note.split())}" for note in self.notes)]) + "\n"

    def to_html(self) -> str:
        """Return a `table` element without styles; numbers carry the class `number`, the best is `strong`."""
        classes = ["" if column.text else ' class="number"' for column in self.columns]
        head = "".join(f"<th{c}>{html.escape(x.label)}</th>" for x, c in zip(self.columns, classes, strict=True))
        lines = ["<table>", f"<thead><tr>{head}</tr></thead>", "<tbody>"]
        for texts in self._texts(_html):
            cells = "".join(f"<td{c}>{text}</td>" for text, c in zip(texts, classes, strict=True))
            lines.append(f"<tr>{cells}</tr>")
        return "\n".join([*lines, "</tbody>", "</table>"]) + "\n"

    def _texts(self, render: Callable[[Cell, int], str]) -> Iterator[list[str]]:
        for row in self.rows:
            yield [render(cell, column.decimals) for cell, column in zip(row, self.columns, strict=True)]


def format_value(value: Value, decimals: int) -> str:
    """Return a value as people read it: `mean ± half width` for an interval, `-` for nothing.

    Args:
        value: What to show; text and whole numbers stay as they are.
        decimals: Digits behind the point of other numbers.

    Example:
        >>> from analysis.statistics import interval
        >>> format_value(interval({0: 1.0, 1: 2.0, 2: 3.0}), 2), format_value(interval({0: 1.0}), 2)
        ('2.00 ± 2.48', '1.00')
        >>> format_value(None, 2), format_value(7, 2), format_value("nft", 2)
        ('-', '7', 'nft')
    """
    if value is None:
        return MISSING
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Interval):
        half = value.half_width
        return f"{value.mean:.{decimals}f}" + ("" if half is None else f" ± {half:.{decimals}f}")
    return f"{value:.{decimals}f}"


def _text(cell: Cell, decimals: int) -> str:
    return ("≈ " if cell.approximate and cell.value is not None else "") + format_value(cell.value, decimals)


def _mark(cell: Cell) -> str:
    return TIE_MARK if cell.tied and not cell.best and cell.value is not None else ""


def _is_best(cell: Cell) -> bool:
    return cell.best and cell.value is not None


def _plain(cell: Cell, decimals: int) -> str:
    return _text(cell, decimals) + (BEST_MARK if _is_best(cell) else _mark(cell))


def markdown_text(text: str) -> str:
    r"""Return a text that Markdown shows as it is, on one line: no name of a record becomes a tag or a link.

    Example:
        >>> print(markdown_text("2 < 3 | <b>"))
        2 < 3 \| &lt;b>
    """
    line = " ".join(text.split()).replace("|", r"\|").replace("*", r"\*").replace("](", r"]\(")
    return MARKUP.sub("&lt;", line)


def _markdown(cell: Cell, decimals: int) -> str:
    text = markdown_text(_text(cell, decimals))
    return f"**{text}**" if _is_best(cell) else text + _mark(cell)


def _html(cell: Cell, decimals: int) -> str:
    text = html.escape(_text(cell, decimals))
    return f"<strong>{text}</strong>" if _is_best(cell) else text + _mark(cell)


LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # The classic encoding of LaTeX has other letters in their places.
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "≈": r"$\approx$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "→": r"$\rightarrow$",
    "\N{MINUS SIGN}": "$-$",
}
LATEX_MISSING, LATEX_TIE = "--", r"\rlap{$^{=}$}"


def latex_text(text: str) -> str:
    r"""Return a text that LaTeX prints as it is, on one line.

    Example:
        >>> print(latex_text("50 % of a_b"))
        50 \% of a\_b
    """
    return "".join(LATEX_ESCAPES.get(c, rf"\{c}" if c in "&%$#_{}" else c) for c in " ".join(text.split()))


def _half_digits(rows: Sequence[Sequence[Cell]], column: int, decimals: int) -> int:
    """Return the length of the longest half width of a column, 0 without any."""
    halves = [cell.value.half_width for cell in (row[column] for row in rows) if isinstance(cell.value, Interval)]
    return max((len(f"{half:.{decimals}f}") for half in halves if half is not None), default=0)


def _latex(cell: Cell, decimals: int, digits: int) -> str:
    """Return a value with its marks, its half width padded to so many digits."""
    text = _latex_value(cell, decimals, digits)
    if _is_best(cell):
        return rf"\textbf{{{text}}}"
    return text + (LATEX_TIE if _mark(cell) else "")


def _latex_value(cell: Cell, decimals: int, digits: int) -> str:
    if cell.value is None:
        return LATEX_MISSING
    if isinstance(cell.value, str):
        return latex_text(cell.value)
    mean, _, half = format_value(cell.value, decimals).partition(" ± ")
    text = (r"$\approx$ " if cell.approximate else "") + mean.replace("-", "$-$", 1)
    if not half:
        return text
    padding = rf"\phantom{{{'0' * (digits - len(half))}}}" if len(half) < digits else ""
    return rf"{text}\,$\pm$\,{padding}{half}"


def _csv_fields(value: Value, column: Column) -> list[str]:
    ends = (value.mean, value.low, value.high) if isinstance(value, Interval) else (value, None, None)
    fields = ["" if end is None else repr(end) if isinstance(end, float) else str(end) for end in ends]
    return fields if column.intervals else fields[:1]
