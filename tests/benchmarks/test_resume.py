"""Cutting a run anywhere, or damaging its files, changes no number of it and loses none."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.checkpoints import read_position
from benchmarks.execute import execute
from benchmarks.planner import plan
from benchmarks.records import RecordError, read_run
from benchmarks.run import Run, stored_status
from tests.support.records import bytes_below, measurements
from tests.support.suites import (
    cut_off,
    tiny_benchmark,
    tiny_run,
)

OFTEN = tiny_benchmark(checkpoint_seconds=0.0)
NAMES = ("pareto_slider", "fixed_weights")
methods = pytest.mark.parametrize("name", NAMES)

CUTS = [*[("pareto_slider", at) for at in (1, 2, 5, 6)], *[("fixed_weights", at) for at in (1, 2, 3, 4, 6)]]


@pytest.mark.parametrize(("name", "at"), CUTS)
def test_a_cut_off_run_goes_on_to_the_same_records(
    tmp_path: Path, whole: Mapping[str, Run], name: str, at: int
) -> None:
    run = tiny_run(tmp_path, name, benchmark=OFTEN)
    cut_off(run, at)
    assert read_run(run.folder / "run.json").status == "running"
    planned = plan([run])[0]
    assert (planned.status, planned.steps_done, planned.steps_left) == ("running", at, 6 - at)
    ticks: list[int] = []
    execute(run, ticks.append)
    assert ticks == list(range(at + 1, 7)), "only what was left is done"
    assert measurements(run.folder) == measurements(whole[name].folder)
    assert set(bytes_below(run.folder)) == set(bytes_below(whole[name].folder))


def test_a_run_may_be_cut_off_again_and_again(tmp_path: Path, whole: Mapping[str, Run]) -> None:
    run = tiny_run(tmp_path, "fixed_weights", benchmark=OFTEN)
    for at in range(1, 7):
        cut_off(run, at)
    execute(run)
    assert measurements(run.folder) == measurements(whole["fixed_weights"].folder)


@methods
def test_steps_behind_the_last_saved_state_are_done_again(tmp_path: Path, whole: Mapping[str, Run], name: str) -> None:
    # States are saved at evaluated steps only (2, and at the end): a cut at 5 of the slider goes back to 2, a cut
    # within the second model of fixed weights goes back to that model's start.
    rare = replace(OFTEN, recipe=replace(OFTEN.recipe, checkpoint_seconds=1e9))
    run = tiny_run(tmp_path, name, benchmark=rare)
    at, saved = {"pareto_slider": (5, 2), "fixed_weights": (4, 3)}[name]
    cut_off(run, at)
    assert plan([run])[0].steps_done == saved
    execute(run)
    found, expected = measurements(run.folder), measurements(whole[name].folder)
    for measured in (found, expected):
        measured["record"]["recipe"].pop("checkpoint_seconds")
    assert found == expected


def test_a_run_cut_off_before_its_first_state_starts_again(tmp_path: Path, whole: Mapping[str, Run]) -> None:
    rare = replace(OFTEN, recipe=replace(OFTEN.recipe, checkpoint_seconds=1e9))
    run = tiny_run(tmp_path, benchmark=rare)
    cut_off(run, 1)
    assert read_position(run.folder) is None
    assert plan([run])[0].steps_done == 0
    execute(run)
    assert (
        measurements(run.folder)["evaluations.parquet"]
        == measurements(whole["pareto_slider"].folder)["evaluations.parquet"]
    )


@pytest.mark.parametrize("nth", range(14))
def test_a_run_cut_off_while_it_writes_goes_on_to_the_same_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Mapping[str, Run], nth: int
) -> None:
    # run.json is written, then for each of the first three steps two tables, the tensors and state.json. Stop just
    # before one of these renames.
    run, rename, calls = tiny_run(tmp_path, benchmark=OFTEN), os.replace, []

    def stops(*words: Any) -> None:
        calls.append(words)
        if len(calls) == nth + 1:
            raise KeyboardInterrupt
        rename(*words)

    monkeypatch.setattr(os, "replace", stops)
    with pytest.raises(KeyboardInterrupt):
        execute(run)
    monkeypatch.setattr(os, "replace", rename)
    execute(run)
    found = measurements(run.folder)
    assert found == measurements(whole["pareto_slider"].folder)


def test_a_run_cut_off_before_its_record_is_written_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tiny_run(tmp_path)

    def stops(*words: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stops)
        with pytest.raises(KeyboardInterrupt):
            execute(run)
    assert stored_status(run) == "new"


def damage(path: Path, kind: str) -> None:
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize("kind", ["missing", "truncated"])
@pytest.mark.parametrize(
    "file", ["evaluations.parquet", "gramians.parquet", "steps.jsonl", "checkpoints/resume-model0-step4.safetensors"]
)
def test_a_run_does_not_go_on_from_damaged_files_and_keeps_them(tmp_path: Path, file: str, kind: str) -> None:
    run = tiny_run(tmp_path, benchmark=OFTEN)
    cut_off(run, 4)
    damage(run.folder / file, kind)
    before = bytes_below(run.folder)
    with pytest.raises(RecordError, match=Path(file).name) as refused:
        execute(run)
    assert "\n" not in str(refused.value)
    after = bytes_below(run.folder)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= {"run.json"}
    assert read_run(run.folder / "run.json").status != "done"


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_a_damaged_state_is_refused_before_anything_is_done(tmp_path: Path, content: bytes) -> None:
    run = tiny_run(tmp_path, benchmark=OFTEN)
    cut_off(run, 3)
    (run.folder / "checkpoints" / "state.json").write_bytes(content)
    before = bytes_below(run.folder)
    for attempt in (lambda: plan([run]), lambda: execute(run)):
        with pytest.raises(RecordError, match=r"state\.json is damaged"):
            attempt()
    assert bytes_below(run.folder) == before
