"""The reward vectors that one evaluated state of a run reaches, all oriented so that more is better.

This is the border between the raw units of the records and the rest of `analysis`: `oriented` negates the rewards
for which less is better, and everything behind it maximizes. Nothing here knows of indicators or of intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.records import RecordError, RewardRecord, reward_columns

Array = npt.NDArray[np.float64]


def finite_matrix(values: npt.ArrayLike, name: str) -> Array:
    """Return a float64 copy [N, K] of a table of numbers.

    Args:
        values: Anything numpy turns into a matrix, K >= 1; N may be 0.
        name: What an error calls it.

    Raises:
        ValueError: If it does not have two dimensions, has no column, or holds NaN or an infinity.

    Example:
        >>> finite_matrix([[1, 2]], "points").tolist()
        [[1.0, 2.0]]
    """
    matrix = np.array(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise ValueError(f"{name} must have shape [N, K] with K >= 1, found {list(matrix.shape)}")
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise ValueError(f"{name} must be finite, found {matrix[row].tolist()} in row {row}")
    return matrix


@dataclass(frozen=True, eq=False)
class Front:
    """Reward vectors of one evaluated state; dominated ones are kept, because they are evidence too.

    Attributes:
        points: Mean rewards [N, K], finite, more is better. Read-only.
        preferences: The preference [N, K] that each point was asked for, or None. Read-only.
        counts: How many evaluations stand behind each entry of `points` [N, K], or None. Read-only.

    Example:
        >>> Front([[1.0, 3.0], [3.0, 1.0]]).points.shape
        (2, 2)
    """

    points: Array
    preferences: Array | None = None
    counts: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Check the shapes and store read-only copies.

        Raises:
            ValueError: If a value is not finite or the shapes differ.
        """
        points = finite_matrix(self.points, "points")
        object.__setattr__(self, "points", _frozen(points))
        if self.preferences is not None:
            preferences = finite_matrix(self.preferences, "preferences")
            _same_shape("preferences", preferences, points)
            object.__setattr__(self, "preferences", _frozen(preferences))
        if self.counts is not None:
            counts = np.array(self.counts, dtype=np.int64)
            _same_shape("counts", counts, points)
            counts.setflags(write=False)
            object.__setattr__(self, "counts", counts)


def _frozen(matrix: Array) -> Array:
    matrix.setflags(write=False)
    return matrix


def _same_shape(name: str, found: npt.NDArray[np.generic], points: Array) -> None:
    if found.shape != points.shape:
        raise ValueError(f"{name} must have the shape of points {list(points.shape)}, found {list(found.shape)}")


def non_dominated(points: npt.ArrayLike, /) -> npt.NDArray[np.bool_]:
    """Return which points no other point dominates, as a mask [N].

    A point dominates another if it is at least as good in every objective and better in one. Of equal points
    only the first is kept.

    Args:
        points: Reward vectors [N, K], finite, more is better.

    Raises:
        ValueError: If the points are not a finite matrix.

    Example:
        >>> non_dominated([[1, 3], [2, 2], [1, 2], [2, 2]]).tolist()
        [True, True, False, False]
    """
    matrix = finite_matrix(points, "points")
    if len(matrix) == 0:
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(moocore.is_nondominated(matrix, maximise=True), dtype=np.bool_)


def orientation(rewards: Sequence[RewardRecord]) -> Array:
    """Return +1 for each reward to maximize and -1 for each to minimize, [K].

    Example:
        >>> cost = RewardRecord(name="cost", unit="s", higher_is_better=False, range=(0, None))
        >>> orientation([cost]).tolist()
        [-1.0]
    """
    return np.array([1.0 if reward.higher_is_better else -1.0 for reward in rewards])


def oriented(values: npt.ArrayLike, rewards: Sequence[RewardRecord]) -> Array:
    """Return reward values [..., K] such that more is better; applied twice it gives back the raw units.

    Raises:
        ValueError: If the last dimension is not the number of rewards.

    Example:
        >>> cost = RewardRecord(name="cost", unit="s", higher_is_better=False, range=(0, None))
        >>> oriented([[2.0], [0.5]], [cost]).tolist()
        [[-2.0], [-0.5]]
    """
    raw = np.asarray(values, dtype=np.float64)
    if raw.ndim == 0 or raw.shape[-1] != len(rewards):
        raise ValueError(f"values must have {len(rewards)} columns, one a reward, found shape {list(raw.shape)}")
    # Adding zero turns -0.0 into 0.0, which would read oddly in a report.
    return raw * orientation(rewards) + 0.0


