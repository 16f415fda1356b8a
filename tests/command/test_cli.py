"""The verbs of the command: what they print, what they write, and that the same words give the same records."""

import json
import pickle
import re
import shutil
import subprocess
import sys
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.main import get_command

from benchmarks.executors import Outcome, Progress, _serve, run_all
from benchmarks.planner import Request, plan, request_from_config, resolve
from benchmarks.records import RecordError, UsageError, find_runs, read_run
from benchmarks.suites.toy import TOY
from flowfront import cli
from flowfront.options import parse_seeds
from methods import METHODS
from tests.support.records import Command, bytes_below, measurements, times_below

RUN_AGAIN = ("outside_suites:TINY", "--method", "pareto_slider", "--method", "outside_suites:TwoModels")


def test_a_run_by_real_workers_leaves_records_and_a_report(made: tuple[Path, int]) -> None:
    folder, code = made
    assert code == 0
    found = {run.folder.relative_to(folder).as_posix(): run.record.status for run in find_runs(folder)}
    assert found == {
        f"tiny/{benchmark}/{method}/seed0": "done"
        for benchmark in ("tiny", "second")
        for method in ("pareto_slider", "two_models")
    }
    assert (folder / "tiny/report/summary.json").exists()
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")], "no temporary file is left"


def test_the_number_of_jobs_changes_no_record(here: Path, made: tuple[Path, int]) -> None:
    # made: two workers; here: one worker does all runs, one after the other.
    request = Request(
        "outside_suites:TINY", (), ("pareto_slider", "outside_suites:TwoModels"), None, (), str(here / "one")
    )
    events: list[Progress | Outcome] = []
    outcomes = run_all(request, plan(resolve(request)), 1, events.append)
    assert outcomes == [Outcome(i) for i in range(4)]
    assert [event for event in events if isinstance(event, Outcome)] == outcomes
    for run in find_runs(made[0]):
        assert measurements(here / "one" / run.folder.relative_to(made[0])) == measurements(run.folder)


def test_a_finished_suite_is_not_run_again(command: Command, records: Path) -> None:
    before = {path: times_below(path) for path in records.glob("tiny/*/*/seed0")}
    assert len(before) == 4
    answer = command("run", *RUN_AGAIN, "--json")
    assert answer.code == 0
    assert {path: times_below(path) for path in before} == before
    rows = answer.json()
    assert {(row["benchmark"], row["method"]) for row in rows} >= {
        (benchmark, method) for benchmark in ("tiny", "second") for method in ("pareto_slider", "two_models")
    }
    assert rows == command("report", "results", "--json").json()
    assert answer.err == ""


def test_a_report_can_have_a_ledger_and_what_a_paper_needs(command: Command, records: Path) -> None:
    assert not (records / "tiny/report/paper").exists()
    ledger = Path(__file__).parents[2] / "results/reference/ledger/claims.json"
    answer = command("report", "results", "--paper", "--page", "neurips", "--ledger", ledger)
    assert answer.code == 0, answer.err
    made = {path.suffix for path in (records / "tiny/report/paper").iterdir()}
    assert made == {".pdf", ".svg", ".tex"}
    assert "Claims of the papers" in (records / "tiny/report/index.html").read_text()
    box = re.search(rb"/MediaBox \[ 0 0 ([0-9.]+) ", (records / "tiny/report/paper/overview.pdf").read_bytes())
    assert box is not None
    assert float(box[1]) == pytest.approx(5.5 * 72)
    refused = command("report", "results", "--ledger", "nowhere.json")
    assert refused.code == 2
    assert "--ledger: expected a file that" in refused.err


def test_a_report_is_made_from_records_alone(command: Command, records: Path) -> None:
    wanted = json.loads((records / "tiny/report/summary.json").read_text())
    shutil.rmtree(records / "tiny/report")
    answer = command("report", "results")
    assert answer.code == 0
    assert "two_models" in answer.out
    assert str(records / "tiny/report") in answer.out
    assert json.loads((records / "tiny/report/summary.json").read_text()) == wanted
    for row in wanted:
        hypervolume = row["hypervolume"]
        assert {"mean", "low", "high", "seeds"} <= set(hypervolume)


