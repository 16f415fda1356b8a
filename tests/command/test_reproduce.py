"""The verb `reproduce`: the papers' tables beside records, and what it refuses."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.papers.tables import PAPERS, tables
from tests.analysis.synthetic_records import GRADIENT_RECIPES, Task, write_tree
from tests.support.records import Command

ROOT = Path(__file__).parents[2]
LABEL = "miniature (shapes, benchmark five-rewards, rewards of its own, seeds 0, 1)"
WRONG = {
    "nothing": ((), "--all, --list, or --table PAPER:TABLE such as marble:1, found neither"),
    "both": (("--list", "--table", "marble:1"), "such as marble:1, found --list and --table"),
    "claim": (("marble-n-6",), "no claim 'marble-n-6': expected one of marble-n-5, "),
    "claim and ledger": (("marble-n-5", "--ledger"), "found CLAIM and --ledger"),
    "real scale": (("real-crd-geneval",), "need a real checkpoint and a GPU and are not run from here: flowfront"),
    "budget": (("--all", "--budget", "soon"), "--budget: expected a duration such as 2h, 90m or 1h30m, found 'soon'"),
    "budget of one": (("marble-n-5", "--budget", "2h"), "expected --budget with --all, found it with CLAIM"),
    "out of one": (("marble-n-5", "--out", "x"), "expected --out with --ledger or --all, found it with CLAIM"),
    "dry ledger": (("--ledger", "--dry-run"), "expected --dry-run with CLAIM or --all, found it with --ledger"),
    "ledger of nothing": (("--ledger", "--results", "nowhere"), "--results: expected a folder of records, found none"),
    "paper": (("--table", "marbel:1"), "no paper 'marbel': expected one of marble, "),
    "table": (("--table", "marble:7"), "no table '7' of marble: expected one of "),
    "form": (("--table", "marble"), "expected PAPER:TABLE such as marble:1, found 'marble': expected one of marble:1"),
    "results": (("--table", "marble:1", "--results", "nowhere"), "--results: expected a folder of records, found none"),
    "format of a list": (("--list", "--format", "csv"), "expected --format with --table or --ledger, found it"),
    "results of a list": (("--list", "--results", "."), "expected --results with CLAIM or --table or --ledger or"),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic records under the names of the image suite."""
    folder = tmp_path_factory.mktemp("results")
    tasks = (Task("five-rewards", 4, known_front=False),)
    write_tree(folder, tasks, GRADIENT_RECIPES[:3:2], (0, 1), suite="shapes")
    return folder


def test_papers_and_tables_are_listed(command: Command) -> None:
    found = command("reproduce", "--list", "--json").json()
    assert [paper["paper"] for paper in found] == list(PAPERS)
    for paper in found:
        names = [table["table"] for table in paper["tables"]]
        assert names == [one.name for one in tables(paper["paper"])]
        counted = sum(table["numbers"] + len(table["not_found"]) for table in paper["tables"])
        assert counted == sum(paper["statuses"].values())
        assert all(table["real"] and table["miniature"] for table in paper["tables"])
    text = command("reproduce", "--list").out
    assert "  marble:1                     eight scores of eleven models, and their composite: 99 numbers\n" in text
    assert "    real scale  flowfront run sd35-five-rewards --seeds 3\n" in text
    assert "    not found   CRD: GenEval per-category scores; CRD: OCR accuracy; " in text


def test_a_table_stands_beside_the_miniature(command: Command, results: Path) -> None:
    answer = command("reproduce", "--table", "marble:1", "--results", results)
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0].startswith("marble:1  MARBLE (arXiv 2605.06507): ")
    ours, paper = lines.index(LABEL), lines.index("paper (SD3.5-M, real rewards)")
    commands = lines.index("commands at real scale")
    assert paper < ours < commands < lines.index("commands of the miniature")
    assert max(map(len, lines[:commands])) <= 100
    assert any(line.split()[-3:] == ["1.53", "3.52", "1.116"] for line in lines[paper:ours])
    assert any(line.startswith("marble ") for line in lines[ours:commands])
    assert "compare directions, not values; a composite ranks the lines of its own table alone" in " ".join(
        line.strip() for line in lines[ours + 1 : ours + 3]
    )
    assert "  MARBLE: flowfront run sd35-five-rewards --method marble --seeds 3" in lines


def test_markdown_has_a_table_each(command: Command, results: Path) -> None:
    page = command("reproduce", "--table", "marble:1", "--results", results, "--format", "markdown").out
    heads = [line for line in page.splitlines() if line.startswith("#")]
    assert heads == [
        "## marble:1  MARBLE (arXiv 2605.06507): eight scores of eleven models, and their composite",
        "### paper (SD3.5-M, real rewards)",
        f"### {LABEL}",
        "### Commands at real scale",
        "### Commands of the miniature",
    ]
    assert "| MARBLE | 0.94 | 0.96 | 22.83 | 0.286 | 0.355 | 6.59 | 1.53 | 3.52 | 1.116 |\n" in page
    assert "- MARBLE: `flowfront run sd35-five-rewards --method marble --seeds 3`\n" in page


def test_csv_has_columns_of_one_or_the_other(command: Command, results: Path) -> None:
    out = command("reproduce", "--table", "marble:1", "--results", results, "--format", "csv").out
    lines = list(csv.DictReader(io.StringIO(out)))
    row = next(line for line in lines if line["paper_row"] == "MARBLE")
    assert (row["paper_Composite"], row["miniature_method"]) == ("1.116", "marble")
    assert float(row["miniature_composite_low"]) <= float(row["miniature_composite"])
    assert all(name.startswith(("paper_", "miniature_")) for name in row)


@pytest.mark.parametrize("words", [("--json",), ("--format", "json")])
def test_json_has_everything(command: Command, results: Path, words: tuple[str, ...]) -> None:
    found = command("reproduce", "--table", "marble:1", "--results", results, *words).json()
    assert set(found) == {"table", "paper", "miniature", "results", "sources"}
    assert len(found["paper"]["numbers"]) == 99
    (own,) = found["miniature"]
    assert own["rewards"] == ["r0", "r1", "r2", "r3"]
    assert {row["method"] for row in own["rows"]} == {"base", "marble", "unmeasured"}
    assert next(one for one in found["sources"] if one["row"] == "SD-XL")["real"]["command"] is None


def test_without_records_the_commands_are_said(command: Command) -> None:
    text = command("reproduce", "--table", "marble:1").out
    assert "miniature: no records below results/reference; the commands below make them\n" in text
    text = command("reproduce", "--table", "crd:code", "--format", "markdown").out
    assert "miniature: no table stands beside this one; the commands below say what there is\n" in text
    assert "- `none: settings, no results; the defaults of method crd`\n" in text


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_one_clear_line(command: Command, case: str) -> None:
    words, expected = WRONG[case]
    assert expected in command("reproduce", *words).error_line()


def test_the_help_has_an_example(command: Command) -> None:
    answer = command("reproduce", "--help")
    assert "Example: flowfront reproduce --table marble:1 --format markdown" in " ".join(answer.out.split())


def test_numbers_of_papers_need_no_torch() -> None:
    code = (
        "import sys; from flowfront.reproduce import catalog; catalog(); "
        "sys.exit(bool({'torch', 'matplotlib', 'diffusers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
