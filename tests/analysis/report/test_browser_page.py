"""The page of a report in a real browser: tables, plots, commands, dark, on paper and on a phone."""

import pytest

from tests.support.browser import LACKING, REASON, Page, medium, screen
from tests.support.pages import HOSTILE, ROWS

pytestmark = pytest.mark.skipif(bool(LACKING), reason=REASON)


def values_of(page: Page) -> list[str]:
    found: list[str] = page.run(
        "return [...document.querySelectorAll('#part-long-table tbody tr')]"
        ".filter(row => !row.hidden).map(row => row.cells[1].textContent)"
    )
    return found


def test_tables_sort_by_number_with_what_is_missing_last(page: Page) -> None:
    assert not page.one("details.long").get_attribute("open")
    page.one("details.long summary").click()
    original = values_of(page)
    header = "#part-long-table th:nth-child(2)"
    orders = []
    for order in ("ascending", "descending", "none"):
        page.run("document.querySelector(arguments[0]).click()", f"{header} button")
        assert page.one(header).get_attribute("aria-sort") == order
        orders.append(values_of(page))
    numbers = sorted((value for value in original if value != "-"), key=float)
    assert orders == [[*numbers, "-"], [*reversed(numbers), "-"], original]


def test_intervals_sort_by_their_mean(page: Page) -> None:
    name = page.run(
        "return [...document.querySelectorAll('#part-results th')].findIndex(th => th.textContent === 'hypervolume')"
    )
    page.run("document.querySelectorAll('#part-results th button')[arguments[0]].click()", name)
    cells = page.run(
        "return [...document.querySelectorAll('#part-results tbody tr')].map(r => r.cells[arguments[0]].textContent)",
        name,
    )
    means = [float(text.split(" ")[0].rstrip("=")) for text in cells]
    assert any("±" in text for text in cells)
    assert means == sorted(means)


def test_rows_are_filtered_counted_and_taken_along(page: Page) -> None:
    box = page.one("#part-long-table input[type=search]")
    assert page.texts("#part-long-table output") == [f"{ROWS} rows"]
    box.send_keys("ROW 1 ")
    expected = [str(row) for row in range(ROWS) if "row 1" in f"row {row}"]
    assert page.texts("#part-long-table output") == [f"{ROWS} of {ROWS} rows"] or len(values_of(page)) >= len(expected)
    box.clear()
    box.send_keys("77")
    assert page.texts("#part-long-table output")[0].endswith(f"of {ROWS} rows")
    shown = values_of(page)
    page.run("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve() }")
    page.run("document.querySelectorAll('#part-long-table .take button')[1].click()")
    lines = page.run("return window.copied").splitlines()
    assert lines[0] == "name,value"
    assert [line.split(",")[1] for line in lines[1:]] == shown
    assert 0 < len(shown) < ROWS


def test_dark_and_light(page: Page) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    page.open()
    light = page.run(paper)
    page.one("button.theme").click()
    dark = page.run(paper)
    assert dark != light
    page.open()
    assert page.run(paper) == dark
    page.one("button.theme").click()
    assert page.run(paper) == light
    page.run("localStorage.clear()")
    medium(page.driver, scheme="dark")
    page.open()
    assert page.run(paper) == dark
    medium(page.driver, "print", "dark")
    assert page.run(paper) == "rgb(255, 255, 255)"
    medium(page.driver)


def test_paper_has_no_controls_and_nothing_folded(page: Page) -> None:
    rows = "return document.querySelector('details.long tbody').checkVisibility()"
    assert page.run(rows) is False
    medium(page.driver, "print")
    controls = "button.theme, button.small, input, select, nav, .tools, dialog"
    assert page.run(f"return [...document.querySelectorAll('{controls}')].filter(e => e.checkVisibility()).length") == 0
    assert page.run(rows) is True
    assert page.run("return document.querySelector('.plot').getBoundingClientRect().height") > 100
    # The heads of tables stay without their buttons.
    label = "return getComputedStyle(document.querySelector('#part-long-table th'), '::before').content"
    assert page.run(label) == '"name"'
    medium(page.driver)


def test_a_table_says_where_it_goes_on(page: Page) -> None:
    frame = "const frame = document.querySelector('#part-results .table');"
    screen(page.driver, 390, 844)
    page.open()
    known = f"{frame} return [frame.scrollWidth > frame.clientWidth, frame.classList.contains('more-right')]"
    assert page.run(known) == [True, True]
    page.run(f"{frame} frame.scrollLeft = 9999; frame.dispatchEvent(new Event('scroll'))")
    assert page.run(known) == [True, False]
    screen(page.driver, 0, 0)


def test_dragging_in_the_triangle_selects_no_text(page: Page) -> None:
    page.open("#view&b=three-targets")
    assert page.run("return getComputedStyle(document.querySelector('svg.triangle')).userSelect") == "none"


@pytest.mark.parametrize("fragment", ["", "#view&b=three-targets", "#view&b=four-targets"])
def test_a_phone_scrolls_down_only(page: Page, fragment: str) -> None:
    screen(page.driver, 390, 844)
    page.open(fragment)
    assert page.run("return [innerWidth, document.documentElement.scrollWidth]") == [390, 390]
    assert page.run("return document.querySelector('.contents details').open") is False
    assert page.run("return getComputedStyle(document.querySelector('td:first-child')).position") == "sticky"
    screen(page.driver, 0, 0)


def test_plots_are_enlarged_and_commands_copied(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    page.open()
    page.run("document.querySelector('button.enlarge').click()")
    dialog = page.one("dialog")
    assert dialog.get_attribute("open")
    assert page.one("dialog img").get_attribute("alt")
    dialog.send_keys(Keys.ESCAPE)
    assert page.run("return document.querySelector('dialog').open") is False
    page.run("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve() }")
    page.run("document.querySelector('.commands button').click()")
    assert page.run("return window.copied") == f"flowfront run '{HOSTILE}'\nflowfront report"


def test_everything_that_acts_has_a_name(page: Page) -> None:
    nameless = page.run(
        "return [...document.querySelectorAll('button, input, select, a[href], [tabindex=\"0\"]')]"
        ".filter(e => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim() || e.labels?.length))"
        ".map(e => e.outerHTML.slice(0, 90))"
    )
    assert nameless == []
