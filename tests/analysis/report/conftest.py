"""A page of a report in one browser for all tests that look at it."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Page, browser, console, requests
from tests.support.pages import full_page, full_summary


@pytest.fixture(scope="package")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The browser; a test takes `page`."""
    folder = tmp_path_factory.mktemp("page")
    path = folder / "index.html"
    path.write_text(full_page(full_summary(folder)), encoding="utf-8")
    with browser() as driver:
        yield Page(driver, path.as_uri())


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    """The page; whatever a test does, the console says nothing, and nothing is asked of any network."""
    requests(opened.driver)
    console(opened.driver)
    opened.open()
    yield opened
    assert console(opened.driver) == []
    asked = {address for address in requests(opened.driver) if not address.startswith(("data:", "blob:", "about:"))}
    assert {address.split("#")[0] for address in asked} == {opened.address}
