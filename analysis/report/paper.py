"""Figures and tables of a suite for a paper, and a document that shows all of them with captions to start from.

Figures are PDF (for LaTeX) and SVG (for everything else) at their true size, tables are `tabular` for booktabs without
a float around them, so that a paper decides on place, caption and label.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.pictures import Exhibition
from analysis.report.depth_page import Depth
from analysis.report.headline import best_and_tied
from analysis.report.paper_captions import (
    figure_caption,
    gains_caption,
    headline_caption,
    overview_caption,
    suite_caption,
)
from analysis.report.paper_tables import gains_table, headline_table, suite_table
from analysis.summary import BenchmarkSummary, Summary
from analysis.tables import Table, latex_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.plots.paper_style import Page

DOCUMENT = "main.tex"
MOST_NARROW = 5
"""Columns with intervals up to which a table keeps the size of a footnote."""


@dataclass(frozen=True)
class _Float:
    """What stands in the document: a file, and what LaTeX needs to show it."""

    name: str
    caption: str
    wide: bool
    table: bool


def paper_files(
    summary: Summary, depth: Depth, exhibitions: Sequence[Exhibition], page: "Page | None" = None
) -> dict[str, bytes]:
    """Return everything a paper needs of a suite, by name of the file: figures, tables and `main.tex`.

    Args:
        summary: The suite.
        depth: What is known of it besides.
        exhibitions: The pictures of its benchmarks, of those that have some.
        page: Widths of the paper's columns, as in `analysis.plots.paper_style`; those of ICML if None.

    Raises:
        RecordError: If a sheet of pictures is missing or damaged.
    """
    # Imported here because matplotlib takes as long to load as the numbers to compute.
    from analysis.plots.paper_style import ICML

    widths = ICML if page is None else page
    names = file_names([part.record.name for part in summary.benchmarks])
    files: dict[str, bytes] = {}
    sections: list[tuple[str, list[_Float]]] = []
    across = _table("across", suite_table(summary), suite_caption(summary), wide=True)
    files |= across.files
    leading = list(across.floats)
    for figure, content in _suite_figures(summary, widths):
        files |= content
        leading.append(figure)
    for part in summary.benchmarks:
        name = names[part.record.name]
        tables = [_headline(part, name, depth), _table(f"gains-{name}", gains_table(part), gains_caption(part), True)]
        floats = [one for table in tables for one in table.floats]
        for table in tables:
            files |= table.files
        for figure, content in _figures(summary, part, name, exhibitions, widths):
            files |= content
            floats.append(figure)
        sections.append((part.record.name, floats))
    files[DOCUMENT] = _document(summary, leading, sections, widths).encode()
    return files


def file_names(names: Sequence[str]) -> dict[str, str]:
    """Return a name that LaTeX and every file system take for each name, all different, no dash beside another.

    Example:
        >>> file_names(["two-targets", "a b", "a/b"])
        {'two-targets': 'two-targets', 'a b': 'a-b', 'a/b': 'a-b-2'}
    """
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-") or "unnamed"
        taken, number = {one.lower() for one in found.values()}, 2
        unique = plain
        while unique.lower() in taken:
            unique, number = f"{plain}-{number}", number + 1
        found[name] = unique
    return found


@dataclass(frozen=True)
class _Tabular:
    """A table as a file and as a float, both empty for a table without rows."""

    files: dict[str, bytes]
    floats: tuple[_Float, ...]


def _headline(part: BenchmarkSummary, name: str, depth: Depth) -> _Tabular:
    verdicts = depth.verdicts.get(part.record.name, ())
    clean = {one.method: one.clean_volume for one in verdicts if one.clean_volume is not None}
    caption = headline_caption(part, clean=bool(clean))
    return _table(f"headline-{name}", headline_table(part, clean), caption, wide=False)


def _table(name: str, table: Table, caption: str, wide: bool) -> _Tabular:
    if not table.rows:
        return _Tabular({}, ())
    many = sum(column.intervals for column in table.columns) > MOST_NARROW
    lines = [
        r"% \input this within a table environment; needs \usepackage{booktabs}. For the caption:",
        f"% {caption}",
        rf"\begingroup\{'scriptsize' if many else 'footnotesize'}\setlength{{\tabcolsep}}{{2.5pt}}%",
        table.to_latex().rstrip("\n"),
        r"\endgroup",
    ]
    text = "\n".join(lines) + "\n"
    return _Tabular({f"{name}.tex": text.encode()}, (_Float(name, caption, wide, table=True),))


def _suite_figures(summary: Summary, widths: "Page") -> Iterator[tuple[_Float, dict[str, bytes]]]:
    """Yield the figures of all benchmarks with their files, one at a time."""
    from analysis.plots.paper_style import printing
    from analysis.plots.paper_volumes import suite_figures
    from analysis.plots.style import assign_looks

    marks = {part.record.name: best_and_tied(part) for part in summary.benchmarks}
    with printing():
        figures = suite_figures(summary.benchmarks, assign_looks(summary.methods), widths, marks)
        for number, figure in enumerate(figures, 1):
            name = "overview" if len(figures) == 1 else f"overview-{number}"
            yield _Float(name, overview_caption(summary), wide=True, table=False), _rendered(name, figure)


def _rendered(name: str, figure: "Figure") -> dict[str, bytes]:
    from analysis.plots.paper_style import render_for_print

    pdf, svg = render_for_print(figure)
    return {f"{name}.pdf": pdf, f"{name}.svg": svg}


def _figures(
    summary: Summary, part: BenchmarkSummary, name: str, exhibitions: Sequence[Exhibition], widths: "Page"
) -> Iterator[tuple[_Float, dict[str, bytes]]]:
    """Yield the figures of a benchmark with their files, one at a time."""
    from analysis.plots.paper import paper_figures
    from analysis.plots.paper_style import printing
    from analysis.plots.style import assign_looks

    looks = assign_looks(summary.methods)
    shown = {one.part.record.name: one for one in exhibitions}.get(part.record.name)
    methods = file_names(list(part.fronts))
    with printing():
        for kind, method, figure in paper_figures(part, looks, widths, best_and_tied(part), shown):
            # Two dashes, which no name has: benchmark "a" and method "b-c" are not "a-b" and "c".
            file = f"{kind}-{name}" + (f"--{methods[method]}" if method else "")
            caption = figure_caption(kind, part, method, None if shown is None else shown.seed)
            wide = figure.get_figwidth() > widths.column
            yield _Float(file, caption, wide, table=False), _rendered(file, figure)


def _document(
    summary: Summary, leading: Sequence[_Float], sections: Sequence[tuple[str, list[_Float]]], widths: "Page"
) -> str:
    """Return a document that shows every figure and table at its size, narrow figures two in a row."""
    lines = [
        "% All figures and tables of a report, to look at and to copy from: pdflatex main",
        r"\documentclass{article}",
        rf"\usepackage[letterpaper,textwidth={widths.full}in,textheight=9.5in]{{geometry}}",
        r"\usepackage{booktabs,graphicx}",
        r"\setlength{\belowcaptionskip}{4pt}",
        r"\renewcommand{\topfraction}{1}\renewcommand{\textfraction}{0}\renewcommand{\floatpagefraction}{.8}",
        r"\begin{document}",
        *_shown(f"Suite {summary.suite}", leading, widths),
    ]
    for name, floats in sections:
        lines += _shown(f"Benchmark {name}", floats, widths)
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def _shown(heading: str, floats: Sequence[_Float], widths: "Page") -> list[str]:
    if not floats:
        return []
    lines, waiting = [rf"\section*{{{latex_text(heading)}}}"], list(floats)
    while waiting:
        # Two narrow figures in a row share it.
        pair = [one for one in waiting[:2] if not one.wide and not one.table]
        row = pair if len(pair) == 2 else waiting[:1]
        waiting = waiting[len(row) :]
        environment = "table" if row[0].table else "figure"
        lines += [rf"\begin{{{environment}}}[!htb]\centering"]
        lines += [r"\hfill".join(_box(one, widths.column) for one in row)] if len(row) > 1 else _content(row[0])
        lines += [rf"\end{{{environment}}}"]
    return [*lines, r"\clearpage"]


def _box(one: _Float, width: float) -> str:
    # Without the space boxes stand side by side at their lowest lines.
    return "\n".join([rf"\begin{{minipage}}[t]{{{width}in}}\vspace{{0pt}}", *_content(one), r"\end{minipage}"])


def _content(one: _Float) -> list[str]:
    caption = rf"\caption{{{one.caption}}}\label{{{'tab' if one.table else 'fig'}:{one.name}}}"
    # Captions of tables stand above, of figures below, as the templates of the conferences want it.
    return [caption, rf"\input{{{one.name}}}"] if one.table else [rf"\includegraphics{{{one.name}.pdf}}", caption]
