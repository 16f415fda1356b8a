"""The papers' numbers: one CSV file a paper, read into tables of rows and metrics."""

import csv
import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.records import UsageError

if TYPE_CHECKING:
    import pandas as pd

DATA = Path(__file__).parent / "data"
PAPERS = {
    "marble": "MARBLE",
    "nft": "DiffusionNFT",
    "pareto_slider": "ParetoSlider",
    "crd": "CRD",
    "precise": "Precise",
    "cps": "CPS",
    "flow_grpo": "Flow-GRPO",
    "flow_opd": "Flow-OPD",
}
"""Short name of each paper, and its method's name."""

PRINTED, NOT_FOUND = "printed", "not found"
STATUSES = {
    PRINTED: "the paper prints it",
    "second-hand": "from others who cite the paper",
    "code": "from released code, not from the paper",
    "derived": "computed from, or read off, what the paper prints",
    NOT_FOUND: "the paper may have it; it could not be read",
}
"""Where a number was found."""
COLUMNS = (
    "paper", "arxiv", "table", "row", "metric", "value", "text", "unit", "higher_is_better", "status", "note"
)  # fmt: skip
DIRECTIONS = {"true": True, "false": False, "": None}


@dataclass(frozen=True)
class PaperNumber:
    """A number of a paper, or that it was not found.

    Attributes:
        paper: Short name, a key of `PAPERS`.
        arxiv: Number of the paper on arXiv, empty where it was not found.
        table: Short name of the table; figures and text count as tables.
        row: What was measured, as the paper names it.
        metric: What was measured of it.
        value: The number, None where there is none or it was not found.
        text: How it is printed, such as `>5k`, but for zeros at its end; None where it was not found.
        unit: Unit, empty for a plain number.
        higher_is_better: Whether more is better, None where nothing says so.
        status: A key of `STATUSES`.
        note: What else must be known of it.
    """

    paper: str
    arxiv: str
    table: str
    row: str
    metric: str
    value: float | None
    text: str | None
    unit: str
    higher_is_better: bool | None
    status: str
    note: str

    def __post_init__(self) -> None:
        """Check that there is a number or a text exactly where the status says so.

        Raises:
            ValueError: If not, if the number is not finite, or if the paper or the status is unknown.
        """
        where = f"{self.paper}:{self.table}, {self.row}, {self.metric}"
        if self.paper not in PAPERS or self.status not in STATUSES:
            raise ValueError(f"{where}: expected a known paper and status, found {self.status!r}")
        if (self.text is None) != (self.status == NOT_FOUND) or (self.text is None and self.value is not None):
            raise ValueError(f"{where}: expected a text where it was found and only there, found {self.text!r}")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{where}: expected a finite value, found {self.value}")

    @property
    def found(self) -> bool:
        """Whether it was found."""
        return self.status != NOT_FOUND


@dataclass(frozen=True)
class PaperTable:
    """A table of a paper.

    Attributes:
        paper: Short name of the paper.
        key: Short name of the table.
        title: What it shows.
        setting: What it was measured on.
        view: What of a small suite stands beside it, see `analysis.papers.miniature`; empty for nothing.
        numbers: Its numbers, in order.
    """

    paper: str
    key: str
    title: str
    setting: str
    view: str
    numbers: tuple[PaperNumber, ...]

    @property
    def name(self) -> str:
        """Its name on the command line, such as `marble:S1`."""
        return f"{self.paper}:{self.key}"

    @property
    def heading(self) -> str:
        """Name, paper and title in one line."""
        arxiv = self.numbers[0].arxiv
        return f"{self.name}  {PAPERS[self.paper]}{f' (arXiv {arxiv})' if arxiv else ''}: {self.title}"

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows, in order."""
        return tuple(dict.fromkeys(number.row for number in self.numbers))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in order."""
        return tuple(dict.fromkeys(number.metric for number in self.numbers))

    @property
    def cells(self) -> dict[tuple[str, str], PaperNumber]:
        """The numbers by row and metric."""
        return {(number.row, number.metric): number for number in self.numbers}

    @property
    def missing(self) -> tuple[PaperNumber, ...]:
        """What was not found."""
        return tuple(number for number in self.numbers if not number.found)


