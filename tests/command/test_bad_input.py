"""Bad input ends with one clear line and exit code 2, and nothing that was there is lost or overwritten."""

import contextlib
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.execute import execute
from benchmarks.planner import Request, resolve
from benchmarks.records import RecordError, read_run
from tests.command.conftest import MODULE, call, forget_modules_of
from tests.support.records import Answer, Command, bytes_below
from tests.support.suites import cut_off

PLAN = ("plan", "outside_suites:TINY", "--out", "results")
UNKNOWN = {
    "suite": (("plan", "toyy"), "no suite 'toyy': expected one of toy"),
    "outside suite": (("plan", "outside_suites:TINNY"), "expected one of TINY, "),
    "outside module": (("plan", "outside_suits:TINY"), "suite outside_suits:TINY: cannot import outside_suits"),
    "no suite": (("plan", "outside_suites:NUMBER"), "expected a benchmarks.base.Suite, found int"),
    "benchmark": (
        ("plan", "toy", "--benchmark", "scale"),
        "no benchmark 'scale' in suite toy: expected one of scales",
    ),
    "method": (("plan", "toy", "--method", "slider"), "no method 'slider': expected one of pareto_slider, "),
    "outside method": (("plan", "toy", "--method", "outside_suites:TowModels"), "expected one of TwoModels, "),
    "no method": (("plan", "toy", "--method", "outside_suites:TINY"), "expected a subclass of methods.base.Method"),
    "field": ((*PLAN, "--set", "pareto_slider.anchr=1"), "has no field 'anchr': expected one of anchor, "),
    "inner field": ((*PLAN, "--set", "pareto_slider.beta=1"), "did you mean objective.beta?"),
    "part": ((*PLAN, "--set", "slider.anchor=1"), "no 'slider' in this run: expected one of pareto_slider, "),
    "recipe field": ((*PLAN, "--set", "recipe.lr=1"), "recipe has no field 'lr': expected one of "),
    "folder": (("report", "nowhere"), "nowhere (expected the output folder of `flowfront run`)"),
    "config": (("plan", "--config", "nowhere/run.json"), "cannot read nowhere/run.json: No such file or directory"),
}
WRONG = {
    "off the simplex": (
        ("fixed_weights.weights=[0.7,0.6]",),
        "non-negative and sum to 1, found [0.7, 0.6] summing",
    ),
    "negative preference": (
        ("fixed_weights.weights=[-0.5,1.5]",),
        "non-negative and sum to 1, found [-0.5, 1.5]",
    ),
    "nan preference": (
        ("fixed_weights.weights=[NaN,1]",),
        "weights: expected a finite number, found nan",
    ),
    "too many weights": (
        ("fixed_weights.weights=[0.2,0.3,0.5]",),
        "must have 2 entries, one a reward, found 3",
    ),
    "too few weights": (("fixed_weights.weights=[1]",), "weights must have 2 entries, one a reward, found 1"),
    "weights that are no numbers": (("fixed_weights.weights=[a]",), "found '[a]'"),
    "not a number": (("pareto_slider.anchor=much",), "pareto_slider.anchor: expected <class 'float'>, found 'much'"),
    "out of range": (("pareto_slider.objective.beta=-1",), "NFT needs beta > 0"),
    "slots": (("pareto_slider.slots=4",), "slots must divide the group size and leave at least 2 rollouts a slot"),
    "budget": (("budget.velocity_evaluations=1",), "expected a budget of at least 108 velocity evaluations"),
    "recipe": (("recipe.learning_rate=-1",), "learning_rate must be positive and finite, found -1"),
    "no value": (("pareto_slider.anchor",), "--set: expected name.field=value, found 'pareto_slider.anchor'"),
    "second of two": (("pareto_slider.anchor=1", "recipe.threads=0"), "threads must be at least 1, found 0"),
}
SEEDS = ("-1", "0,-1", "x", "1.5", "0", "", ",", "1,1", "0,x", "--3")


