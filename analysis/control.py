"""Does a slider do what it says: one model asked for many preferences between two rewards.

With two rewards the preference is one number, and each reward should rise with its own weight all the way. With more
rewards an ideal model need not be monotone in one weight alone, so nothing is said of them here.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analysis.front import Array, Front, finite_matrix, non_dominated
from analysis.statistics import Interval
from analysis.yardstick import Yardstick

SPEARMAN, RANGE, SMOOTHNESS = "spearman_", "slider_range_", "slider_smoothness_"
EVENNESS, WASTED = "slider_evenness", "slider_wasted"
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


def evenness(points: npt.ArrayLike, /) -> float | None:
    """Return how evenly a sweep moves through its points: the effective share of its steps that do the moving.

    (sum of the lengths)^2 / (number * sum of the squared lengths) of the steps: 1 if all are of one length, 1 / N if
    one of N steps makes the whole way.

    Args:
        points: Rewards along the sweep [N, K], in the order of the preference, normalized, N >= 2.

    Returns:
        The share in (0, 1], None if no step moves.

    Raises:
        ValueError: If the points are not a finite matrix of two rows at least.

    Example:
        >>> evenness([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]), evenness([[0, 1], [0, 1], [1, 0]])
        (1.0, 0.5)
        >>> evenness([[0, 1], [0, 1]]) is None
        True
    """
    matrix = finite_matrix(points, "points")
    if len(matrix) < 2:
        raise ValueError(f"points must have two rows at least, found {len(matrix)}")
    steps = np.diff(matrix, axis=0)
    largest = float(np.abs(steps).max())
    if largest == 0.0:
        return None
    # Relative to the largest, so that the squares of tiny steps do not vanish.
    lengths = np.linalg.norm(steps / largest, axis=1)
    return float(lengths.sum() ** 2 / (len(lengths) * (lengths**2).sum()))


def smoothness(values: npt.ArrayLike, /) -> float | None:
    """Return how directly a reward rises along a sweep: its rise from end to end over all its ups and downs.

    Args:
        values: The reward in the order of its own weight [N], finite, N >= 2.

    Returns:
        1 if it never steps back, -1 if it only falls, None if it is constant.

    Raises:
        ValueError: If there are fewer than two values or one is not finite.

    Example:
        >>> smoothness([0.0, 0.5, 0.25, 1.0]), smoothness([3, 2, 1]), smoothness([1, 1]) is None
        (0.6666666666666666, -1.0, True)
    """
    line = np.asarray(values, dtype=np.float64)
    if line.ndim != 1 or len(line) < 2 or not np.isfinite(line).all():
        raise ValueError(f"values must be two finite numbers at least, found {line.tolist()}")
    way = float(np.abs(np.diff(line)).sum())
    return None if way == 0.0 else float(line[-1] - line[0]) / way


def wasted(points: npt.ArrayLike, /) -> npt.NDArray[np.bool_]:
    """Return the preferences that are wasted [N]: another one yields as much in every reward, and more or the same.

    Args:
        points: Rewards at each preference [N, K], finite, more is better.

    Raises:
        ValueError: If the points are not a finite matrix.

    Example:
        >>> wasted([[1, 3], [2, 2], [1, 2], [2, 2]]).tolist()
        [False, False, True, True]
    """
    return ~non_dominated(points)


def control_quantities(front: Front, models: int, yardstick: Yardstick) -> dict[str, float]:
    """Return how each of two rewards follows its weight along the sweep of one seed.

    Args:
        front: Mean rewards at each preference.
        models: How many models were trained for the front; without a slider there is nothing to say.
        yardstick: Names and bounds of the rewards.

    Returns:
        For each reward `spearman_<reward>`, its rank correlation with its weight (1: it rises at every step; missing
        where it is constant), `slider_range_<reward>`, by how much it is greater at the end of the sweep that asks
        for it than at the other end, in units of the bounds, and `slider_smoothness_<reward>`, that range over all its
        ups and downs (missing where it is constant). Of the sweep `slider_evenness` (missing where nothing moves) and
        `slider_wasted`, the share of its preferences that another one makes pointless. Empty unless there are two
        rewards and a slider.

    Example:
        >>> from analysis.yardstick import yardstick_of
        >>> from benchmarks.records import BenchmarkRecord, RewardRecord
        >>> rewards = [RewardRecord(name=name, unit="", higher_is_better=True, range=(0, 4)) for name in "ab"]
        >>> record = BenchmarkRecord(name="b", hash="1", rewards=rewards, reference_point=[0, 0], bounds=[(0, 4)] * 2)
        >>> front = Front([[3, 1], [3, 2], [1, 3]], preferences=[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
        >>> found = control_quantities(front, 1, yardstick_of(record))
        >>> [round(found[name], 3) for name in ("spearman_a", "spearman_b", "slider_range_a", "slider_wasted")]
        [0.866, 1.0, 0.5, 0.333]
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
        directness = smoothness(points[np.argsort(weights, kind="stable"), k])
        if directness is not None:
            found[f"{SMOOTHNESS}{reward.name}"] = directness
    even = evenness(points[np.argsort(front.preferences[:, 0], kind="stable")])
    if even is not None:
        found[EVENNESS] = even
    found[WASTED] = float(wasted(points).mean())
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
