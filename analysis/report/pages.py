"""The two pages of a report: README.md, which links the pictures, and index.html, which holds them."""

import base64
from collections.abc import Mapping, Sequence

from analysis.report.headline import comparison_table, headline_table, indicator_table
from analysis.report.notes import invariants_line, origins
from analysis.summary import Summary

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
{% for heading, table, remarks in tables %}<h2>{{ heading }}</h2>
<div class="table">{{ table | safe }}</div>
{% for remark in remarks %}<p class="quiet">{{ remark }}</p>{% endfor %}
{% if loop.first %}<p class="quiet">{{ reading }}</p>
{% for name, data in pictures %}<img alt="{{ name }}" src="data:image/png;base64,{{ data }}">{% endfor %}{% endif %}
{% endfor %}<h2>Origin</h2>
<div class="table"><table><tbody>{% for name, value in origins %}<tr><td>{{ name }}</td><td>{{ value }}</td></tr>
{% endfor %}</tbody></table></div>
</body>
</html>
"""


def markdown_page(summary: Summary, pictures: Sequence[str], notes: Sequence[str]) -> str:
    """Return README.md of a report.

    Args:
        summary: The suite.
        pictures: Names of the pictures without their endings, in order.
        notes: What limits the claims.
    """
    lines = [f"# {_title(summary)}", "", invariants_line(summary.runs), ""]
    if notes:
        lines += ["## Notes", "", *(f"- {note}" for note in notes), ""]
    lines += ["## Results", "", headline_table(summary).to_markdown(), READING, ""]
    lines += [f"![{name}]({name}.png)\n" for name in pictures]
    lines += ["## Distances and gains", "", indicator_table(summary).to_markdown()]
    comparisons = comparison_table(summary)
    if comparisons.rows:
        lines += ["## Paired comparisons", "", comparisons.to_markdown()]
    lines += ["## Origin", "", *(f"- {name}: {value}" for name, value in origins(summary)), ""]
    return "\n".join(lines)


def html_page(summary: Summary, pictures: Mapping[str, bytes], notes: Sequence[str]) -> str:
    """Return index.html of a report: one file that needs no other and no network.

    Args:
        summary: The suite.
        pictures: PNG by name, in order.
        notes: What limits the claims.
    """
    import jinja2

    tables = [
        (heading, table.to_html(), table.notes)
        for heading, table in (
            ("Results", headline_table(summary)),
            ("Distances and gains", indicator_table(summary)),
            ("Paired comparisons", comparison_table(summary)),
        )
        if table.rows
    ]
    template = jinja2.Environment(autoescape=True).from_string(PAGE)
    return template.render(
        title=_title(summary),
        line=invariants_line(summary.runs),
        notes=notes,
        tables=tables,
        reading=READING.replace("`", ""),
        pictures=[(name, base64.b64encode(data).decode()) for name, data in pictures.items()],
        origins=origins(summary),
    )


def _title(summary: Summary) -> str:
    return f"Report on suite {summary.suite}"
