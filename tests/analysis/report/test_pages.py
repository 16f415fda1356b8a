"""The pages hold every table, picture and note; nothing of the data becomes markup, nothing asks a network."""

import json
import re
from typing import Any

import pytest

from analysis.report.commands import Command
from analysis.report.html_parts import LIMIT
from analysis.report.pages import html_page, markdown_page, sections_of
from analysis.report.section import Section
from analysis.report.words import Words
from analysis.summary import Summary
from tests.support.pages import HOSTILE, small_png

ADDRESS = re.compile(r"""\b(?:src|href|srcset|action|poster|background)\s*=\s*["']?([^"' >]*)""")
BLOCK = re.compile(r'<script type="application/json" id="explorer-data">(.*?)</script>', re.DOTALL)


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def data_of(page: str) -> dict[str, Any]:
    found = BLOCK.search(page)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.fixture(scope="module")
def page(suite_summary: Summary) -> str:
    """A page with hostile words wherever words come from."""
    return html_page(
        suite_summary,
        {"overview": small_png()},
        [HOSTILE],
        words=(Words("", (HOSTILE,)),),
        ledger=Section(HOSTILE, (HOSTILE,), ()),
        commands=(Command(HOSTILE, HOSTILE),),
    )


def test_markdown_links_the_pictures(suite_summary: Summary) -> None:
    page = markdown_page(suite_summary, ["overview", "fronts-two-targets"], ["a note"])
    for part in ("# Report on suite toy", "- a note", "![overview](overview.png)", "| method |", "hash-two-costs"):
        assert part in page


def test_markdown_has_words_first(suite_summary: Summary) -> None:
    page = markdown_page(suite_summary, [], [], words=(Words("In short", ("One.", "Two.")), Words("", ("Three.",))))
    parts = ["## In short", "One. Two.", "Three.", "## Results", "## Origin"]
    assert [page.index(part) for part in parts] == sorted(page.index(part) for part in parts)


def test_html_holds_every_section_in_order(page: str) -> None:
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings[:3] == ["In plain words", "What limits the claims", "Explorer"]
    assert headings[-2:] == ["Exact commands", "Origin"]
    for heading in ("Results", "Single models", "Distances and gains", "Paired comparisons"):
        assert headings.count(heading) == 1
    assert "Gradients" not in headings
    assert "<strong>" in page
    # Every entry of the contents leads somewhere, and nothing has two names.
    names = re.findall(r'\bid="([^"]*)"', page)
    assert len(set(names)) == len(names)
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(names)


def test_hostile_words_stay_words(page: str) -> None:
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x") >= 5
    assert "onerror=alert(1)&gt;" in page
    # What ends a script element is nowhere but where one ends.
    assert page.count("<script") == page.count("</script>")


def test_nothing_is_fetched(page: str) -> None:
    plain = without_scripts(page).replace("src=x onerror", "")
    assert {address[:1] if address[:1] == "#" else address[:5] for address in ADDRESS.findall(plain)} == {"#", "data:"}
    assert "url(" not in plain
    assert "@import" not in plain
    assert "http" not in without_scripts(page).replace("http-equiv", "")
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy[1]


def test_without_scripts_everything_but_the_explorer_is_there(page: str) -> None:
    plain = without_scripts(page)
    assert "<noscript>" in plain
    assert 'src="data:image/png;base64,' in plain
    assert plain.count("<table>") > 5


def test_the_page_without_its_options_is_whole(suite_summary: Summary) -> None:
    page = html_page(suite_summary, {}, [])
    assert "In plain words" not in page
    assert "What limits the claims" not in page
    assert [one["name"] for one in data_of(page)["benchmarks"]] == [
        "four-targets", "three-targets", "two-costs", "two-targets",
    ]  # fmt: skip


def test_the_file_stays_within_its_limit_and_says_what_it_lacks(suite_summary: Summary) -> None:
    # A PNG may be followed by anything.
    large = small_png() + bytes(LIMIT // 2)
    page = html_page(
        suite_summary, {"overview": small_png(), "fronts-two-costs": large, "fronts-two-targets": large}, []
    )
    assert len(page.encode()) <= LIMIT
    assert page.count('src="data:image/png') == 2
    assert page.count(".png is not in this file") == 1


def test_gradients_have_a_section_where_they_were_measured(gradient_summary: Summary) -> None:
    pictures = {"overview": small_png(), "gradients-two-targets": small_png()}
    sections = {section.heading: section for section in sections_of(gradient_summary, list(pictures))}
    results, single, gradients = (sections[heading] for heading in ("Results", "Single models", "Gradients"))
    assert (results.pictures, gradients.pictures) == (("overview",), ("gradients-two-targets",))
    assert [title for title, _ in single.tables] == ["three-targets", "two-targets"]
    assert len(gradients.lead) == 3
    page = html_page(gradient_summary, pictures, [])
    assert "<h2>Gradients</h2>" in page
    assert page.index("no conflict at 12 measured solve steps") < page.index("plain: conflicts")
    assert "<h3>two-targets</h3>" in page
    assert "Gradients: two-targets. Cosine of the update" in page
