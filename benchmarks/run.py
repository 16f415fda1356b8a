"""A run as data: one method on one benchmark with one seed, what it will cost, and what is on disk of it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import environment
from benchmarks.base import Benchmark
from benchmarks.records import SCHEMA_VERSION, CostRecord, MethodRecord, RunRecord, UsageError, read_run, run_folder
from benchmarks.settings import describe
from benchmarks.train import step_cost, steps_within
from methods.base import Method, Model


@dataclass(frozen=True)
class Run:
    """The product's unit of work: one method on one benchmark with one seed, and where its records go."""

    suite: str
    benchmark: Benchmark
    method_name: str
    method: Method
    seed: int
    out: Path
    suite_origin: str | None = None
    compiled: bool = False
    """Whether the network is compiled; settings, and so comparability, do not depend on it."""
    changes: tuple[str, ...] = ()
    """What changed the suite's benchmark, for the record; the fingerprint covers what it did."""

    @property
    def folder(self) -> Path:
        """Folder of the records."""
        return run_folder(self.out, self.suite, self.benchmark.name, self.method_name, self.seed)

    @property
    def models(self) -> tuple[Model, ...]:
        """The trainings of the method."""
        return self.method.models(self.benchmark.n_objectives)

    def steps_of(self, model: Model) -> int:
        """Return the gradient steps of one model."""
        return steps_within(self.benchmark, model.method, model.method.budget_share)

    @property
    def total_steps(self) -> int:
        """Gradient steps of all models."""
        return sum(self.steps_of(model) for model in self.models)

    @property
    def velocity_evaluations(self) -> int:
        """What the training of all models will have cost."""
        return sum(self.steps_of(model) * step_cost(self.benchmark, model.method) for model in self.models)

    def validate(self) -> None:
        """Check everything that can be checked before anything is written.

        Raises:
            UsageError: If the method does not fit the benchmark.
        """
        recipe = self.benchmark.recipe
        try:
            self.method.validate(self.benchmark.n_objectives, recipe.group_size)
            self.method.objective.points_per_rollout(recipe.rollout_steps)
        except ValueError as error:
            raise UsageError(f"{self.method_name} on {self.benchmark.name}: {error}") from error
        if self.method.updates > recipe.prompts_per_step:
            raise UsageError(
                f"{self.method_name} on {self.benchmark.name}: expected at most {recipe.prompts_per_step} updates a "
                f"step, one a prompt, found {self.method.updates}"
            )
        for model in self.models:
            self.steps_of(model)

    def settings(self) -> dict[str, Any]:
        """Return what must be equal for a run on disk to be this run."""
        recipe = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self.benchmark.recipe).items()}
        return {
            "benchmark": _identified(self.benchmark),
            "method": describe(self.method),
            "budget": asdict(self.benchmark.budget),
            "recipe": recipe,
            "seed": self.seed,
        }

    def record(self) -> RunRecord:
        """Return the record of this run before it has begun."""
        settings = self.settings()
        return RunRecord(
            schema_version=SCHEMA_VERSION,
            status="running",
            suite=self.suite,
            suite_origin=self.suite_origin,
            changes=list(self.changes),
            benchmark=self.benchmark.record([m.preference for m in self.models if m.preference is not None]),
            method=MethodRecord(name=self.method_name, paper=self.method.paper, settings=settings["method"]),
            seed=self.seed,
            models=len(self.models),
            budget=settings["budget"],
            recipe=settings["recipe"],
            spent=CostRecord(velocity_evaluations=0, reward_calls=0, seconds=0.0, peak_memory_bytes=0),
            versions=environment.versions(),
            commit=environment.commit(),
            device=environment.device(),
            threads=self.benchmark.recipe.threads,
            compiled=self.compiled,
        )


def _identified(benchmark: Benchmark) -> str:
    # The fingerprint; where a reward's files are not there, how others are named.
    try:
        return benchmark.fingerprint
    except UsageError as error:
        for reward in (*benchmark.rewards, *benchmark.held_out):
            try:
                reward.describe()
            except UsageError:
                also = "" if reward in benchmark.rewards else ", or leave it out by --set 'benchmark.held_out=[...]'"
                raise UsageError(
                    f"reward {reward.name}: {error}; set where it is by --set {reward.name}.FIELD=VALUE{also}"
                ) from error
        raise


def stored_status(run: Run) -> str:
    """Return `new`, `done`, `failed`, or `running` (cut off) for what is on disk.

    Raises:
        RecordError: If the folder holds a record that cannot be read.
        UsageError: If it holds a run with other settings, which must not be overwritten.
    """
    path = run.folder / "run.json"
    if not path.exists():
        # What begins with a dot is what a killed process had not yet renamed.
        if run.folder.is_dir() and any(not found.name.startswith(".") for found in run.folder.iterdir()):
            raise UsageError(f"{run.folder}: expected an empty folder or one with a run.json, found other files in it")
        return "new"
    found = read_run(path)
    wanted = run.settings()
    stored = {
        "benchmark": found.benchmark.hash,
        "method": found.method.settings,
        "budget": found.budget,
        "recipe": found.recipe,
        "seed": found.seed,
    }
    for key, value in wanted.items():
        if stored[key] != value:
            what, expected, present = first_difference(key, value, stored[key])
            raise UsageError(
                f"{path}: expected the same settings as now ({what} = {expected}), found {present}; "
                "choose another --out or remove that folder"
            )
    return found.status


def first_difference(where: str, wanted: Any, found: Any) -> tuple[str, Any, Any]:
    """Return the place, the wanted and the found value of the first difference of two JSON values.

    Example:
        >>> first_difference("recipe", {"shift": 1.0, "betas": [0.9]}, {"shift": 3.0, "betas": [0.9]})
        ('recipe.shift', 1.0, 3.0)
    """
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(wanted.keys() | found.keys()):
            if wanted.get(key) != found.get(key):
                return first_difference(f"{where}.{key}", wanted.get(key), found.get(key))
    return where, wanted, found