@pytest.mark.parametrize("name", ["pareto_slider", "two_models"])
def test_a_record_is_repeated_bit_for_bit_by_its_config(here: Path, made: tuple[Path, int], name: str) -> None:
    # What a worker does, in this process: only words cross to it.
    original = made[0] / "tiny/tiny" / name / "seed0"
    request = pickle.loads(pickle.dumps(request_from_config(original / "run.json", str(here / "other"))))
    run = resolve(request)[0]
    ours, theirs = Pipe()
    ours.send(0)
    ours.send(None)
    _serve(request, theirs)
    events = []
    while ours.poll():
        events.append(ours.recv())
    assert events[-1] == Outcome(0)
    for end in (ours, theirs):
        end.close()
    record = read_run(run.folder / "run.json")
    assert record.model_dump(include={"method", "recipe", "budget", "benchmark", "seed", "suite_origin"}) == read_run(
        original / "run.json"
    ).model_dump(include={"method", "recipe", "budget", "benchmark", "seed", "suite_origin"})
    if torch.get_default_dtype() == torch.float32:
        found, expected = measurements(run.folder), measurements(original)
        differences = {key for key in expected["record"] if found["record"][key] != expected["record"][key]}
        assert differences == set()
        assert found == expected


def test_a_worker_tells_faults_of_the_input_from_its_own(here: Path) -> None:
    (here / "outside_faults.py").write_text(
        "from tests.support.suites import *\n"
        "from dataclasses import fields, replace\n"
        "class Broken(ToySpec):\n"
        "    def build(self, n_objectives, seed):\n"
        "        raise RuntimeError('a fault of ours')\n"
        "broken = Broken(**{field.name: vars(SPEC)[field.name] for field in fields(SPEC)})\n"
        "make = lambda name, reward: tiny_benchmark(name, (FIRST, reward), true_front=False)\n"
        "ours = replace(tiny_benchmark('ours'), backbone=broken)\n"
        "SUITE = tiny_suite(make('input', FaultyReward('nan')), ours, tiny_benchmark('sound'))\n"
    )
    request = Request("outside_faults:SUITE", (), ("fixed_weights",), None, (), "out")
    ours, theirs = Pipe()
    for word in (0, 1, 2, None):
        ours.send(word)
    _serve(request, theirs)
    events = []
    while ours.poll():
        events.append(ours.recv())
    for end in (ours, theirs):
        end.close()
    bad, crashed, sound = (event for event in events if isinstance(event, Outcome))
    assert bad.error == "reward broken: expected a score for at least one prompt, found NaN everywhere"
    assert bad.crash is None
    assert crashed.error is None
    assert crashed.crash is not None
    assert crashed.crash.startswith("Traceback")
    assert crashed.crash.rstrip().endswith("RuntimeError: a fault of ours")
    assert sound == Outcome(2)
    assert all(0 < event.steps_done <= 6 for event in events if isinstance(event, Progress))


def test_a_worker_that_dies_is_told_in_one_line(here: Path) -> None:
    (here / "outside_death.py").write_text(
        "import os\n"
        "from tests.support.suites import *\n"
        "class Death(FaultyReward):\n"
        "    def __call__(self, samples, prompts):\n"
        "        os._exit(9)\n"
        "SUITE = tiny_suite(tiny_benchmark(rewards=(FIRST, Death('nan')), true_front=False))\n"
    )
    request = Request("outside_death:SUITE", (), ("fixed_weights",), None, (), "out")
    planned = plan(resolve(request))
    with pytest.raises(RecordError, match=r"a worker process died .*the same command goes on") as told:
        run_all(request, planned, 1, print)
    assert "\n" not in str(told.value)
    assert plan(resolve(request))[0].status == "running"


def test_a_request_that_a_worker_cannot_resolve_is_a_fault_of_the_input(here: Path) -> None:
    ours, theirs = Pipe()
    for word in (0, 1, None):
        ours.send(word)
    _serve(Request("no-such-suite", (), (), None, (), "out"), theirs)
    found = [ours.recv(), ours.recv()]
    assert found == [Outcome(0, error=found[0].error), Outcome(1, error=found[0].error)]
    assert str(found[0].error).startswith("no suite 'no-such-suite': expected one of ")
    for end in (ours, theirs):
        end.close()


