"""Runs in worker processes, with progress."""

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.distributed import Processes
from benchmarks.execute import execute
from benchmarks.planner import Planned, Request, resolve
from benchmarks.records import RecordError, UsageError
from benchmarks.run import Run

SECONDS_BETWEEN_TICKS = 0.25


@dataclass(frozen=True)
class Progress:
    """How far one run is: its place in the plan, the gradient steps done of all its models."""

    index: int
    steps_done: int


@dataclass(frozen=True)
class Outcome:
    """How one run ended: `error` is the one line for the user, `crash` the traceback of a fault of ours, or None."""

    index: int
    error: str | None = None
    crash: str | None = None


def default_jobs() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def jobs_for(planned: Sequence[Planned]) -> int:
    """Return how many runs go on at once: one a processor, or one alone where a checkpoint fills a GPU."""
    specs = [item.run.benchmark.backbone for item in planned]
    on_gpu = any(isinstance(spec, Checkpoint) and spec.device != "cpu" for spec in specs)
    return 1 if on_gpu else default_jobs()


def _serve(request: Request, pipe: Connection) -> None:
    # A worker: resolves the request anew (so that nothing but words crosses the border), then does what it is told.
    runs, fault = _resolved(request)
    while True:
        index = pipe.recv()
        if index is None:
            return
        if fault is not None:
            pipe.send(Outcome(index, error=fault))
            continue
        last = 0.0

        def tick(steps: int, index: int = index) -> None:
            nonlocal last
            if time.monotonic() - last > SECONDS_BETWEEN_TICKS:
                last = time.monotonic()
                pipe.send(Progress(index, steps))

        try:
            execute(runs[index], tick)
            pipe.send(Outcome(index))
        except UsageError as error:
            pipe.send(Outcome(index, error=str(error)))
        except Exception:
            pipe.send(Outcome(index, crash=traceback.format_exc()))


def _resolved(request: Request) -> tuple[list[Run], str | None]:
    # A module outside the tree may have changed since the plan was made; that is a line for the user, not a crash.
    try:
        return resolve(request), None
    except UsageError as error:
        return [], str(error)


def run_all(
    request: Request, planned: Sequence[Planned], jobs: int, listen: Callable[[Progress | Outcome], None]
) -> list[Outcome]:
    """Do all runs that are not done, `jobs` at a time.

    Every run uses the number of threads its benchmark fixes, so its records do not depend on `jobs`.

    Args:
        request: What the runs were resolved from.
        planned: The runs, in the order of `resolve`.
        jobs: Worker processes, >= 1.
        listen: Told of progress and of every ended run, in this process.

    Returns:
        The outcomes, in the order of the plan.

    Raises:
        UsageError: If jobs is out of range.
        RecordError: If a worker process died; what it had saved is kept.
    """
    if jobs < 1:
        raise UsageError(f"--jobs: expected at least 1, found {jobs}")
    waiting = [i for i, p in enumerate(planned) if p.status != "done"][::-1]
    context = multiprocessing.get_context("spawn")
    pipes: dict[Connection, BaseProcess] = {}
    outcomes: list[Outcome] = []
    try:
        for _ in range(min(jobs, len(waiting))):
            ours, theirs = context.Pipe()
            process: BaseProcess = context.Process(target=_serve, args=(request, theirs), daemon=True)
            process.start()
            theirs.close()
            pipes[ours] = process
            ours.send(waiting.pop())
        while pipes:
            for ready in wait(list(pipes)):
                assert isinstance(ready, Connection)
                event: Progress | Outcome = ready.recv()
                listen(event)
                if isinstance(event, Outcome):
                    outcomes.append(event)
                    if waiting:
                        ready.send(waiting.pop())
                    else:
                        ready.send(None)
                        pipes.pop(ready).join()
    except (EOFError, ConnectionError) as error:
        raise RecordError(
            "a worker process died (out of memory?); the same command goes on from its last saved state"
        ) from error
    finally:
        for process in pipes.values():
            process.terminate()
    return sorted(outcomes, key=lambda outcome: outcome.index)


def run_together(
    planned: Sequence[Planned], processes: Processes, listen: Callable[[Progress | Outcome], None]
) -> list[Outcome]:
    """Do all runs that are not done, one after the other, each by all processes that a launcher started.

    Args:
        planned: The runs, the same in every process.
        processes: This process among them.
        listen: Told of progress and of every ended run.

    Returns:
        The outcomes, in the order of the plan, the same in every process.

    Raises:
        RecordError: If records cannot be read or written.
    """
    outcomes = []
    for index, item in enumerate(planned):
        if item.status == "done":
            continue

        def tick(steps: int, index: int = index) -> None:
            listen(Progress(index, steps))

        outcome = Outcome(index)
        try:
            execute(item.run, tick, processes)
        except RecordError:
            # A folder that cannot be written to is a fault of one process alone; the launcher ends the others.
            raise
        except UsageError as error:
            outcome = Outcome(index, error=str(error))
        listen(outcome)
        outcomes.append(outcome)
    return outcomes
