"""Which runs of two folders may be compared with each other, and what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.reading import PARTS, checked_runs, first_difference, grouped
from benchmarks.records import RUN_FILE, BenchmarkRecord, RecordError, StoredRun

MOST_NAMED = 4
Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Match:
    """Runs of one benchmark that face each other.

    Attributes:
        benchmark: The definition they share.
        methods: Name of the method on each side.
        first: Runs of the first side by seed.
        second: Runs of the second side, by the same seeds.
    """

    benchmark: BenchmarkRecord
    methods: tuple[str, str]
    first: Mapping[int, StoredRun]
    second: Mapping[int, StoredRun]

    @property
    def name(self) -> str:
        """Benchmark and method, both methods where they differ."""
        first, second = self.methods
        return f"{self.benchmark.name}/{first}" + (f" and {second}" if second != first else "")


@dataclass(frozen=True, eq=False)
class Matched:
    """What two folders have in common, and sentences about what was left out of a comparison or differs."""

    matches: tuple[Match, ...]
    notes: tuple[str, ...]


def match_folders(first: Path, second: Path) -> Matched:
    """Pair the finished runs of two folders by benchmark, method and seed.

    Where each folder holds one method and the names differ, these two are paired.

    Args:
        first: A suite's folder or a part of it, called A in notes and messages.
        second: Another, called B.

    Raises:
        RecordError: If a folder has no finished run or runs that must not be mixed, a benchmark has different hashes
            in the two, or they have no benchmark, method and seed in common.
    """
    ours, notes = _trained_runs(first, "A")
    theirs, more = _trained_runs(second, "B")
    notes += more
    _require_same_hashes(ours, theirs)
    sides = [grouped(runs, lambda run: (run.record.benchmark.name, run.record.method.name)) for runs in (ours, theirs)]
    pairs = _paired_keys(*sides)
    if not pairs:
        raise RecordError(
            f"expected a benchmark and method that both have, found {_named(sides[0])} in {first} and "
            f"{_named(sides[1])} in {second}"
        )
    for label, side, own in (("A", sides[0], 0), ("B", sides[1], 1)):
        alone = [key for key in side if key not in {pair[own] for pair in pairs}]
        if alone:
            notes.append(f"only in {label}: {_named(alone)}")
    matches = [_match(sides[0][one], sides[1][other]) for one, other in pairs]
    said = [(text, match.name) for match, texts in matches for text in texts]
    notes += [f"{text}: {_listed([name for _, name in same])}" for text, same in grouped(said, _text).items()]
    found = tuple(match for match, _ in matches if match.first)
    if not found:
        raise RecordError(f"expected a seed that both have, found none: {'; '.join(notes)}")
    return Matched(found, tuple(notes))


def _text(said: tuple[str, str]) -> str:
    return said[0]


def _trained_runs(folder: Path, label: str) -> tuple[list[StoredRun], list[str]]:
    """Return the finished runs with a trained checkpoint, and what there is to say of the others."""
    done, others = checked_runs(folder)
    trained = [run for run in done if any(checkpoint.step > 0 for checkpoint in run.record.checkpoints)]
    others += [run for run in done if run not in trained]
    if not trained:
        raise RecordError(f"{folder}: expected a run with a checkpoint of a trained model, found none")
    if not others:
        return trained, []
    states = [f"{'/'.join(run.folder.parts[-3:])} {_state(run)}" for run in others]
    return trained, [f"left out of {label}: {len(others)} run{'s' * (len(others) > 1)}: {_listed(states)}"]


def _state(run: StoredRun) -> str:
    return "has no trained checkpoint" if run.record.status == "done" else run.record.status


def _require_same_hashes(ours: Sequence[StoredRun], theirs: Sequence[StoredRun]) -> None:
    known = {run.record.benchmark.name: run for run in ours}
    for run in theirs:
        other = known.get(run.record.benchmark.name, run)
        if run.record.benchmark.hash != other.record.benchmark.hash:
            raise RecordError(
                f"{run.folder / RUN_FILE}: expected benchmark hash {other.record.benchmark.hash} as in "
                f"{other.folder / RUN_FILE}, found {run.record.benchmark.hash}"
            )


def _paired_keys(ours: Mapping[Key, object], theirs: Mapping[Key, object]) -> list[tuple[Key, Key]]:
    methods = [{method for _, method in side} for side in (ours, theirs)]
    if len(methods[0]) == len(methods[1]) == 1 and methods[0] != methods[1]:
        facing = {benchmark: (benchmark, method) for benchmark, method in theirs}
        return [(key, facing[key[0]]) for key in ours if key[0] in facing]
    return [(key, key) for key in ours if key in theirs]


def _match(ours: Sequence[StoredRun], theirs: Sequence[StoredRun]) -> tuple[Match, list[str]]:
    """Return the runs of the seeds that both have, and in what the two sides differ."""
    first, second = ({run.record.seed: run for run in side} for side in (ours, theirs))
    shared = sorted(first.keys() & second.keys())
    methods = ours[0].record.method.name, theirs[0].record.method.name
    match = Match(ours[0].record.benchmark, methods, {s: first[s] for s in shared}, {s: second[s] for s in shared})
    texts = []
    for label, own, other in (("A", first, second), ("B", second, first)):
        alone = sorted(own.keys() - other.keys())
        if alone:
            texts.append(f"seed{'s' * (len(alone) > 1)} {', '.join(map(str, alone))} only in {label}")
    differs = first_difference(ours[0], theirs[0], PARTS if methods[0] == methods[1] else ("budget", "recipe"))
    if differs is not None:
        texts.append(f"A and B differ in {differs[0]} ({differs[1]})")
    return match, texts


def _named(keys: Sequence[Key] | Mapping[Key, object]) -> str:
    return _listed([f"{benchmark}/{method}" for benchmark, method in keys])


def _listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are.

    Example:
        >>> _listed(["a", "b", "c", "d", "e"])
        'a, b, c, d and 1 more'
    """
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