def front_of(evaluations: pd.DataFrame, rewards: Sequence[RewardRecord], step: int) -> Front:
    """Return the front that a run reached at one of its checkpoints, one point for each preference it was asked for.

    A point is the mean over all prompts and samples to which the reward applies; NaN in the records says that it
    does not apply, and `counts` of the result how many values were left.

    Args:
        evaluations: Rows of `evaluations.parquet`.
        rewards: The rewards to read, [K]; those to minimize are negated.
        step: The checkpoint, in gradient steps of each model.

    Raises:
        RecordError: If a column or the step is missing, a reward is infinite or applies to no row of a point, or a
            point does not have one preference.

    Example:
        >>> score = RewardRecord(name="score", unit="", higher_is_better=True, range=(0, 1))
        >>> rows = pd.DataFrame({"step": [0, 0, 0], "point": [0, 0, 0], "preference_0": [1.0, 1.0, 1.0],
        ...                      "reward_score": [0.25, 0.75, float("nan")]})
        >>> front = front_of(rows, [score], 0)
        >>> front.points.tolist(), front.counts.tolist()
        ([[0.5]], [[2]])
    """
    rows, group, columns = _rows_of(evaluations, rewards, step, "reward")
    means, counts = _means(rows, group, columns, step)
    return Front(oriented(means, rewards), _preferences(rows, group, len(rewards), step), counts)


def held_out_of(evaluations: pd.DataFrame, rewards: Sequence[RewardRecord], step: int) -> Front:
    """Return the points of a checkpoint in rewards that no method was trained on, without preferences.

    Args:
        evaluations: Rows of `evaluations.parquet`.
        rewards: The held-out rewards, [K]; those to minimize are negated.
        step: The checkpoint, in gradient steps of each model.

    Raises:
        RecordError: As `front_of`.

    Example:
        >>> score = RewardRecord(name="score", unit="", higher_is_better=True, range=(0, 1))
        >>> rows = pd.DataFrame({"step": [5, 5], "point": [0, 1], "held_out_score": [0.25, 0.75]})
        >>> held_out_of(rows, [score], 5).points.tolist()
        [[0.25], [0.75]]
    """
    rows, group, columns = _rows_of(evaluations, rewards, step, "held_out")
    means, counts = _means(rows, group, columns, step)
    return Front(oriented(means, rewards), counts=counts)


def _rows_of(
    evaluations: pd.DataFrame, rewards: Sequence[RewardRecord], step: int, prefix: str
) -> tuple[pd.DataFrame, npt.NDArray[np.intp], list[str]]:
    """Return the rows of a checkpoint, the index of the point each belongs to, and the columns of the rewards."""
    columns = reward_columns(rewards, prefix)
    for column in ["step", "point", *columns]:
        if column not in evaluations.columns:
            raise RecordError(f"expected a column {column}, found {', '.join(evaluations.columns)}")
    rows = evaluations.loc[evaluations["step"] == step]
    if rows.empty:
        known = ", ".join(str(known) for known in sorted(evaluations["step"].unique()))
        raise RecordError(f"expected rows of step {step}, found steps {known}")
    return rows, np.unique(rows["point"].to_numpy(), return_inverse=True)[1], columns


def _means(
    rows: pd.DataFrame, group: npt.NDArray[np.intp], columns: list[str], step: int
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return the means [N, K] of the entries that are not NaN, point by point, and their numbers [N, K]."""
    shape = (int(group.max()) + 1, len(columns))
    means, counts = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for k, column in enumerate(columns):
        values = rows[column].to_numpy(dtype=np.float64)
        applies = ~np.isnan(values)
        if np.isinf(values).any():
            raise RecordError(f"{column} must be finite, or NaN where it does not apply, found inf at step {step}")
        counts[:, k] = np.bincount(group[applies], minlength=shape[0])
        if not counts[:, k].all():
            point = rows["point"].to_numpy()[group == int(np.argmin(counts[:, k]))][0]
            raise RecordError(f"{column} must apply to a prompt, found only NaN at step {step}, point {point}")
        means[:, k] = np.bincount(group[applies], values[applies], minlength=shape[0]) / counts[:, k]
    return means, counts


def _preferences(rows: pd.DataFrame, group: npt.NDArray[np.intp], n_objectives: int, step: int) -> Array | None:
    """Return the preference [N, K] of each point, or None where the run was asked for none."""
    columns = [f"preference_{k}" for k in range(n_objectives)]
    if any(column not in rows.columns for column in columns):
        return None
    asked: Array = rows[columns].to_numpy(dtype=np.float64)
    if np.isnan(asked).any():
        return None
    first = np.unique(group, return_index=True)[1]
    if not np.array_equal(asked, asked[first][group]):
        raise RecordError(f"a point must have one preference, found several at step {step}")
    return asked[first]
