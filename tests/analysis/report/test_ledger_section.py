"""The committed ledger on a report's page, and what a damaged one is answered with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.claims.base import VERDICTS
from analysis.report.ledger_section import ledger_section
from benchmarks.records import RecordError

COMMITTED = Path(__file__).parents[3] / "results" / "reference" / "ledger" / "claims.json"


def claim(key: str, suites: tuple[str, ...] = ("toy",), verdict: str = "supported") -> dict[str, Any]:
    return {
        "claim": key, "paper": "marble", "source": "marble:3", "statement": "It | works.", "paper_numbers": "row: 0.8",
        "rule": "supported if above 0", "verdict": verdict, "reason": "", "remark": None,
        "scale": f"miniature ({', '.join(suites)})" if suites else "miniature (speed)", "at_real_scale": False,
        "effects": [
            {"name": "gain", "mean": 0.5, "low": 0.25, "high": 0.75, "seeds": [0, 1], "cost": "", "spread": ""}
        ],
        "records": "", "failed_runs": 0, "commands": [],
        "experiments": [{"suite": suite, "benchmark": "b", "seeds": [0], "command": ""} for suite in suites],
    }  # fmt: skip


def ledger(path: Path, *claims: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"caution": "Miniatures.", "counts": {}, "claims": list(claims)}))
    return path


def rows_of(path: Path, suite: str = "toy") -> list[dict[str, Any]]:
    section = ledger_section(path, suite)
    assert section is not None
    ((_, table),) = section.tables
    return [{c.key: cell.value for c, cell in zip(table.columns, row, strict=True)} for row in table.rows]


def test_without_a_ledger_there_is_no_section(tmp_path: Path) -> None:
    assert ledger_section(tmp_path / "claims.json", "toy") is None


def test_the_committed_ledger_is_told_in_full() -> None:
    content = json.loads(COMMITTED.read_text())
    section = ledger_section(COMMITTED, "toy")
    assert section is not None
    counts = {verdict: sum(one["verdict"] == verdict for one in content["claims"]) for verdict in VERDICTS}
    assert section.lead[1] == (
        f"{len(content['claims'])} claims in all: {', '.join(f'{n} {verdict}' for verdict, n in counts.items() if n)}."
    )
    assert content["caution"] in section.after
    rows = rows_of(COMMITTED)
    assert sorted(row["claim"] for row in rows) == sorted(one["claim"] for one in content["claims"])
    assert {row["at_real_scale"] for row in rows} == {"yes", "no, miniature", None}


def test_claims_of_the_suite_come_first_and_others_say_whose_they_are(tmp_path: Path) -> None:
    claims = (claim("a", ("shapes",)), claim("b", ("shapes", "toy")), claim("c", ()), claim("d", verdict="not run"))
    path = ledger(tmp_path / "claims.json", *claims)
    found = {row["claim"]: row["suites"] for row in rows_of(path)}
    assert list(found) == ["b", "d", "a", "c"]
    assert found == {
        "b": "this suite and suite shapes", "d": "this suite", "a": "suite shapes", "c": "no runs: miniature (speed)"
    }  # fmt: skip
    section = ledger_section(path, "toy")
    assert section is not None
    assert section.lead[:2] == (
        "2 claims tested on suite toy: 1 supported, 1 not run.", "4 claims in all: 3 supported, 1 not run."
    )  # fmt: skip
    other = ledger_section(path, "sampler-study")
    assert other is not None
    assert other.lead[0] == "No claim is tested on suite sampler-study."


def test_a_row_has_value_interval_rule_and_verdict(tmp_path: Path) -> None:
    (row,) = rows_of(ledger(tmp_path / "claims.json", claim("a") | {"reason": "both comparisons"}))
    assert row["source"] == "MARBLE 3 (row: 0.8)"
    assert row["effects"] == "gain: 0.5 [0.25, 0.75]"
    assert row["rule"] == "supported if above 0"
    assert row["verdict"] == "supported: both comparisons"


def test_an_untestable_claim_has_no_scale_and_a_reason(tmp_path: Path) -> None:
    untestable = claim("a", (), "not testable") | {
        "rule": None,
        "scale": None,
        "effects": [],
        "reason": "it takes people",
    }
    (row,) = rows_of(ledger(tmp_path / "claims.json", untestable))
    assert (row["effects"], row["rule"], row["at_real_scale"], row["suites"]) == (None, None, None, None)
    assert row["verdict"] == "not testable: it takes people"


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    section = ledger_section(ledger(tmp_path / "claims.json"), "toy")
    assert section is not None
    assert section.lead[0] == "No claims."


def unknown_verdict(content: dict[str, Any]) -> None:
    content["claims"][0]["verdict"] = "proven"


def lost_field(content: dict[str, Any]) -> None:
    del content["claims"][0]["statement"]


def infinite(content: dict[str, Any]) -> None:
    content["claims"][0]["effects"][0]["mean"] = float("inf")


def a_text(content: dict[str, Any]) -> None:
    content["claims"] = "none"


@pytest.mark.parametrize(
    ("damage", "field"),
    [(unknown_verdict, "claims.0.verdict"), (lost_field, "claims.0.statement"), (infinite, "claims.0.effects.0.mean"),
     (a_text, "claims")],
)  # fmt: skip
def test_a_damaged_ledger_is_one_line_with_the_field(
    tmp_path: Path, damage: Callable[[dict[str, Any]], None], field: str
) -> None:
    path = ledger(tmp_path / "claims.json", claim("a"))
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError) as caught:
        ledger_section(path, "toy")
    assert str(caught.value).startswith(f"{path}: field {field}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"'])
def test_what_is_no_ledger_at_all_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claims.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"claims\.json") as caught:
        ledger_section(path, "toy")
    assert "\n" not in str(caught.value)
