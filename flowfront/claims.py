"""Claims on the command line: what is still to be run for them, how long it may take, running it, and the verdicts."""

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.claims.base import OUT, Claim, Experiment
from analysis.claims.evidence import Evidence
from analysis.claims.judging import missing_of
from benchmarks.records import RecordError, UsageError, find_runs

if TYPE_CHECKING:
    from benchmarks.planner import Planned, Request
    from benchmarks.run import Run

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
Say = Callable[[str], None]


def budget_seconds(text: str) -> float:
    """Return the seconds of a duration such as `2h`, `90m` or `1h30m`.

    Raises:
        UsageError: If it is none.

    Example:
        >>> budget_seconds("2h"), budget_seconds("1h30m"), budget_seconds("45s")
        (7200.0, 5400.0, 45.0)
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(f"--budget: expected a duration such as 2h, 90m or 1h30m, found {text!r}")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


@dataclass(frozen=True)
class Rates:
    """Velocity evaluations a second of finished runs, by suite and method and by suite alone.

    Attributes:
        by_method: Rate of a method of a suite.
        by_suite: Rate of all runs of a suite.
    """

    by_method: dict[tuple[str, str], float]
    by_suite: dict[str, float]

    def of(self, suite: str, method: str) -> float | None:
        """Return the rate of a method, else that of its suite, None if nothing of it was run."""
        return self.by_method.get((suite, method), self.by_suite.get(suite))


def measured_rates(roots: Sequence[Path]) -> Rates:
    """Return how fast the finished runs below some folders were."""
    spent: dict[tuple[str, str], list[float]] = {}
    seen: set[Path] = set()
    for root in roots:
        try:
            found = find_runs(root)
        except RecordError:
            continue  # a folder without runs tells no rate
        for run in found:
            record = run.record
            if run.folder in seen:
                continue  # below two of the folders
            seen.add(run.folder)
            if record.status == "done" and record.spent.seconds > 0:
                total = spent.setdefault((record.suite, record.method.name), [0.0, 0.0])
                total[0] += record.spent.velocity_evaluations
                total[1] += record.spent.seconds
    suites = {suite for suite, _ in spent}
    by_suite = {
        suite: sum(v[0] for k, v in spent.items() if k[0] == suite)
        / sum(v[1] for k, v in spent.items() if k[0] == suite)
        for suite in suites
    }
    return Rates({key: evaluations / seconds for key, (evaluations, seconds) in spent.items()}, by_suite)


@dataclass(frozen=True, eq=False)
class Job:
    """An experiment, or what is left of it, as the executor takes it.

    Attributes:
        experiment: The experiment with its open seeds.
        request: The same in the words of the planner.
        planned: Its runs.
        seconds: Estimated time of one process for all of them, None where no rate is known.
    """

    experiment: Experiment
    request: "Request"
    planned: "list[Planned]"
    seconds: float | None

    def wall(self, jobs: int) -> float:
        """Return the estimated time with some processes, infinite where no rate is known."""
        if self.seconds is None:
            return math.inf
        together = min(jobs, len(self.planned))
        return self.seconds / len(self.planned) * math.ceil(len(self.planned) / together)


def jobs_of(claims: Sequence[Claim], evidence: Evidence, out: Path = OUT) -> list[Job]:
    """Return what is still to be run for some claims, the cheapest first; nothing at real scale.

    Args:
        claims: The claims.
        evidence: The records that there are.
        out: Folder of results for what is missing.

    Raises:
        UsageError: If a name or a change is unknown, or a folder holds other runs.
    """
    arms = [arm for claim in claims if not claim.at_real_scale for arm in claim.arms]
    missing = missing_of(arms, evidence)
    rates = measured_rates(evidence.roots) if missing else Rates({}, {})
    found = [_job(experiment, out, rates) for experiment in missing]
    return sorted(found, key=lambda job: math.inf if job.seconds is None else job.seconds)


def _job(experiment: Experiment, out: Path, rates: Rates) -> Job:
    from benchmarks.planner import plan, resolve

    request = request_of(experiment, out)
    planned = plan(resolve(request))
    parts = [_seconds(item, rates) for item in planned]
    known = [part for part in parts if part is not None]
    return Job(experiment, request, planned, sum(known) if len(known) == len(parts) else None)


def request_of(experiment: Experiment, out: Path) -> "Request":
    """Return an experiment in the words of the planner."""
    from benchmarks.planner import Request

    return Request(
        suite=experiment.suite,
        benchmarks=(experiment.benchmark,),
        methods=experiment.methods,
        seeds=experiment.seeds,
        changes=experiment.changes,
        out=str(out / experiment.folder),
    )


def _seconds(item: "Planned", rates: Rates) -> float | None:
    rate = rates.of(item.run.suite, item.run.method_name)
    if rate is None:
        return None
    left = item.steps_left / item.run.total_steps
    return left * (item.run.velocity_evaluations + evaluation_cost(item.run)) / rate


def evaluation_cost(run: "Run") -> int:
    """Return the velocity evaluations that measuring a run takes: base model, checkpoints and end of each model."""
    benchmark, evaluation = run.benchmark, run.benchmark.evaluation
    points = sum(len(evaluation.preferences) if model.preference is None else 1 for model in run.models)
    times = len(benchmark.recipe.evaluate_at) + 2
    return points * times * len(benchmark.evaluated) * evaluation.samples * evaluation.steps


def job_row(job: Job, jobs: int) -> dict[str, Any]:
    """Return what would be run as JSON data."""
    return {
        "command": job.experiment.command(),
        "runs": len(job.planned),
        "velocity_evaluations": sum(item.run.velocity_evaluations for item in job.planned),
        "seconds": None if job.seconds is None else round(job.wall(jobs), 1),
    }


def plan_lines(rows: Sequence[dict[str, Any]], jobs: int) -> list[str]:
    """Return what would be run, with estimated times, as lines."""
    if not rows:
        return ["nothing is missing"]
    lines = [
        f"{_clock(row['seconds']):>12}  {row['runs']:>3} run{'s' if row['runs'] != 1 else ' '}  {row['command']}"
        for row in rows
    ]
    known = [row["seconds"] for row in rows if row["seconds"] is not None]
    unknown = f", and {len(rows) - len(known)} experiments of unknown time" if len(known) < len(rows) else ""
    runs = sum(row["runs"] for row in rows)
    lines.append(
        f"{runs} runs of {len(rows)} experiments, about {_clock(sum(known))} with {jobs} processes{unknown}; "
        "by the speed of finished runs, without the start of processes"
    )
    return lines


def _clock(seconds: float | None) -> str:
    from flowfront.progress import clock

    return clock(seconds)


@dataclass(frozen=True)
class Done:
    """How a batch of experiments ended: error lines of failed runs, experiments that did not fit, crashes or none."""

    errors: tuple[str, ...]
    skipped: tuple[Experiment, ...]
    crashed: bool


def run_jobs(work: Sequence[Job], jobs: int, *, budget: float, quiet: bool, say: Say) -> Done:
    """Run experiments, and leave out those whose estimated end lies behind the budget.

    What has begun is never cut off; estimates follow what the experiments before took.

    Args:
        work: In this order.
        jobs: Processes.
        budget: Seconds for everything; infinite for no limit.
        quiet: Show no progress.
        say: Told what is run, and what is left out.
    """
    started, estimated, taken = time.monotonic(), 0.0, 0.0
    errors: list[str] = []
    skipped: list[Experiment] = []
    crashed = False
    for job in work:
        factor = taken / estimated if estimated > 0 else 1.0
        expected = factor * job.wall(jobs)
        if time.monotonic() - started + expected > budget:
            skipped.append(job.experiment)
            continue
        say(f"{job.experiment.command()}  # about {_clock(None if math.isinf(expected) else expected)}")
        begun = time.monotonic()
        found, fault = _run(job, jobs, quiet)
        errors += found
        crashed = crashed or fault
        if not math.isinf(expected):
            taken, estimated = taken + time.monotonic() - begun, estimated + job.wall(jobs)
    for experiment in skipped:
        say(f"left out, beyond the budget: {experiment.command()}")
    return Done(tuple(errors), tuple(skipped), crashed)


def _run(job: Job, jobs: int, quiet: bool) -> tuple[list[str], bool]:
    from benchmarks.executors import run_all
    from flowfront.progress import watch

    with watch(job.planned, quiet=quiet) as listen:
        outcomes = run_all(job.request, job.planned, jobs, listen)
    failed = [outcome for outcome in outcomes if outcome.error or outcome.crash]
    lines = [f"{job.planned[one.index].run.folder}: {one.error or one.crash}" for one in failed]
    return lines, any(one.crash for one in failed)


def require_small(claim: Claim) -> None:
    """Check that the experiments of a claim may be run here.

    Raises:
        UsageError: If they need a real checkpoint.
    """
    if claim.at_real_scale:
        commands = " && ".join(replace(one, folder="").command() for one in claim.experiments)
        raise UsageError(
            f"claim {claim.key}: its experiments need a real checkpoint and a GPU and are not run from here: {commands}"
        )
