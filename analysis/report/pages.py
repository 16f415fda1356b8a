"""The two pages of a report: README.md, which links the pictures, and index.html, which holds them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.report import across, control_table, gradient_tables, held_out_tables, picture_page, single_models
from analysis.report.depth_page import CONTROL, Depth, depth_sections, pictures_of
from analysis.report.headline import comparison_table, headline_table, indicator_table
from analysis.report.notes import invariants_line, origins
from analysis.report.section import Section
from analysis.report.single_models import single_model_table
from analysis.summary import Summary

GRADIENT_PICTURES = ("gradients-", "gradient-parts-", "coefficients-")

READING = (
    "A method's points are its mean rewards over prompts and samples, one point a preference. Each method stands with "
    "its last checkpoint; `name @ 20 %` is the same method at that share of its training cost. `M evals` counts all "
    "models of a front, `per model` each: compare rows of equal `M evals` for equal total cost, and rows of equal "
    "`per model` for equal cost of a model."
)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
 body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 2rem auto; max-width: 72rem;
        padding: 0 1rem; }
 h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
 h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
 .table { overflow-x: auto; }
 table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
 th, td { text-align: left; padding: .3rem .8rem; border-bottom: 1px solid #e4e4e4; white-space: nowrap; }
 th { border-bottom: 2px solid #888; } td.number, th.number { text-align: right; }
 tbody tr:hover { background: #f5f8fb; }
 td:last-child { white-space: normal; }
 img { max-width: 100%; height: auto; display: block; margin: .8rem auto; }
 .quiet { color: #666; font-size: .88rem; } .warning { background: #fff6e0; border-left: 4px solid #e69f00;
 padding: .5rem 1rem; } code { font-size: .9em; }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p class="quiet">{{ line }}</p>
{% if notes %}<div class="warning"><ul>{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul></div>{% endif %}
{% for section in sections %}<h2>{{ section.heading }}</h2>
{% for sentence in section.lead %}<p class="quiet">{{ sentence | replace("`", "") }}</p>
{% endfor %}{% for title, table in section.tables %}{% if title %}<h3>{{ title }}</h3>
{% endif %}<div class="table">{{ table.to_html() | safe }}</div>
{% for note in table.notes %}<p class="quiet">{{ note }}</p>
{% endfor %}{% endfor %}{% for sentence in section.after %}<p class="quiet">{{ sentence | replace("`", "") }}</p>
{% endfor %}{% for name in section.pictures %}<img alt="{{ name }}" src="data:image/png;base64,{{ pictures[name] }}">
{% endfor %}{% endfor %}<h2>Origin</h2>
<div class="table"><table><tbody>{% for name, value in origins %}<tr><td>{{ name }}</td><td>{{ value }}</td></tr>
{% endfor %}</tbody></table></div>
</body>
</html>
"""


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
        Section("Distances and gains", (), (("", indicator_table(summary)),)),
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
) -> str:
    """Return README.md of a report.

    Args:
        summary: The suite.
        pictures: Names of the pictures without their endings, in order.
        notes: What limits the claims.
        extra: Sections of what this suite alone has.
        depth: What is known of the fronts besides their volume, or None to leave that out.
    """
    lines = [f"# {_title(summary)}", "", invariants_line(summary.runs), ""]
    if notes:
        lines += ["## Notes", "", *(f"- {note}" for note in notes), ""]
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
) -> str:
    """Return index.html of a report: one file that needs no other and no network.

    Args:
        summary: The suite.
        pictures: PNG by name, in order.
        notes: What limits the claims.
        extra: Sections of what this suite alone has.
        depth: What is known of the fronts besides their volume, or None to leave that out.
    """
    import jinja2

    template = jinja2.Environment(autoescape=True).from_string(PAGE)
    return template.render(
        title=_title(summary),
        line=invariants_line(summary.runs),
        notes=notes,
        sections=sections_of(summary, list(pictures), extra, depth),
        pictures={name: base64.b64encode(data).decode() for name, data in pictures.items()},
        origins=origins(summary),
    )


def _title(summary: Summary) -> str:
    return f"Report on suite {summary.suite}"
