"""How two sets of reward vectors compare: distances to a reference set, coverage, and the utility they offer.

Everything maximizes. Rewards have different units, so distances mean something only after `normalize`; the caller
does that, with the bounds of the benchmark.
"""

import itertools
import math

import moocore
import numpy as np
import numpy.typing as npt

from analysis.front import Array, finite_matrix

LATTICE_SIZE = 5000


def normalize(points: npt.ArrayLike, bounds: npt.ArrayLike, /) -> Array:
    """Return points in units of the benchmark's bounds: 0 at the low end, 1 at the high end, not clipped.

    Args:
        points: Reward vectors [N, K], finite.
        bounds: Low and high end of each objective [K, 2], low < high.

    Returns:
        The scaled points [N, K].

    Raises:
        ValueError: If a value is not finite, the shapes do not agree, or an interval is empty.

    Example:
        >>> normalize([[5.0, 0.5]], [(0, 10), (0, 2)]).tolist()
        [[0.5, 0.25]]
    """
    matrix, ends = finite_matrix(points, "points"), finite_matrix(bounds, "bounds")
    if ends.shape != (matrix.shape[1], 2):
        raise ValueError(f"bounds must have shape [{matrix.shape[1]}, 2], found {list(ends.shape)}")
    low, high = ends[:, 0], ends[:, 1]
    if (low >= high).any():
        raise ValueError(f"bounds must satisfy low < high, found {ends[int(np.argmax(low >= high))].tolist()}")
    return (matrix - low) / (high - low)


def additive_epsilon(points: npt.ArrayLike, /, *, reference_set: npt.ArrayLike) -> float:
    """Return by how much every objective must rise until the points weakly dominate the reference set.

    Args:
        points: Reward vectors [N, K], normalized, more is better, N >= 1.
        reference_set: What to compare with [M, K], in the same units, M >= 1.

    Returns:
        The shift epsilon+; 0 or less if the points already dominate the reference set.

    Raises:
        ValueError: If a set is empty, not finite, or has another number of objectives.

    Source:
        Zitzler et al., "Performance assessment of multiobjective optimizers", 2003, the additive binary indicator.

    Example:
        >>> additive_epsilon([[0.5, 0.5]], reference_set=[[0.75, 0.25], [0.5, 0.5]])
        0.25
    """
    matrix, targets = _comparable(points, reference_set)
    return float(moocore.epsilon_additive(matrix, ref=targets, maximise=True))


def igd_plus(points: npt.ArrayLike, /, *, reference_set: npt.ArrayLike) -> float:
    """Return the mean distance from the reference set to the points, counting only what the points lack.

    Args:
        points: Reward vectors [N, K], normalized, more is better, N >= 1.
        reference_set: What to compare with [M, K], in the same units, M >= 1.

    Returns:
        The distance IGD+, >= 0; 0 if the points weakly dominate the reference set.

    Raises:
        ValueError: If a set is empty, not finite, or has another number of objectives.

    Source:
        Ishibuchi et al., "Modified distance calculation in generational distance and inverted generational
        distance", EMO 2015, with exponent 1.

    Example:
        >>> igd_plus([[0.5, 0.5]], reference_set=[[0.75, 0.25], [0.5, 0.5]])
        0.125
    """
    matrix, targets = _comparable(points, reference_set)
    return float(moocore.igd_plus(matrix, ref=targets, maximise=True))


def coverage(first: npt.ArrayLike, second: npt.ArrayLike, /) -> float:
    """Return the share of the second set that some point of the first weakly dominates, in [0, 1].

    It is not symmetric, and both directions can be 0.

    Args:
        first: Reward vectors [N, K], more is better, N >= 1.
        second: Reward vectors [M, K], in the same units, M >= 1.

    Raises:
        ValueError: If a set is empty, not finite, or has another number of objectives.

    Source:
        Zitzler and Thiele, "Multiobjective evolutionary algorithms: a comparative case study", 1999, the C metric.

    Example:
        >>> coverage([[2, 2]], [[1, 2], [3, 1]])
        0.5
    """
    matrix, targets = _comparable(first, second)
    covered = [bool((matrix >= target).all(axis=1).any()) for target in targets]
    return sum(covered) / len(covered)


def _comparable(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Array, Array]:
    """Return two sets as float64 [N, K] and [M, K]."""
    matrix, targets = finite_matrix(first, "first set"), finite_matrix(second, "second set")
    if len(matrix) == 0 or len(targets) == 0:
        raise ValueError(f"both sets must have a point at least, found {len(matrix)} and {len(targets)}")
    if matrix.shape[1] != targets.shape[1]:
        raise ValueError(f"both sets must have as many objectives, found {matrix.shape[1]} and {targets.shape[1]}")
    return matrix, targets


def simplex_lattice(n_objectives: int, divisions: int) -> Array:
    """Return all weight vectors whose entries are multiples of 1 / divisions and sum to 1.

    Args:
        n_objectives: K >= 1.
        divisions: How many parts the unit is cut into, >= 1.

    Returns:
        The lattice [(divisions + K - 1 choose K - 1), K].

    Raises:
        ValueError: If a number is below 1.

    Example:
        >>> simplex_lattice(2, 2).tolist()
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    if n_objectives < 1 or divisions < 1:
        raise ValueError(f"n_objectives and divisions must be at least 1, found {n_objectives} and {divisions}")
    # Stars and bars: the gaps between K - 1 bars among divisions + K - 1 places are the parts.
    places, n_bars = range(divisions + n_objectives - 1), n_objectives - 1
    chosen = itertools.chain.from_iterable(itertools.combinations(places, n_bars))
    bars = np.fromiter(chosen, dtype=np.int64).reshape(math.comb(len(places), n_bars), n_bars)
    ends = np.full((len(bars), 1), divisions + n_objectives - 1)
    edges = np.hstack([np.full_like(ends, -1), bars, ends])
    return (np.diff(edges, axis=1) - 1) / divisions


def lattice_divisions(n_objectives: int) -> int:
    """Return the finest division of the simplex that has no more than 5000 points.

    Example:
        >>> [lattice_divisions(k) for k in (2, 3, 5)]
        [4999, 98, 16]
    """
    if n_objectives < 2:
        return 1
    divisions = 1
    while math.comb(divisions + n_objectives, n_objectives - 1) <= LATTICE_SIZE:
        divisions += 1
    return divisions


def expected_utility(points: npt.ArrayLike, /) -> float:
    """Return what a user gains on average who picks the best point for their own linear weights.

    The weights are spread evenly over the simplex; a set of points is worth the mean over all weights of the
    largest weighted sum it offers. Points off the convex hull add nothing.

    Args:
        points: Reward vectors [N, K], normalized, more is better, N >= 1.

    Raises:
        ValueError: If there is no point or one is not finite.

    Source:
        Zintgraf et al., "Quality assessment of MORL algorithms: a utility-based approach", 2015, with linear
        utilities; the integral is a mean over a lattice of at most 5000 weights.

    Example:
        >>> round(expected_utility([[1, 0], [0, 1]]), 3), round(expected_utility([[0.5, 0.5]]), 3)
        (0.75, 0.5)
    """
    matrix = finite_matrix(points, "points")
    if len(matrix) == 0:
        raise ValueError("points must have a row at least, found none")
    n_objectives = matrix.shape[1]
    weights = simplex_lattice(n_objectives, lattice_divisions(n_objectives))
    return float((weights @ matrix.T).max(axis=1).mean())
