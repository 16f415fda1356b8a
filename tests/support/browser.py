"""Chromium without a window, for pages that must hold in a real browser."""

import base64
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--window-size=1400,1000",
    "--hide-scrollbars", "--force-prefers-reduced-motion",
)  # fmt: skip
ALL = "return [...document.querySelectorAll(arguments[0])]"
LACKING = [name for name in ("selenium",) if find_spec(name) is None]
LACKING += [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
REASON = f"needs {', '.join(LACKING)}"


@contextmanager
def browser() -> Iterator[Any]:
    """Hold a browser that records its console and every request."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(shutil.which("chromedriver"))))
    try:
        yield driver
    finally:
        driver.quit()


def requests(driver: Any) -> set[str]:
    """Return the addresses of all requests since the last call, answered or not."""
    entries = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return {e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"}


def console(driver: Any) -> list[str]:
    """Return what the console has said since the last call."""
    return [f"{entry['level']}: {entry['message']}" for entry in driver.get_log("browser")]


def screen(driver: Any, width: int, height: int) -> None:
    """Give the page another size; 0 and 0 give it back its own."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": 0 < width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def medium(driver: Any, media: str = "", scheme: str = "light") -> None:
    """Show the page as on a medium (`print`, empty for a screen) whose owner prefers light or dark."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


class Page:
    """The page in a browser, and what it asked for since it was opened."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, fragment: str = "") -> None:
        """Open the page anew, as somebody sees it for the first time."""
        # From another document, or a change of the fragment alone would not load anything.
        self.driver.get("about:blank")
        self.driver.get(self.address + fragment)

    def run(self, script: str, *values: Any) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script, *values)

    def one(self, selector: str) -> Any:
        """Return the first element of a selector."""
        return self.driver.find_element("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        """Return the text of all visible elements of a selector."""
        found: list[str] = self.run(f"{ALL}.filter(e => e.checkVisibility()).map(e => e.textContent)", selector)
        return found

    def show(self, selector: str) -> Any:
        """Return the first element of a selector, scrolled to the middle of the window, where a hand can reach it."""
        self.run(
            "document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})", selector
        )
        return self.one(selector)

    def answers(self) -> dict[str, list[float]]:
        """Return the evaluated preference of each method that follows one, as the table says it."""
        rows = self.run(
            "return [...document.querySelectorAll('.readout tr[data-method]')]"
            ".map(row => [row.dataset.method, row.cells[1].textContent])"
        )
        return {name: [float(w) for w in text.split(",")] for name, text in rows if text != "one point"}

    def picture(self, method: str) -> tuple[int, ...]:
        """Return the color of a method's picture."""
        script = (
            "return [...document.querySelectorAll('.card')]"
            ".find(card => card.querySelector('.named').textContent === arguments[0]).querySelector('img').src"
        )
        content = base64.b64decode(self.run(script, method).split(",")[1])
        pixels = np.asarray(Image.open(io.BytesIO(content)))
        assert (pixels == pixels[0, 0]).all()
        return tuple(int(level) for level in pixels[0, 0])
