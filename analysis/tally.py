"""Sums over the rows of `evaluations.parquet`, kept up batch by batch: memory grows with the points, not the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.records import Columns, RecordError

Array = npt.NDArray[np.float64]
PLACE = ("step", "point")


def run_starts(step: npt.NDArray[Any], point: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return where rows of another point begin [R]: rows of a point mostly follow each other, so runs are looked up.

    Args:
        step: Checkpoint of each row [N], N >= 1.
        point: Point of each row [N].

    Example:
        >>> run_starts(np.array([0, 5, 5, 5]), np.array([0, 0, 0, 1])).tolist()
        [0, 1, 3]
    """
    changes = np.flatnonzero((step[1:] != step[:-1]) | (point[1:] != point[:-1])) + 1
    return np.concatenate([np.zeros(1, dtype=np.intp), changes])


@dataclass(frozen=True, eq=False)
class Tallied:
    """What the rows of one step come to, points in order of their numbers.

    Attributes:
        means: Means of the entries that are not NaN [N, C].
        counts: How many these are [N, C], >= 1.
        preferences: The preference of each point [N, K], or None where the rows have none.
    """

    means: Array
    counts: npt.NDArray[np.int64]
    preferences: Array | None


class Tally:
    """Running sums of some columns at every step and point.

    Example:
        >>> tally = Tally(["reward_a"])
        >>> for value in (0.25, 0.75):
        ...     tally.add({"step": np.array([5]), "point": np.array([0]), "reward_a": np.array([value])})
        >>> tally.at(5, ["reward_a"]).means.tolist(), tally.at(5, ["reward_a"]).counts.tolist()
        ([[0.5]], [[2]])
    """

    def __init__(self, columns: Sequence[str], n_objectives: int = 0) -> None:
        """Start with no row.

        Args:
            columns: The columns to sum.
            n_objectives: Length K of the preferences `preference_0`, `preference_1`, ...; 0 if they are not wanted.
        """
        self._columns = list(dict.fromkeys(columns))
        self._asked_for = [f"preference_{k}" for k in range(n_objectives)]
        self._index: dict[tuple[int, int], int] = {}
        width = len(self._columns)
        self._sums, self._counts = np.zeros((0, width)), np.zeros((0, width), dtype=np.int64)
        self._infinite = np.zeros((0, width), dtype=np.bool_)
        self._preferences = np.zeros((0, n_objectives))
        # By group: whether a preference is missing, and whether two rows have different ones.
        self._unasked, self._several = np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.bool_)

    def add(self, rows: Columns) -> None:
        """Add rows, in any order; a batch must not lack preferences that others have.

        Raises:
            RecordError: If a column is missing or does not hold numbers, or a step or point is not finite.
        """
        for name in (*PLACE, *self._columns):
            if name not in rows:
                raise RecordError(f"expected a column {name}, found {', '.join(map(str, rows))}")
        step, point = (_numbers(rows, name) for name in PLACE)
        for name, values in zip(PLACE, (step, point), strict=True):
            if not np.isfinite(values).all():
                raise RecordError(f"expected whole numbers in column {name}, found {values[~np.isfinite(values)][0]}")
        if len(step) == 0:
            return
        group = self._groups(step, point)
        for k, name in enumerate(self._columns):
            self._add_column(group, k, _numbers(rows, name))
        self._add_preferences(group, rows)

    def at(self, step: int, columns: Sequence[str]) -> Tallied:
        """Return what was summed at a step.

        Raises:
            RecordError: If there is no row of the step, an entry is infinite, a column holds only NaN at a point, or
                a point has several preferences.
        """
        points = sorted(point for at, point in self._index if at == step)
        if not points:
            known = ", ".join(str(known) for known in sorted({at for at, _ in self._index}))
            raise RecordError(f"expected rows of step {step}, found steps {known}")
        groups = np.array([self._index[step, point] for point in points])
        chosen = np.array([self._columns.index(name) for name in columns], dtype=np.intp)
        for k in chosen:
            name, counts = self._columns[k], self._counts[groups, k]
            if self._infinite[groups, k].any() or not np.isfinite(self._sums[groups, k]).all():
                raise RecordError(f"{name} must be finite, or NaN where it does not apply, found inf at step {step}")
            if not counts.all():
                point = points[int(np.argmin(counts))]
                raise RecordError(f"{name} must apply to a prompt, found only NaN at step {step}, point {point}")
        counts = self._counts[np.ix_(groups, chosen)]
        return Tallied(self._sums[np.ix_(groups, chosen)] / counts, counts, self._asked(groups, step))

    def _asked(self, groups: npt.NDArray[np.intp], step: int) -> Array | None:
        if not self._asked_for or self._unasked[groups].any():
            return None
        if self._several[groups].any():
            raise RecordError(f"a point must have one preference, found several at step {step}")
        return self._preferences[groups]

    def _groups(self, step: Array, point: Array) -> npt.NDArray[np.intp]:
        """Return the group of each row."""
        starts = run_starts(step, point)
        places, of_run = np.unique(np.stack([step[starts], point[starts]], axis=1), axis=0, return_inverse=True)
        keys = [(int(at), int(number)) for at, number in places]
        found = np.array([self._index.setdefault(key, len(self._index)) for key in keys])
        self._grow(len(self._index))
        return np.repeat(found[of_run.reshape(-1)], np.diff(np.append(starts, len(step))))

    def _grow(self, size: int) -> None:
        more = size - len(self._sums)
        if more:
            width, n_objectives = self._sums.shape[1], self._preferences.shape[1]
            self._sums = np.concatenate([self._sums, np.zeros((more, width))])
            self._counts = np.concatenate([self._counts, np.zeros((more, width), dtype=np.int64)])
            self._infinite = np.concatenate([self._infinite, np.zeros((more, width), dtype=np.bool_)])
            self._preferences = np.concatenate([self._preferences, np.full((more, n_objectives), np.nan)])
            self._unasked = np.concatenate([self._unasked, np.zeros(more, dtype=np.bool_)])
            self._several = np.concatenate([self._several, np.zeros(more, dtype=np.bool_)])

    def _add_column(self, group: npt.NDArray[np.intp], k: int, values: Array) -> None:
        size, known = len(self._sums), np.isfinite(values)
        if not known.all():
            # Not summed, because of two infinities numpy would warn.
            self._infinite[group[np.isinf(values)], k] = True
            group, values = group[known], values[known]
        self._sums[:, k] += np.bincount(group, values, minlength=size)
        self._counts[:, k] += np.bincount(group, minlength=size)

    def _add_preferences(self, group: npt.NDArray[np.intp], rows: Columns) -> None:
        if any(name not in rows for name in self._asked_for):
            self._unasked[group] = True
            return
        for k, name in enumerate(self._asked_for):
            asked = _numbers(rows, name)
            missing = np.isnan(asked)
            self._unasked[group[missing]] = True
            known = self._preferences[:, k]
            # Of several rows the first: assignment keeps the last, so it goes backwards.
            new = np.isnan(known[group]) & ~missing
            known[group[new][::-1]] = asked[new][::-1]
            self._several[group[~missing & (asked != known[group])]] = True


def _numbers(rows: Columns, name: str) -> Array:
    values = np.asarray(rows[name])
    if values.dtype.kind not in "iufb":
        # Not even texts that spell numbers: whoever wrote them meant something else.
        raise RecordError(f"expected numbers in column {name}, found {str(values[:1].tolist())[1:-1]:.60}")
    return values.astype(np.float64, copy=False)
