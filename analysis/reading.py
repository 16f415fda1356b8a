"""The runs of a suite, read and checked: what may stand side by side in one table, and what may not."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from analysis.census import Census, Samples
from analysis.front import HELD_OUT, Front, tallied_front
from analysis.gradient_records import read_gradients
from analysis.gradients import RunGradients
from analysis.tally import Tally
from analysis.yardstick import Yardstick, yardstick_of
from benchmarks.records import (
    EVALUATIONS_FILE,
    RUN_FILE,
    CheckpointRecord,
    RecordError,
    StoredRun,
    column_batches,
    find_runs,
    reward_columns,
)

Item = TypeVar("Item")
Key = TypeVar("Key")
FRAME = ("rewards", "reference_point", "bounds")
PARTS = ("settings", "budget", "recipe", "models")


@dataclass(frozen=True, eq=False)
class Measured:
    """A finished run with the points it reached.

    Attributes:
        run: Its folder and record.
        fronts: Points by checkpoint (gradient steps); 0 is the base model, where recorded.
        held_out: The same in held-out rewards, empty if the benchmark has none.
        base: Base model point [K] the gains are measured from, more is better, or None if unknown.
        gradients: What the run recorded of its gradients.
        samples: What every point was measured on.
    """

    run: StoredRun
    fronts: dict[int, Front]
    held_out: dict[int, Front]
    base: np.ndarray | None
    gradients: RunGradients
    samples: Samples

    @property
    def trained(self) -> list[CheckpointRecord]:
        """The checkpoints behind the base model, in order of steps."""
        return sorted((c for c in self.run.record.checkpoints if c.step > 0), key=lambda c: c.step)


def read_suite(folder: Path) -> tuple[list[Measured], list[StoredRun]]:
    """Read the finished runs below a folder, and list the others.

    Args:
        folder: A suite's folder or a part of it.

    Returns:
        The finished runs with their points, and the runs that are not `done`, both sorted by path.

    Raises:
        RecordError: If there is no finished run, a file is missing or damaged, or runs must not be compared: of two
            suites, of one benchmark with two hashes, of one method with two settings, twice the same seed.
    """
    done, others = checked_runs(folder)
    yardsticks = {run.record.benchmark.name: yardstick_of(run.record.benchmark) for run in done}
    found = [_measure(run, yardsticks[run.record.benchmark.name]) for run in done]
    for same_benchmark in grouped(found, lambda one: one.run.record.benchmark.name).values():
        _require_same_samples(same_benchmark)
    return found, others


def checked_runs(folder: Path) -> tuple[list[StoredRun], list[StoredRun]]:
    """Find the runs below a folder and check that they may be compared; their measurements are not read.

    Args:
        folder: A suite's folder or a part of it.

    Returns:
        The finished runs, and the runs that are not `done`, both sorted by path.

    Raises:
        RecordError: As `read_suite`, but for what it finds in measurements.
    """
    runs = find_runs(folder)
    _require_one_suite(runs)
    done = [run for run in runs if run.record.status == "done"]
    others = [run for run in runs if run.record.status != "done"]
    if not done:
        found = ", ".join(f"{_short(run.folder)} {run.record.status}" for run in others[:3])
        raise RecordError(f"{folder}: expected a run with status done, found {found}")
    for same_benchmark in grouped(done, lambda run: run.record.benchmark.name).values():
        _require_same_benchmark(same_benchmark)
        for same_method in grouped(same_benchmark, lambda run: run.record.method.name).values():
            _require_same_method(same_method)
    return done, others


def measured(run: StoredRun) -> Measured:
    """Read what one finished run measured.

    Raises:
        RecordError: If a file is missing or damaged.
    """
    return _measure(run, yardstick_of(run.record.benchmark))


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Return the items by key, in the order they come.

    Example:
        >>> grouped([1, 2, 3], lambda number: number % 2)
        {1: [1, 3], 0: [2]}
    """
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _short(folder: Path) -> str:
    """Return benchmark/method/seed of a run's folder."""
    return "/".join(folder.parts[-3:])


def _require_one_suite(runs: Sequence[StoredRun]) -> None:
    first = runs[0]
    for run in runs:
        if run.record.suite != first.record.suite:
            raise RecordError(
                f"{run.folder / RUN_FILE}: expected suite {first.record.suite} as in {first.folder / RUN_FILE}, "
                f"found {run.record.suite}"
            )


