"""Progress of many runs: a bar on a terminal, plain lines elsewhere, with an estimate of the time left."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.executors import Outcome, Progress
from benchmarks.planner import Planned

SECONDS_BETWEEN_LINES = 15.0

Listener = Callable[[Progress | Outcome], None]


class Tally:
    """How much of the work is done, in velocity evaluations, and how long the rest may take."""

    def __init__(self, planned: Sequence[Planned]) -> None:
        """Weigh every run by its cost; what is on disk already counts as done but not for the speed."""
        self._runs = [p.run for p in planned]
        self._share = [1.0 if p.status == "done" else p.steps_done / p.run.total_steps for p in planned]
        self._ended = [p.status == "done" for p in planned]
        self._at_start = self.done
        self._started = time.monotonic()

    @property
    def done(self) -> float:
        """Velocity evaluations done."""
        return sum(share * run.velocity_evaluations for share, run in zip(self._share, self._runs, strict=True))

    @property
    def total(self) -> float:
        """Velocity evaluations of all runs."""
        return float(sum(run.velocity_evaluations for run in self._runs))

    @property
    def ended(self) -> int:
        """Runs that have ended."""
        return sum(self._ended)

    def add(self, event: Progress | Outcome) -> None:
        """Take note of an event."""
        if isinstance(event, Outcome):
            self._ended[event.index], self._share[event.index] = True, 1.0
        else:
            self._share[event.index] = event.steps_done / self._runs[event.index].total_steps

    def seconds_left(self) -> float | None:
        """Return the estimated seconds left, or None before anything has been measured."""
        gained = self.done - self._at_start
        return (time.monotonic() - self._started) * (self.total - self.done) / gained if gained > 0 else None


def clock(seconds: float | None) -> str:
    """Return a duration for people.

    Example:
        >>> clock(None), clock(75.4), clock(7200)
        ('unknown', '1 min 15 s', '120 min 0 s')
    """
    if seconds is None:
        return "unknown"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def ended_line(planned: Planned, outcome: Outcome, tally: Tally, n_runs: int) -> str:
    """Return the line that says how a run ended."""
    run = planned.run
    word = "failed" if outcome.error or outcome.crash else "done"
    name = f"{run.benchmark.name} {run.method_name} seed {run.seed}"
    return f"{word:<6} {name} ({tally.ended} of {n_runs} runs, time left {clock(tally.seconds_left())})"


@contextmanager
def watch(planned: Sequence[Planned], *, quiet: bool = False) -> Iterator[Listener]:
    """Show progress while the block runs; the block passes every event to the listener it gets."""
    tally = Tally(planned)
    if quiet or all(p.status == "done" for p in planned):
        yield tally.add
    elif sys.stderr.isatty():
        with _bar(planned, tally) as listener:
            yield listener
    else:
        yield _plain(planned, tally)


def _plain(planned: Sequence[Planned], tally: Tally) -> Listener:
    last = time.monotonic()

    def listen(event: Progress | Outcome) -> None:
        nonlocal last
        tally.add(event)
        if isinstance(event, Outcome):
            last = time.monotonic()
            print(ended_line(planned[event.index], event, tally, len(planned)), file=sys.stderr, flush=True)
        elif time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            share = 100 * tally.done / tally.total
            print(f"{share:5.1f} %  time left {clock(tally.seconds_left())}", file=sys.stderr, flush=True)

    return listen


@contextmanager
def _bar(planned: Sequence[Planned], tally: Tally) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, TextColumn("left {task.fields[left]}"), console=Console(stderr=True)) as bar:
        task = bar.add_task(f"0 of {len(planned)} runs", total=tally.total, left="unknown")

        def listen(event: Progress | Outcome) -> None:
            tally.add(event)
            if isinstance(event, Outcome):
                bar.console.print(ended_line(planned[event.index], event, tally, len(planned)), highlight=False)
            left = clock(tally.seconds_left())
            bar.update(task, completed=tally.done, description=f"{tally.ended} of {len(planned)} runs", left=left)

        yield listen