def pivot(table: PaperTable) -> "pd.DataFrame":
    """Return the values of a table, rows x metrics, in the order of the paper; NaN where there is no number.

    Args:
        table: The table.

    Example:
        >>> float(pivot(table("marble", "S1")).loc["MARBLE", "min cos"])
        0.3721
    """
    cells = table.cells
    values = [[_value(cells.get((row, metric))) for metric in table.metrics] for row in table.rows]
    import pandas as pd

    return pd.DataFrame(values, index=list(table.rows), columns=list(table.metrics), dtype=float)


def _value(number: PaperNumber | None) -> float:
    return math.nan if number is None or number.value is None else number.value


def numbers(paper: str) -> tuple[PaperNumber, ...]:
    """Return all numbers of a paper.

    Args:
        paper: Short name.

    Raises:
        UsageError: If there is no such paper.
    """
    if paper not in PAPERS:
        raise UsageError(f"no paper {paper!r}: {nearest(paper, PAPERS)}")
    return tuple(_number(line) for line in read_data(f"{paper}.csv", COLUMNS))


def _number(line: Mapping[str, str]) -> PaperNumber:
    value, text, found = line["value"], line["text"], line["status"] != NOT_FOUND
    return PaperNumber(
        paper=line["paper"],
        arxiv=line["arxiv"],
        table=line["table"],
        row=line["row"],
        metric=line["metric"],
        value=float(value) if value else None,
        text=(text or value) if found else None,
        unit=line["unit"],
        higher_is_better=DIRECTIONS[line["higher_is_better"]],
        status=line["status"],
        note=line["note"],
    )


def tables(paper: str) -> tuple[PaperTable, ...]:
    """Return the tables of a paper, in its order.

    Raises:
        UsageError: If there is no such paper.
    """
    of_table: dict[str, list[PaperNumber]] = {}
    for number in numbers(paper):
        of_table.setdefault(number.table, []).append(number)
    about = {
        line["table"]: line
        for line in read_data("tables.csv", ("paper", "table", "title", "setting", "view"))
        if line["paper"] == paper
    }
    return tuple(
        PaperTable(paper, key, about[key]["title"], about[key]["setting"], about[key]["view"], tuple(of_table[key]))
        for key in about
    )


def table(paper: str, key: str) -> PaperTable:
    """Return one table.

    Args:
        paper: Short name of the paper.
        key: Short name of the table.

    Raises:
        UsageError: If there is no such paper or table; the nearest names come first.

    Example:
        >>> table("marble", "S1").cells["MARBLE", "min cos"].value
        0.3721
    """
    known = {one.key: one for one in tables(paper)}
    if key not in known:
        raise UsageError(f"no table {key!r} of {paper}: {nearest(key, known)}")
    return known[key]


def table_by_name(name: str) -> PaperTable:
    """Return a table by its name on the command line.

    Args:
        name: Such as `marble:S1`.

    Raises:
        UsageError: If the form is wrong or there is no such paper or table.
    """
    paper, colon, key = name.partition(":")
    if not colon:
        raise UsageError(f"expected PAPER:TABLE such as marble:1, found {name!r}: {_hint(name)}")
    return table(paper, key)


def _hint(paper: str) -> str:
    return nearest("", [one.name for one in tables(paper)]) if paper in PAPERS else nearest(paper, PAPERS)


def frame(found: Sequence[PaperNumber]) -> "pd.DataFrame":
    """Return numbers as a frame, one a line, with the fields of `PaperNumber` as columns."""
    import pandas as pd

    return pd.DataFrame([vars(number) for number in found], columns=list(COLUMNS))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the part of an error line that names what is known, the most similar names first.

    Example:
        >>> nearest("marbel", ["crd", "marble"])
        'expected one of marble, crd'
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.3)
    return "expected one of " + ", ".join(close + [other for other in names if other not in close])


def read_data(name: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the lines of a shipped file.

    Args:
        name: File name in `data/`.
        columns: Columns that it has.

    Raises:
        ValueError: If its columns are others.
    """
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        lines = list(reader)
    if tuple(reader.fieldnames or ()) != tuple(columns):
        raise ValueError(f"{name}: expected columns {', '.join(columns)}, found {reader.fieldnames}")
    return lines
