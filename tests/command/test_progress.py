"""Progress: how much is done, how long the rest takes, on a terminal and elsewhere."""

import io
import sys
from pathlib import Path

import pytest

from benchmarks.executors import Outcome, Progress
from benchmarks.planner import Planned
from flowfront import progress
from flowfront.progress import Tally, clock, ended_line, watch
from tests.support.suites import tiny_benchmark, tiny_run


@pytest.fixture
def planned() -> list[Planned]:
    """A new run of 6 steps, one of 3 steps cut off after 1, and one that is done."""
    small = tiny_benchmark(steps=3)
    return [
        Planned(tiny_run(Path("out")), "new", 0),
        Planned(tiny_run(Path("out"), seed=1, benchmark=small), "running", 1),
        Planned(tiny_run(Path("out"), seed=2), "done", 0),
    ]


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


def test_work_is_weighed_by_its_cost(planned: list[Planned], time: Clock) -> None:
    tally = Tally(planned)
    assert tally.total == 648 + 324 + 648
    assert tally.done == 108 + 648
    assert tally.ended == 1
    tally.add(Progress(0, 3))
    assert tally.done == 324 + 108 + 648
    tally.add(Outcome(1))
    assert tally.done == 324 + 324 + 648
    assert tally.ended == 2
    tally.add(Outcome(0, error="failed runs have ended too"))
    assert tally.done == tally.total


def test_the_time_left_follows_from_the_speed_since_the_start(planned: list[Planned], time: Clock) -> None:
    tally = Tally(planned)
    assert tally.seconds_left() is None
    time.now += 10
    assert tally.seconds_left() is None, "what was on disk says nothing of the speed"
    tally.add(Progress(0, 2))
    # 216 of the 864 that were to do took 10 s.
    assert tally.seconds_left() == pytest.approx(30)
    tally.add(Outcome(0))
    tally.add(Outcome(1))
    assert tally.seconds_left() == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "unknown"), (0, "0 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"), (7265, "121 min 5 s")]
)
def test_durations_are_for_people(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_the_last_line_of_a_run_says_how_it_ended(planned: list[Planned], time: Clock) -> None:
    tally = Tally(planned)
    for outcome, word in ((Outcome(0), "done  "), (Outcome(0, error="x"), "failed"), (Outcome(0, crash="x"), "failed")):
        line = ended_line(planned[0], outcome, tally, 3)
        assert line == f"{word} tiny pareto_slider seed 0 (1 of 3 runs, time left unknown)"


def test_plain_lines_are_few(planned: list[Planned], time: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with watch(planned) as listen:
        for steps in range(1, 6):
            time.now += 6
            listen(Progress(0, steps))
        listen(Outcome(0))
        listen(Outcome(1, error="bad"))
    printed = capsys.readouterr()
    assert printed.out == ""
    # 864 to do in all: after 18 s 324 of them are done.
    assert printed.err.splitlines() == [
        " 66.7 %  time left 30 s",
        "done   tiny pareto_slider seed 0 (2 of 3 runs, time left 10 s)",
        "failed tiny pareto_slider seed 1 (3 of 3 runs, time left 0 s)",
    ]


def test_quiet_is_quiet(planned: list[Planned], capsys: pytest.CaptureFixture[str]) -> None:
    with watch(planned, quiet=True) as listen:
        listen(Outcome(0))
    with watch(planned[2:]) as listen:
        listen(Progress(0, 1))
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar(planned: list[Planned], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with watch(planned) as listen:
        listen(Progress(0, 3))
        listen(Outcome(0))
        listen(Outcome(1))
    printed = terminal.getvalue()
    assert "done   tiny pareto_slider seed 0 (2 of 3 runs" in printed
    assert "3 of 3 runs" in printed
    assert "100%" in printed