def outcomes_of(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome) -> None:
    """Let `run` meet these outcomes without a worker, and leave the report out."""
    monkeypatch.setattr("benchmarks.executors.run_all", lambda *_: list(outcomes))
    monkeypatch.setattr(cli, "_report", lambda folder, as_json: print(f"reported {folder}"))


@pytest.mark.parametrize(
    ("outcomes", "code", "reported"),
    [
        ([Outcome(0), Outcome(1)], 0, True),
        ([Outcome(0, error="bad reward"), Outcome(1)], 2, True),
        ([Outcome(0, error="bad reward"), Outcome(1, error="bad reward")], 2, False),
        ([Outcome(0, crash="Traceback of ours"), Outcome(1, error="bad reward")], 1, False),
    ],
)
def test_the_exit_code_says_whose_fault_it_was(
    command: Command, monkeypatch: pytest.MonkeyPatch, outcomes: list[Outcome], code: int, reported: bool
) -> None:
    outcomes_of(monkeypatch, *outcomes)
    answer = command("run", "outside_suites:TINY", "--benchmark", "tiny", "--out", "elsewhere")
    assert answer.code == code
    assert ("reported elsewhere/tiny" in answer.out) == reported
    told = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert told == [
        f"error: elsewhere/tiny/tiny/{('pareto_slider', 'fixed_weights')[o.index]}/seed0: {o.error or o.crash}"
        for o in outcomes
        if o.error or o.crash
    ]