def _require_same_benchmark(runs: Sequence[StoredRun]) -> None:
    first = runs[0]
    for run in runs:
        if run.record.benchmark.hash != first.record.benchmark.hash:
            raise RecordError(
                f"{run.folder / RUN_FILE}: expected benchmark hash {first.record.benchmark.hash} as in "
                f"{first.folder / RUN_FILE}, found {run.record.benchmark.hash}"
            )
        for name in FRAME:
            expected, found = (one.record.benchmark.model_dump(include={name})[name] for one in (first, run))
            if found != expected:
                raise RecordError(
                    f"{run.folder / RUN_FILE}: expected the {name} of {first.folder / RUN_FILE}, which has the same "
                    f"benchmark hash: {expected!s:.60}, found {found!s:.60}"
                )


def _require_same_samples(runs: Sequence[Measured]) -> None:
    """Check that runs of a benchmark were evaluated alike, without which their points do not face each other."""
    first = runs[0]
    for one in runs:
        if one.samples != first.samples:
            raise RecordError(
                f"{one.run.folder / EVALUATIONS_FILE}: expected the {first.samples.count} samples of "
                f"{first.samples.prompts} prompts at each point of {first.run.folder / EVALUATIONS_FILE}, "
                f"found others: {one.samples.count} of {one.samples.prompts}"
            )


def _require_same_method(runs: Sequence[StoredRun]) -> None:
    """Check that seeds of one method differ in nothing else, without which their mean has no meaning."""
    first, seeds = runs[0], set[int]()
    for run in runs:
        differs = first_difference(first, run)
        if differs is not None:
            raise RecordError(
                f"{run.folder / RUN_FILE}: expected the {differs[0]} of {first.folder / RUN_FILE}, "
                f"found a difference: {differs[1]}"
            )
        if run.record.seed in seeds:
            raise RecordError(f"{run.folder / RUN_FILE}: expected one run a seed, found seed {run.record.seed} twice")
        seeds.add(run.record.seed)


def first_difference(first: StoredRun, second: StoredRun, parts: Sequence[str] = PARTS) -> tuple[str, str] | None:
    """Return the first part in which two runs were set up differently, and the entries that differ; None if equal.

    Args:
        first: A run.
        second: Another run.
        parts: Which of `settings` (of the method), `budget`, `recipe` and `models` count.
    """
    for part in parts:
        expected, found = _part(first, part), _part(second, part)
        if found != expected:
            return part, _difference(expected, found)
    return None


def _part(run: StoredRun, part: str) -> dict[str, object]:
    parts = {
        "settings": run.record.method.settings,
        "budget": run.record.budget,
        "recipe": run.record.recipe,
        "models": {"models": run.record.models},
    }
    return parts[part]


def _difference(expected: Mapping[str, object], found: Mapping[str, object], prefix: str = "") -> str:
    """Return the first entry that differs, with the names of all that hold it, and both values."""
    for key in [*expected, *found]:
        one, other = expected.get(key, "nothing"), found.get(key, "nothing")
        if isinstance(one, dict) and isinstance(other, dict) and one != other:
            return _difference(one, other, f"{prefix}{key}.")
        if one != other:
            return f"{prefix}{key} {one!s:.40} and {other!s:.40}"
    return "none"


def _measure(run: StoredRun, yardstick: Yardstick) -> Measured:
    """Read the points of every checkpoint of a run and what it recorded of its gradients; check its base model."""
    record, path = run.record, run.folder / EVALUATIONS_FILE
    steps = [checkpoint.step for checkpoint in run.record.checkpoints]
    rewards, held_out = record.benchmark.rewards, record.benchmark.held_out
    tally = Tally([*reward_columns(rewards), *reward_columns(held_out, HELD_OUT)], len(rewards))
    census = Census()
    _add_rows(census, tally, path)
    try:
        samples = census.samples()
        fronts = {step: tallied_front(tally, rewards, step) for step in steps}
        behind = {step: tallied_front(tally, held_out, step, HELD_OUT) for step in steps} if held_out else {}
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    base = fronts.get(0)
    if base is not None:
        yardstick.require_above_reference(base)
    gradients = read_gradients(run.folder, rewards)
    return Measured(run, fronts, behind, None if base is None else base.points.mean(axis=0), gradients, samples)


def _add_rows(census: Census, tally: Tally, path: Path) -> None:
    for rows in column_batches(path):
        try:
            census.add(rows)
            tally.add(rows)
        except RecordError as error:
            raise RecordError(f"{path}: {error}") from error
