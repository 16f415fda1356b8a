"""The pages hold every table, picture and note, and nothing a browser would run."""

from analysis.report.pages import html_page, markdown_page, sections_of
from analysis.summary import Summary


def test_markdown_links_the_pictures(suite_summary: Summary) -> None:
    page = markdown_page(suite_summary, ["overview", "fronts-two-targets"], ["a note"])
    for part in ("# Report on suite toy", "- a note", "![overview](overview.png)", "| method |", "hash-two-costs"):
        assert part in page


def test_html_stands_alone_and_escapes(suite_summary: Summary) -> None:
    page = html_page(suite_summary, {"overview": b"png"}, ["<script>alert(1)</script>"])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert 'src="data:image/png;base64,cG5n"' in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<strong>" in page
    for heading in ("Results", "Single models", "Distances and gains", "Paired comparisons", "Origin"):
        assert f"<h2>{heading}</h2>" in page
    assert "<h2>Gradients</h2>" not in page


def test_gradients_have_a_section_where_they_were_measured(gradient_summary: Summary) -> None:
    pictures = {"overview": b"png", "gradients-two-targets": b"png"}
    sections = {section.heading: section for section in sections_of(gradient_summary, list(pictures))}
    results, single, gradients = (sections[heading] for heading in ("Results", "Single models", "Gradients"))
    assert (results.pictures, gradients.pictures) == (("overview",), ("gradients-two-targets",))
    assert [title for title, _ in single.tables] == ["three-targets", "two-targets"]
    assert len(gradients.lead) == 3
    page = html_page(gradient_summary, pictures, [])
    assert "<h2>Gradients</h2>" in page
    assert page.index("no conflict at 12 measured solve steps") < page.index("plain: conflicts")
    assert "<h3>two-targets</h3>" in page
