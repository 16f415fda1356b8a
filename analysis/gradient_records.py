"""Reading what a run recorded of its gradients: `gramians.parquet`, and coefficients and solve steps of `steps.jsonl`.

Both files may be missing: a method need not be measured, and committed results leave the step logs out.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.front import Array
from analysis.gradients import ALL, CANCELLATION, CoefficientLog, Gramians, RunGradients
from benchmarks.records import GRAMIANS_FILE, STEPS_FILE, Columns, RecordError, RewardRecord, read_columns, read_steps

LAYER, SIGMA = "layer:", "sigma:"
NUMBER = r"(\d+(?:\.\d*)?(?:e-?\d+)?)"
SIGMA_PART = re.compile(f"{SIGMA}{NUMBER}-{NUMBER}")
# How far a Gramian may break Cauchy and Schwarz or its symmetry through rounding, relative to the lengths.
ROUNDING = 1e-3


def read_gradients(folder: Path, rewards: Sequence[RewardRecord]) -> RunGradients:
    """Return what a run recorded of its gradients, nothing where the files are missing.

    Args:
        folder: The run's folder.
        rewards: The rewards of the benchmark, [K].

    Raises:
        RecordError: If a file is there and damaged, or of another number of rewards.
    """
    path = folder / GRAMIANS_FILE
    parts = read_gramians(path, len(rewards)) if path.exists() else {}
    path = folder / STEPS_FILE
    rows = read_steps(path) if path.exists() else []
    try:
        solved, coefficients = _solved_of(rows), _coefficients_of(rows, [reward.name for reward in rewards])
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    whole = parts.get(ALL)
    places = [] if whole is None else zip(whole.models.tolist(), whole.steps.tolist(), strict=True)
    return RunGradients(parts, np.array([solved.get(place, np.nan) for place in places]), coefficients)


def read_gramians(path: Path, n_objectives: int) -> dict[str, Gramians]:
    """Return the inner products of a run by part, `all` first, layer groups as recorded, noise levels in order.

    A table of the schema before parts (columns model, step, g_i_j alone) is read as part `all` with an unknown
    update.

    Args:
        path: A `gramians.parquet`.
        n_objectives: K.

    Raises:
        RecordError: If the file is missing or damaged: a column is missing, a number is not finite or impossible,
            a row comes twice, or the part `all` has none.
    """
    rows = read_columns(path)
    try:
        names = _columns_of(rows, n_objectives)
        numbers = _numbers_of(rows, names)
        parts = [ALL] * len(numbers) if "part" not in rows else [str(part) for part in rows["part"]]
        table = _table_of(numbers, n_objectives)
        for part in dict.fromkeys(parts):
            _require_part(part)
        _require_distinct(table, parts)
        _require_possible(table, parts)
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    order = sorted(dict.fromkeys(parts), key=_place)
    if parts and order[0] != ALL:
        raise RecordError(f"{path}: expected rows of part {ALL}, found {order[0]}")
    of_row = np.array(parts, dtype=object)
    return {part: _rows_of(table, np.asarray(of_row == part)) for part in order}


def sigma_bin(part: str) -> tuple[float, float] | None:
    """Return the noise levels of a part `sigma:<low>-<high>`, None for other parts.

    Example:
        >>> sigma_bin("sigma:0.75-1"), sigma_bin("layer:attention")
        ((0.75, 1.0), None)
    """
    found = SIGMA_PART.fullmatch(part)
    return None if found is None else (float(found[1]), float(found[2]))


def _place(part: str) -> tuple[int, float]:
    """Return the sorting key of a part; sorting keeps the layer groups in their recorded order."""
    levels = sigma_bin(part)
    return (0 if part == ALL else 1, 0.0) if levels is None else (2, levels[0])


def _columns_of(rows: Columns, n_objectives: int) -> list[str]:
    """Return the names of all numeric columns in order, those of the update left out where the table is old."""
    of_rewards = [f"g_{i}_{j}" for i in range(n_objectives) for j in range(n_objectives)]
    of_update = [*(f"u_{i}" for i in range(n_objectives)), "u_u"]
    names = ["model", "step", *of_rewards]
    if any(name in rows for name in ("part", *of_update)):
        names += of_update
    expected = {*names, *(["part"] if len(names) > len(of_rewards) + 2 else [])}
    for name in sorted(expected):
        if name not in rows:
            raise RecordError(f"expected a column {name}, found {', '.join(rows)}")
    beyond = [name for name in rows if re.fullmatch(r"g_\d+_\d+", name) and name not in expected]
    if beyond:
        raise RecordError(f"expected the columns of {n_objectives} rewards, found {beyond[0]} too")
    return names


def _numbers_of(rows: Columns, names: Sequence[str]) -> Array:
    """Return the numeric columns [S, C], update columns that the table lacks as NaN."""
    columns = []
    for name in names:
        try:
            column = rows[name].astype(np.float64)
        except (TypeError, ValueError) as error:
            raise RecordError(f"expected numbers in column {name}, found {error!s:.60}") from error
        if not np.isfinite(column).all():
            row = int(np.argmin(np.isfinite(column)))
            raise RecordError(f"{name} must be finite, found {column[row]} in row {row}")
        columns.append(column)
    return np.stack(columns, axis=1)


def _table_of(numbers: Array, n_objectives: int) -> Gramians:
    """Return all rows of all parts as one table."""
    square, count = n_objectives**2, len(numbers)
    products = numbers[:, 2 : 2 + square].reshape(count, n_objectives, n_objectives)
    update = numbers[:, 2 + square :]
    if update.shape[1] == 0:
        update = np.full((count, n_objectives + 1), np.nan)
    places = numbers[:, :2].astype(np.int64)
    return Gramians(places[:, 0], places[:, 1], products, update[:, :-1], update[:, -1])


def _rows_of(table: Gramians, rows: npt.NDArray[np.bool_]) -> Gramians:
    return Gramians(
        table.models[rows],
        table.steps[rows],
        table.products[rows],
        table.with_update[rows],
        table.update_squared[rows],
    )


def _require_distinct(table: Gramians, parts: Sequence[str]) -> None:
    seen = set[tuple[int, int, str]]()
    for place in zip(table.models.tolist(), table.steps.tolist(), parts, strict=True):
        if place in seen:
            raise RecordError(f"expected one row a model, step and part, found model {place[0]}, step {place[1]} twice")
        seen.add(place)


def _require_part(part: str) -> None:
    if part != ALL and part.removeprefix(LAYER) in (part, "") and sigma_bin(part) is None:
        raise RecordError(f"expected a part {ALL}, {LAYER}<name> or {SIGMA}<low>-<high>, found {part!r:.60}")


def _require_possible(table: Gramians, parts: Sequence[str]) -> None:
    """Check that every row can be inner products of vectors: symmetric, and none larger than the two lengths."""
    count, size = len(parts), table.products.shape[1] + 1
    matrices = np.zeros((count, size, size))
    matrices[:, :-1, :-1] = table.products
    # An update that was not recorded passes as zero.
    matrices[:, -1, :-1] = matrices[:, :-1, -1] = np.nan_to_num(table.with_update)
    matrices[:, -1, -1] = np.nan_to_num(table.update_squared)
    squared = np.diagonal(matrices, axis1=1, axis2=2)
    # Products of an update that cancels are sums of large terms, and wrong by their rounding.
    slack = CANCELLATION * squared.max(axis=1)[:, None]
    lengths = np.sqrt(np.maximum(squared, 0.0))
    limits = lengths[:, :, None] * lengths[:, None, :]
    wrong = np.abs(matrices) > limits * (1 + ROUNDING) + slack[:, :, None]
    wrong |= np.abs(matrices - matrices.transpose(0, 2, 1)) > limits * ROUNDING + slack[:, :, None]
    bad = np.flatnonzero(wrong.any(axis=(1, 2)) | (squared < -slack).any(axis=1))
    if len(bad):
        first = int(bad[0])
        raise RecordError(
            f"expected inner products of vectors, found impossible ones at model {table.models[first]}, "
            f"step {table.steps[first]}, part {parts[first]}"
        )


def _solved_of(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], float]:
    """Return by model and step whether coefficients were solved for, 1 or 0, for the steps that say so."""
    found = {}
    for row in rows:
        if isinstance(row, dict) and row.get("solved") is not None:
            value = row["solved"]
            if not isinstance(value, int | float):
                raise RecordError(f"solved must be 0 or 1, found {value!r:.40}")
            found[_step_of(row)] = float(value)
    return found


def _coefficients_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> CoefficientLog | None:
    """Return the coefficients of all steps that recorded a number for every reward, or None if none did."""
    steps, alpha = [], []
    for row in rows:
        values = row.get("alpha") if isinstance(row, dict) else None
        if values is None:
            continue
        if not isinstance(values, dict) or set(values) != set(names):
            raise RecordError(f"alpha must have a value for each of {', '.join(names)}, found {values!r:.60}")
        try:
            # A coefficient that was not finite is recorded as null.
            numbers = [np.nan if values[name] is None else float(values[name]) for name in names]
        except (TypeError, ValueError) as error:
            raise RecordError(f"alpha must be numbers, found {values!r:.60}") from error
        if np.isfinite(numbers).all():
            steps.append(_step_of(row)[1])
            alpha.append(numbers)
    return CoefficientLog(np.array(steps, dtype=np.int64), np.array(alpha)) if steps else None


def _step_of(row: Mapping[str, Any]) -> tuple[int, int]:
    model, step = row.get("model"), row.get("step")
    if not isinstance(model, int) or not isinstance(step, int):
        raise RecordError(f"expected whole numbers model and step, found {model!r:.40} and {step!r:.40}")
    return model, step
