"""One run: train the models of a method with one seed, evaluate them, and keep records that survive a cut."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import environment
from benchmarks.base import Benchmark
from benchmarks.checkpoints import (
    EvaluatedModel,
    Position,
    load_tensors,
    read_position,
    save_position,
    save_tensors,
)
from benchmarks.evaluate import Columns, check_reference_point, evaluate
from benchmarks.invariants import Probe, checks_at_end, checks_at_start
from benchmarks.records import (
    EVALUATIONS_FILE,
    GRAMIANS_FILE,
    SCHEMA_VERSION,
    STEPS_FILE,
    CheckpointRecord,
    CostRecord,
    InvariantRecord,
    MethodRecord,
    RunRecord,
    StepLog,
    UsageError,
    read_run,
    read_table,
    run_folder,
    write_run,
    write_table,
)
from benchmarks.settings import describe
from benchmarks.train import Learner, step_cost, steps_within
from methods.base import Method, Model, Step
from methods.snapshots import OnPolicy

Tick = Callable[[int], None]
"""Called with the number of training steps done so far, over all models of the run."""


@dataclass(frozen=True)
class Run:
    """The product's unit of work: one method on one benchmark with one seed, and where its records go."""

    suite: str
    benchmark: Benchmark
    method_name: str
    method: Method
    seed: int
    out: Path

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
        try:
            self.method.validate(self.benchmark.n_objectives, self.benchmark.recipe.group_size)
        except ValueError as error:
            raise UsageError(f"{self.method_name} on {self.benchmark.name}: {error}") from error
        for model in self.models:
            self.steps_of(model)

    def settings(self) -> dict[str, Any]:
        """Return what must be equal for a run on disk to be this run."""
        recipe = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self.benchmark.recipe).items()}
        return {
            "benchmark": self.benchmark.fingerprint,
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
        )


def stored_status(run: Run) -> str:
    """Return `new`, `done`, `failed`, or `running` (cut off) for what is on disk.

    Raises:
        RecordError: If the folder holds a record that cannot be read.
        UsageError: If it holds a run with other settings, which must not be overwritten.
    """
    path = run.folder / "run.json"
    if not path.exists():
        if run.folder.is_dir() and any(run.folder.iterdir()):
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


class Session:
    """The records of a run while it goes on."""

    def __init__(self, run: Run) -> None:
        """Open the records, at the last position if the run was cut off."""
        self.run = run
        self.record = run.record()
        position = read_position(run.folder)
        write_run(run.folder, self.record)
        self.position = position or Position(
            model=0, step=0, seconds=0.0, velocity_evaluations=0, reward_calls=0, steps_offset=0, tensors=None,
            evaluated=[], invariants=[],
        )  # fmt: skip
        self.evaluated = list(self.position.evaluated)
        self.invariants = [InvariantRecord.model_validate(entry) for entry in self.position.invariants]
        self.tables = self._stored_evaluations() if position else []
        self.gramians = self._stored_gramians() if position else []
        self.log = StepLog(run.folder / STEPS_FILE, self.position.steps_offset)
        self.saved_at = time.monotonic()

    def _stored_evaluations(self) -> list[Columns]:
        path = self.run.folder / EVALUATIONS_FILE
        if not self.evaluated or not path.exists():
            return []
        frame = read_table(path)
        conditional = self.run.method.preferences is not None
        tables = []
        for entry in self.evaluated:
            rows = frame["step"] == entry.step
            rows = rows if conditional or entry.step == 0 else rows & (frame["point"] == entry.model)
            tables.append({str(name): frame.loc[rows, name].to_numpy() for name in frame.columns})
        return tables

    def _stored_gramians(self) -> list[list[float]]:
        path = self.run.folder / GRAMIANS_FILE
        if not path.exists():
            return []
        rows = read_table(path).to_numpy(dtype=np.float64).tolist()
        return [row for row in rows if (row[0], row[1]) <= (self.position.model, self.position.step)]

    def was_evaluated(self, model: int, step: int) -> bool:
        """Return whether a model's sweep at a step is already on disk."""
        return any(entry.model == model and entry.step == step for entry in self.evaluated)

    def log_step(self, model: int, learner: Learner, step: Step) -> None:
        """Append one step to the records."""
        names = [reward.name for reward in self.run.benchmark.rewards]
        row: dict[str, Any] = {"model": model, "step": learner.step}
        row["weights"] = dict(zip(names, step.weights.tolist(), strict=True))
        row |= {name: value if math.isfinite(value) else None for name, value in step.scalars.items()}
        row["old_decay"] = learner.method.snapshots.old(learner.step)
        row["seconds"] = round(learner.seconds, 4)
        self.log.append(row)
        if step.gramian is not None:
            self.gramians.append([model, learner.step, *step.gramian.flatten().tolist()])

    def add_evaluation(self, model: int, learner: Learner, columns: Columns) -> None:
        """Add an evaluated sweep to the records."""
        self.tables.append(columns)
        self.evaluated.append(
            EvaluatedModel(
                model=model,
                step=learner.step,
                velocity_evaluations=learner.meter.velocity_evaluations,
                reward_calls=learner.meter.reward_calls,
                seconds=learner.seconds,
            )
        )

    def save(self, model: int, learner: Learner | None) -> None:
        """Write everything, so that a run cut off from here on goes on from here."""
        folder = self.run.folder
        if self.tables:
            write_table(folder / EVALUATIONS_FILE, _joined(self.tables))
        if self.gramians:
            write_table(folder / GRAMIANS_FILE, self._gramian_columns())
        name = None if learner is None else f"resume-model{model}-step{learner.step}"
        position = Position(
            model=model,
            step=0 if learner is None else learner.step,
            seconds=0.0 if learner is None else learner.seconds,
            velocity_evaluations=0 if learner is None else learner.meter.velocity_evaluations,
            reward_calls=0 if learner is None else learner.meter.reward_calls,
            steps_offset=self.log.sync(),
            tensors=name,
            evaluated=self.evaluated,
            invariants=[entry.model_dump(mode="json") for entry in self.invariants],
        )
        save_position(folder, position, None if learner is None else learner.state())
        self.saved_at = time.monotonic()

    def _gramian_columns(self) -> Columns:
        k = self.run.benchmark.n_objectives
        array = np.asarray(self.gramians, dtype=np.float64)
        columns: Columns = {"model": array[:, 0].astype(np.int64), "step": array[:, 1].astype(np.int64)}
        return columns | {f"g_{i}_{j}": array[:, 2 + i * k + j] for i in range(k) for j in range(k)}

    def checkpoints(self) -> list[CheckpointRecord]:
        """Return what all models together had cost at each evaluated step."""
        found = []
        for step in sorted({entry.step for entry in self.evaluated}):
            parts = [entry for entry in self.evaluated if entry.step == step]
            found.append(
                CheckpointRecord(
                    step=step,
                    velocity_evaluations=sum(part.velocity_evaluations for part in parts),
                    reward_calls=sum(part.reward_calls for part in parts),
                    seconds=round(sum(part.seconds for part in parts), 3),
                )
            )
        return found

    def finish(self, status: str, error: str | None) -> RunRecord:
        """Write the last state of `run.json` and return it."""
        self.log.close()
        checkpoints = self.checkpoints()
        last = checkpoints[-1] if checkpoints else None
        spent = CostRecord(
            velocity_evaluations=last.velocity_evaluations if last else 0,
            reward_calls=last.reward_calls if last else 0,
            seconds=last.seconds if last else 0.0,
            peak_memory_bytes=environment.peak_memory(),
        )
        changes = {
            "status": status,
            "error": error,
            "spent": spent,
            "checkpoints": checkpoints,
            "invariants": self.invariants,
        }
        self.record = self.record.model_copy(update=changes)
        write_run(self.run.folder, self.record)
        return self.record


