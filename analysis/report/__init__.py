"""The report of a suite: tables, pictures and pages, written beside the records they rest on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.pictures import Exhibition
from analysis.report.across import across_table
from analysis.report.commands import commands_of
from analysis.report.depth_page import Depth, depth_of
from analysis.report.drawings import drawings_of
from analysis.report.gradient_tables import gradient_parts_table, gradient_table
from analysis.report.headline import full_table, headline_table
from analysis.report.held_out_tables import held_out_table
from analysis.report.ledger_section import ledger_section
from analysis.report.notes import notes_of
from analysis.report.pages import html_page, markdown_page
from analysis.report.paper import paper_files
from analysis.report.picture_page import exhibitions_of
from analysis.report.sampler_page import NAME, sampler_section, sampler_table
from analysis.report.section import Section
from analysis.report.single_models import single_model_table
from analysis.report.studio import Studio
from analysis.report.words import words_of
from analysis.samplers import SamplerStudy, read_study
from analysis.summary import Summary, summarize
from analysis.tables import Table
from benchmarks.records import RUN_FILE, RecordError, StoredRun, find_runs, write_files

__all__ = ["Report", "write_report"]

REPORT_FOLDER, PAPER_FOLDER = "report", "paper"
LEDGER = Path("ledger") / "claims.json"
"""Where `flowfront reproduce --ledger` writes below the folder of all suites."""
MANY_RUNS = 24
"""From so many on, helpers are hired: for fewer they would take longer to start than to draw."""


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


@dataclass(frozen=True, eq=False)
class _Known:
    """Everything a suite's report is made of."""

    folder: Path
    summary: Summary
    study: SamplerStudy | None
    shown: tuple[Exhibition, ...]
    depth: Depth
    ledger: Section | None


def write_report(folder: Path, *, ledger: Path | None = None, paper: str | None = None, helpers: int = 0) -> Report:
    """Write `<suite>/report/` for every suite with runs at or below a folder.

    A part of a suite (a benchmark, a method) is reported with the whole suite, so that a report is never thinner
    than the records beside it.

    Args:
        folder: The output folder of runs, a suite's folder, or anything below one.
        ledger: A `claims.json` to show; without it the one in `ledger/` beside the suite, if there is one.
        paper: Whose column widths (`icml`, `cvpr`, `neurips`) the figures of `report/paper/` have, which holds them as
            PDF and SVG, and LaTeX tables; None writes no such folder.
        helpers: Further processes that draw where there is much to draw; see `analysis.report.studio.Studio`.

    Raises:
        RecordError: If there is no finished run, runs must not be compared, or the report cannot be written.
        KeyError: If there are no widths of that name.
    """
    runs = find_runs(folder.resolve())
    suites = _suites_of(runs)
    with Studio(helpers if len(runs) >= MANY_RUNS else 0) as studio:
        known = [_read(suite, ledger) for suite in suites]
        for one in known:
            _write(one, studio)
    if paper is not None:
        _write_papers(known, paper)
    return _report(folder, known)


def _write_papers(known: Sequence[_Known], name: str) -> None:
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots.paper_style import PAGES

    for one in known:
        files = paper_files(one.summary, one.depth, one.shown, PAGES[name])
        write_files({one.folder / PAPER_FOLDER / file: content for file, content in files.items()})


def _suites_of(runs: Sequence[StoredRun]) -> list[Path]:
    """Return the folders of the suites that runs belong to; a run elsewhere has none, whatever lies above it."""
    for run in runs:
        record = run.record
        # The suite's own folder may have been renamed.
        place = (record.benchmark.name, record.method.name, f"seed{record.seed}")
        if run.folder.parts[-3:] != place:
            raise RecordError(
                f"{run.folder / RUN_FILE}: expected in a folder {'/'.join(place)}, "
                f"found {'/'.join(run.folder.parts[-3:])}"
            )
    return sorted({run.folder.parents[2] for run in runs})


def _report(folder: Path, known: Sequence[_Known]) -> Report:
    several, summaries = len(known) > 1, [one.summary for one in known]
    tables = [headline_table(summary, with_suite=several) for summary in summaries]
    notes = [(f"{summary.suite}: " if several else "") + note for summary in summaries for note in notes_of(summary)]
    rows = tuple(row for table in tables for row in table.rows)
    table = Table(tables[0].columns, rows, tables[0].notes).without_empty()
    study = known[0].study
    return Report(
        folder=folder if several else known[0].folder,
        folders=tuple(one.folder for one in known),
        table=table if several or study is None else sampler_table(study),
        rows=tuple(row for summary in summaries for row in summary.to_json()),
        notes=tuple(notes),
    )


def _read(suite: Path, ledger: Path | None) -> _Known:
    summary = summarize(suite)
    path = suite.parent / LEDGER if ledger is None else ledger
    return _Known(
        folder=suite / REPORT_FOLDER,
        summary=summary,
        study=read_study(suite, summary),
        shown=exhibitions_of(summary),
        depth=depth_of(summary),
        ledger=ledger_section(path, summary.suite),
    )


def _write(known: _Known, studio: Studio) -> None:
    """Write all files of one suite's report."""
    summary, depth = known.summary, known.depth
    notes, headline, words = notes_of(summary), headline_table(summary), words_of(summary, depth)
    pictures = studio.draw(drawings_of(summary, known.study, known.shown, depth))
    extra = () if known.study is None else (sampler_section(known.study),)
    page = html_page(
        summary,
        pictures,
        notes,
        extra,
        depth,
        exhibitions=known.shown,
        words=words,
        ledger=known.ledger,
        commands=commands_of(summary),
    )
    texts = _table_texts(summary, known.study, depth) | {
        "summary.json": json.dumps(summary.to_json(), indent=1, allow_nan=False) + "\n",
        "summary.md": headline.to_markdown(),
        "summary.csv": full_table(summary).to_csv(),
        "summary.tex": headline.to_latex(),
        "README.md": markdown_page(summary, list(pictures), notes, extra, depth, words=words),
        "index.html": page,
    }
    files: Mapping[str, bytes] = {f"{name}.png": png for name, png in pictures.items()}
    files = {**files, **{name: text.encode() for name, text in texts.items()}}
    write_files({known.folder / name: content for name, content in files.items()})


def _table_texts(summary: Summary, study: SamplerStudy | None, depth: Depth) -> dict[str, str]:
    """Return the tables beside the headline by file name, in three renderings each; empty ones are left out."""
    tables = {
        "across": across_table(summary),
        "gradients": gradient_table(summary),
        "gradient-parts": gradient_parts_table(summary),
    }
    tables |= {f"single-models-{part.record.name}": single_model_table(part) for part in summary.benchmarks}
    tables |= {f"held-out-{part.record.name}": held_out_table(part) for part in summary.benchmarks}
    tables |= depth.tables
    tables |= {} if study is None else {NAME: sampler_table(study)}
    texts: dict[str, str] = {}
    for name, table in tables.items():
        if table.rows:
            texts |= {f"{name}.md": table.to_markdown(), f"{name}.csv": table.to_csv(), f"{name}.tex": table.to_latex()}
    return texts
