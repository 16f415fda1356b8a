"""The records of a run while it goes on: what is measured, how it is saved, and how a cut-off run finds its place."""

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import environment
from benchmarks.checkpoints import EvaluatedModel, Position, read_position, save_position
from benchmarks.evaluate import Columns, Sweep, feature_columns
from benchmarks.open_run import FolderLock, StepLog, check_steps
from benchmarks.pictures import add_sheets
from benchmarks.records import (
    EVALUATIONS_FILE,
    FEATURES_FILE,
    GRAMIANS_FILE,
    REAL_FEATURES_FILE,
    STEPS_FILE,
    CheckpointRecord,
    CostRecord,
    InvariantRecord,
    RunRecord,
    read_table,
    write_run,
    write_table,
)
from benchmarks.run import Run
from benchmarks.train import Learner
from methods.base import Step

_START = Position(
    model=0, step=0, seconds=0.0, velocity_evaluations=0, reward_calls=0, steps_offset=0, tensors=None, gramians=0,
    evaluated=[], invariants=[],
)  # fmt: skip


class Session:
    """The records of a run while it goes on."""

    def __init__(self, run: Run, *, writes: bool = True) -> None:
        """Open the records, at the last position if the run was cut off; only one process of a run writes."""
        self.run = run
        self.log: StepLog | None = None
        self.lock = FolderLock(run.folder) if writes else None
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        run = self.run
        self.record = run.record()
        position = read_position(run.folder)
        self.position = position or _START
        self.evaluated = list(self.position.evaluated)
        self.invariants = [InvariantRecord.model_validate(entry) for entry in self.position.invariants]
        self.tables = self._stored(EVALUATIONS_FILE)
        self.features = [] if run.benchmark.features is None else self._stored(FEATURES_FILE)
        self.gramians = self._stored_gramians()
        # Only now, with everything read, is anything written: a damaged file must leave the others as they are.
        check_steps(run.folder / STEPS_FILE, self.position.steps_offset)
        if self.lock is not None:
            write_run(run.folder, self.record)
            self.log = StepLog(run.folder / STEPS_FILE, self.position.steps_offset)
        self.saved_at = time.monotonic()
        self.model = 0
        self.learner: Learner | None = None
        self._device, self._processes = "cpu", 1

    def attach(self, model: int, learner: Learner) -> None:
        """Say which model is in training."""
        self.model, self.learner = model, learner
        self._device, self._processes = learner.device.type, learner.processes.size

    def detach(self) -> None:
        """Let go of the model in training, so that its memory is free for the next one."""
        self.learner = None

    def _stored(self, name: str) -> list[Columns]:
        if not self.evaluated:
            return []
        frame = read_table(self.run.folder / name)
        conditional = self.run.method.preferences is not None
        tables = []
        for entry in self.evaluated:
            rows = frame["step"] == entry.step
            if not conditional and entry.step > 0:
                # Behind the models' own points come those of their interpolations.
                own = frame["point"] == entry.model
                rows &= own if entry.model < len(self.run.models) else frame["point"] >= entry.model
            tables.append({str(name): frame.loc[rows, name].to_numpy() for name in frame.columns})
        return tables

    def _stored_gramians(self) -> list[tuple[Any, ...]]:
        if not self.position.gramians:
            return []
        rows = read_table(self.run.folder / GRAMIANS_FILE).itertuples(index=False, name=None)
        return list(rows)[: self.position.gramians]

    def log_step(self, model: int, learner: Learner, step: Step) -> None:
        """Append one step to the records."""
        if self.log is None:
            return
        names = [reward.name for reward in self.run.benchmark.rewards]
        row: dict[str, Any] = {"model": model, "step": learner.step}
        row["weights"] = dict(zip(names, step.weights.tolist(), strict=True))
        row |= {name: value if math.isfinite(value) else None for name, value in step.scalars.items()}
        row |= {
            name: dict(zip(names, _finite(values.tolist()), strict=True)) for name, values in step.by_objective.items()
        }
        row["old_decay"] = learner.method.snapshots.old(learner.updates)
        row["seconds"] = round(learner.seconds, 4)
        row["timings"] = {name: round(seconds, 4) for name, seconds in learner.timings.items()}
        self.log.append(row)
        for part, gramian in step.gramians.items():
            k = len(gramian) - 1
            numbers = [*gramian[:k, :k].flatten().tolist(), *gramian[k].tolist()]
            self.gramians.append((model, learner.step, part, *numbers))

    def add_evaluation(self, model: int, learner: Learner, sweep: Sweep) -> None:
        """Add an evaluated sweep to the records, with what its model had cost."""
        self.add_points(sweep)
        self.add_cost(model, learner)

    def add_points(self, sweep: Sweep) -> None:
        """Add the points of a sweep to the records; pictures are on disk at once."""
        self.tables.append(sweep.columns)
        if sweep.features is not None:
            self.features.append(sweep.features)
        gallery, step = self.run.benchmark.gallery, int(sweep.columns["step"][0])
        if self.log is not None and gallery is not None and sweep.pictures is not None:
            add_sheets(self.run.folder, gallery, step, sweep.first_point, sweep.preferences, sweep.pictures)

    def add_cost(self, model: int, learner: Learner) -> None:
        """Add what an evaluated model had cost."""
        self.evaluated.append(_cost_of(model, learner))

    def save_tables(self) -> None:
        """Write the measurements so far."""
        if self.tables:
            write_table(self.run.folder / EVALUATIONS_FILE, joined(self.tables))
        if self.features:
            write_table(self.run.folder / FEATURES_FILE, joined(self.features))
            self._save_real_features()
        if self.gramians:
            write_table(self.run.folder / GRAMIANS_FILE, self._gramian_columns())

    def _save_real_features(self) -> None:
        # One file for all runs of the benchmark: it depends on nothing but the benchmark.
        path, benchmark = self.run.folder.parents[1] / REAL_FEATURES_FILE, self.run.benchmark
        if benchmark.features is None or path.exists():
            return
        features, prompts = benchmark.features.real(benchmark.evaluated)
        write_table(path, {"prompt_id": prompts.numpy()} | feature_columns(features))

    def save(self, model: int, learner: Learner | None) -> None:
        """Write everything, so that a run cut off from here on goes on from here."""
        if self.log is None:
            return
        folder = self.run.folder
        self.save_tables()
        name = None if learner is None else f"resume-model{model}-step{learner.step}"
        position = Position(
            model=model,
            step=0 if learner is None else learner.step,
            seconds=0.0 if learner is None else learner.seconds,
            velocity_evaluations=0 if learner is None else learner.meter.velocity_evaluations,
            reward_calls=0 if learner is None else learner.meter.reward_calls,
            steps_offset=self.log.sync(),
            tensors=name,
            gramians=len(self.gramians),
            evaluated=self.evaluated,
            invariants=[entry.model_dump(mode="json") for entry in self.invariants],
        )
        save_position(folder, position, None if learner is None else learner.state())
        self.saved_at = time.monotonic()

    def _gramian_columns(self) -> Columns:
        k = self.run.benchmark.n_objectives
        names = [f"g_{i}_{j}" for i in range(k) for j in range(k)] + [f"u_{i}" for i in range(k)] + ["u_u"]
        columns: Columns = {
            "model": np.asarray([row[0] for row in self.gramians], dtype=np.int64),
            "step": np.asarray([row[1] for row in self.gramians], dtype=np.int64),
            "part": np.asarray([row[2] for row in self.gramians], dtype=object),
        }
        numbers = np.asarray([row[3:] for row in self.gramians], dtype=np.float64)
        return columns | {name: numbers[:, i] for i, name in enumerate(names)}

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

    def close(self) -> None:
        """Flush the log and let other processes write."""
        if self.log is not None:
            self.log.close()
        if self.lock is not None:
            self.lock.release()

    def finish(self, status: str, error: str | None) -> RunRecord:
        """Write the last state of `run.json` and return it."""
        if self.log is None:
            return self.record
        self.save_tables()
        last = {entry.model: entry for entry in self.evaluated}
        learner = self.learner
        if learner is not None:
            last[self.model] = _cost_of(self.model, learner)
        spent = CostRecord(
            velocity_evaluations=sum(entry.velocity_evaluations for entry in last.values()),
            reward_calls=sum(entry.reward_calls for entry in last.values()),
            seconds=round(sum(entry.seconds for entry in last.values()), 3),
            peak_memory_bytes=environment.peak_memory(self._device),
        )
        changes: dict[str, Any] = {
            "status": status,
            "error": error,
            "spent": spent,
            "checkpoints": self.checkpoints(),
            "invariants": self.invariants,
            "device": environment.device(self._device),
            "processes": self._processes,
        }
        self.record = self.record.model_copy(update=changes)
        write_run(self.run.folder, self.record)
        return self.record


def _cost_of(model: int, learner: Learner) -> EvaluatedModel:
    return EvaluatedModel(
        model=model,
        step=learner.step,
        velocity_evaluations=learner.meter.velocity_evaluations,
        reward_calls=learner.meter.reward_calls,
        seconds=learner.seconds,
    )


def _finite(values: Sequence[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]


def joined(tables: Sequence[Columns]) -> Columns:
    """Return tables of the same columns as one."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
