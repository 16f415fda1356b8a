"""Does a slider do what it says: one model asked for many preferences between two rewards.

With two rewards the preference is one number, and each reward should rise with its own weight all the way. With more
rewards an ideal model need not be monotone in one weight alone, so nothing is said of them here.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analysis.front import Array, Front
from analysis.statistics import Interval
from analysis.yardstick import Yardstick

SPEARMAN, RANGE = "spearman_", "slider_range_"
LEAST_POINTS = 3


def has_slider(front: Front, models: int) -> bool:
    """Return whether a method answers preferences that it trained no model of its own for.

    So do a model that gets the preference as an input, and interpolated weights. A sweep of fewer than three points
    says nothing of what lies between its ends.

    Args:
        front: What the method reached.
        models: How many models it trained for that.

    Example:
        >>> asked = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
        >>> front = Front([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]], asked)
        >>> has_slider(front, models=1), has_slider(front, models=3)
        (True, False)
    """
    return front.preferences is not None and len(front.points) >= LEAST_POINTS and len(front.points) > models


def spearman(first: npt.ArrayLike, second: npt.ArrayLike, /) -> float | None:
    """Return the rank correlation of two lists of numbers, None where one of them is constant.

    Args:
        first: Numbers [N], finite, N >= 2.
        second: Numbers [N], finite.

    Returns:
        The correlation in [-1, 1] of the ranks, where equal numbers share the mean of their ranks.

    Raises:
        ValueError: If they are not two lists of equal length, or hold NaN or an infinity.

    Source:
        Spearman, "The proof and measurement of association between two things", 1904.

    Example:
        >>> spearman([1, 2, 3, 4], [10, 20, 40, 30])
        0.8
        >>> spearman([1, 2, 3], [9, 8, 1]), spearman([1, 2, 3], [5, 5, 5])
        (-1.0, None)
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != other.shape or len(one) < 2:
        raise ValueError(f"first and second must have shape [N] with N >= 2, found {[*one.shape]} and {[*other.shape]}")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("first and second must be finite, found NaN or an infinity")
    ranks, others = _centered_ranks(one), _centered_ranks(other)
    # One root of the product: for a perfect order it is exact, so that the answer equals 1 and not nearly 1.
    length = math.sqrt(float(ranks @ ranks) * float(others @ others))
    return None if length == 0.0 else float(ranks @ others) / length


def _centered_ranks(values: Array) -> Array:
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts + 1) / 2.0)[group]
    return np.asarray(ranks - ranks.mean())


def control_quantities(front: Front, models: int, yardstick: Yardstick) -> dict[str, float]:
    """Return how each of two rewards follows its weight along the sweep of one seed.

    Args:
        front: Mean rewards at each preference.
        models: How many models were trained for the front; without a slider there is nothing to say.
        yardstick: Names and bounds of the rewards.

    Returns:
        For each reward `spearman_<reward>`, its rank correlation with its weight (1: it rises at every step; missing
        where it is constant), and `slider_range_<reward>`, by how much it is greater at the end of the sweep that
        asks for it than at the other end, in units of the bounds. Empty unless there are two rewards and a slider.
    """
    if front.preferences is None or len(yardstick.rewards) != 2 or not has_slider(front, models):
        return {}
    found: dict[str, float] = {}
    points = yardstick.normalized(front.points)
    for k, reward in enumerate(yardstick.rewards):
        weights = front.preferences[:, k]
        correlation = spearman(weights, points[:, k])
        if correlation is not None:
            found[f"{SPEARMAN}{reward.name}"] = correlation
        found[f"{RANGE}{reward.name}"] = float(points[weights.argmax(), k] - points[weights.argmin(), k])
    return found


def monotone_seeds(quantities: Mapping[str, Interval]) -> tuple[int, int] | None:
    """Return on how many seeds both rewards rise at every step of the sweep, and how many seeds there are.

    None for a method without a slider.

    Example:
        >>> from analysis.statistics import interval
        >>> perfect, nearly = interval({0: 1.0, 1: 1.0}), interval({0: 1.0, 1: 0.9})
        >>> ranges = {"slider_range_a": perfect, "slider_range_b": perfect}
        >>> monotone_seeds(ranges | {"spearman_a": perfect, "spearman_b": nearly})
        (1, 2)
    """
    ranges = {name.removeprefix(RANGE): value for name, value in quantities.items() if name.startswith(RANGE)}
    if not ranges:
        return None
    correlations = [quantities[SPEARMAN + name].values if SPEARMAN + name in quantities else {} for name in ranges]
    seeds = list(next(iter(ranges.values())).values)
    return sum(all(values.get(seed) == 1.0 for values in correlations) for seed in seeds), len(seeds)