def _joined(tables: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def execute(run: Run, tick: Tick = lambda steps: None) -> RunRecord:
    """Do a run from wherever it stands to its end.

    Args:
        run: What to do.
        tick: Told of progress.

    Raises:
        UsageError: If the input is at fault (a reward fails, training diverges, the folder cannot be written). The
            record says `failed` and why, and all that was measured before is kept.
    """
    run.validate()
    torch.set_num_threads(run.benchmark.recipe.threads)
    session = Session(run)
    try:
        done = 0
        for index, model in enumerate(run.models):
            total = run.steps_of(model)
            if index >= session.position.model:
                _train_model(session, index, model, lambda step, before=done: tick(before + step))  # type: ignore[misc]
            done += total
        return session.finish("done", None)
    except UsageError as error:
        session.finish("failed", str(error))
        raise


def _train_model(session: Session, index: int, model: Model, tick: Tick) -> None:
    run, benchmark = session.run, session.run.benchmark
    learner = Learner(benchmark, model.method, run.seed)
    if session.position.model == index and session.position.tensors is not None:
        tensors = load_tensors(run.folder, session.position.tensors)
        meter = session.position.model_dump(include={"velocity_evaluations", "reward_calls"})
        learner.load(tensors, session.position.step, session.position.seconds, meter)
    probe = Probe(benchmark, learner.bare, run.seed)
    conditional = model.preference is None
    if learner.step == 0 and index == 0 and not session.was_evaluated(0, 0):
        _evaluate_base(session, learner)
        session.invariants += checks_at_start(probe, conditional=conditional)
    total = run.steps_of(model)
    stops = {min(steps_within(benchmark, model.method, share), total) for share in benchmark.recipe.evaluate_at}
    stops = {*stops, total}
    while learner.step < total:
        session.log_step(index, learner, learner.advance())
        if learner.step in stops:
            _evaluate_model(session, index, model, learner)
            session.save(index, learner)
        elif time.monotonic() - session.saved_at > benchmark.recipe.checkpoint_seconds:
            session.save(index, learner)
        tick(learner.step)
    save_tensors(run.folder, f"model{index}", learner.snapshots.state())
    if index == len(run.models) - 1 and not any(e.name == "rewards_finite" for e in session.invariants):
        on_policy = isinstance(model.method.snapshots.old, OnPolicy)
        found = checks_at_end(probe, _joined(session.tables), conditional=conditional, on_policy=on_policy)
        session.invariants += found
    session.save(index + 1, None)


def _evaluate_base(session: Session, learner: Learner) -> None:
    # Without a preference: the untrained model. The recorded preference only says that none is favored.
    benchmark = session.run.benchmark
    k = benchmark.n_objectives
    columns = evaluate(
        benchmark, learner.bare, "reference", [(1 / k,) * k], session.run.seed, conditional=False, step=0, first_point=0
    )
    check_reference_point(benchmark, columns)
    session.add_evaluation(0, learner, columns)


def _evaluate_model(session: Session, index: int, model: Model, learner: Learner) -> None:
    if session.was_evaluated(index, learner.step):
        return
    benchmark = session.run.benchmark
    conditional = model.preference is None
    sweep = benchmark.evaluation.preferences if model.preference is None else [model.preference]
    columns = evaluate(
        benchmark, learner.bare, "evaluation", sweep, session.run.seed, conditional=conditional, step=learner.step,
        first_point=0 if conditional else index,
    )  # fmt: skip
    session.add_evaluation(index, learner, columns)

