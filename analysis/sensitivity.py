"""Does the ranking hang on the reference point: the hypervolumes of all methods above many other ones.

The frozen reference point is moved towards the base model, which leaves only what was gained, and outwards, which
rewards the ends of a front. Methods that do not differ significantly are tied, at the frozen point and at any other.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.front import Array, non_dominated
from analysis.hypervolume import hypervolume
from analysis.statistics import LEVEL
from analysis.summary import BenchmarkSummary

LEVELS = (-1.0, -0.5, 0.0, 0.5, 0.9)
WHOLE_GRID = 2
"""Most rewards for which every combination of levels is tried."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The hypervolumes of a benchmark's methods above a grid of reference points.

    Attributes:
        methods: Names, [M].
        shifts: Place of each reference point between the frozen one (0) and the base model (1), each reward for
            itself [R, K]; below 0 outwards. The first is the frozen one.
        volumes: Hypervolume of each seed [R, M, S], NaN where a method lacks a seed.
        taus: Rank correlation of the ranking above each reference point with the frozen one [R]; NaN where either
            ranks nobody.
        winner: The method of the largest mean above the frozen point.
        first: Whether the winner has the largest mean above each point [R].
        first_or_tied: Whether it has or is tied with the method that has [R].
    """

    methods: tuple[str, ...]
    shifts: Array
    volumes: Array
    taus: Array
    winner: str
    first: npt.NDArray[np.bool_]
    first_or_tied: npt.NDArray[np.bool_]

    @property
    def diagonal(self) -> npt.NDArray[np.intp]:
        """The reference points that are moved in all rewards alike, outermost first."""
        alike = np.flatnonzero((self.shifts == self.shifts[:, :1]).all(axis=1))
        return np.asarray(alike[np.argsort(self.shifts[alike, 0])])

    @property
    def single_seed(self) -> bool:
        """Whether no two methods share two seeds, so that the order of the values is all there is."""
        return bool((np.isfinite(self.volumes[0]).sum(axis=0) >= 2).sum() < 2)


def reference_grid(n_objectives: int, levels: Sequence[float] = LEVELS) -> Array:
    """Return the places of reference points between the frozen one (0) and the base model (1), [R, K].

    One and two rewards get every combination of the levels; more get every level in all rewards alike and in each
    reward alone. The frozen point comes first, and once.

    Args:
        n_objectives: K >= 1.
        levels: Places in one reward, each below 1, where the base model itself would have no volume.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> reference_grid(2, levels=(0.0, 0.5)).tolist()
        [[0.0, 0.0], [0.0, 0.5], [0.5, 0.0], [0.5, 0.5]]
        >>> len(reference_grid(3)), len(reference_grid(2))
        (17, 25)
    """
    if n_objectives < 1 or not all(math.isfinite(level) and level < 1.0 for level in levels):
        raise ValueError(f"n_objectives must be at least 1 and levels below 1, found {n_objectives} and {levels}")
    moved = [level for level in levels if level != 0.0]
    if n_objectives <= WHOLE_GRID:
        combinations = itertools.product((0.0, *moved), repeat=n_objectives)
        return np.array(list(combinations))
    eye = np.eye(n_objectives)
    rows = [np.zeros(n_objectives), *(level * np.ones(n_objectives) for level in moved)]
    return np.array([*rows, *(level * eye[k] for k in range(n_objectives) for level in moved)])


def relations(values: npt.ArrayLike, /) -> Array:
    """Return who beats whom, paired by seed: [M, M] of 1 (row above column), -1 (below), 0 (tie).

    A tie is what the tied sets of the tables call one (`analysis.ties`): a difference whose one-sided t test, corrected
    for the number of other methods, does not reach 5 %. On one shared seed there is no test and the order of the values
    counts; without a shared seed the entry is NaN.

    Args:
        values: Value of each method and seed [M, S], NaN where a method lacks a seed.

    Example:
        >>> relations([[1.0, 2.0, 3.1], [0.5, 1.5, 2.5], [0.4, 1.8, 2.4]])[0].tolist()
        [0.0, 1.0, 0.0]
        >>> relations([[1.0, 2.0], [2.0, 1.0]]).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    # Here because it takes longer to load than all else that the numbers of a report need.
    from scipy.special import stdtrit

    matrix = np.asarray(values, dtype=np.float64)
    differences = matrix[:, None, :] - matrix[None, :, :]
    known = np.isfinite(differences)
    count = known.sum(axis=2)
    filled = np.where(known, differences, 0.0)
    mean = filled.sum(axis=2) / np.maximum(count, 1)
    squares = np.where(known, (differences - mean[..., None]) ** 2, 0.0).sum(axis=2)
    freedom = np.maximum(count - 1, 1)
    rivals = max(len(matrix) - 1, 1)
    half = stdtrit(freedom, 1.0 - (1.0 - LEVEL) / rivals) * np.sqrt(squares / freedom / np.maximum(count, 1))
    found: Array = np.where(np.abs(mean) > np.where(count > 1, half, 0.0), np.sign(mean), 0.0)
    return np.where(count > 0, found, np.nan)


