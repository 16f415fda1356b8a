"""`flowfront demo`: what its controls stand for, and the page in a browser without a window."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.inference import open_trained
from flowfront import demo
from flowfront.demo import SHOWN, picture, preference_of, strip, sweep_of
from methods.preferences import check_preference
from tests.support.families import build_family
from tests.support.records import Command
from tests.support.trained import SUITE_MODULE, family_run, shapes_run, store

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--window-size=1280,1100")
PATIENCE = 120
LACKING = [name for name in ("gradio", "selenium") if find_spec(name) is None]
LACKING += [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


@pytest.mark.parametrize("sliders", [(0.0, 0.0, 0.0), (1.0, 0.2, 0.0), (0.1, 0.1, 0.1)])
def test_sliders_give_a_preference(sliders: tuple[float, ...]) -> None:
    found = preference_of(sliders, 3)
    check_preference(found, 3)
    if sum(sliders):
        assert found == pytest.approx([value / sum(sliders) for value in sliders])


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_strip_has_every_corner(k: int) -> None:
    sweep = sweep_of(k)
    for preference in sweep:
        check_preference(preference, k)
    assert {tuple(float(i == j) for j in range(k)) for i in range(k)} <= set(sweep)
    assert len(set(sweep)) == len(sweep)


def test_pictures_are_large_and_the_strip_begins_with_the_first_reward(tmp_path: Path) -> None:
    trained = open_trained(store(shapes_run(tmp_path)))
    found = picture(trained, "a red circle", [0.0], 0, 2)
    row = strip(trained, "a red circle", 0, 2)
    assert isinstance(found, Image.Image)
    assert isinstance(row, Image.Image)
    assert found.size == (SHOWN, SHOWN)
    # Tiles of the strip are 160 pixels wide, five times the sample; what is shown is fourteen times.
    pairs = zip(row.getpixel((12 + 82, 12 + 82)) or (), found.getpixel((16 * 14 + 7, 16 * 14 + 7)) or (), strict=True)  # type: ignore[arg-type]
    assert all(abs(one - other) <= 4 for one, other in pairs)


def test_videos_are_shown_as_html(here: Path) -> None:
    spec = build_family("ltx2", here / "ltx2")
    (here / "trained_suite.py").write_text(SUITE_MODULE.format(spec=spec))
    trained = open_trained(store(family_run(spec, here / "out", "weighted_sum")))
    found = picture(trained, "two dogs bark", [], 0, 2)
    assert isinstance(found, str)
    assert found.startswith('<img src="data:image/gif;base64,')


def test_without_gradio_one_line_says_how_to_install_it(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert command("demo", "nowhere").error_line() == (
        'demo: expected gradio, found none; install it: pip install "gradio>=6"'
    )


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of a page, served by a process of its own."""
    folder = store(shapes_run(tmp_path / "out"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "flowfront", "demo", str(folder), "--port", str(port), "--json"]
    # A proxy of the machine must not come between.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = json.loads("".join(process.stdout.readline() for _ in range(4)))
            assert found["model"] == "pareto_slider on shapes-short/plain-vs-colourful, seed 0"
            yield found["url"]
        finally:
            process.terminate()


class Page:
    """The page in a browser."""

    def __init__(self, driver: Any, address: str) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        self.driver, self.wait = driver, WebDriverWait(driver, PATIENCE)
        driver.get(address)
        self.one("#make")

    def one(self, selector: str) -> Any:
        """Return the first element of a selector, once it is there."""
        return self.wait.until(lambda driver: driver.find_elements("css selector", selector))[0]

    def image(self, where: str, other_than: str | None = None) -> str:
        """Return the address of the picture in an element, once it is another one."""

        def found(driver: Any) -> str | None:
            images = driver.find_elements("css selector", f"{where} img")
            address: str | None = images[0].get_attribute("src") if images else None
            return address if address != other_than else None

        address: str = self.wait.until(found)
        return address

    def width(self, where: str) -> int:
        """Return the width of a loaded picture in pixels of its file."""
        script = f"return document.querySelector('{where} img').naturalWidth"
        found: int = self.wait.until(lambda driver: driver.execute_script(script))
        return found

    def text(self, selector: str) -> str:
        """Return the text of the first element of a selector, empty where there is none."""
        script = f"return document.querySelector('{selector}')?.textContent ?? ''"
        found: str = self.driver.execute_script(script)
        return found

    def requests(self) -> set[str]:
        """Return the addresses of all requests that the page has made, answered or not."""
        entries = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return {e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"}


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    """The page in Chromium without a window."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(shutil.which("chromedriver"))))
    try:
        yield Page(driver, address)
    finally:
        driver.quit()


@pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")
def test_the_page_in_a_browser(page: Page, address: str) -> None:
    from selenium.webdriver import ActionChains

    page.one("#make").click()
    first = page.image("#picture")
    assert page.width("#picture") == SHOWN

    slider = page.one("#preference-0 input[type=range]")
    assert slider.get_attribute("value") == "0.5"
    ActionChains(page.driver).move_to_element_with_offset(slider, int(0.4 * slider.size["width"]), 0).click().perform()
    second = page.image("#picture", other_than=first)
    assert float(slider.get_attribute("value")) > 0.8
    assert second != first

    page.one("#sweep").click()
    page.image("#strip")
    assert page.width("#strip") == 2 * 12 + 5 * 160 + 4 * 8

    prompt = page.one("#prompt textarea")
    prompt.clear()
    prompt.send_keys("a dragon")
    page.one("#make").click()
    # It moves in; what it says may come after the element.
    page.wait.until(lambda driver: "expected words of the image world" in page.text(".toast-body"))

    requests = {found for found in page.requests() if not found.startswith(("data:", "blob:"))}
    assert len(requests) > 5
    assert {found for found in requests if not found.startswith(address)} == set()
