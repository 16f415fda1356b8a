"""Bad records through the verbs that read them: exit code 2, one line that says what and where, nothing half written.

What each damage is called is tested in `tests/analysis`; here every verb refuses it, and leaves the files alone.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from analysis.claims.catalog import CLAIMS
from analysis.pictures import INDEX
from benchmarks.records import (
    EVALUATIONS_FILE,
    GRAMIANS_FILE,
    RUN_FILE,
    STEPS_FILE,
    read_table,
    run_folder,
    write_table,
)
from tests.analysis.damages import Damage, file, run_of
from tests.analysis.synthetic_pictures import pictures_below
from tests.analysis.synthetic_records import RECIPES, TASKS, Recipe, Task, change_run, write_tree
from tests.support.records import Command, bytes_below

PAIR = (RECIPES[0], RECIPES[2])


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Two methods and two seeds in a folder of results; a test may damage it."""
    return write_tree(tmp_path / "results", TASKS[:1], PAIR, (0, 1), prompts=3)


def without_column(suite: Path) -> None:
    path = run_of(suite) / EVALUATIONS_FILE
    frame = read_table(path)
    write_table(path, {name: frame[name].to_numpy() for name in frame.columns if name != "reward_r1"})


def other(**changes: Any) -> Damage:
    return lambda suite: change_run(run_of(suite), lambda content: content.update(changes))


def other_benchmark(suite: Path) -> None:
    change_run(run_of(suite), lambda content: content["benchmark"].update(hash="other"))


REPORT, COMPARE, BOTH = ("report",), ("compare",), ("report", "compare")
# What it is, what the line says, and which verbs read it.
DAMAGES: dict[str, tuple[Damage, str, tuple[str, ...]]] = {
    "schema": (other(schema_version=99), "run.json: expected schema_version 1, found 99", BOTH),
    "no version": (file(RUN_FILE, b"{}"), "run.json: expected schema_version 1, found None", BOTH),
    "a folder": (file(RUN_FILE, None), "cannot read ", BOTH),
    "no text": (file(RUN_FILE, b"\xff\xfe\x00"), "run.json is damaged: expected a JSON object", BOTH),
    "hash": (other_benchmark, "run.json: expected benchmark hash hash-two-targets as in ", BOTH),
    "seed twice": (other(seed=0), "run.json: expected one run a seed, found seed 0 twice", COMPARE),
    "column": (without_column, "evaluations.parquet: expected a column reward_r1, found step, ", BOTH),
    "no bytes": (file(EVALUATIONS_FILE, b""), "evaluations.parquet is damaged: expected a", BOTH),
    "no table": (file(EVALUATIONS_FILE, None), "evaluations.parquet", BOTH),
    "gramians": (file(GRAMIANS_FILE, b"PAR1"), "gramians.parquet is damaged: expected a parquet", REPORT),
    "steps": (file(STEPS_FILE, b'{"step": 1}\n{"st'), "steps.jsonl is damaged: expected one JSON", REPORT),
}  # fmt: skip
CASES = [(name, verb) for name, (_, _, verbs) in DAMAGES.items() for verb in verbs]


@pytest.mark.parametrize(("case", "verb"), CASES)
def test_damage_is_one_line_and_nothing_is_written(command: Command, suite: Path, case: str, verb: str) -> None:
    damage, says, _ = DAMAGES[case]
    whole = Path(shutil.copytree(suite, suite.parents[1] / "whole/toy"))
    damage(suite)
    before = bytes_below(suite.parents[1])
    line = command("report", suite).error_line() if verb == "report" else command("compare", whole, suite).error_line()
    assert says in line
    assert str(run_of(suite)) in line
    assert bytes_below(suite.parents[1]) == before


def test_json_output_is_empty_where_the_records_are_damaged(command: Command, suite: Path) -> None:
    DAMAGES["no bytes"][0](suite)
    for words in (("report", suite, "--json"), ("compare", suite, suite, "--json")):
        answer = command(*words)
        assert answer.out == ""
        assert "evaluations.parquet is damaged" in answer.error_line()


def test_what_is_left_out_is_counted_and_the_rest_reported(command: Command, suite: Path) -> None:
    other(status="failed", error="reward ocr:\n no <b>model</b> für 二")(suite)
    change_run(run_of(suite).with_name("seed0"), lambda content: content.update(status="running"))
    answer = command("report", suite)
    assert answer.code == 0
    page = (suite / "report/README.md").read_text()
    for text in (answer.out + answer.err, page):
        assert "pareto_slider/seed1" in text
        assert "failed" in text
        assert "running" in text
    rows = command("report", suite, "--json").json()
    assert {row["method"] for row in rows} == {"base", "fixed_weights"}


def test_two_suites_of_which_one_is_damaged_write_neither(command: Command, suite: Path) -> None:
    write_tree(suite.parent, (Task("other", 1),), (Recipe("one", 0.5),), (0,), suite="earlier")
    DAMAGES["no bytes"][0](suite)
    before = bytes_below(suite.parent)
    assert "evaluations.parquet is damaged" in command("report", suite.parent).error_line()
    assert bytes_below(suite.parent) == before


def test_an_index_of_pictures_that_leads_elsewhere_is_refused(command: Command, suite: Path) -> None:
    pictures_below(suite)
    path = run_of(suite).with_name("seed0") / INDEX
    path.write_text(path.read_text().replace('"file": "', '"file": "../../', 1))
    line = command("report", suite).error_line()
    assert f"{path}: field sheets.0.file: " in line
    assert not (suite / "report").exists()


# The ledger.


def first_place(results: Path) -> Path:
    """The folder of the first run that a claim rests on."""
    arm = next(arm for claim in CLAIMS if claim.statistic is not None for arm in claim.arms)
    one = arm.experiment
    return run_folder(results / one.folder, one.suite, one.benchmark, arm.method, one.seeds[0])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(b""), "run.json is damaged: expected a JSON object, found: "),
        (
            lambda path: change_run(path.parent, lambda c: c.update(schema_version=3)),
            "expected schema_version 1, found 3",
        ),
        (lambda path: change_run(path.parent, lambda c: c.update(seed=77)), "expected the run "),
    ],
    ids=["no bytes", "schema", "seed"],
)
@pytest.mark.parametrize("words", [(), ("--json",), ("--format", "csv")], ids=["text", "json", "csv"])
def test_the_ledger_refuses_damaged_records(
    command: Command, suite: Path, damage: Damage, says: str, words: tuple[str, ...]
) -> None:
    place = first_place(suite.parents[1] / "claims")
    shutil.copytree(run_of(suite), place)
    damage(place / RUN_FILE)
    answer = command("reproduce", "--ledger", "--results", suite.parents[1] / "claims", "--out", "ledger", *words)
    assert says in answer.error_line()
    assert str(place / RUN_FILE) in answer.error_line()
    assert answer.out == ""
    assert not Path("ledger").exists()


def test_the_ledger_of_an_empty_folder_runs_nothing_and_claims_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = command("reproduce", "--ledger", "--results", tmp_path / "empty", "--json").json()
    entries = found if isinstance(found, list) else found["claims"]
    assert {entry["verdict"] for entry in entries} <= {"not run", "not testable"}
    assert all(entry["reason"] for entry in entries)