def kendall_tau(first: npt.ArrayLike, second: npt.ArrayLike, /) -> float | None:
    """Return the rank correlation of two rankings with ties, given as relations of all pairs.

    Args:
        first: Relations [M, M] of 1, -1 and 0 for a tie, antisymmetric; NaN where unknown.
        second: Of the same M; a pair unknown in either is left out.

    Returns:
        The correlation in [-1, 1], 1 for equal rankings; None if one of them ranks nobody.

    Raises:
        ValueError: If the shapes differ or are not square.

    Source:
        Kendall, "The treatment of ties in ranking problems", 1945, tau-b; and Kendall, "Rank correlation methods",
        1948, the general coefficient, which needs no transitive ties.

    Example:
        >>> order, tie = [[0, 1, 1], [-1, 0, 1], [-1, -1, 0]], [[0, 1, 1], [-1, 0, 0], [-1, 0, 0]]
        >>> kendall_tau(order, order), round(kendall_tau(order, tie), 4), kendall_tau(order, [[0] * 3] * 3)
        (1.0, 0.8165, None)
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 2 or one.shape[0] != one.shape[1] or one.shape != other.shape:
        raise ValueError(f"first and second must have shape [M, M], found {[*one.shape]} and {[*other.shape]}")
    known = np.isfinite(one) & np.isfinite(other)
    length = math.sqrt(float((one[known] ** 2).sum()) * float((other[known] ** 2).sum()))
    return None if length == 0.0 else float((one[known] * other[known]).sum()) / length


def sensitivity_of(part: BenchmarkSummary, levels: Sequence[float] = LEVELS) -> Sensitivity | None:
    """Return how the ranking of a benchmark's methods depends on the reference point.

    None if the base model is unknown or there are fewer than two methods.

    Args:
        part: The benchmark.
        levels: Places between the frozen point and the base model, as in `reference_grid`.
    """
    if part.base is None or len(part.fronts) < 2:
        return None
    frozen = part.yardstick.reference_point
    shifts = reference_grid(len(frozen), levels)
    points = {
        method: {seed: front.points[non_dominated(front.points)] for seed, front in fronts.items()}
        for method, fronts in part.fronts.items()
    }
    volumes = _volumes(points, frozen + shifts * (part.base - frozen))
    ranked = [relations(table) for table in volumes]
    taus = [kendall_tau(ranked[0], one) for one in ranked]
    means = np.nanmean(volumes, axis=2)
    winner = int(means[0].argmax())
    best = means.argmax(axis=1)
    # Of equal means the winner counts as first.
    first = means[np.arange(len(means)), best] == means[:, winner]
    tied = np.array([one[winner, at] == 0.0 for one, at in zip(ranked, best, strict=True)])
    return Sensitivity(
        methods=tuple(points),
        shifts=shifts,
        volumes=volumes,
        taus=np.array([np.nan if tau is None else tau for tau in taus]),
        winner=tuple(points)[winner],
        first=first,
        first_or_tied=first | tied,
    )


def _volumes(points: Mapping[str, Mapping[int, Array]], corners: Array) -> Array:
    """Return the hypervolumes [R, M, S] above each corner [R, K], seeds in order."""
    seeds = sorted({seed for by_seed in points.values() for seed in by_seed})
    volumes = np.full((len(corners), len(points), len(seeds)), np.nan)
    for m, by_seed in enumerate(points.values()):
        for seed, kept in by_seed.items():
            for r, corner in enumerate(corners):
                volumes[r, m, seeds.index(seed)] = hypervolume(kept, reference_point=corner)
    return volumes
