"""Whether a run measured every point on the same samples: without that, means of two points are means of two things.

A row that is there twice, or one that is missing, changes a mean by little and no number shows it. So each point of a
run must have the same samples, each once, and all runs of a benchmark must have the same.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.tally import PLACE, run_starts
from benchmarks.records import Columns, RecordError

SAMPLE = ("prompt_id", "sample")
MOST = 2.0**53
"""Beyond it a float does not hold every whole number."""
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """What a point was measured on.

    Attributes:
        count: Number of rows.
        prompts: Number of different prompts.
        mark: A number that two different sets of samples share by chance with probability 2^-64, in any order.
    """

    count: int
    prompts: int
    mark: int


class Census:
    """Counts the samples of each point, batch by batch; memory grows with the points and the samples of one point.

    Example:
        >>> census = Census()
        >>> rows = {"step": [5, 5, 5, 5], "point": [0, 0, 1, 1], "prompt_id": [7, 8, 7, 8], "sample": [0, 0, 0, 0]}
        >>> census.add({name: np.array(values) for name, values in rows.items()})
        >>> found = census.samples()
        >>> found.count, found.prompts
        (2, 2)
        >>> census.add({name: np.array(values[-1:]) for name, values in rows.items()})
        >>> census.samples()
        Traceback (most recent call last):
            ...
        benchmarks.records.RecordError: expected 2 samples at step 5, point 1 as at step 5, point 0, found 3
    """

    def __init__(self) -> None:
        """Start with no row."""
        self._index: dict[tuple[int, int], int] = {}
        self._counts, self._marks = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
        # The samples of the first point alone are kept, as prompt and number: the others need only be like it.
        self._first: list[Whole] = []

    def add(self, rows: Columns) -> None:
        """Add rows, in any order.

        Raises:
            RecordError: If a column is missing or does not hold whole numbers, or a sample's is below 0.
        """
        columns = {name: _whole(rows, name) for name in (*PLACE, *SAMPLE)}
        for name in SAMPLE:
            if (columns[name] < 0).any():
                raise RecordError(f"{name} must be 0 or more, found {int(columns[name].min())}")
        if len(columns["step"]) == 0:
            return
        samples = np.stack([columns[name] for name in SAMPLE], axis=1)
        starts, group = self._runs(columns["step"], columns["point"])
        lengths = np.diff(np.append(starts, len(samples)))
        np.add.at(self._counts, group, lengths)
        np.add.at(self._marks, group, np.add.reduceat(_mixed(samples), starts))
        self._first.append(samples[np.repeat(group == 0, lengths)])

    def _runs(self, step: Whole, point: Whole) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return where rows of another point begin, and the number of the point there."""
        starts = run_starts(step, point)
        places = zip(step[starts].tolist(), point[starts].tolist(), strict=True)
        group = np.array([self._index.setdefault(place, len(self._index)) for place in places])
        more = len(self._index) - len(self._counts)
        self._counts = np.concatenate([self._counts, np.zeros(more, dtype=np.int64)])
        self._marks = np.concatenate([self._marks, np.zeros(more, dtype=np.uint64)])
        return starts, group

    def samples(self) -> Samples:
        """Return what every point was measured on.

        Raises:
            RecordError: If there is no row, a sample of a point comes twice, or two points have other samples.
        """
        if not self._index:
            raise RecordError("expected rows, found none")
        first = np.concatenate(self._first)
        distinct, counts = np.unique(first, axis=0, return_counts=True)
        places = list(self._index)
        if len(distinct) < len(first):
            prompt, sample = distinct[int(counts.argmax())]
            found = f"found sample {sample} of prompt {prompt} {counts.max()} times"
            raise RecordError(f"expected each sample once at {_at(places[0])}, {found}")
        for index, place in enumerate(places):
            if self._counts[index] != len(first):
                found = f"found {self._counts[index]}"
                raise RecordError(f"expected {len(first)} samples at {_at(place)} as at {_at(places[0])}, {found}")
            if self._marks[index] != self._marks[0]:
                raise RecordError(f"expected the samples of {_at(places[0])} at {_at(place)}, found others")
        return Samples(len(first), len(np.unique(first[:, 0])), int(self._marks[0]))


def _at(place: tuple[int, int]) -> str:
    return f"step {place[0]}, point {place[1]}"


def _whole(rows: Columns, name: str) -> Whole:
    if name not in rows:
        raise RecordError(f"expected a column {name}, found {', '.join(map(str, rows))}")
    values = np.asarray(rows[name])
    if np.issubdtype(values.dtype, np.integer):
        return values.astype(np.int64)
    wrong = np.ones(len(values), dtype=np.bool_)
    if np.issubdtype(values.dtype, np.floating):
        wrong = ~((np.abs(values) <= MOST) & (np.floor(values) == values))
    if wrong.any():
        raise RecordError(f"expected whole numbers in column {name}, found {str(values[int(wrong.argmax())])[:40]!r}")
    return values.astype(np.int64)


def _mixed(samples: Whole) -> npt.NDArray[np.uint64]:
    """Return a well mixed number [N] of each sample (prompt, number), whose sum tells sets apart.

    Source:
        Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: the finalizer of SplitMix64.
    """
    values = samples.astype(np.uint64)
    mixed: npt.NDArray[np.uint64] = _finalized(_finalized(values[:, 0]) ^ (values[:, 1] + np.uint64(1)))
    return mixed


def _finalized(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    # Products wrap around, as they should.
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
