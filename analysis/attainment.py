"""Which places seeds reach, and how often: attainment surfaces of one method, and differences between two.

A place is attained by a seed if some point of its front is at least as good in every reward. The surface of a share
bounds the places that at least this share of the seeds attain: the median surface is the front a typical seed reaches,
and no mean of points, which no seed need have reached. Everything maximizes; two and three rewards.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import moocore
import numpy as np
import numpy.typing as npt

from analysis.front import Array, finite_matrix
from analysis.hypervolume import hypervolume

SHARES = (0.25, 0.5, 0.75)
OBJECTIVES = (2, 3)
ROUNDING = 1e-9
"""A share that is a count of seeds but for rounding is that count."""


class AttainmentGains(NamedTuple):
    """By how much one method is attained more often than another, in units of the hypervolume.

    Attributes:
        first: Volume where the first is attained more often, each place times how much more often [0, 1].
        second: The same for the second.
    """

    first: float
    second: float


def attainment_surface(sets: Sequence[npt.ArrayLike], /, *, share: float) -> Array:
    """Return the corners [M, K] of the region that at least a share of the sets attains.

    Args:
        sets: Reward vectors [N, K] of each seed, finite, more is better, each with a point; K is 2 or 3.
        share: Share of the sets, in (0, 1]; of n sets that is the least whole number at or above share * n.

    Returns:
        The corners, none of which dominates another, by the first reward.

    Raises:
        ValueError: If there is no set, one has no point, they differ in K, K is neither 2 nor 3, or the share is out
            of range.

    Source:
        Grunert da Fonseca, Fonseca and Hall, "Inferential performance assessment of stochastic optimisers and the
        attainment function", EMO 2001.

    Example:
        >>> attainment_surface([[[1, 3], [3, 1]], [[2, 2]]], share=1.0).tolist()
        [[1.0, 2.0], [2.0, 1.0]]
        >>> attainment_surface([[[1, 3], [3, 1]], [[2, 2]]], share=0.5).tolist()
        [[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]]
    """
    matrices = _sets(sets)
    return _surface(*_stacked(matrices), level=sets_of_share(share, len(matrices)), count=len(matrices))


def sets_of_share(share: float, count: int) -> int:
    """Return how many of `count` sets make up a share: the least number that is no smaller share.

    Raises:
        ValueError: If the share is not in (0, 1].

    Example:
        >>> [sets_of_share(share, 3) for share in (0.25, 0.5, 0.75)], sets_of_share(0.75, 4)
        ([1, 2, 3], 3)
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share must lie in (0, 1], found {share}")
    return max(1, math.ceil(share * count - ROUNDING))


def attained_share(sets: Sequence[npt.ArrayLike], places: npt.ArrayLike, /) -> Array:
    """Return the share of the sets that attains each place, the empirical attainment function, [P].

    Args:
        sets: Reward vectors [N, K] of each seed, finite, more is better.
        places: Where to ask [P, K].

    Raises:
        ValueError: As `attainment_surface`, but for any K; or if the places have another K.

    Example:
        >>> attained_share([[[1, 3], [3, 1]], [[2, 2]]], [[1, 1], [2, 2], [3, 3]]).tolist()
        [1.0, 0.5, 0.0]
    """
    matrices, asked = _sets(sets, known=None), finite_matrix(places, "places")
    if asked.shape[1] != matrices[0].shape[1]:
        raise ValueError(f"places must have {matrices[0].shape[1]} columns, found {asked.shape[1]}")
    attained = [(matrix[:, None, :] >= asked[None, :, :]).all(axis=2).any(axis=0) for matrix in matrices]
    shares: Array = np.mean(attained, axis=0)
    return shares


