"""Records of two small synthetic methods for the tests of claims."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from analysis.claims.base import Arm, Experiment
from benchmarks.records import EVALUATIONS_FILE, read_table, write_table
from tests.analysis.synthetic_records import Recipe, Task, change_run, write_synthetic_run

TASK = Task("two-targets", 2)
SEEDS = (0, 1, 2)
GOOD = Recipe("good", 0.95, shares=(0.2, 0.6, 1.0))
POOR = Recipe("poor", 0.6, shares=(0.2, 0.6, 1.0))


def arm(recipe: Recipe, seeds: tuple[int, ...] = SEEDS, changes: tuple[str, ...] = (), folder: str = "") -> Arm:
    """Return the arm of a synthetic method."""
    return Arm(Experiment("toy", TASK.name, (recipe.name,), seeds, changes, folder), recipe.name)


def write(
    root: Path, recipe: Recipe, seeds: tuple[int, ...] = SEEDS, change: Callable[[dict[str, Any]], None] | None = None
) -> list[Path]:
    """Write the runs of a method below a folder of results."""
    folders = [write_synthetic_run(root, TASK, recipe, seed) for seed in seeds]
    for folder in folders:
        if change is not None:
            change_run(folder, change)
    return folders


def write_linear(root: Path, recipe: Recipe, rate: float) -> None:
    """Write runs whose rewards grow from 0.1 by `rate` and whose held-out reward falls by 1, step by step."""

    def held_out(content: dict[str, Any]) -> None:
        reward = {"name": "h", "unit": "", "higher_is_better": True, "range": (None, None)}
        content["benchmark"].update(held_out=[reward], hash="hash-linear")

    for folder in write(root, recipe, change=held_out):
        rows = read_table(folder / EVALUATIONS_FILE)
        share = rows["step"].to_numpy(dtype=np.float64) / 100
        columns = {name: rows[name].to_numpy() for name in rows.columns}
        columns |= dict.fromkeys(("reward_r0", "reward_r1"), 0.1 + rate * share) | {"held_out_h": -share}
        write_table(folder / EVALUATIONS_FILE, columns)


def failing(content: dict[str, Any]) -> None:
    """Turn a record into that of a run that failed."""
    content.update(status="failed", error="a reward failed")
