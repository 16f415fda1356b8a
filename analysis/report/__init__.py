"""The report of a suite: tables, pictures and pages, written beside the records they rest on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.report.headline import full_table, headline_table
from analysis.report.notes import notes_of
from analysis.report.pages import html_page, markdown_page
from analysis.summary import Summary, summarize
from analysis.tables import Table
from benchmarks.records import find_runs, write_bytes

__all__ = ["Report", "write_report"]

REPORT_FOLDER = "report"


@dataclass(frozen=True)
class Report:
    """What was reported.

    Attributes:
        folder: The folder the report was written to; of several suites, the folder that holds them.
        folders: The folder of each suite's report.
        table: The headline, for the terminal.
        rows: One object for each benchmark, method and checkpoint, as in `summary.json`.
        notes: What limits the claims: unfinished runs, failed invariants, single seeds.
    """

    folder: Path
    folders: tuple[Path, ...]
    table: Table
    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


def write_report(folder: Path) -> Report:
    """Write `<suite>/report/` for every suite with runs at or below a folder.

    A part of a suite (a benchmark, a method) is reported with the whole suite, so that a report is never thinner
    than the records beside it.

    Args:
        folder: The output folder of runs, a suite's folder, or anything below one.

    Raises:
        RecordError: If there is no finished run, runs must not be compared, or the report cannot be written.
    """
    suites = sorted({run.folder.parents[2] for run in find_runs(folder.resolve())})
    summaries = [summarize(suite) for suite in suites]
    for suite, summary in zip(suites, summaries, strict=True):
        _write(suite / REPORT_FOLDER, summary)
    several = len(suites) > 1
    tables = [headline_table(summary, with_suite=several) for summary in summaries]
    notes = [(f"{summary.suite}: " if several else "") + note for summary in summaries for note in notes_of(summary)]
    return Report(
        folder=folder if several else suites[0] / REPORT_FOLDER,
        folders=tuple(suite / REPORT_FOLDER for suite in suites),
        table=Table(tables[0].columns, tuple(row for table in tables for row in table.rows), tables[0].notes),
        rows=tuple(row for summary in summaries for row in summary.to_json()),
        notes=tuple(notes),
    )


def _write(folder: Path, summary: Summary) -> None:
    """Write all files of one suite's report."""
    notes, headline = notes_of(summary), headline_table(summary)
    pictures = _pictures(summary)
    files: dict[str, bytes] = {f"{name}.png": png for name, (png, _) in pictures.items()}
    files |= {f"{name}.svg": svg for name, (_, svg) in pictures.items()}
    texts = {
        "summary.json": json.dumps(summary.to_json(), indent=1, allow_nan=False) + "\n",
        "summary.md": headline.to_markdown(),
        "summary.csv": full_table(summary).to_csv(),
        "summary.tex": headline.to_latex(),
        "README.md": markdown_page(summary, list(pictures), notes),
        "index.html": html_page(summary, {name: png for name, (png, _) in pictures.items()}, notes),
    }
    files |= {name: text.encode() for name, text in texts.items()}
    for name, content in files.items():
        write_bytes(folder / name, content)


def _pictures(summary: Summary) -> dict[str, tuple[bytes, bytes]]:
    """Return PNG and SVG by name, the overview first."""
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots import assign_looks, drawing, front_figure, overview_figure, render

    looks = assign_looks(summary.methods)
    with drawing():
        pictures = {"overview": render(overview_figure(summary, looks))}
        for part in summary.benchmarks:
            pictures[f"fronts-{part.record.name}"] = render(front_figure(part, looks))
    return pictures