def attainment_volumes(
    sets: Sequence[npt.ArrayLike], /, *, reference_point: npt.ArrayLike, shares: Sequence[float] = SHARES
) -> dict[float, float]:
    """Return the hypervolume of the surface of each share: what at least that share of the seeds dominates.

    Args:
        sets: Reward vectors [N, K] of each seed, finite, more is better; K is 2 or 3.
        reference_point: The lower corner [K].
        shares: Shares of the sets, each in (0, 1].

    Raises:
        ValueError: As `attainment_surface` and `hypervolume`.

    Example:
        >>> attainment_volumes([[[1, 3], [3, 1]], [[2, 2]]], reference_point=[0, 0], shares=(0.5, 1.0))
        {0.5: 6.0, 1.0: 3.0}
    """
    surfaces = {share: attainment_surface(sets, share=share) for share in shares}
    return {share: hypervolume(surface, reference_point=reference_point) for share, surface in surfaces.items()}


def attainment_rectangles(
    first: Sequence[npt.ArrayLike], second: Sequence[npt.ArrayLike], /, *, corner: npt.ArrayLike
) -> Array:
    """Return where two methods are attained differently often, as rectangles that do not overlap; K = 2.

    Args:
        first: Reward vectors [N, 2] of each seed, finite, more is better.
        second: As many sets.
        corner: The lower left end of the rectangles [2]; what lies beyond is cut off.

    Returns:
        Left, bottom, right, top, and the share of seeds by which the first attains the rectangle more often [R, 5];
        without rectangles of difference 0.

    Raises:
        ValueError: As `attainment_surface`, or if the numbers of sets differ or K is not 2.

    Source:
        Lopez-Ibanez, Paquete and Stuetzle, "Exploratory analysis of stochastic local search algorithms in biobjective
        optimization", 2010.

    Example:
        >>> attainment_rectangles([[[2, 1]]], [[[1, 2]]], corner=[0, 0]).tolist()
        [[1.0, 0.0, 2.0, 1.0, 1.0], [0.0, 1.0, 1.0, 2.0, -1.0]]
    """
    one, other = _pair(first, second, known=(2,))
    low = np.asarray(corner, dtype=np.float64)
    if low.shape != (2,) or not np.isfinite(low).all():
        raise ValueError(f"corner must be 2 finite numbers, found {low.tolist()}")
    stacked = _stacked(one), _stacked(other)
    levels = [[_surface(*table, level=level, count=len(one)) for table in stacked] for level in range(1, len(one) + 1)]
    if all(np.array_equal(ours, theirs) for ours, theirs in levels):
        # moocore fails where it finds no rectangle.
        return np.zeros((0, 5))
    # Minimizing the negated rewards is maximizing the rewards; as many intervals as sets make differences whole.
    tables = [np.column_stack([-points, numbers]) for points, numbers in (_stacked(one), _stacked(other))]
    found = np.asarray(moocore.eafdiff(*tables, intervals=len(one), rectangles=True), dtype=np.float64)
    right, top = -found[:, 0], -found[:, 1]
    left, bottom = np.maximum(-found[:, 2], low[0]), np.maximum(-found[:, 3], low[1])
    kept = (found[:, 4] != 0.0) & (left < right) & (bottom < top)
    rectangles: Array = np.column_stack([left, bottom, right, top, found[:, 4] / len(one)])[kept]
    return rectangles


def sliced_sets(sets: Sequence[npt.ArrayLike], level: float, /, *, corner: npt.ArrayLike) -> list[Array]:
    """Return the sets in the plane of the first two rewards where the third is at least at a level; K = 3.

    A seed attains a place of this plane if it attains the place at that level of the third reward, so all that is
    said of two rewards holds of the slice. A seed without a point at the level attains nothing but the corner.

    Args:
        sets: Reward vectors [N, 3] of each seed, finite, more is better.
        level: Of the third reward.
        corner: Lower left end of what is looked at [2].

    Raises:
        ValueError: As `attainment_surface`, or if K is not 3.

    Example:
        >>> [points.tolist() for points in sliced_sets([[[1, 2, 3], [4, 5, 0]], [[7, 8, 1]]], 2.0, corner=[0, 0])]
        [[[1.0, 2.0]], [[0.0, 0.0]]]
    """
    kept = [points[points[:, 2] >= level, :2] for points in _sets(sets, known=(3,))]
    lowest = finite_matrix(np.asarray(corner)[None], "corner")
    return [points if len(points) else lowest for points in kept]


