"""The volume that a set of reward vectors dominates above a reference point: exact where that is affordable.

moocore does the counting; what it would let pass in silence (it skips rows with NaN, and returns infinity for an
infinite one) is refused here.
"""

import moocore
import numpy as np
import numpy.typing as npt

from analysis.front import Array, finite_matrix

EXACT_OBJECTIVES = 6
SMALL_OBJECTIVES, SMALL_POINTS = 8, 60


def is_exact(n_points: int, n_objectives: int) -> bool:
    """Return whether `hypervolume` counts exactly: up to 6 objectives, or up to 8 with no more than 60 points.

    The time of every exact algorithm grows exponentially with the number of objectives: 100 points take
    milliseconds at 6, a second at 8 and minutes at 10.

    Example:
        >>> is_exact(1000, 6), is_exact(60, 8), is_exact(61, 8)
        (True, True, False)
    """
    return n_objectives <= EXACT_OBJECTIVES or (n_objectives <= SMALL_OBJECTIVES and n_points <= SMALL_POINTS)


def hypervolume(points: npt.ArrayLike, /, *, reference_point: npt.ArrayLike) -> float:
    """Return the volume between a reference point and the points above it.

    Points that are not above the reference point in every objective add nothing, dominated ones neither; no point
    gives 0. Where `is_exact` says no, the value is a deterministic approximation (relative error about 1e-3 at 10
    objectives), and whoever shows it has to say so.

    Args:
        points: Reward vectors [N, K], finite, more is better.
        reference_point: The lower corner [K], finite.

    Returns:
        The volume, >= 0, in the product of the rewards' units.

    Raises:
        ValueError: If a value is not finite or the shapes do not agree.

    Source:
        Zitzler and Thiele, "Multiobjective optimization using evolutionary algorithms", PPSN 1998.

    Example:
        >>> hypervolume([[1, 3], [2, 2], [3, 1]], reference_point=[0, 0])
        6.0
        >>> round(hypervolume([[0.9, 0.2], [0.7, 0.6], [0.3, 0.8], [0.6, 0.5]], reference_point=[0.1, 0.1]), 12)
        0.36
    """
    matrix = finite_matrix(points, "points")
    corner = np.asarray(reference_point, dtype=np.float64)
    if corner.shape != (matrix.shape[1],) or not np.isfinite(corner).all():
        raise ValueError(f"reference_point must be {matrix.shape[1]} finite numbers, found {corner.tolist()}")
    above = _relevant(matrix, corner)
    if len(above) == 0:
        return 0.0
    if is_exact(*above.shape):
        return float(moocore.hypervolume(above, ref=corner, maximise=True))
    # The seed matters only to older moocore, whose default method draws at random.
    return float(moocore.hv_approx(above, ref=corner, maximise=True, seed=0))


def _relevant(matrix: Array, corner: Array) -> Array:
    """Return the points that add volume; fewer points keep the exact count affordable."""
    above = matrix[(matrix > corner).all(axis=1)]
    if len(above) == 0:
        return above
    return above[np.asarray(moocore.is_nondominated(above, maximise=True), dtype=np.bool_)]