@pytest.mark.parametrize(("words", "says"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_names_are_answered_with_the_nearest_known_ones(
    command: Command, here: Path, words: tuple[str, ...], says: str
) -> None:
    before = bytes_below(here)
    assert says in command(*words).error_line()
    assert bytes_below(here) == before


@pytest.mark.parametrize("verb", ["plan", "run"])
@pytest.mark.parametrize(("changes", "says"), WRONG.values(), ids=WRONG.keys())
def test_values_that_do_not_fit_are_refused_before_anything_is_written(
    command: Command, here: Path, verb: str, changes: tuple[str, ...], says: str
) -> None:
    before = bytes_below(here)
    words = [word for change in changes for word in ("--set", change)]
    assert says in command(verb, "outside_suites:TINY", *words).error_line()
    assert bytes_below(here) == before


@pytest.mark.parametrize("seeds", SEEDS)
def test_seeds_that_are_none_are_refused(command: Command, seeds: str) -> None:
    line = command("run", "toy", "--seeds", seeds).error_line()
    assert line.startswith("--seeds: expected ")
    assert line.endswith(f"found {seeds!r}")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run",), "expected the name of a suite, or --config RUN.JSON"),
        (("run", "toy", "--config", "run.json"), "--config repeats a record as it is: expected no suite, "),
        (("run", "--config", "run.json", "--set", "recipe.threads=2"), "--config repeats a record as it is"),
        (("run", "outside_suites:TINY", "--jobs", "0"), "--jobs: expected at least 1, found 0"),
    ],
)
def test_words_that_contradict_each_other_are_refused(command: Command, words: tuple[str, ...], says: str) -> None:
    assert says in command(*words).error_line()


@pytest.mark.parametrize(
    "words", [("runn",), ("plan", "toy", "--sed", "3"), ("run", "toy", "--jobs", "many"), ("report",)]
)
def test_what_is_no_command_ends_with_code_2_and_a_way_to_help(command: Command, words: tuple[str, ...]) -> None:
    answer = command(*words)
    assert answer.code == 2
    assert "--help" in answer.err
    assert "Traceback" not in answer.err


def test_a_benchmark_with_a_preference_off_the_simplex_is_refused_where_it_is_defined(
    command: Command, here: Path
) -> None:
    (here / "off_simplex.py").write_text(
        "from tests.support.suites import tiny_benchmark, tiny_suite\n"
        "SUITE = tiny_suite(tiny_benchmark(sweep=((0.7, 0.6),)))\n"
    )
    line = command("plan", "off_simplex:SUITE").error_line()
    says = "benchmark tiny: evaluation preference must be non-negative and sum to 1, found [0.7, 0.6] summing to 1.3"
    assert line.endswith(says)


# Rewards and reference points, through real workers.

FAULTS = {
    "nan": "reward broken: expected a score for at least one prompt, found NaN everywhere",
    "inf": "reward broken: expected finite scores or NaN, found inf for prompt 'up'",
    "minus-inf": "reward broken: expected finite scores or NaN, found -inf for prompt 'up'",
    "shape": "reward broken: expected shape (6,), one score a sample, found (6, 1)",
    "too-few": "reward broken: expected shape (6,), one score a sample, found (5,)",
    "refuses": "reward broken: expected a server at its address, found none",
    "reference": "benchmark reference: reference_point must be worse than the base model in every reward, "
    "found -0.5 for first where the base model has -4.37839",
}


