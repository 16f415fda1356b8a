"""From the records of a suite to one row of numbers for each benchmark, method and checkpoint.

Only measurements enter: a metric can be mended and every old run be summarized again. All quantities are per seed
first and get their interval over seeds last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.composite import composite_by_seed
from analysis.front import Array, Front
from analysis.gradients import RunGradients, gradient_quantities
from analysis.held_out import held_out_by_run
from analysis.hypervolume import is_exact
from analysis.quantities import MAY_BE_UNKNOWN, quantities_of
from analysis.reading import Measured, grouped, read_suite
from analysis.single_model import balanced_index, improved_and_worsened
from analysis.statistics import Interval, interval
from analysis.yardstick import Yardstick, best_known_set, yardstick_of
from benchmarks.records import BenchmarkRecord, CheckpointRecord, StoredRun

BASE = "base"


@dataclass(frozen=True, eq=False)
class Row:
    """What one method reached on one benchmark at one checkpoint, over seeds.

    Attributes:
        benchmark: Name of the benchmark.
        method: Name of the method, `base` for the model before training.
        label: The method's name, behind it the share of its training cost for checkpoints before the last.
        step: Gradient steps of each model; 0 for the base model.
        last: Whether this is the method's last checkpoint, the one that stands for it.
        points: Number of points of its front.
        models: Number of models that were trained for the front.
        exact: Whether the hypervolume is exact.
        quantities: Interval by name; a quantity that cannot be known is missing.
    """

    benchmark: str
    method: str
    label: str
    step: int
    last: bool
    points: int
    models: int
    exact: bool
    quantities: Mapping[str, Interval]


@dataclass(frozen=True, eq=False)
class BenchmarkSummary:
    """All rows of a benchmark and the fronts behind them.

    Attributes:
        record: The definition, as recorded.
        yardstick: The same, oriented so that more is better.
        reference_set: What `igd_plus` and `epsilon_plus` are measured against: `true front` or
            `union of all methods`.
        rows: The base model first, then methods by name, checkpoints in order.
        fronts: Front by seed by method, at the last checkpoint.
        gradients: What the runs recorded of their gradients, by seed by method.
        base: Base model point [K], mean over seeds, or None if unknown.
        measured: The finished runs behind all this, with their points at every checkpoint.
    """

    record: BenchmarkRecord
    yardstick: Yardstick
    reference_set: str
    rows: tuple[Row, ...]
    fronts: Mapping[str, Mapping[int, Front]]
    gradients: Mapping[str, Mapping[int, RunGradients]]
    base: Array | None
    measured: tuple[Measured, ...]

    @property
    def last_rows(self) -> list[Row]:
        """The rows that stand for the methods: their last checkpoints, without the base model."""
        return [row for row in self.rows if row.last and row.method != BASE]


@dataclass(frozen=True, eq=False)
class Summary:
    """All benchmarks of a suite, the finished runs they rest on, and the names of the unfinished ones."""

    suite: str
    benchmarks: tuple[BenchmarkSummary, ...]
    runs: tuple[StoredRun, ...]
    unfinished: tuple[StoredRun, ...]

    @property
    def methods(self) -> list[str]:
        """Names of all methods that have a front, sorted."""
        return sorted({method for benchmark in self.benchmarks for method in benchmark.fronts})

    def to_json(self) -> list[dict[str, Any]]:
        """Return one object for each benchmark, method and checkpoint, ready for `json.dumps`."""
        return [_row_json(self.suite, part, row) for part in self.benchmarks for row in part.rows]


def summarize(folder: Path) -> Summary:
    """Return the summary of a suite.

    `analysis.quantities` says what the numbers mean.

    Args:
        folder: A suite's folder or a part of it.

    Raises:
        RecordError: As `read_suite`, or if the base model does not dominate the reference point.
    """
    measured, unfinished = read_suite(folder)
    parts = grouped(measured, lambda one: one.run.record.benchmark.name)
    return Summary(
        suite=measured[0].run.record.suite,
        benchmarks=tuple(_summarize_benchmark(parts[name]) for name in sorted(parts)),
        runs=tuple(one.run for one in measured),
        unfinished=tuple(unfinished),
    )


def _summarize_benchmark(runs: Sequence[Measured]) -> BenchmarkSummary:
    record = runs[0].run.record.benchmark
    yardstick = yardstick_of(record)
    targets, reference_set = best_known_set(yardstick, [front for run in runs for front in run.fronts.values()])
    frame = _Frame(yardstick, targets, held_out_by_run(runs))
    methods = grouped(runs, lambda one: one.run.record.method.name)
    rows = _base_rows(frame, runs)
    for name in sorted(methods):
        rows += _method_rows(frame, name, methods[name])
    fronts = {
        name: {one.run.record.seed: one.fronts[one.trained[-1].step] for one in methods[name] if one.trained}
        for name in sorted(methods)
    }
    gradients = {name: {one.run.record.seed: one.gradients for one in methods[name]} for name in sorted(methods)}
    bases = [one.base for one in runs if one.base is not None]
    return BenchmarkSummary(
        record=record,
        yardstick=yardstick,
        reference_set=reference_set,
        rows=_with_composites(rows, methods),
        fronts={name: by_seed for name, by_seed in fronts.items() if by_seed},
        gradients=gradients,
        base=np.mean(bases, axis=0) if bases else None,
        measured=tuple(runs),
    )


@dataclass(frozen=True, eq=False)
class _Frame:
    """What every row of a benchmark is measured with."""

    yardstick: Yardstick
    targets: Array
    held_out: Mapping[Path, Mapping[int, dict[str, float]]]

    def row(self, method: str, label: str, last: bool, measured: Sequence[tuple[Measured, CheckpointRecord]]) -> Row:
        """Return the row of one checkpoint, over the seeds that reached it."""
        by_seed = {
            one.run.record.seed: quantities_of(one, checkpoint, self.yardstick, self.targets)
            | self.held_out[one.run.folder].get(checkpoint.step, {})
            for one, checkpoint in measured
        }
        if last and method != BASE:
            for one, _ in measured:
                by_seed[one.run.record.seed] |= gradient_quantities(one.gradients)
        first, checkpoint = measured[0]
        front = first.fronts[checkpoint.step]
        return Row(
            benchmark=self.yardstick.name,
            method=method,
            label=label,
            step=checkpoint.step,
            last=last,
            points=len(front.points),
            models=first.run.record.models if checkpoint.step > 0 else 1,
            exact=is_exact(*front.points.shape),
            quantities=_intervals(by_seed),
        )


def _intervals(by_seed: Mapping[int, Mapping[str, float]]) -> dict[str, Interval]:
    """Return the interval of each quantity over the seeds that have it, seeds in order."""
    names = list(dict.fromkeys(name for quantities in by_seed.values() for name in quantities))
    return {
        name: interval({seed: by_seed[seed][name] for seed in sorted(by_seed) if name in by_seed[seed]})
        for name in names
    }


def _base_rows(frame: _Frame, runs: Sequence[Measured]) -> list[Row]:
    """Return the row of the base model, which all methods share: one run of each seed speaks for it."""
    chosen: dict[int, tuple[Measured, CheckpointRecord]] = {}
    for one in runs:
        for checkpoint in one.run.record.checkpoints:
            if checkpoint.step == 0:
                chosen.setdefault(one.run.record.seed, (one, checkpoint))
    return [frame.row(BASE, BASE, True, list(chosen.values()))] if chosen else []


def _method_rows(frame: _Frame, name: str, runs: Sequence[Measured]) -> list[Row]:
    reached = [(one, checkpoint) for one in runs for checkpoint in one.trained]
    by_step = grouped(sorted(reached, key=lambda pair: pair[1].step), lambda pair: pair[1].step)
    rows = []
    for step, pairs in by_step.items():
        shares = [
            checkpoint.velocity_evaluations / max(one.trained[-1].velocity_evaluations, 1) for one, checkpoint in pairs
        ]
        last = step == max(by_step)
        label = name if last else f"{name} @ {100 * float(np.mean(shares)):.3g} %"
        rows.append(frame.row(name, label, last, pairs))
    return rows


def _with_composites(rows: Sequence[Row], methods: Mapping[str, Sequence[Measured]]) -> tuple[Row, ...]:
    """Return the rows with the composite of each method's last checkpoint, if there are two methods to compare."""
    # Gains and raw rewards give the same z-scores on shared seeds; gains leave out what the seeds themselves differ in.
    gains = all(one.base is not None for runs in methods.values() for one in runs)
    last = {row.method: row for row in rows if row.last and row.method != BASE}
    values = {name: _balanced_points(row, methods[name], gains) for name, row in last.items()}
    known = {name: by_seed for name, by_seed in values.items() if by_seed}
    if len(known) < 2:
        return tuple(rows)
    found = composite_by_seed(known)
    return tuple(
        replace(row, quantities={**row.quantities, "composite": interval(found[row.method])})
        if row.last and row.method in found
        else row
        for row in rows
    )


