"""The commands that a report gives plan just the runs it was made from, settings and all."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from analysis.report.commands import Command as Line
from analysis.report.commands import commands_of
from analysis.summary import Summary
from benchmarks.planner import Request, resolve
from benchmarks.records import StoredRun, write_run
from tests.support.records import Command

REQUESTS = (
    Request(
        "toy",
        ("two-targets", "scales"),
        ("pareto_slider", "crd", "fixed_weights"),
        (0, 1),
        ("recipe.group_size=12", "recipe.evaluate_at=[]", "evaluation.samples=4", "benchmark.held_out=[]",
         "fixed_weights.n_models=3", "pareto_slider.anchor=0.25", "crd.objective.beta=0.5", "budget.steps=2",
         'pareto_slider.sampler={"class": "methods.samplers.ode:ODE", "fields": {}}'),
        "made",
    ),
    Request("toy", ("specialists",), ("marble",), (7,), (), "made"),
    Request("outside_suites:TINY", (), ("pareto_slider", "outside_suites:TwoModels"), (0, 3),
            ("two_models.anchor=0.5",), "made"),
)  # fmt: skip


def recorded(request: Request) -> list[StoredRun]:
    """Return the runs of a request as if they had been finished."""
    return [
        StoredRun(run.folder, run.record().model_copy(update={"status": "done", "commit": "0123abc"}))
        for run in resolve(request)
    ]


def lines_of(runs: list[StoredRun]) -> tuple[Line, ...]:
    return commands_of(Summary(runs[0].record.suite, (), tuple(runs), ()))


def write_settings(lines: tuple[Line, ...]) -> None:
    for line in lines:
        if line.text.startswith("cat > "):
            subprocess.run(["sh", "-eu", "-c", line.text], check=True)


def planned(command: Command, lines: tuple[Line, ...]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        if line.text.startswith("flowfront run"):
            answer = command(*shlex.split(line.text)[1:], "--dry-run", "--json")
            assert answer.code == 0, answer.err
            found += answer.json()
    return found


@pytest.mark.parametrize("request_", REQUESTS, ids=["changed", "as it is", "outside"])
def test_commands_plan_the_recorded_runs(here: Path, command: Command, request_: Request) -> None:
    runs = recorded(request_)
    lines = lines_of(runs)
    write_settings(lines)
    # A finished record in a run's place is refused by a plan whose settings are others.
    wanted = {("rebuilt" / run.folder.relative_to("made")).as_posix(): run for run in runs}
    for folder, run in wanted.items():
        write_run(Path(folder), run.record)
    rows = planned(command, lines)
    assert sorted(row["folder"] for row in rows) == sorted(wanted)
    assert {row["status"] for row in rows} == {"done"}


def test_a_setting_that_is_not_that_of_the_record_would_show(here: Path, command: Command) -> None:
    (run,) = recorded(REQUESTS[1])
    lines = lines_of([run])
    write_settings(lines)
    other = run.record.model_copy(update={"recipe": {**run.record.recipe, "learning_rate": 0.5}})
    write_run(Path("rebuilt") / run.folder.relative_to("made"), other)
    (line,) = [line.text for line in lines if line.text.startswith("flowfront run")]
    answer = command(*shlex.split(line)[1:], "--dry-run")
    assert "recipe.learning_rate = 0.003" in answer.error_line()
