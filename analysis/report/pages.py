"""The two pages of a report: README.md, which links the pictures, and index.html, which holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analysis.pictures import Exhibition
from analysis.report import across, control_table, gradient_tables, held_out_tables, picture_page, single_models
from analysis.report.assets import SCRIPTS, STYLES, asset, content_policy, json_text
from analysis.report.depth_page import CONTROL, Depth, depth_sections, pictures_of
from analysis.report.explorer import explorer_data
from analysis.report.explorer_pictures import Gallery, galleries_of
from analysis.report.headline import comparison_table, headline_table, indicator_table
from analysis.report.html_parts import EXPLORER_SHARE, LIMIT, fitting, page_sections
from analysis.report.notes import invariants_line, origins
from analysis.report.phrases import counted
from analysis.report.section import Section
from analysis.report.single_models import single_model_table
from analysis.summary import Summary
from analysis.tables import markdown_text

if TYPE_CHECKING:
    from markupsafe import Markup

    from analysis.report.commands import Command
    from analysis.report.words import Words

SEEN = 8
"""Notes that are not folded."""
RESERVE = 100_000
"""Bytes for what is not known before the pictures are chosen."""
GRADIENT_PICTURES = ("gradients-", "gradient-parts-", "coefficients-")

READING = (
    "A method's points are its mean rewards over prompts and samples, one point a preference. Each method stands with "
    "its last checkpoint; `name @ 20 %` is the same method at that share of its training cost. `M evals` counts all "
    "models of a front, `each` one of them: compare rows of equal `M evals` for equal total cost, and rows of equal "
    "`each` for equal cost of a model."
)


DISTANCES = (
    "IGD+: how far a method's points fall short of a reference front, the mean over the points of that front. "
    "Epsilon+: how much they would have to rise in every reward to equal or beat all of that front. Expected utility: "
    "the largest weighted sum of rewards that they offer, the mean over all weights; more is better. Gains are means "
    "over all points of a method."
)


def sections_of(
    summary: Summary, pictures: Sequence[str], extra: Sequence[Section] = (), depth: Depth | None = None
) -> list[Section]:
    """Return the sections that have a table with rows or a picture, in order, without their empty tables.

    Args:
        summary: The suite.
        pictures: Names of the pictures without their endings, in order.
        extra: Sections of what this suite alone has, which come first.
        depth: What is known of the fronts besides their volume, or None to leave that out.
    """
    of_gradients = tuple(name for name in pictures if name.startswith(GRADIENT_PICTURES))
    of_extra = {name for section in extra for name in section.pictures}
    of_samples = tuple(name for name in pictures if name.startswith(picture_page.PREFIXES))
    of_control = pictures_of(CONTROL, tuple(pictures))
    further = () if depth is None else depth_sections(depth, tuple(pictures))
    of_further = {name for section in further for name in section.pictures}
    elsewhere = {*of_gradients, *of_samples, *of_extra, *of_control, *of_further}
    of_results = tuple(name for name in pictures if name not in elsewhere)
    single = tuple((part.record.name, single_model_table(part)) for part in summary.benchmarks)
    held_out = tuple((part.record.name, held_out_tables.held_out_table(part)) for part in summary.benchmarks)
    control = tuple((part.record.name, control_table.control_table(part)) for part in summary.benchmarks)
    lead = (gradient_tables.EXPLANATION, *gradient_tables.gradient_lines(summary))
    sections: list[Section] = [
        Section("Methods across benchmarks", (across.EXPLANATION,), (("", across.across_table(summary)),)),
        Section("Results", (), (("", headline_table(summary)),), (READING,), of_results),
        Section("Single models", (single_models.EXPLANATION,), single),
        Section("Held-out changes", (held_out_tables.EXPLANATION,), held_out),
        Section("Control", (control_table.EXPLANATION,), control, (), of_control),
        *further,
        Section("Pictures", picture_page.captions(of_samples), (), (), of_samples),
        Section("Gradients", lead, (("", gradient_tables.gradient_table(summary)),), (), of_gradients),
        Section("Distances and gains", (DISTANCES,), (("", indicator_table(summary)),)),
        Section("Paired comparisons", (), (("", comparison_table(summary)),)),
    ]
    kept = [replace(one, tables=tuple(pair for pair in one.tables if pair[1].rows)) for one in sections]
    return [*extra, *(section for section in kept if section.tables or section.pictures or section in further)]


def markdown_page(
    summary: Summary,
    pictures: Sequence[str],
    notes: Sequence[str],
    extra: Sequence[Section] = (),
    depth: Depth | None = None,
    *,
    words: "Sequence[Words]" = (),
) -> str:
    """Return README.md of a report.

    Args:
        summary: The suite.
        pictures: Names of the pictures without their endings, in order.
        notes: What limits the claims.
        extra: Sections of what this suite alone has.
        depth: What is known of the fronts besides their volume, or None to leave that out.
        words: The report in plain words, which come first.
    """
    lines = [f"# {_title(summary)}", "", invariants_line(summary.runs), ""]
    for block in words:
        lines += [f"## {block.heading}", ""] if block.heading else []
        lines += [" ".join(block.told), "", *(f"- {line}" for line in block.advice), ""]
        lines += [" ".join(block.folded), ""] if block.folded else []
    if notes:
        lines += ["## Notes", "", *(f"- {markdown_text(note)}" for note in notes), ""]
    for section in sections_of(summary, pictures, extra, depth):
        lines += [f"## {section.heading}", "", *(f"{sentence}\n" for sentence in section.lead)]
        for title, table in section.tables:
            lines += [f"### {title}", ""] if title else []
            lines.append(table.to_markdown())
        lines += [f"{sentence}\n" for sentence in section.after]
        lines += [f"![{name}]({name}.png)\n" for name in section.pictures]
    lines += ["## Origin", "", *(f"- {name}: {value}" for name, value in origins(summary)), ""]
    return "\n".join(lines)


def html_page(
    summary: Summary,
    pictures: Mapping[str, bytes],
    notes: Sequence[str],
    extra: Sequence[Section] = (),
    depth: Depth | None = None,
    *,
    exhibitions: Sequence[Exhibition] = (),
    words: "Sequence[Words]" = (),
    ledger: Section | None = None,
    commands: "Sequence[Command]" = (),
) -> str:
    """Return index.html of a report: one file below 10 MB that needs no other and no network.

    Args:
        summary: The suite.
        pictures: PNG by name, in order.
        notes: What limits the claims.
        extra: Sections of what this suite alone has.
        depth: What is known of the fronts besides their volume, or None to leave that out.
        exhibitions: Pictures for the explorer; as many as fit are taken.
        words: The report in plain words, which come first.
        ledger: The ledger of claims, which comes behind all other sections.
        commands: Commands that make the runs again.

    Raises:
        RecordError: If a sheet of pictures is missing or damaged.
    """
    sections = [*sections_of(summary, list(pictures), extra, depth), *([] if ledger is None else [ledger])]

    def page(texts: Mapping[str, str], galleries: Mapping[str, Gallery], left_out: Sequence[str]) -> str:
        data = explorer_data(summary, galleries)
        return _rendered(
            title=_title(summary),
            provenance=_provenance(summary),
            words=words,
            seen=SEEN,
            notes=notes,
            left_out=left_out,
            data=json_text(data) if data["benchmarks"] else "",
            moving=any(method["follows"] for one in data["benchmarks"] for method in one["methods"]),
            sections=page_sections(sections, texts),
            commands=commands,
            origins=origins(summary),
        )

    # Everything but pictures must be there, so what it needs is known before they are chosen.
    room = LIMIT - RESERVE - len(page({}, {}, ()).encode())
    texts = fitting(pictures, room)
    left = room - sum(map(len, texts.values()))
    galleries, left_out = galleries_of(exhibitions, min(left, EXPLORER_SHARE))
    return page(texts, galleries, left_out)


def _rendered(**parts: Any) -> str:
    import jinja2

    environment = jinja2.Environment(autoescape=True)
    environment.filters["spans"] = _spans
    scripts = {name: asset(name) for name in SCRIPTS}
    return environment.from_string(asset("page.html")).render(
        policy=content_policy(scripts), styles=[asset(name) for name in STYLES], scripts=scripts.values(), **parts
    )


def _spans(text: str) -> "Markup":
    """Return a sentence as HTML, what stands between backticks as code."""
    from markupsafe import Markup, escape

    pieces = str(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if index % 2 and index + 1 < len(pieces) else escape(piece)
        for index, piece in enumerate(pieces)
    )


def _provenance(summary: Summary) -> str:
    seeds = {run.record.seed for run in summary.runs}
    counts = (
        counted(len(summary.methods), "method"),
        counted(len(summary.benchmarks), "benchmark"),
        counted(len(seeds), "seed"),
    )
    return f"{', '.join(counts)}. {invariants_line(summary.runs)}."


def _title(summary: Summary) -> str:
    return f"Report on suite {summary.suite}"