@pytest.fixture(scope="module")
def faulty(made: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, str], int]:
    """The folder after a run of the suite in which everything is wrong, its error lines by benchmark, its exit code."""
    folder, printed = tmp_path_factory.mktemp("faulty"), io.StringIO()
    (folder / "outside_suites.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(printed):
        patch.chdir(folder)
        patch.setattr(sys, "path", list(sys.path))
        code = call(("run", "outside_suites:FAULTY", "--method", "pareto_slider", "--jobs", 1))
    forget_modules_of(folder)
    lines = [line for line in printed.getvalue().splitlines() if line.startswith("error: ")]
    assert len(lines) == len(FAULTS)
    assert "Traceback" not in printed.getvalue()
    found = [line.removeprefix("error: results/tiny/").partition("/pareto_slider/seed0: ") for line in lines]
    return folder / "results", {name: says for name, _, says in found}, code


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_reward_is_told_in_one_line_and_kept_in_the_record(
    faulty: tuple[Path, Mapping[str, str], int], fault: str
) -> None:
    folder, lines, code = faulty
    assert code == 2
    assert lines[fault] == FAULTS[fault]
    record = read_run(folder / "tiny" / fault / "pareto_slider" / "seed0" / "run.json")
    assert (record.status, record.error) == ("failed", FAULTS[fault])
    assert record.spent.velocity_evaluations == 0, "the base model is measured before anything is trained"


def test_a_report_of_failed_runs_alone_says_so(command: Command, faulty: tuple[Path, Mapping[str, str], int]) -> None:
    before = bytes_below(faulty[0])
    line = command("report", faulty[0]).error_line()
    assert "expected a run with status done, found inf/pareto_slider/seed0 failed" in line
    assert bytes_below(faulty[0]) == before


# Folders that cannot be written to, or were left half-written.


def test_runs_that_cannot_go_on_are_told_one_by_one_and_keep_their_files(command: Command, here: Path) -> None:
    runs = resolve(Request("outside_suites:TINY", (), (), (0,), ("recipe.checkpoint_seconds=0",), "results"))
    by_name = {(run.benchmark.name, run.method_name): run for run in runs}
    damaged, short = by_name["tiny", "pareto_slider"], by_name["tiny", "fixed_weights"]
    for run in (damaged, short):
        cut_off(run, 2)
    (damaged.folder / "evaluations.parquet").write_bytes(b"PAR1")
    (short.folder / "steps.jsonl").write_bytes(b"{}\n")
    blocked = by_name["second", "pareto_slider"].folder
    blocked.parent.parent.mkdir(parents=True)
    blocked.parent.write_text("a file where a folder should be")
    half = by_name["second", "fixed_weights"]
    cut_off(half, 2)
    tensors = next((half.folder / "checkpoints").glob("resume-*"))
    tensors.write_bytes(tensors.read_bytes()[:100])

    before = bytes_below(here / "results")
    answer = command("run", "outside_suites:TINY", "--set", "recipe.checkpoint_seconds=0", "--jobs", 1)
    assert answer.code == 2
    assert "Traceback" not in answer.err
    start = "error: results/tiny/"
    lines = [line.removeprefix(start) for line in answer.err.splitlines() if line.startswith(start)]
    assert len(lines) == 4
    expected = {
        "tiny/pareto_slider/seed0: ": "evaluations.parquet is damaged: expected a parquet file, found: ",
        "tiny/fixed_weights/seed0: ": "steps.jsonl is damaged: expected at least ",
        "second/pareto_slider/seed0: ": "seed0: expected a writable folder, found: ",
        "second/fixed_weights/seed0: ": "safetensors is damaged: expected safetensors, found: ",
    }
    for line, (which, says) in zip(lines, expected.items(), strict=True):
        assert line.startswith(which)
        assert says in line
    after = bytes_below(here / "results")
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert {name.split("/")[-1] for name in changed} <= {"run.json"}, "at most a record says that its run failed"
    assert not (here / "results/tiny/report").exists()


def test_a_folder_that_holds_no_record_is_not_taken(command: Command, here: Path) -> None:
    folder = here / "results/tiny/tiny/pareto_slider/seed0"
    folder.mkdir(parents=True)
    (folder / "evaluations.parquet").write_text("half-written")
    before = bytes_below(here)
    line = command("run", "outside_suites:TINY").error_line()
    assert line.startswith("results/tiny/tiny/pareto_slider/seed0: expected an empty folder or one with a run.json, ")
    assert bytes_below(here) == before


def first_run(records: Path) -> Path:
    return records / "tiny/tiny/pareto_slider/seed0"


RUN_AGAIN = ("run", "outside_suites:TINY", "--method", "pareto_slider")


def edited(path: Path, **changes: Any) -> bytes:
    return json.dumps(json.loads(path.read_text()) | changes).encode()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.read_bytes()[:300], "run.json is damaged: expected a JSON object, found: "),
        (lambda path: b"", "run.json is damaged: expected a JSON object, found: "),
        (lambda path: edited(path, schema_version=2), "run.json: expected schema_version 1, found 2"),
        (lambda path: edited(path, seed="many"), "run.json: field seed: "),
    ],
    ids=["truncated", "empty", "schema", "field"],
)
@pytest.mark.parametrize("words", [("report", "results"), RUN_AGAIN, ("plan", *RUN_AGAIN[1:])], ids=lambda w: w[0])
def test_a_record_that_cannot_be_read_stops_every_verb(
    command: Command, records: Path, damage: Any, says: str, words: tuple[str, ...]
) -> None:
    path = first_run(records) / "run.json"
    path.write_bytes(damage(path))
    before = bytes_below(records)
    assert says in command(*words).error_line()
    assert bytes_below(records) == before