def _balanced_points(row: Row, runs: Sequence[Measured], gains: bool) -> dict[int, Array]:
    """Return by seed the point [K] with which a method stands beside single models, or its gain over the base model."""
    points = {}
    for one in sorted(runs, key=lambda one: one.run.record.seed):
        front = one.fronts.get(row.step)
        index = None if front is None else balanced_index(front)
        if front is not None and index is not None:
            points[one.run.record.seed] = front.points[index] - (one.base if gains and one.base is not None else 0.0)
    return points


def _row_json(suite: str, part: BenchmarkSummary, row: Row) -> dict[str, Any]:
    head = {
        "suite": suite,
        "benchmark": row.benchmark,
        "benchmark_hash": part.record.hash,
        "method": row.method,
        "label": row.label,
        "step": row.step,
        "last": row.last,
        "points": row.points,
        "models": row.models,
        "hypervolume_exact": row.exact,
        "reference_set": part.reference_set,
    }
    improved, worsened = (improved_and_worsened(row.quantities) if row.step > 0 else None) or (None, None)
    head |= {"improved": improved, "worsened": worsened}
    unknown = dict.fromkeys(name for name in MAY_BE_UNKNOWN if name not in row.quantities)
    return head | unknown | {name: _interval_json(value) for name, value in row.quantities.items()}


def _interval_json(value: Interval) -> dict[str, Any]:
    values = {str(seed): number for seed, number in value.values.items()}
    return {"mean": value.mean, "low": value.low, "high": value.high, "seeds": value.seeds, "values": values}
