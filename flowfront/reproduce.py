"""The papers' numbers as lines of text, Markdown, CSV and JSON, beside what the small suites have of them."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.claims.catalog import CLAIMS
from analysis.papers.layout import WIDTH, paper_table, to_lines
from analysis.papers.miniature import VIEWS, Miniature, joined, miniatures
from analysis.papers.sources import Source, commands, source_json, sources_of
from analysis.papers.tables import PAPERS, STATUSES, PaperTable, numbers, table_by_name, tables
from benchmarks.records import UsageError

CAUTION = "rewards, backbone and scale are others than the paper's: compare directions, not values"
COMPOSITE = "; a composite ranks the lines of its own table alone"
DEFAULT_RESULTS = Path("results") / "reference"


@dataclass(frozen=True, eq=False)
class Reproduction:
    """A table of a paper, what would make it again, and what the small suites have.

    Attributes:
        table: The paper's table.
        sources: Commands for the whole and for its rows.
        miniatures: What was found in the records, one entry a benchmark.
        results: Where the records were looked for.
    """

    table: PaperTable
    sources: tuple[Source, ...]
    miniatures: list[Miniature]
    results: Path

    @property
    def label(self) -> str:
        """What the paper's numbers are of."""
        return f"paper ({self.table.setting})"

    @property
    def absence(self) -> str | None:
        """Why nothing stands beside the paper's table, None where something does."""
        if self.miniatures:
            return None
        if not self.table.view:
            return "miniature: no table stands beside this one; the commands below say what there is"
        return f"miniature: no records below {self.results}; the commands below make them"


def reproduction(name: str, results: Path | None) -> Reproduction:
    """Return a table of a paper with what the records say.

    Args:
        name: Such as `marble:1`.
        results: Folder of the small suites' records, None for the project's own if they are there.

    Raises:
        UsageError: If there is no such table, no such folder, or its records are damaged.
    """
    table = table_by_name(name)
    if results is not None and not results.is_dir():
        raise UsageError(f"--results: expected a folder of records, found none at {results}")
    folder = DEFAULT_RESULTS if results is None else results
    sources = sources_of(table)
    return Reproduction(table, sources, miniatures(table, sources, folder), folder)


def to_text(found: Reproduction) -> str:
    """Return the tables one below the other, at most 100 characters a line but for the commands."""
    lines = [found.table.heading, "", found.label, *to_lines(paper_table(found.table))]
    for one in found.miniatures:
        lines += ["", one.label, *textwrap.wrap(caution(one), WIDTH, subsequent_indent="  "), *to_lines(one.table)]
    lines += [] if found.absence is None else ["", found.absence]
    return "\n".join([*lines, "", *_command_lines(found)]) + "\n"


def caution(one: Miniature) -> str:
    """Return what a reader must not do with a miniature's numbers."""
    return CAUTION + (COMPOSITE if any(column.key == "composite" for column in one.table.columns) else "")


def _command_lines(found: Reproduction) -> list[str]:
    lines = []
    for title, miniature in (("commands at real scale", False), ("commands of the miniature", True)):
        lines += [title]
        for rows, line in _commands_by_rows(found.sources, miniature=miniature):
            lines += [f"  {rows}: {line}" if rows else f"  {line}"]
    return lines


def _commands_by_rows(sources: Sequence[Source], *, miniature: bool) -> list[tuple[str, str]]:
    """Return each line once, with the rows that it makes; those for all rows first."""
    rows: dict[str, list[str]] = {}
    for source in sources:
        rows.setdefault((source.miniature if miniature else source.real).line(), []).append(source.row)
    pairs = [("; ".join(name for name in names if name), line) for line, names in rows.items()]
    general = {line for line, names in rows.items() if "" in names}
    return [("", line) for _, line in pairs if line in general] + [pair for pair in pairs if pair[1] not in general]


