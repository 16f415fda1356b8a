"""The records behind claims: where each run lies, whether it is the one that was asked for, and what it measured."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.claims.base import Arm, MeasuredFile
from analysis.claims.quantities import run_quantity
from analysis.reading import Measured, first_difference, measured
from benchmarks.records import RUN_FILE, RecordError, RunRecord, StoredRun, UsageError, read_run, read_table, run_folder

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = Path("results") / "reference"
TRAINING = ("budget", "recipe")


@dataclass(frozen=True, eq=False)
class Standing:
    """What there is of an arm.

    Attributes:
        done: Finished runs by seed.
        others: Seeds with a record that is not finished, and its status.
        missing: Seeds without a record.
    """

    done: Mapping[int, StoredRun]
    others: Mapping[int, str]
    missing: tuple[int, ...]

    @property
    def open(self) -> tuple[int, ...]:
        """Seeds that are still to be run."""
        return tuple(sorted([*self.missing, *self.others]))

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(status == "failed" for status in self.others.values())


class Evidence:
    """Records below some folders of results; each run counts from the first folder that has it finished.

    What was read is kept as long as this object lives.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        """Take the folders, in the order in which they are looked at."""
        self.roots = tuple(dict.fromkeys(roots))
        self._standings: dict[Arm, Standing] = {}
        self._measured: dict[Path, Measured] = {}

    def standing(self, arm: Arm) -> Standing:
        """Return what there is of an arm.

        Raises:
            RecordError: If a record is damaged, is another run's or another experiment's, or seeds were run
                differently.
        """
        if arm not in self._standings:
            self._standings[arm] = self._look(arm)
        return self._standings[arm]

    def _look(self, arm: Arm) -> Standing:
        one, done, others = arm.experiment, dict[int, StoredRun](), dict[int, str]()
        for seed in one.seeds:
            for root in self.roots:
                folder = run_folder(root / one.folder, one.suite, one.benchmark, arm.method, seed)
                if seed in done or not (folder / RUN_FILE).exists():
                    continue
                record = read_run(folder / RUN_FILE)
                _require_place(record, arm, seed, folder)
                require_changes(record, one.changes, folder)
                if record.status == "done":
                    done[seed] = StoredRun(folder, record)
                else:
                    others[seed] = record.status
        others = {seed: status for seed, status in others.items() if seed not in done}
        _require_alike(list(done.values()))
        return Standing(done, others, tuple(seed for seed in one.seeds if seed not in done and seed not in others))

    def measured(self, run: StoredRun) -> Measured:
        """Return what a run measured."""
        if run.folder not in self._measured:
            self._measured[run.folder] = measured(run)
        return self._measured[run.folder]

    def values(self, arm: Arm, quantity: str) -> dict[int, float]:
        """Return a quantity of an arm by seed.

        Args:
            arm: The arm.
            quantity: A name of `analysis.claims.quantities`.

        Raises:
            RecordError: If a finished run does not have it.
        """
        runs = self.standing(arm).done
        return {seed: run_quantity(self.measured(run), quantity) for seed, run in runs.items()}

    def cost(self, arm: Arm, seeds: Sequence[int]) -> str:
        """Return what the trainings of an arm had spent, the mean over seeds."""
        runs = [self.standing(arm).done[seed].record for seed in seeds]
        evaluations = sum(run.spent.velocity_evaluations for run in runs) / len(runs)
        calls = sum(run.spent.reward_calls for run in runs) / len(runs)
        return cost_text(evaluations, calls, runs[0].models)

    def file(self, wanted: MeasuredFile) -> Path:
        """Return the first place of a file.

        Raises:
            RecordError: If no folder has it.
        """
        for root in self.roots:
            if (root / wanted.path).is_file():
                return root / wanted.path
        raise RecordError(f"expected {wanted.path} in {' or '.join(map(str, self.roots))}, found none")

    def table(self, wanted: MeasuredFile) -> "pd.DataFrame":
        """Return a parquet file as a frame."""
        return read_table(self.file(wanted))

    def content(self, wanted: MeasuredFile) -> dict[str, Any]:
        """Return a JSON file as an object.

        Raises:
            RecordError: If it is missing or damaged.
        """
        path = self.file(wanted)
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise RecordError(f"{path} is damaged: expected a JSON object, found: {error}") from error
        if not isinstance(found, dict):
            raise RecordError(f"{path} is damaged: expected a JSON object, found {type(found).__name__}")
        return found


