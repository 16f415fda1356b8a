"""The ledger's four forms, from synthetic records and from none."""

import csv
import io
import json
from pathlib import Path

import pytest

from analysis.claims.base import NOT_RUN, NOT_TESTABLE, SUPPORTED, Claim
from analysis.claims.catalog import CLAIMS
from analysis.claims.evidence import Evidence
from analysis.claims.judging import Entry, judge, judge_all
from analysis.claims.ledger import COLUMNS, WIDTH, claim_lines, to_csv, to_json, to_lines, to_markdown, write_ledger
from tests.analysis.claims.records import GOOD, POOR, write
from tests.analysis.claims.test_judging import CLAIM

HOPELESS = Claim("people", "crd", "main", "People like it | really.", reason="it takes people")


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    root = tmp_path_factory.mktemp("results")
    write(root, GOOD)
    write(root, POOR)
    return [judge(CLAIM, Evidence((root,))), judge(CLAIM, Evidence(())), judge(HOPELESS, Evidence(()))]


def test_lines_fit_and_name_every_claim(entries: list[Entry]) -> None:
    lines = to_lines(entries)
    assert lines[0] == "3 claims: 1 supported, 1 not run, 1 not testable"
    assert max(map(len, lines)) <= WIDTH
    assert [line.split()[0] for line in lines if line.startswith("  good-is-better")] == ["good-is-better"] * 2
    assert "MARBLE" in lines
    assert "CRD" in lines


def test_the_whole_catalog_fits_without_any_record() -> None:
    entries = judge_all(CLAIMS, Evidence(()))
    assert {entry.verdict for entry in entries} == {NOT_RUN, NOT_TESTABLE}
    lines = to_lines(entries)
    assert max(map(len, lines)) <= WIDTH
    for entry in entries:
        assert any(line.startswith(f"  {entry.claim.key} ") for line in lines)
        assert entry.commands or entry.verdict == NOT_TESTABLE
        said = claim_lines(entry)
        assert max(len(line) for line in said if not line.startswith("  run")) <= WIDTH


def test_one_claim_says_what_was_compared_at_what_cost(entries: list[Entry]) -> None:
    text = " ".join(" ".join(claim_lines(entries[0])).split())
    assert "hypervolume, good minus poor on two-targets: " in text
    assert "60 k velocity evaluations and 6 k reward calls each" in text
    assert "rule supported if the interval lies above 0, not supported if none of it does" in text
    assert "paper MARBLE, min cos: 0.3721" in text
    assert text.endswith("verdict supported")
    assert claim_lines(entries[1])[-1].startswith("  run      flowfront run toy --benchmark two-targets")


def test_markdown_has_one_row_a_claim_and_escapes(entries: list[Entry]) -> None:
    page = to_markdown(entries)
    rows = [line for line in page.splitlines() if line.startswith("| **")]
    assert len(rows) == 3
    assert all(row.replace("\\|", "").count("|") == 7 for row in rows)
    assert "People like it \\| really." in page
    assert page.count("## ") == 3
    assert "- `flowfront run toy --benchmark two-targets --method good --method poor --seeds 3" in page


def test_csv_has_one_line_an_effect(entries: list[Entry]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(entries))))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["verdict"] for row in rows] == [SUPPORTED, NOT_RUN, NOT_TESTABLE]
    assert float(rows[0]["low"]) < float(rows[0]["mean"]) < float(rows[0]["high"])
    assert rows[1]["mean"] == ""


def test_json_and_files(entries: list[Entry], tmp_path: Path) -> None:
    paths = write_ledger(entries, tmp_path / "out")
    assert [path.name for path in paths] == ["claims.md", "claims.csv", "claims.json"]
    content = json.loads(paths[2].read_text())
    assert content == json.loads(json.dumps(to_json(entries)))
    assert content["counts"][SUPPORTED] == 1
    assert content["claims"][0]["effects"][0]["seeds"] == [0, 1, 2]
    assert content["claims"][0]["experiments"][0]["command"].startswith("flowfront run toy ")
