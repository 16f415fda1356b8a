"""Styles, scripts and templates of the page, and how data gets into it without becoming markup."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

STYLES = ("base.css", "page.css", "explorer.css", "print.css")
SCRIPTS = (
    "core.js",
    "theme.js",
    "tables.js",
    "figures.js",
    "preferences.js",
    "state.js",
    "marks.js",
    "frame.js",
    "scatter.js",
    "parallel.js",
    "controls.js",
    "plot.js",
    "legend.js",
    "gallery.js",
    "readout.js",
    "explorer.js",
)
# Within a string of JSON these six mean the same; in HTML they could end the element that holds it.
ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'\u2028\u2029"}


def asset(name: str) -> str:
    """Return the text of a file of the page."""
    return files("analysis.report").joinpath("page", name).read_text(encoding="utf-8")


def json_text(data: Mapping[str, Any]) -> str:
    r"""Return JSON that cannot end the `script` element it stands in.

    Example:
        >>> json_text({"prompt": "</script>"})
        '{"prompt":"\\u003c/script\\u003e"}'
    """
    return json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":")).translate(ESCAPES)


def content_policy(scripts: Mapping[str, str]) -> str:
    """Return the content security policy of a page: no network at all, and no script but its own.

    Args:
        scripts: Text of each script by name.
    """
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts.values())
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