def to_markdown(found: Reproduction) -> str:
    """Return a page: the paper's table, the small suites' tables, the commands."""
    parts = [f"## {found.table.heading}", f"### {found.label}", paper_table(found.table).to_markdown()]
    for one in found.miniatures:
        parts += [f"### {one.label}", caution(one), one.table.to_markdown()]
    parts += [] if found.absence is None else [found.absence]
    for title, miniature in (("Commands at real scale", False), ("Commands of the miniature", True)):
        lines = _commands_by_rows(found.sources, miniature=miniature)
        parts += [f"### {title}", "\n".join(f"- {f'{rows}: ' if rows else ''}`{line}`" for rows, line in lines)]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def to_csv(found: Reproduction) -> str:
    """Return both in one table whose columns belong to the paper or to the miniature."""
    return joined(found.table, found.sources, found.miniatures).to_csv()


def to_json(found: Reproduction) -> dict[str, Any]:
    """Return everything as JSON data."""
    own = [
        {"label": one.label, "suite": one.suite, "benchmark": one.benchmark, "seeds": list(one.seeds),
         "rewards": list(one.rewards), "rows": list(one.rows)}
        for one in found.miniatures
    ]  # fmt: skip
    return {
        "table": found.table.name,
        "paper": {"label": found.label, **_about(found.table), "numbers": [vars(n) for n in found.table.numbers]},
        "miniature": own,
        "results": str(found.results),
        "sources": [source_json(source) for source in found.sources],
    }


def _about(table: PaperTable) -> dict[str, Any]:
    return {
        "name": PAPERS[table.paper], "arxiv": table.numbers[0].arxiv or None, "title": table.title,
        "setting": table.setting, "rows": list(table.rows), "metrics": list(table.metrics),
    }  # fmt: skip


def catalog() -> list[dict[str, Any]]:
    """Return papers, tables and claims, what is not found, and the commands, as JSON data."""
    return [
        {
            "paper": paper,
            "name": name,
            "arxiv": numbers(paper)[0].arxiv or None,
            "statuses": {status: sum(n.status == status for n in numbers(paper)) for status in STATUSES},
            "tables": [_entry(table) for table in tables(paper)],
            "claims": [{"claim": one.key, "statement": one.statement} for one in CLAIMS if one.paper == paper],
        }
        for paper, name in PAPERS.items()
    ]


def _entry(table: PaperTable) -> dict[str, Any]:
    sources = sources_of(table)
    return {
        "table": table.name,
        "title": table.title,
        "setting": table.setting,
        "numbers": sum(number.found for number in table.numbers),
        "not_found": [f"{number.row}: {number.metric}" for number in table.missing],
        "real": list(commands(sources, miniature=False)),
        "miniature": list(commands(sources, miniature=True)),
        "beside": table.view if table.view in VIEWS else None,
    }


def catalog_lines(content: Sequence[dict[str, Any]]) -> list[str]:
    """Return the catalog as lines."""
    lines: list[str] = []
    for paper in content:
        counts = ", ".join(f"{count} {status}" for status, count in paper["statuses"].items() if count)
        arxiv = f" (arXiv {paper['arxiv']})" if paper["arxiv"] else ""
        lines += [*([""] if lines else []), f"{paper['name']}{arxiv}: {counts}"]
        for table in paper["tables"]:
            lines += _table_lines(table)
        for one in paper["claims"]:
            indent = " " * 33
            lines += textwrap.wrap(f"  {one['claim']:<31}{one['statement']}", WIDTH, subsequent_indent=indent)
    return lines


def _table_lines(table: dict[str, Any]) -> list[str]:
    counts = {f"number{'s' * (table['numbers'] > 1)}": table["numbers"], "not found": len(table["not_found"])}
    counted = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    lines = [f"  {table['table']:<28} {table['title']}: {counted}"]
    for name, title in (("real", "real scale"), ("miniature", "miniature")):
        first, more = table[name][0], len(table[name]) - 1
        lines.append(f"    {title:<11} {first}" + (f"  (and {more} more: --table {table['table']})" if more else ""))
    if table["not_found"]:
        text = f"not found   {'; '.join(table['not_found'])}"
        lines += textwrap.wrap(text, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 16)
    return lines
