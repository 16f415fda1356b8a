"""Points of several seeds that belong together."""

from collections.abc import Sequence

import numpy as np

from analysis.front import Array, Front


def mean_points(fronts: Sequence[Front]) -> Array | None:
    """Return the mean over seeds of each point [N, K], in the order of the first preference.

    Points belong together by their place on the preference sweep. None if the seeds were not asked for the same
    preferences, so that no point has a partner.

    Example:
        >>> first, second = Front([[0.0, 1.0]], [[0.5, 0.5]]), Front([[1.0, 2.0]], [[0.5, 0.5]])
        >>> mean_points([first, second]).tolist()
        [[0.5, 1.5]]
    """
    first = fronts[0]
    for front in fronts:
        if front.points.shape != first.points.shape or not _same_preferences(front, first):
            return None
    mean: Array = np.mean([front.points for front in fronts], axis=0)
    if first.preferences is None:
        return mean[np.argsort(mean[:, 0], kind="stable")]
    return mean[np.argsort(first.preferences[:, 0], kind="stable")]


def _same_preferences(one: Front, other: Front) -> bool:
    if one.preferences is None or other.preferences is None:
        return one.preferences is other.preferences
    return np.allclose(one.preferences, other.preferences)