def test_an_interrupt_says_how_to_go_on(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.executors.run_all", stops)
    answer = command("run", "toy")
    assert answer.code == 130
    assert answer.err.splitlines()[-1] == "interrupted: the same command goes on from the last saved state"


def test_a_fault_of_ours_is_not_hidden(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: Exception) -> Any:
        def app() -> None:
            raise error

        return app

    monkeypatch.setattr(cli, "app", fails(ValueError("ours")))
    with pytest.raises(ValueError, match="ours"):
        command("list")
    monkeypatch.setattr(cli, "app", fails(UsageError("theirs")))
    assert command("list").error_line() == "theirs"


@pytest.mark.parametrize("words", [("plan",), ("run", "--dry-run")])
def test_a_plan_writes_nothing(command: Command, here: Path, words: tuple[str, ...]) -> None:
    before = bytes_below(here)
    answer = command(words[0], "outside_suites:TINY", *words[1:], "--seeds", "2", "--json")
    assert answer.code == 0
    assert bytes_below(here) == before
    rows = answer.json()
    assert len(rows) == 2 * 2 * 2
    assert rows[0] == {
        "benchmark": "tiny",
        "method": "pareto_slider",
        "seed": 0,
        "models": 1,
        "steps": 6,
        "velocity_evaluations": 648,
        "steps_done": 0,
        "status": "new",
        "folder": "results/tiny/tiny/pareto_slider/seed0",
    }
    text = command(words[0], "outside_suites:TINY", *words[1:], "--seeds", "2")
    assert text.out.splitlines()[-1] == "8 runs, 8 of them to do, 40 steps left"
    assert len(text.out.splitlines()) == 10


def test_a_plan_knows_what_is_done(command: Command, records: Path) -> None:
    before = times_below(records)
    answer = command("plan", *RUN_AGAIN, "--seeds", "2", "--json")
    assert {(row["seed"], row["status"], row["steps"] == row["steps_done"]) for row in answer.json()} == {
        (0, "done", True),
        (1, "new", False),
    }
    assert times_below(records) == before
    assert "8 runs, 4 of them to do, 20 steps left" in command("plan", *RUN_AGAIN, "--seeds", "2").out


def test_nested_fields_are_set_for_the_run_and_in_its_record(command: Command) -> None:
    changes = ("pareto_slider.objective.beta=0.5", "recipe.group_size=12", "budget.velocity_evaluations=2160")
    words = [word for change in changes for word in ("--set", change)]
    rows = command("plan", "outside_suites:TINY", "--benchmark", "tiny", *words, "--json").json()
    assert [(row["method"], row["steps"]) for row in rows] == [("pareto_slider", 10), ("fixed_weights", 10)]


def test_a_config_is_planned(command: Command, records: Path) -> None:
    config = records / "tiny/tiny/two_models/seed0/run.json"
    rows = command("plan", "--config", config, "--out", "other", "--json").json()
    assert [(row["method"], row["status"], row["folder"]) for row in rows] == [
        ("two_models", "new", "other/tiny/tiny/two_models/seed0")
    ]
    assert command("plan", "--config", config, "--json").json()[0]["status"] == "done"


def test_the_catalog_holds_everything_by_name(command: Command) -> None:
    content = command("list", "--json").json()
    assert set(content["methods"]) == set(METHODS)
    toy = content["suites"]["toy"]
    assert toy["seeds"] == list(TOY.seeds)
    assert toy["methods"] == list(TOY.methods)
    assert {name: about["hash"] for name, about in toy["benchmarks"].items()} == {
        benchmark.name: benchmark.fingerprint for benchmark in TOY.benchmarks
    }
    text = command("list").out
    for name in (*METHODS, *toy["benchmarks"], "nft", "ode"):
        assert name in text
    assert all(about["paper"] and about["summary"].endswith(".") for about in content["methods"].values())


def test_the_doctor_finds_this_installation_sound(command: Command) -> None:
    answer = command("doctor", "--json")
    assert answer.code == 0
    findings = answer.json()
    assert findings["passed"]
    assert set(findings["invariants"]) == {benchmark.name for benchmark in TOY.benchmarks}
    for checks in findings["invariants"].values():
        assert {check["name"] for check in checks} == {
            "no_contrast_at_start",
            "slider_is_identity_at_start",
            "contrast_after_training",
            "preference_changes_output",
            "rewards_finite",
        }
        assert all(check["passed"] for check in checks)
    assert Path(findings["checkout"]) == Path(cli.__file__).parents[1]


def test_the_doctor_says_what_is_not_sound(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    check = {"name": "rewards_finite", "passed": False, "value": 3.0, "requirement": "== 0"}
    findings = {
        "versions": {"torch": "2.0"},
        "device": "cpu",
        "cuda": False,
        "commit": None,
        "checkout": "here",
        "invariants": {"tiny": [check, check | {"passed": True, "value": 0.0}]},
        "passed": False,
    }
    monkeypatch.setattr("flowfront.doctor.examine", lambda: findings)
    answer = command("doctor")
    assert answer.code == 1
    lines = answer.out.splitlines()
    assert lines[0].split() == ["torch", "2.0"]
    assert lines[-3:] == [
        "FAILED tiny: rewards_finite 3, must be == 0",
        "ok     tiny: rewards_finite 0, must be == 0",
        "some checks FAILED",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", (0,)), ("3", (0, 1, 2)), ("0,4,7", (0, 4, 7)), ("5,", (5,)), (" 2 , 1 ", (2, 1)), ("0,", (0,))],
)
def test_seeds_are_a_number_or_a_list(text: str, expected: tuple[int, ...]) -> None:
    assert parse_seeds(text) == expected


VERBS = (
    "list", "plan", "run", "eval", "report", "compare", "export", "sample", "demo", "doctor", "speed", "pretrain",
    "reproduce",
)  # fmt: skip


def test_these_are_all_verbs() -> None:
    assert {command.name for command in get_command(cli.app).commands.values()} == set(VERBS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_and_json(command: Command, verb: str) -> None:
    answer = command(verb, "--help")
    assert answer.code == 0
    assert f"Example: flowfront {verb}" in " ".join(answer.out.split())
    assert "--json" in answer.out


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "sys.argv = ['flowfront', '--help']\n"
        "from flowfront.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as ended:\n"
        "    heavy = {'torch', 'pandas', 'numpy', 'scipy', 'matplotlib', 'pyarrow', 'pydantic', 'benchmarks.base'}\n"
        "    print('heavy:', sorted(heavy & set(sys.modules)), 'code:', ended.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: [] code: 0"
    assert "Usage: flowfront" in done.stdout


def test_the_module_is_the_command(here: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "flowfront", "--help"], capture_output=True, text=True, check=True)
    assert "Commands:" in done.stdout
    for verb in ("list", "plan", "run", "report", "doctor"):
        assert f"  {verb} " in done.stdout
