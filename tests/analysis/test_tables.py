"""Tables, letter by letter."""

import csv
import io

import pytest
from rich.console import Console

from analysis.statistics import interval
from analysis.tables import Cell, Column, Table, format_value

COLUMNS = (
    Column("method", "method", text=True),
    Column("volume", "volume [%]", decimals=2, intervals=True),
    Column("seeds", "seeds"),
)
THREE = interval({0: 1.0, 1: 2.0, 2: 3.0})
TABLE = Table(
    COLUMNS,
    (
        (Cell("pareto_slider @ 20 %"), Cell(THREE, best=True), Cell(3)),
        (Cell("nft|a"), Cell(interval({0: 0.5}), tied=True), Cell(1)),
        (Cell("base"), Cell(None), Cell(None)),
    ),
    ("a note",),
)


def test_text() -> None:
    assert TABLE.to_text() == (
        "method                  volume [%]  seeds\n"
        "--------------------  ------------  -----\n"
        "pareto_slider @ 20 %  2.00 ± 2.48*      3\n"
        "nft|a                        0.50=      1\n"
        "base                             -      -\n"
        "\na note\n"
    )


def test_markdown() -> None:
    assert TABLE.to_markdown() == (
        "| method | volume [%] | seeds |\n"
        "|:--|--:|--:|\n"
        "| pareto_slider @ 20 % | **2.00 ± 2.48** | 3 |\n"
        "| nft\\|a | 0.50= | 1 |\n"
        "| base | - | - |\n"
        "\na note\n"
    )


def test_latex() -> None:
    assert TABLE.to_latex() == (
        "\\begin{tabular}{@{}lrr@{}}\n\\toprule\n"
        "method & volume [\\%] & seeds \\\\\n\\midrule\n"
        "pareto\\_slider @ 20 \\% & \\textbf{2.00\\,$\\pm$\\,2.48} & 3 \\\\\n"
        "nft\\textbar{}a & 0.50\\rlap{$^{=}$} & 1 \\\\\n"
        "base & -- & -- \\\\\n"
        "\\bottomrule\n\\end{tabular}\n% a note\n"
    )


def test_latex_aligns_decimals_and_sets_minus_signs() -> None:
    narrow, wide = interval({0: -1.0, 1: -1.5}), interval({0: 1.0, 1: 9.0})
    rows = ((Cell("a"), Cell(narrow)), (Cell("a-b"), Cell(wide)))
    lines = Table((Column("m", "m", text=True), Column("v", "v", decimals=1, intervals=True)), rows).to_latex()
    assert "a & $-$1.2\\,$\\pm$\\,\\phantom{0}3.2 \\\\" in lines
    assert "a-b & 5.0\\,$\\pm$\\,50.8 \\\\" in lines


def test_latex_sets_groups_apart() -> None:
    columns = (Column("benchmark", "benchmark", text=True), Column("value", "value"))
    rows = tuple((Cell(name), Cell(value)) for name, value in (("a", 1), ("a", 2), ("b", 3)))
    assert Table(columns, rows).to_latex().splitlines()[2:-2] == [
        "benchmark & value \\\\",
        "\\midrule",
        "a & 1 \\\\",
        "a & 2 \\\\",
        "\\midrule",
        "b & 3 \\\\",
    ]
    assert Table(columns, rows[1:]).to_latex().count("midrule") == 1


def test_latex_escapes_everything_special() -> None:
    table = Table((Column("a", "a", text=True),), ((Cell("\\&%$#_{}~^<>|±≈≤≥→\n\N{MINUS SIGN}"),),), ("a\nnote",))
    expected = (
        r"\textbackslash{}\&\%\$\#\_\{\}\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}"
        r"$\pm$$\approx$$\leq$$\geq$$\rightarrow$ $-$ \\"
    )
    assert expected in table.to_latex()
    assert table.to_latex().endswith("% a note\n")


def test_csv_has_full_precision_and_the_ends_of_intervals() -> None:
    rows = list(csv.DictReader(io.StringIO(TABLE.to_csv())))
    assert list(rows[0]) == ["method", "volume", "volume_low", "volume_high", "seeds"]
    assert float(rows[0]["volume_low"]) == THREE.low
    assert (rows[1]["volume"], rows[1]["volume_low"]) == ("0.5", "")
    assert (rows[2]["volume"], rows[2]["seeds"]) == ("", "")


def test_html_is_escaped() -> None:
    table = Table((Column("a", "<a>", text=True),), ((Cell("<script>"),), (Cell(THREE, best=True),)))
    text = table.to_html()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "&lt;a&gt;" in text
    assert "<strong>2.000 ± 2.484</strong>" in text


def test_approximate_values_are_marked() -> None:
    table = Table((Column("a", "a", decimals=1),), ((Cell(0.25, approximate=True),),))
    assert "≈ 0.2" in table.to_text()
    assert r"$\approx$ 0.2" in table.to_latex()


def test_terminal_without_a_tty_is_plain_and_never_wrapped() -> None:
    stream = io.StringIO()
    TABLE.to_terminal(Console(file=stream, width=20))
    assert stream.getvalue() == TABLE.to_text()


def test_terminal_with_a_tty_is_bold_where_best() -> None:
    stream = io.StringIO()
    TABLE.to_terminal(Console(file=stream, width=100, force_terminal=True, color_system="standard"))
    text = stream.getvalue()
    assert "\x1b[1m" in text
    assert "2.00 ± 2.48*" in text
    assert "a note" in text


def test_rows_must_be_complete() -> None:
    with pytest.raises(ValueError, match="row 0 must have 3 cells, found 1"):
        Table(COLUMNS, ((Cell("x"),),))


def test_format_value() -> None:
    assert [format_value(value, 1) for value in (None, 3, 2.25, "x", THREE)] == ["-", "3", "2.2", "x", "2.0 ± 2.5"]


def test_what_is_missing_shows_no_mark() -> None:
    table = Table((Column("a", "a"),), ((Cell(None, best=True, approximate=True),), (Cell(None, tied=True),)))
    assert table.to_text() == "a\n-\n-\n-\n"
    assert "**" not in table.to_markdown()
    assert "strong" not in table.to_html()
    assert "textbf" not in table.to_latex()


def test_terminal_keeps_names_whole() -> None:
    stream = io.StringIO()
    TABLE.to_terminal(Console(file=stream, width=46, force_terminal=True, color_system=None))
    assert "pareto_slider @ 20 %" in stream.getvalue()


def test_names_become_neither_tags_nor_links_in_markdown() -> None:
    name, shown = "<b>x</b> [y](z)\n1 < 2 | 3", r"&lt;b>x&lt;/b> [y]\(z) 1 < 2 \| 3"
    table = Table((Column("a", name, text=True),), ((Cell(name),),), (name,))
    assert table.to_markdown().splitlines() == [f"| {shown} |", "|:--|", f"| {shown} |", "", shown]
