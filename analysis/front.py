"""The reward vectors that one evaluated state of a run reaches, all oriented so that more is better.

This is the border between the raw units of the records and the rest of `analysis`: `oriented` negates the rewards
for which less is better, and everything behind it maximizes. Nothing here knows of indicators or of intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
import numpy.typing as npt

from analysis.tally import Array, Tally
from benchmarks.records import Columns, RewardRecord, reward_columns

__all__ = [
    "Array",
    "Front",
    "finite_matrix",
    "front_of",
    "held_out_of",
    "non_dominated",
    "orientation",
    "oriented",
    "tallied_front",
]

HELD_OUT = "held_out"


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


def front_of(evaluations: Columns, rewards: Sequence[RewardRecord], step: int) -> Front:
    """Return the front that a run reached at one of its checkpoints, one point for each preference it was asked for.

    A point is the mean over all prompts and samples to which the reward applies; NaN in the records says that it
    does not apply, and `counts` of the result how many values were left.

    Args:
        evaluations: Columns of `evaluations.parquet`.
        rewards: The rewards to read, [K]; those to minimize are negated.
        step: The checkpoint, in gradient steps of each model.

    Raises:
        RecordError: If a column or the step is missing, a reward is infinite or applies to no row of a point, or a
            point does not have one preference.

    Example:
        >>> score = RewardRecord(name="score", unit="", higher_is_better=True, range=(0, 1))
        >>> rows = {"step": np.zeros(3), "point": np.zeros(3), "preference_0": np.ones(3),
        ...         "reward_score": np.array([0.25, 0.75, np.nan])}
        >>> front = front_of(rows, [score], 0)
        >>> front.points.tolist(), front.counts.tolist()
        ([[0.5]], [[2]])
    """
    tally = Tally(reward_columns(rewards), len(rewards))
    tally.add(evaluations)
    return tallied_front(tally, rewards, step)


def held_out_of(evaluations: Columns, rewards: Sequence[RewardRecord], step: int) -> Front:
    """Return the points of a checkpoint in rewards that no method was trained on, without preferences.

    Args:
        evaluations: Columns of `evaluations.parquet`.
        rewards: The held-out rewards, [K]; those to minimize are negated.
        step: The checkpoint, in gradient steps of each model.

    Raises:
        RecordError: As `front_of`.

    Example:
        >>> score = RewardRecord(name="score", unit="", higher_is_better=True, range=(0, 1))
        >>> rows = {"step": np.array([5, 5]), "point": np.array([0, 1]), "held_out_score": np.array([0.25, 0.75])}
        >>> held_out_of(rows, [score], 5).points.tolist()
        [[0.25], [0.75]]
    """
    tally = Tally(reward_columns(rewards, HELD_OUT))
    tally.add(evaluations)
    return tallied_front(tally, rewards, step, HELD_OUT)


def tallied_front(tally: Tally, rewards: Sequence[RewardRecord], step: int, prefix: str = "reward") -> Front:
    """Return the points of a checkpoint from running sums.

    Args:
        tally: Sums of the rewards' columns, and of preferences where they are wanted.
        rewards: The rewards, [K]; those to minimize are negated.
        step: The checkpoint, in gradient steps of each model.
        prefix: Of their columns: `reward` or `held_out`; the latter have no preferences.

    Raises:
        RecordError: As `front_of`.
    """
    found = tally.at(step, reward_columns(rewards, prefix))
    preferences = None if prefix == HELD_OUT else found.preferences
    return Front(oriented(found.means, rewards), preferences, found.counts)
