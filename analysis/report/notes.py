"""What a reader has to know besides the numbers: what is missing, what failed, and where the numbers come from."""

import json
from collections.abc import Sequence

from analysis.summary import BenchmarkSummary, Summary
from benchmarks.records import StoredRun


def notes_of(summary: Summary) -> tuple[str, ...]:
    """Return one sentence for each thing that limits the claims of a report.

    It names runs that did not finish, runs without a checkpoint behind the base model, failed invariants, methods
    with one seed, approximate hypervolumes, and methods that were not run on the same seeds or at the same budget.

    Args:
        summary: The suite.
    """
    notes = [_unfinished(run) for run in summary.unfinished]
    notes += [f"no trained checkpoint: {_name(run)}" for run in summary.runs if not _trained(run)]
    notes += [_invariant(run, index) for run in summary.runs for index in _failed(run)]
    for part in summary.benchmarks:
        rows = part.last_rows
        single = [row.method for row in rows if row.quantities["hypervolume"].seeds == 1]
        if single:
            notes.append(f"one seed, so no interval: {part.record.name}: {', '.join(single)}")
        if len({tuple(row.quantities["hypervolume"].values) for row in rows}) > 1:
            notes.append(f"different seeds: {part.record.name}: comparisons use the shared ones only")
        if len({json.dumps([run.record.budget, run.record.recipe]) for run in summary.runs if _of(run, part)}) > 1:
            notes.append(f"methods differ in budget or recipe: {part.record.name}")
        if any(not row.exact for row in rows):
            notes.append(f"approximate hypervolume (more than 6 objectives): {part.record.name}")
    return tuple(notes)


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
    return f"{passed} of {len(checks)} run-time invariants held in {len(runs)} finished runs"


def origins(summary: Summary) -> list[tuple[str, str]]:
    """Return where the numbers come from, as pairs of a name and what it was: hashes, seeds, versions, devices."""
    lines = [(f"benchmark {part.record.name}", f"hash {part.record.hash}") for part in summary.benchmarks]
    lines.append(("seeds", _distinct([str(run.record.seed) for run in summary.runs])))
    lines.append(("commit", _distinct([run.record.commit or "unknown" for run in summary.runs])))
    lines.append(("device", _distinct([f"{run.record.device}, {run.record.threads} threads" for run in summary.runs])))
    versions: dict[str, list[str]] = {}
    for run in summary.runs:
        for name, version in run.record.versions.items():
            versions.setdefault(name, []).append(version)
    return lines + [(name, _distinct(versions[name])) for name in sorted(versions)]


def _distinct(values: Sequence[str]) -> str:
    return ", ".join(sorted(set(values), key=lambda value: (len(value), value)))
