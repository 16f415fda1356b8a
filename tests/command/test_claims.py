"""Claims on the command line: what is missing, how long it may take, running it, and what stays within a budget."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.claims import catalog
from analysis.claims.base import Arm, Claim, Experiment
from analysis.claims.evidence import Evidence
from analysis.claims.ledger import WIDTH
from analysis.claims.rules import Within
from analysis.claims.statistics import Difference
from benchmarks.records import UsageError
from flowfront import claims
from flowfront.claims import Job, Rates, budget_seconds, jobs_of, measured_rates, plan_lines, run_jobs
from tests.analysis.claims.records import GOOD, POOR, failing, write
from tests.support.records import Command, times_below

SMALL = ("budget.velocity_evaluations=15000", "evaluation.samples=2")
SUM = Arm(Experiment("toy", "two-targets", ("weighted_sum",), (0, 1), SMALL, "small"), "weighted_sum")
ARMS = (SUM, Arm(replace(SUM.experiment, methods=("gdpo",)), "gdpo"))
TINY = Claim("tiny", "marble", "1", "Two steps.", (), Difference(("mean_gain",), (ARMS,)), Within(100.0))
REAL = Claim(
    "real", "marble", "1", "Much.", (), Difference(("mean_gain",), (ARMS,)), Within(1.0), at_real_scale=True
)  # fmt: skip


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog of two claims, of which one can be run."""
    monkeypatch.setattr(catalog, "CLAIMS", (TINY, REAL))


@pytest.mark.usefixtures("tiny")
def test_a_claim_is_run_once_and_judged(command: Command, here: Path) -> None:
    planned = command("reproduce", "tiny", "--dry-run", "--jobs", 1)
    assert "4 runs of 1 experiments" in planned.out
    assert not (here / "results").exists()
    answer = command("reproduce", "tiny", "--jobs", 1)
    assert answer.code == 0, answer.err
    assert "verdict  supported" in answer.out
    assert "14.2 k velocity evaluations" in answer.out
    before = times_below(here / "results")
    again = command("reproduce", "tiny", "--json")
    assert again.json()["verdict"] == "supported"
    assert [one["seeds"] for one in again.json()["effects"]] == [[0, 1]]
    assert times_below(here / "results") == before
    assert command("reproduce", "--all", "--dry-run").out == "nothing is missing\n"
    listed = command("reproduce", "--all", "--out", "ledger", "--json").json()
    assert listed["counts"]["supported"] == 2  # the claim at real scale has the same arms here
    assert json.loads((here / "ledger" / "claims.json").read_text()) == listed


def test_the_ledger_of_synthetic_records(command: Command, tmp_path: Path) -> None:
    write(tmp_path / "results", GOOD)
    text = command("reproduce", "--ledger", "--results", tmp_path / "results").out
    assert text.startswith(f"{len(catalog.CLAIMS)} claims: ")
    assert max(map(len, text.splitlines())) <= WIDTH
    page = command("reproduce", "--ledger", "--format", "markdown", "--out", "ledger")
    assert page.out.startswith("# Claims\n")
    assert "ledger: ledger/claims.md" in page.err
    assert command("reproduce", "--ledger", "--format", "csv").out.startswith("claim,paper,source,")
    assert command("reproduce", "--ledger", "--json").json()["counts"]["not run"] > 0


def test_all_that_is_missing_is_planned_without_running(command: Command, here: Path) -> None:
    rows = command("reproduce", "--all", "--dry-run", "--json").json()
    assert all("sd35" not in row["command"] for row in rows)
    assert len({row["command"] for row in rows}) == len(rows)
    assert all(row["seconds"] is None for row in rows)
    assert not (here / "results").exists()


@pytest.mark.parametrize("text", ["", "2", "2 h", "h", "2h!", "-1h", "1d"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--budget: expected a duration"):
        budget_seconds(text)


def test_rates_are_of_finished_runs(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, POOR, change=failing)
    rates = measured_rates((tmp_path, tmp_path / "nowhere"))
    assert rates.of("toy", "good") == pytest.approx(60_000 / 12.5)
    assert rates.by_method.keys() == {("toy", "good")}
    assert rates.of("toy", "unknown") == rates.by_suite["toy"]
    assert rates.of("shapes", "good") is None


def test_estimates_count_what_is_left_and_the_evaluation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(claims, "measured_rates", lambda _: Rates({}, {"toy": 1000.0}))
    (job,) = jobs_of((TINY, REAL), Evidence((tmp_path,)), tmp_path)
    run = job.planned[0].run
    measured = 3 * len(run.benchmark.evaluated) * 2 * 20
    assert claims.evaluation_cost(run) == measured
    assert job.seconds == pytest.approx(4 * (run.velocity_evaluations + measured) / 1000)
    assert job.wall(2) == pytest.approx(job.wall(1) / 2)
    assert job.wall(3) == pytest.approx(job.wall(2))
    assert job.request.out == str(tmp_path / "small")


def job(name: str, seconds: float | None) -> Job:
    planned: Any = [None, None]
    request: Any = None
    return Job(Experiment("toy", "two-targets", (name,), (0, 1)), request, planned, seconds)


def test_nothing_is_begun_that_would_end_behind_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    clock = [0.0]

    def pretend(one: Job, jobs: int, quiet: bool) -> tuple[list[str], bool]:
        begun.append(one.experiment.methods[0])
        # Everything takes twice as long as estimated.
        clock[0] += 2 * one.wall(jobs)
        return (["a fault"] if one.experiment.methods[0] == "b" else []), False

    monkeypatch.setattr(claims, "_run", pretend)
    monkeypatch.setattr("flowfront.claims.time.monotonic", lambda: clock[0])
    work = [job("a", 20.0), job("b", 20.0), job("c", 24.0), job("d", 10.0), job("e", None)]
    said: list[str] = []
    done = run_jobs(work, 2, budget=60.0, quiet=True, say=said.append)
    # a and b take 20 s each; c is then expected to take 24 s, d 10 s, and nothing is known of e.
    assert begun == ["a", "b", "d"]
    assert [one.methods[0] for one in done.skipped] == ["c", "e"]
    assert (done.errors, done.crashed) == (("a fault",), False)
    assert sum("beyond the budget" in text for text in said) == 2
    begun.clear()
    assert run_jobs(work, 2, budget=math.inf, quiet=True, say=said.append).skipped == ()
    assert begun == ["a", "b", "c", "d", "e"]


def test_plans_name_unknown_times() -> None:
    rows = [{"command": "flowfront run a", "runs": 1, "seconds": 75.0}, {"command": "b", "runs": 2, "seconds": None}]
    lines = plan_lines(rows, 2)
    assert lines[0].split() == ["1", "min", "15", "s", "1", "run", "flowfront", "run", "a"]
    assert lines[1].split()[0] == "unknown"
    assert lines[-1].startswith("3 runs of 2 experiments, about 1 min 15 s with 2 processes, and 1 experiments of")
