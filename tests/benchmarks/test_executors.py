"""Worker processes: what they need, and how they are told. Runs in real workers are in tests/command."""

import os

import pytest

from benchmarks.executors import Outcome, default_jobs, run_all
from benchmarks.planner import Planned, Request
from benchmarks.records import UsageError
from tests.support.suites import tiny_run

REQUEST = Request("toy", (), (), None, (), "out")


@pytest.mark.parametrize("jobs", [0, -1])
def test_there_must_be_a_job(jobs: int) -> None:
    with pytest.raises(UsageError, match=f"--jobs: expected at least 1, found {jobs}"):
        run_all(REQUEST, [], jobs, print)


def test_what_is_done_needs_no_worker() -> None:
    heard: list[object] = []
    planned = [Planned(tiny_run("out"), "done", 6)]
    assert run_all(REQUEST, planned, 4, heard.append) == []
    assert heard == []


def test_there_are_as_many_jobs_as_processors() -> None:
    assert 1 <= default_jobs() <= (os.cpu_count() or 1)


def test_outcomes_are_in_order_and_without_a_fault_by_default() -> None:
    assert Outcome(3) == Outcome(3, error=None, crash=None)
