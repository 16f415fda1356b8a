"""A tree of synthetic records on quadratic benchmarks whose true front is known, written without torch."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.dominance import simplex_lattice
from analysis.hypervolume import hypervolume
from benchmarks.records import (
    EVALUATIONS_FILE,
    RUN_FILE,
    SCHEMA_VERSION,
    BenchmarkRecord,
    CheckpointRecord,
    CostRecord,
    FrontRecord,
    InvariantRecord,
    MethodRecord,
    RewardRecord,
    RunRecord,
    run_folder,
    write_run,
    write_table,
)
from tests.analysis.synthetic_gradients import write_gradients

Array = npt.NDArray[np.float64]
DIVISIONS = {1: 1, 2: 20, 3: 10, 4: 4, 7: 1}
# Multiples of the above, so that every preference of a method is one of the true front.
TRUE_DIVISIONS = {1: 1, 2: 200, 3: 40, 4: 12, 7: 2}


@dataclass(frozen=True)
class Task:
    """A synthetic benchmark: reward k of a place x is 1 - |x - corner k|^2 / 2 on the simplex, so x = preference."""

    name: str
    n_objectives: int
    minimized: tuple[int, ...] = ()
    known_front: bool = True
    unit: str = ""

    @property
    def signs(self) -> Array:
        """-1 for rewards that the records store as costs."""
        return np.array([-1.0 if k in self.minimized else 1.0 for k in range(self.n_objectives)])

    def rewards_at(self, places: Array) -> Array:
        """Return raw rewards [N, K] at places [N, K] on the simplex."""
        corners = np.eye(self.n_objectives)
        gaps: Array = places[:, None, :] - corners
        losses: Array = (gaps**2).sum(axis=2) / 2.0
        return self.signs * (1.0 - losses)

    def record(self) -> BenchmarkRecord:
        """Return the record, the true front on a lattice that contains all preferences."""
        preferences = simplex_lattice(self.n_objectives, TRUE_DIVISIONS[self.n_objectives])
        points = self.rewards_at(preferences)
        corner = np.full(self.n_objectives, -0.5) * self.signs
        volume = hypervolume(points * self.signs, reference_point=corner * self.signs)
        return BenchmarkRecord(
            name=self.name,
            hash=f"hash-{self.name}",
            rewards=[
                RewardRecord(name=f"r{k}", unit=self.unit, higher_is_better=k not in self.minimized, range=(None, None))
                for k in range(self.n_objectives)
            ],
            reference_point=corner.tolist(),
            bounds=[(0.0, 1.0) if sign > 0 else (-1.0, 0.0) for sign in self.signs],
            true_front=FrontRecord(preferences=preferences.tolist(), points=points.tolist())
            if self.known_front
            else None,
            true_hypervolume=volume if self.known_front else None,
            true_hypervolume_error=0.0 if self.known_front else None,
        )


@dataclass(frozen=True)
class Recipe:
    """A synthetic method: how far from the base model towards the wanted place it gets, and at which checkpoints.

    `gradients` is the kind of `tests.analysis.synthetic_gradients`, empty for a method that measured none.
    """

    name: str
    quality: float
    shares: tuple[float, ...] = (1.0,)
    models: int = 1
    divisions: int | None = None
    gradients: str = ""


TASKS = (
    Task("two-targets", 2),
    Task("two-costs", 2, minimized=(1,), unit="s"),
    Task("three-targets", 3),
    Task("four-targets", 4),
)
RECIPES = (
    Recipe("fixed_weights", 0.93, models=3, divisions=2),
    Recipe("nft_preference", 0.6),
    Recipe("pareto_slider", 0.95, shares=(0.2, 1.0)),
)
GRADIENT_RECIPES = (
    Recipe("marble", 0.9, divisions=1, gradients="min_norm"),
    Recipe("specialists", 0.8, models=2, divisions=1, gradients="one_hot"),
    Recipe("unmeasured", 0.7),
    Recipe("weighted_sum", 0.6, divisions=2, gradients="plain_sum"),
)


def evaluations_of(
    task: Task, recipe: Recipe, seed: int, prompts: int, samples: int
) -> tuple[dict[str, npt.NDArray[Any]], list[int]]:
    """Return the columns of an evaluations table, and its steps."""
    generator = np.random.default_rng([seed, len(task.name), len(recipe.name)])
    preferences = simplex_lattice(task.n_objectives, recipe.divisions or DIVISIONS[task.n_objectives])
    center = np.full(task.n_objectives, 1.0 / task.n_objectives)
    wrong = 0.02 * generator.standard_normal(preferences.shape)
    states = [(0, center[None, :] + 0 * preferences[:1], preferences[:1])]
    for share in recipe.shares:
        near = recipe.quality * min(1.0, 0.6 + 0.4 * share)
        states.append((int(100 * share), center + near * (preferences - center) + wrong, preferences))
    blocks = [_block(task, *state, prompts, samples, generator) for state in states]
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return columns, [step for step, _, _ in states]


def _block(
    task: Task,
    step: int,
    places: Array,
    preferences: Array,
    prompts: int,
    samples: int,
    generator: np.random.Generator,
) -> dict[str, npt.NDArray[Any]]:
    n_points, each = len(places), prompts * samples
    # Noise that sums to nothing over the samples of a point keeps the means in closed form.
    noise = generator.standard_normal((n_points, each, task.n_objectives)) * 0.1
    noise -= noise.mean(axis=1, keepdims=True)
    values = (task.rewards_at(places)[:, None, :] + noise).reshape(n_points * each, task.n_objectives)
    block: dict[str, npt.NDArray[Any]] = {
        "step": np.full(n_points * each, step, dtype=np.int64),
        "point": np.repeat(np.arange(n_points), each),
        "prompt_id": np.tile(np.repeat(np.arange(prompts), samples), n_points),
        "sample": np.tile(np.arange(samples), n_points * prompts),
    }
    for k in range(task.n_objectives):
        block[f"preference_{k}"] = np.repeat(preferences[:, k], each)
        block[f"reward_r{k}"] = values[:, k]
    return block


def write_synthetic_run(
    out: Path, task: Task, recipe: Recipe, seed: int, *, prompts: int = 2, samples: int = 4, suite: str = "toy"
) -> Path:
    """Write one finished run and return its folder."""
    folder = run_folder(out, suite, task.name, recipe.name, seed)
    columns, steps = evaluations_of(task, recipe, seed, prompts, samples)
    write_table(folder / EVALUATIONS_FILE, columns)
    shares = (0.0, *recipe.shares)
    checkpoints = [
        CheckpointRecord(
            step=step,
            velocity_evaluations=int(60_000 * share),
            reward_calls=int(6_000 * share),
            seconds=12.5 * share,
        )
        for step, share in zip(steps, shares, strict=True)
    ]
    last = checkpoints[-1]
    record = RunRecord(
        schema_version=SCHEMA_VERSION,
        status="done",
        suite=suite,
        benchmark=task.record(),
        method=MethodRecord(name=recipe.name, paper="", settings={"rate": 0.1}),
        seed=seed,
        models=recipe.models,
        budget={"velocity_evaluations": 60_000},
        recipe={},
        spent=CostRecord(
            velocity_evaluations=last.velocity_evaluations,
            reward_calls=last.reward_calls,
            seconds=last.seconds,
            peak_memory_bytes=1,
        ),
        checkpoints=checkpoints,
        invariants=[InvariantRecord(name="base equals closed form", passed=True, value=0.01, requirement="<= 0.05")],
        versions={"numpy": "2.4.6", "python": "3.11.7"},
        commit="0123abc",
        device="cpu",
        threads=1,
    )
    write_run(folder, record)
    if recipe.gradients:
        write_gradients(folder, recipe.gradients, task.n_objectives, recipe.models)
    return folder


def change_run(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Edit the run.json of a run in place."""
    path = folder / RUN_FILE
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def write_tree(
    out: Path,
    tasks: Sequence[Task] = TASKS,
    recipes: Sequence[Recipe] = RECIPES,
    seeds: Sequence[int] = (0, 1, 2),
    prompts: int = 2,
    samples: int = 4,
    suite: str = "toy",
) -> Path:
    """Write runs for all combinations and return the suite's folder."""
    for task in tasks:
        for recipe in recipes:
            for seed in seeds:
                write_synthetic_run(out, task, recipe, seed, prompts=prompts, samples=samples, suite=suite)
    return out / suite
