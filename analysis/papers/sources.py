"""Which command would make a paper's numbers again: at real scale, and in the small suite that stands in for it."""

import re
from dataclasses import dataclass
from typing import Any

from analysis.papers.tables import PaperTable, read_data

COLUMNS = (
    "paper", "table", "row", "suite", "benchmark", "method", "command", "reason",
    "miniature_suite", "miniature_benchmark", "miniature_method", "miniature_command", "miniature_reason",
)  # fmt: skip
AND = " && "


@dataclass(frozen=True)
class Route:
    """A command, and what it runs.

    Attributes:
        suites: Names of suites; none for a command that runs no suite, or where there is no command.
        benchmarks: Names of their benchmarks.
        methods: Names of methods; `base` is the model before training; none for all of the suite.
        command: The command, several of them joined by `&&`; empty where nothing here makes the numbers again.
        remark: Why there is no command, or what differs from the paper.
    """

    suites: tuple[str, ...]
    benchmarks: tuple[str, ...]
    methods: tuple[str, ...]
    command: str
    remark: str

    def __post_init__(self) -> None:
        """Check that what has no command has a reason.

        Raises:
            ValueError: If it has none.
        """
        if not self.command and not self.remark:
            raise ValueError("expected a command, or the reason why there is none, found neither")

    def line(self) -> str:
        """Return the command with its remark, or that there is none and why."""
        if not self.command:
            return f"none: {self.remark}"
        return f"{self.command}  # {self.remark}" if self.remark else self.command


@dataclass(frozen=True)
class Source:
    """How the numbers of a table, or of one of its rows, are made again.

    Attributes:
        row: The row, empty for all rows that have no source of their own.
        real: At the scale of the paper.
        miniature: In a small suite.
    """

    row: str
    real: Route
    miniature: Route


def sources_of(table: PaperTable) -> tuple[Source, ...]:
    """Return the sources of a table, in the order of the file."""
    return tuple(
        Source(line["row"], _route(line, ""), _route(line, "miniature_"))
        for line in read_data("sources.csv", COLUMNS)
        if (line["paper"], line["table"]) == (table.paper, table.key)
    )


def _route(line: dict[str, str], prefix: str) -> Route:
    return Route(
        suites=tuple(line[f"{prefix}suite"].split()),
        benchmarks=tuple(line[f"{prefix}benchmark"].split()),
        methods=tuple(line[f"{prefix}method"].split()),
        command=line[f"{prefix}command"],
        remark=line[f"{prefix}reason"],
    )


def source_of(sources: tuple[Source, ...], row: str) -> Source:
    """Return the source of a row: its own, else the one for all rows.

    Raises:
        ValueError: If there is none.
    """
    for wanted in (row, ""):
        for source in sources:
            if source.row == wanted:
                return source
    raise ValueError(f"row {row!r}: expected a source, found none")


def miniature_folders(sources: tuple[Source, ...]) -> tuple[tuple[str, str], ...]:
    """Return suite and benchmark of the small suites that stand in for a table.

    Those of the table as a whole where it has such a source, else those of its rows.
    """
    general = [source for source in sources if not source.row] or list(sources)
    pairs = [(suite, name) for one in general for suite in one.miniature.suites for name in one.miniature.benchmarks]
    return tuple(dict.fromkeys(pairs))


def commands(sources: tuple[Source, ...], *, miniature: bool) -> tuple[str, ...]:
    """Return what makes a table again, each command once, or `none: ` and why.

    Those of the table as a whole where it has such a source, else those of its rows.

    Args:
        sources: Of the table.
        miniature: Those of the small suites instead.
    """
    general = [source for source in sources if not source.row] or list(sources)
    routes = [source.miniature if miniature else source.real for source in general]
    return tuple(dict.fromkeys(route.command or route.line() for route in routes))


def source_json(source: Source) -> dict[str, Any]:
    """Return a source as JSON data."""
    return {"row": source.row or None, "real": _json(source.real), "miniature": _json(source.miniature)}


def _json(route: Route) -> dict[str, Any]:
    return {**vars(route), "command": route.command or None, "remark": route.remark or None}


def words_of(command: str) -> list[str]:
    """Return the single commands of a line.

    Example:
        >>> words_of("flowfront run a && flowfront run b")
        ['flowfront run a', 'flowfront run b']
    """
    return [part for part in re.split(AND, command) if part]
