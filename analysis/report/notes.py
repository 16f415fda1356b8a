"""What a reader has to know besides the numbers: what is missing, what failed, and where the numbers come from."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from analysis.report.phrases import amount, counted, duration, durations
from analysis.summary import BenchmarkSummary, Row, Summary
from benchmarks.records import StoredRun

GIGABYTE = 1e9
STATUSES = ("running", "failed")
FACTS: dict[str, Callable[[StoredRun], str]] = {
    "commit": lambda run: run.record.commit or "unknown",
    "device": lambda run: run.record.device,
    "threads": lambda run: str(run.record.threads),
    "processes of a step": lambda run: str(run.record.processes),
    "networks compiled": lambda run: "yes" if run.record.compiled else "no",
}
"""Where and how a run was made, besides versions: each on its own may change how long it takes."""


def notes_of(summary: Summary) -> tuple[str, ...]:
    """Return one sentence for each thing that limits the claims of a report.

    It counts and names runs that did not finish, and names runs without a checkpoint behind the base model, failed
    invariants, methods with one seed, fronts that beat the reference point nowhere, approximate hypervolumes, methods
    that were not run on the same seeds or at the same budget, and runs of several machines.

    Args:
        summary: The suite.
    """
    notes = [left_out_line(summary.unfinished)] if summary.unfinished else []
    notes += [_unfinished(run) for run in summary.unfinished]
    notes += [f"no trained checkpoint: {_name(run)}" for run in summary.runs if not _trained(run)]
    notes += [_invariant(run, index) for run in summary.runs for index in _failed(run)]
    for part in summary.benchmarks:
        notes += [f"{fact}: {part.record.name}{tail}" for fact, tail in _limits(summary, part)]
    varied = [name for name, read in FACTS.items() if len({read(run) for run in summary.runs}) > 1]
    if varied:
        notes.append(f"runs differ in {', '.join(varied)}: do not compare their seconds")
    return tuple(notes)


def left_out_line(runs: Sequence[StoredRun]) -> str:
    """Return how many unfinished runs a report leaves out, by status, such as `3 runs left out: 1 running, 2 failed`.

    Args:
        runs: They, at least one.
    """
    counts = Counter[str](run.record.status for run in runs)
    found = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    return f"{counted(len(runs), 'run')} left out: {found}"


def _limits(summary: Summary, part: BenchmarkSummary) -> Iterable[tuple[str, str]]:
    """Yield what limits the claims of a benchmark: the fact, and what follows the benchmark's name."""
    rows = part.last_rows
    single = [row.method for row in rows if row.quantities["hypervolume"].seeds == 1]
    if single:
        yield "one seed, so no interval", f": {', '.join(single)}"
    lacking = _lacking(rows)
    if lacking:
        yield "different seeds", f": comparisons use the shared ones only; {lacking}"
    if len({json.dumps([run.record.budget, run.record.recipe]) for run in summary.runs if _of(run, part)}) > 1:
        yield "methods differ in budget or recipe", ""
    nowhere = [text for row in rows if (text := nowhere_better(row))]
    if nowhere:
        yield "hypervolume 0, no point beats the reference point in every reward", f": {', '.join(nowhere)}"
    if any(not row.exact for row in rows):
        yield "approximate hypervolume (more than 6 objectives)", ""


def nowhere_better(row: Row) -> str:
    """Return the method, with its seeds unless it is all of them, if its hypervolume is 0; else nothing.

    Args:
        row: What a method reached.
    """
    volume = row.quantities["hypervolume"]
    zero = [seed for seed, value in volume.values.items() if value == 0.0]
    if not zero:
        return ""
    return row.method if len(zero) == volume.seeds else f"{row.method} ({_seeds(zero)})"


def _lacking(rows: Sequence[Row]) -> str:
    """Return which seeds of the others each method lacks, nothing if all have the same."""
    found = {row.method: set(row.quantities["hypervolume"].values) for row in rows}
    every = set().union(*found.values())
    return ", ".join(f"{method} lacks {_seeds(sorted(every - own))}" for method, own in found.items() if every - own)


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _of(run: StoredRun, part: BenchmarkSummary) -> bool:
    return run.record.benchmark.name == part.record.name


def _name(run: StoredRun) -> str:
    return f"{run.record.benchmark.name}/{run.record.method.name}/seed{run.record.seed}"


def _unfinished(run: StoredRun) -> str:
    error = f": {' '.join(run.record.error.split())}" if run.record.error else ""
    return f"not finished: {_name(run)} ({run.record.status}{error})"


def _trained(run: StoredRun) -> bool:
    return any(checkpoint.step > 0 for checkpoint in run.record.checkpoints)


def _failed(run: StoredRun) -> list[int]:
    return [index for index, invariant in enumerate(run.record.invariants) if not invariant.passed]


def _invariant(run: StoredRun, index: int) -> str:
    invariant = run.record.invariants[index]
    return (
        f"failed invariant: {_name(run)}: {invariant.name} is {invariant.value:.6g}, required {invariant.requirement}"
    )


def invariants_line(runs: Sequence[StoredRun]) -> str:
    """Return how many run-time checks were made and how many held."""
    checks = [invariant for run in runs for invariant in run.record.invariants]
    passed = sum(invariant.passed for invariant in checks)
    runs_text, checks_text = counted(len(runs), "finished run"), counted(len(checks), "run-time invariant")
    return f"{passed} of {checks_text} held in {runs_text}"


def origins(summary: Summary) -> list[tuple[str, str]]:
    """Return where the numbers come from, as pairs of a name and what it was.

    Hashes, seeds, commits, devices, how many threads and processes, time, memory, cost and versions of all finished
    runs; where runs differ, each value with the number of runs that have it.

    Args:
        summary: The suite.
    """
    runs = summary.runs
    lines = [(f"benchmark {part.record.name}", f"hash {part.record.hash}") for part in summary.benchmarks]
    left_out = f", {left_out_line(summary.unfinished)}" if summary.unfinished else ""
    lines.append(("runs", f"{len(runs):,} finished{left_out}"))
    lines.append(("seeds", ", ".join(map(str, sorted({run.record.seed for run in runs})))))
    lines += [(name, _distinct([read(run) for run in runs])) for name, read in FACTS.items()]
    seconds = [run.record.spent.seconds for run in runs]
    span = f"{durations(min(seconds), max(seconds))} a run, median {duration(float(np.median(seconds)))}"
    lines.append(("time of training", f"{span}; {duration(sum(seconds))} in all"))
    memory = max(run.record.spent.peak_memory_bytes for run in runs)
    lines.append(("peak memory", f"{memory / GIGABYTE:.3g} GB, the largest of all runs"))
    lines.append(
        ("velocity evaluations", f"{amount(sum(run.record.spent.velocity_evaluations for run in runs))} in all")
    )
    lines.append(("reward calls", f"{amount(sum(run.record.spent.reward_calls for run in runs))} in all"))
    versions: dict[str, list[str]] = {}
    for run in runs:
        for name, version in run.record.versions.items():
            versions.setdefault(name, []).append(version)
    return lines + [(name, _distinct(versions[name])) for name in sorted(versions)]


def _distinct(values: Sequence[str]) -> str:
    """Return the only value, or each with the number of runs that have it, the most frequent first."""
    counts = Counter(values).most_common()
    return values[0] if len(counts) == 1 else ", ".join(f"{value} ({counted(n, 'run')})" for value, n in counts)
