"""The report of a suite: tables, pictures and pages, written beside the records they rest on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.pictures import Exhibition
from analysis.report.across import across_table
from analysis.report.depth_page import Depth, depth_figures, depth_of
from analysis.report.gradient_tables import gradient_parts_table, gradient_table
from analysis.report.headline import full_table, headline_table
from analysis.report.held_out_tables import held_out_table
from analysis.report.notes import notes_of
from analysis.report.pages import html_page, markdown_page
from analysis.report.picture_page import exhibitions_of, picture_figures
from analysis.report.sampler_page import NAME, sampler_figures, sampler_section, sampler_table
from analysis.report.single_models import single_model_table
from analysis.samplers import SamplerStudy, read_study
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
    studies = [read_study(suite, summary) for suite, summary in zip(suites, summaries, strict=True)]
    exhibitions = [exhibitions_of(summary) for summary in summaries]
    for suite, summary, study, shown in zip(suites, summaries, studies, exhibitions, strict=True):
        _write(suite / REPORT_FOLDER, summary, study, shown)
    several = len(suites) > 1
    tables = [headline_table(summary, with_suite=several) for summary in summaries]
    notes = [(f"{summary.suite}: " if several else "") + note for summary in summaries for note in notes_of(summary)]
    table = Table(tables[0].columns, tuple(row for table in tables for row in table.rows), tables[0].notes)
    return Report(
        folder=folder if several else suites[0] / REPORT_FOLDER,
        folders=tuple(suite / REPORT_FOLDER for suite in suites),
        table=table if several or studies[0] is None else sampler_table(studies[0]),
        rows=tuple(row for summary in summaries for row in summary.to_json()),
        notes=tuple(notes),
    )


def _write(folder: Path, summary: Summary, study: SamplerStudy | None, shown: Sequence[Exhibition]) -> None:
    """Write all files of one suite's report."""
    notes, headline, depth = notes_of(summary), headline_table(summary), depth_of(summary)
    pictures, extra = _pictures(summary, study, shown, depth), () if study is None else (sampler_section(study),)
    files: dict[str, bytes] = {f"{name}.png": png for name, (png, _) in pictures.items()}
    files |= {f"{name}.svg": svg for name, (_, svg) in pictures.items()}
    texts = _table_texts(summary, study, depth) | {
        "summary.json": json.dumps(summary.to_json(), indent=1, allow_nan=False) + "\n",
        "summary.md": headline.to_markdown(),
        "summary.csv": full_table(summary).to_csv(),
        "summary.tex": headline.to_latex(),
        "README.md": markdown_page(summary, list(pictures), notes, extra, depth),
        "index.html": html_page(summary, {name: png for name, (png, _) in pictures.items()}, notes, extra, depth),
    }
    files |= {name: text.encode() for name, text in texts.items()}
    for name, content in files.items():
        write_bytes(folder / name, content)


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


def _pictures(
    summary: Summary, study: SamplerStudy | None, shown: Sequence[Exhibition], depth: Depth
) -> dict[str, tuple[bytes, bytes]]:
    """Return PNG and SVG by name, the overview first, then fronts, further views of them, samples and gradients."""
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots import (
        assign_looks,
        coefficient_figure,
        cosine_figure,
        drawing,
        front_figure,
        overview_figure,
        part_figure,
        render,
    )

    looks = assign_looks(summary.methods)
    with drawing():
        pictures = {"overview": render(overview_figure(summary, looks))}
        for part in summary.benchmarks:
            pictures[f"fronts-{part.record.name}"] = render(front_figure(part, looks))
        pictures |= {name: render(figure) for name, figure in depth_figures(depth, looks).items()}
        for one in shown:
            pictures |= {name: render(figure) for name, figure in picture_figures(one, looks)}
        for part in summary.benchmarks:
            figures = {"gradients": cosine_figure, "gradient-parts": part_figure, "coefficients": coefficient_figure}
            for kind, draw in figures.items():
                figure = draw(part)
                if figure is not None:
                    pictures[f"{kind}-{part.record.name}"] = render(figure)
        if study is not None:
            pictures |= {name: render(figure) for name, figure in sampler_figures(study).items()}
    return pictures