def _require_place(record: RunRecord, arm: Arm, seed: int, folder: Path) -> None:
    """Check that a run is the one its folder names: a copy of another seed would count twice, and vary too little."""
    expected = (arm.experiment.suite, arm.experiment.benchmark, arm.method, f"seed{seed}")
    found = (record.suite, record.benchmark.name, record.method.name, f"seed{record.seed}")
    if found != expected:
        raise RecordError(f"{folder / RUN_FILE}: expected the run {'/'.join(expected)}, found {'/'.join(found)}")


def cost_text(evaluations: float, calls: float, models: int) -> str:
    """Return a cost in words.

    Example:
        >>> cost_text(2_397_600, 64_800, 1), cost_text(84_480, 3_840, 5)
        ('2.40 M velocity evaluations and 64.8 k reward calls', '84.5 k velocity evaluations and 3.84 k reward calls \
for 5 models')
    """
    scaled = f"{evaluations / 1e6:.2f} M" if evaluations >= 1e6 else f"{evaluations / 1e3:.3g} k"
    return f"{scaled} velocity evaluations and {calls / 1e3:.3g} k reward calls" + (
        f" for {models} models" if models > 1 else ""
    )


def require_changes(record: RunRecord, changes: Sequence[str], folder: Path) -> None:
    """Check that a run was made with the changes of its experiment.

    Changes of the benchmark are in the record as texts; those of the method, recipe and budget as values.

    Raises:
        RecordError: If one is not to be found.
    """
    for change in changes:
        path, _, text = change.partition("=")
        name, _, field = path.partition(".")
        if name == record.method.name:
            found: Any = field_of(record.method.settings, field.split("."))
        elif name in TRAINING:
            found = (record.budget if name == "budget" else record.recipe).get(field, "nothing")
        else:
            found = _value(text) if change in record.changes else f"the changes {record.changes}"
        if not _fits(_value(text), found):
            raise RecordError(f"{folder / RUN_FILE}: expected {change}, found {found!s:.60}")


def field_of(settings: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return a field of recorded settings.

    Example:
        >>> field_of({"class": "m:A", "fields": {"part": {"class": "m:B", "fields": {"beta": 2}}}}, ["part", "beta"])
        2
    """
    found: Any = settings
    for name in names:
        if not isinstance(found, Mapping) or name not in found.get("fields", {}):
            return "nothing"
        found = found["fields"][name]
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _fits(wanted: Any, found: Any) -> bool:
    # A part may be given with some of its fields; the others have their defaults.
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and _fits(wanted[key], found[key]) for key in wanted)
    return bool(wanted == found)


def _require_alike(runs: Sequence[StoredRun]) -> None:
    for run in runs[1:]:
        first = runs[0]
        if run.record.benchmark.hash != first.record.benchmark.hash:
            raise RecordError(
                f"{run.folder / RUN_FILE}: expected benchmark hash {first.record.benchmark.hash[:12]} as in "
                f"{first.folder / RUN_FILE}, found {run.record.benchmark.hash[:12]}"
            )
        differs = first_difference(first, run)
        if differs is not None:
            raise RecordError(
                f"{run.folder / RUN_FILE}: expected the {differs[0]} of {first.folder / RUN_FILE}, "
                f"found a difference: {differs[1]}"
            )


def shared_seeds(first: Mapping[int, Any], second: Mapping[int, Any], names: tuple[str, str]) -> list[int]:
    """Return the seeds that both sides of a paired test have.

    Raises:
        UsageError: If there is none.

    Example:
        >>> shared_seeds({0: 1.0, 1: 2.0}, {1: 3.0, 2: 4.0}, ("a", "b"))
        [1]
    """
    shared = sorted(set(first) & set(second))
    if not shared:
        raise UsageError(
            f"a paired test needs the same seeds on both sides, found {_listed(first)} of {names[0]} and "
            f"{_listed(second)} of {names[1]}"
        )
    return shared


def _listed(seeds: Mapping[int, Any]) -> str:
    return "seeds " + ", ".join(map(str, sorted(seeds))) if seeds else "no seed"