def attainment_gains(
    first: Sequence[npt.ArrayLike], second: Sequence[npt.ArrayLike], /, *, reference_point: npt.ArrayLike
) -> AttainmentGains:
    """Return over what volume each of two methods is attained more often, weighted by how much more often.

    The difference of both numbers is the difference of the mean hypervolumes; both are far from 0 where each method
    is better in a region of its own, which the mean hypervolumes hide.

    Args:
        first: Reward vectors [N, K] of each seed, finite, more is better; K is 2 or 3.
        second: As many sets.
        reference_point: The lower corner [K].

    Raises:
        ValueError: As `attainment_surface` and `hypervolume`, or if the numbers of sets differ.

    Example:
        >>> attainment_gains([[[2, 1]]], [[[1, 2]]], reference_point=[0, 0])
        AttainmentGains(first=1.0, second=1.0)
    """
    one, other = _pair(first, second, known=OBJECTIVES)
    count, gains = len(one), [0.0, 0.0]
    # A place attained by more of the first's sets than of the second's counts once for each level it is ahead.
    stacked, others = _stacked(one), _stacked(other)
    for level in range(1, count + 1):
        surfaces = [_surface(*table, level=level, count=count) for table in (stacked, others)]
        union = hypervolume(np.concatenate(surfaces), reference_point=reference_point)
        for index, rival in enumerate(reversed(surfaces)):
            gains[index] += (union - hypervolume(rival, reference_point=reference_point)) / count
    return AttainmentGains(*gains)


def shared_sets(first: Mapping[int, Array], second: Mapping[int, Array]) -> tuple[list[Array], list[Array]]:
    """Return the points of the seeds that both methods have, in order of the seeds.

    Example:
        >>> one, two = np.zeros((1, 2)), np.ones((1, 2))
        >>> [len(sets) for sets in shared_sets({0: one, 1: one}, {1: two, 2: two})]
        [1, 1]
    """
    seeds = sorted(set(first) & set(second))
    return [first[seed] for seed in seeds], [second[seed] for seed in seeds]


def _sets(sets: Sequence[npt.ArrayLike], known: tuple[int, ...] | None = OBJECTIVES) -> list[Array]:
    matrices = [finite_matrix(points, f"set {index}") for index, points in enumerate(sets)]
    if not matrices:
        raise ValueError("sets must hold one set of points at least, found none")
    n_objectives = matrices[0].shape[1]
    for index, matrix in enumerate(matrices):
        if len(matrix) == 0 or matrix.shape[1] != n_objectives:
            raise ValueError(f"set {index} must have shape [N >= 1, {n_objectives}], found {list(matrix.shape)}")
    if known is not None and n_objectives not in known:
        raise ValueError(f"points must have {' or '.join(map(str, known))} columns, found {n_objectives}")
    return matrices


def _pair(
    first: Sequence[npt.ArrayLike], second: Sequence[npt.ArrayLike], known: tuple[int, ...]
) -> tuple[list[Array], list[Array]]:
    one, other = _sets(first, known), _sets(second, known)
    if len(one) != len(other) or one[0].shape[1] != other[0].shape[1]:
        raise ValueError(
            f"both methods must have as many sets and rewards, found {len(one)} sets of {one[0].shape[1]} and "
            f"{len(other)} of {other[0].shape[1]}"
        )
    return one, other


def _stacked(matrices: Sequence[Array]) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return all points [N, K] and the number of the set of each, in order, as moocore wants them."""
    numbers = np.repeat(np.arange(1, len(matrices) + 1), [len(matrix) for matrix in matrices])
    return np.concatenate(matrices), numbers


def _surface(points: Array, numbers: npt.NDArray[np.int64], *, level: int, count: int) -> Array:
    """Return the surface of `level` of `count` sets."""
    found = moocore.eaf(-points, numbers, percentiles=[100.0 * level / count])
    surface: Array = 0.0 - np.asarray(found, dtype=np.float64)[:, :-1]
    return surface[np.lexsort(surface.T[::-1])]