@pytest.mark.parametrize("content", [b"", b'{"model": 0, "st', b"[]"])
def test_a_truncated_state_stops_a_run_that_would_go_on_from_it(command: Command, here: Path, content: bytes) -> None:
    run = resolve(Request("outside_suites:TINY", ("tiny",), ("pareto_slider",), (0,), (), "results"))[0]
    cut_off(run, 3)
    (run.folder / "checkpoints/state.json").write_bytes(content)
    before = bytes_below(here)
    line = command(*RUN_AGAIN, "--benchmark", "tiny").error_line()
    assert "checkpoints/state.json is damaged: expected the state of a run, found: " in line
    assert bytes_below(here) == before


@pytest.mark.parametrize("keep", [0, 100, -1, None], ids=["empty", "start", "all but one byte", "missing"])
def test_a_report_refuses_truncated_measurements(command: Command, records: Path, keep: int | None) -> None:
    path = first_run(records) / "evaluations.parquet"
    if keep is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:keep])
    before = bytes_below(records)
    line = command("report", "results").error_line()
    assert "tiny/pareto_slider/seed0/evaluations.parquet" in line
    assert "no such file" in line if keep is None else "is damaged: expected a parquet file, found: " in line
    assert bytes_below(records) == before


def test_records_whose_benchmarks_differ_are_not_compared(command: Command, records: Path) -> None:
    path = first_run(records) / "run.json"
    right = read_run(path).benchmark.hash
    path.write_text(path.read_text().replace(right, "f" * 64))
    before = bytes_below(records)
    line = command("report", "results").error_line()
    assert "run.json: expected benchmark hash " in line
    assert right in line
    assert "f" * 64 in line
    assert bytes_below(records) == before
    assert "expected benchmark tiny with hash" in command("plan", "--config", path).error_line()
    line = command(*RUN_AGAIN).error_line()
    assert f"expected the same settings as now (benchmark = {right}), found {'f' * 64}; choose another --out" in line
    assert bytes_below(records) == before


def test_a_run_with_other_settings_is_not_overwritten(command: Command, records: Path) -> None:
    before = bytes_below(records)
    line = command(*RUN_AGAIN, "--set", "pareto_slider.anchor=0.5").error_line()
    assert (
        "run.json: expected the same settings as now (method.fields.anchor = 0.5), found 0.001; choose another" in line
    )
    assert bytes_below(records) == before


def test_a_report_that_cannot_be_written_leaves_the_records(command: Command, records: Path) -> None:
    for path in (records / "tiny/report").iterdir():
        path.unlink()
    (records / "tiny/report").rmdir()
    (records / "tiny/report").write_text("a file where a folder should be")
    before = bytes_below(records)
    line = command("report", "results").error_line()
    assert "report/overview.png: expected a writable folder, found: " in line
    assert bytes_below(records) == before


def test_an_unwritable_place_is_told(command: Command, here: Path) -> None:
    # Permission bits do not stop root, so: a file system that has no room for files.
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc")
    run = resolve(Request("outside_suites:TINY", ("tiny",), ("pareto_slider",), (0,), (), "/proc/flowfront"))[0]
    with pytest.raises(RecordError, match=r"cannot write /proc/flowfront/.*: "):
        execute(run)


def test_a_folder_without_records_is_told(command: Command, here: Path) -> None:
    (here / "empty").mkdir()
    assert command("report", "empty").error_line().endswith("empty: expected run.json files below it, found none")


def test_the_answer_helper_fails_on_more_than_one_line() -> None:
    with pytest.raises(AssertionError):
        Answer(2, "", "error: one\nerror: two\n").error_line()
    with pytest.raises(AssertionError):
        Answer(1, "", "error: one\n").error_line()
