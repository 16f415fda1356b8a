"""What the page is made of: scripts that never make markup of data, and data that never ends its element."""

import json
import re

import pytest

from analysis.report.assets import SCRIPTS, STYLES, asset, content_policy, json_text

FORBIDDEN = (
    "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "fetch(",
    "XMLHttpRequest", "import(", "srcdoc",
)  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_strict_small_and_make_no_markup(name: str) -> None:
    text = asset(name)
    assert text.startswith('"use strict";\n')
    assert text.count("\n") <= 200
    assert max(map(len, text.splitlines())) <= 120
    assert not [word for word in FORBIDDEN if word in text]
    assert "</script" not in text
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []


def test_no_function_is_long() -> None:
    for name in SCRIPTS:
        lines = asset(name).splitlines()
        starts = [number for number, line in enumerate(lines) if re.match(r"  (async )?function ", line)]
        for start in starts:
            end = next(number for number in range(start, len(lines)) if lines[number] == "  }")
            assert end - start < 40, f"{name}: {lines[start].strip()}"


@pytest.mark.parametrize("name", STYLES)
def test_styles_ask_for_nothing(name: str) -> None:
    assert "url(" not in asset(name)
    assert "@import" not in asset(name)


@pytest.mark.parametrize("text", ["</script>", "<!--", "a\u2028b\u2029c", "'\"&<>", "赤い円", "\x00\x1f"])
def test_data_comes_back_and_holds_nothing_a_page_acts_on(text: str) -> None:
    found = json_text({"prompt": text})
    assert json.loads(found) == {"prompt": text}
    assert not set("<>&'\u2028\u2029") & set(found)


def test_data_must_be_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_text({"value": float("nan")})


def test_the_policy_allows_these_scripts_and_no_other() -> None:
    policy = content_policy({"a": "alert(1)"})
    # echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64
    assert "script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='; " in policy
    assert policy.startswith("default-src 'none'; ")
    assert content_policy({"a": "alert(2)"}) != policy
