"""Synthetic gradients whose cosines have closed forms, as a run records them.

At the measured steps two states take turns, both in R^K:
    apart: g_k = k + 1 times the k-th unit vector, so nothing conflicts.
    pulled: g_0 is long and the others, of length 1, lean away from it: g_0 = 10 e_0, g_k = -0.6 e_0 + 0.8 e_k.
The min-norm point of the normalized gradients has cosine 1 / sqrt(K) with all of them in the first state and
1 / sqrt(4 K - 3) in the second.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.gradients import Gramians
from benchmarks.records import GRAMIANS_FILE, STEPS_FILE, write_table

Array = npt.NDArray[np.float64]
STEPS, EVERY, SOLVED_EVERY = 40, 5, 10
BINS = {"sigma:0-0.5": 0.25, "sigma:0.5-1": 0.75}


@dataclass(frozen=True, eq=False)
class Place:
    """The gradients [K, P] of one measured step and the update [P] that was applied."""

    model: int
    step: int
    gradients: Array
    update: Array


def apart(n_objectives: int) -> Array:
    """Return the gradients of the first state."""
    return np.diag(np.arange(1.0, n_objectives + 1.0))


def pulled(n_objectives: int) -> Array:
    """Return the gradients of the second state."""
    gradients = 0.8 * np.eye(n_objectives)
    gradients[:, 0] = -0.6
    gradients[0, 0] = 10.0
    return gradients


def min_norm_weights(gradients: Array) -> Array:
    """Return the min-norm coefficients of the normalized gradients in either state, from their closed forms."""
    n_objectives = len(gradients)
    if gradients[0, 0] < 10.0:
        return np.full(n_objectives, 1.0 / n_objectives)
    other = 1.0 / (0.4 + 1.6 * (n_objectives - 1))
    return np.array([1.0 - (n_objectives - 1) * other, *[other] * (n_objectives - 1)])


def columns_of(places: Sequence[Place]) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of a table of whole gradients, layer groups (first coordinate, the rest) and noise levels."""
    rows: list[dict[str, Any]] = []
    for place in places:
        parts = {"all": (place.gradients, place.update)}
        for name, chosen in (("layer:head", slice(0, 1)), ("layer:body", slice(1, None))):
            parts[name] = (place.gradients[:, chosen], place.update[chosen])
        parts |= {name: (share * place.gradients, share * place.update) for name, share in BINS.items()}
        for name, (gradients, update) in parts.items():
            rows.append(row_of(place, name, gradients, update))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def row_of(place: Place, part: str, gradients: Array, update: Array) -> dict[str, Any]:
    """Return one row of a table."""
    row: dict[str, Any] = {"model": place.model, "step": place.step, "part": part}
    for i, one in enumerate(gradients):
        row |= {f"g_{i}_{j}": float(one @ other) for j, other in enumerate(gradients)}
    row |= {f"u_{i}": float(one @ update) for i, one in enumerate(gradients)}
    return row | {"u_u": float(update @ update)}


def gramians_of(gradients: Array, updates: Array) -> Gramians:
    """Return the inner products of gradients [S, K, P] and updates [S, P]."""
    count = np.arange(len(gradients))
    products = np.einsum("skp,slp->skl", gradients, gradients)
    return Gramians(0 * count, count + 1, products, np.einsum("skp,sp->sk", gradients, updates), (updates**2).sum(1))


def places_of(kind: str, n_objectives: int, models: int) -> tuple[list[Place], list[dict[str, Any]]]:
    """Return the measured steps of a method and its step log.

    Args:
        kind: `plain_sum`, `one_hot` (model m trains reward m alone), or `min_norm`, which solves at every tenth step
            and in between weighs the gradients as they are with the coefficients of the last solve.
        n_objectives: K.
        models: How many models are trained.
    """
    places, log = [], []
    for model in range(models):
        weights = np.full(n_objectives, 1.0 / n_objectives)
        for step in range(1, STEPS + 1):
            gradients = (apart if step % 20 < 10 else pulled)(n_objectives)
            solved = kind == "min_norm" and step % SOLVED_EVERY == 1
            row: dict[str, Any] = {"model": model, "step": step}
            if solved:
                weights = min_norm_weights(gradients)
            if kind == "one_hot":
                weights = np.eye(n_objectives)[model % n_objectives]
            lengths = np.linalg.norm(gradients, axis=1)
            update = weights @ (gradients / lengths[:, None] if solved else gradients)
            if kind == "min_norm":
                row |= {"alpha": {f"r{k}": float(weight) for k, weight in enumerate(weights)}, "solved": float(solved)}
            log.append(row)
            if step % EVERY == 1:
                places.append(Place(model, step, gradients, update))
    return places, log


def write_gradients(folder: Path, kind: str, n_objectives: int, models: int) -> None:
    """Write gramians.parquet and steps.jsonl of a run."""
    places, log = places_of(kind, n_objectives, models)
    write_table(folder / GRAMIANS_FILE, columns_of(places))
    write_log(folder, log)


def write_log(folder: Path, log: Sequence[Any]) -> None:
    """Write a step log."""
    (folder / STEPS_FILE).write_text("".join(json.dumps(row) + "\n" for row in log))
