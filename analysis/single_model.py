"""A front as one model: the point that serves all rewards alike, and what it gains over the base model.

A method that yields many points stands with its most balanced one, so that it can be set beside methods that yield
one; a method without preferences has no other.
"""

from collections.abc import Mapping

import numpy as np

from analysis.front import Array, Front
from analysis.statistics import Interval
from analysis.yardstick import Yardstick

BALANCED_GAIN = "balanced_gain_"


def balanced_index(front: Front) -> int | None:
    """Return the point whose preference is nearest to equal weights, the first of several.

    None if the preferences of several points are unknown.

    Example:
        >>> balanced_index(Front([[0.0, 1.0], [0.5, 0.5]], [[0.0, 1.0], [0.4, 0.6]]))
        1
    """
    if front.preferences is None:
        return 0 if len(front.points) == 1 else None
    distances = np.linalg.norm(front.preferences - 1.0 / front.preferences.shape[1], axis=1)
    # Distances that agree but for rounding are equal: the first point then, on every machine.
    return int(np.argmax(distances <= distances.min() + 1e-9))


def balanced_quantities(front: Front, base: Array, yardstick: Yardstick) -> dict[str, float]:
    """Return the gain of the balanced point in each reward and the least of them in units of the bounds.

    Args:
        front: The points of a run at a checkpoint.
        base: The base model [K], more is better.
        yardstick: Names and bounds of the rewards.

    Example:
        >>> from analysis.yardstick import yardstick_of
        >>> from benchmarks.records import BenchmarkRecord, RewardRecord
        >>> rewards = [RewardRecord(name=name, unit="", higher_is_better=True, range=(0, 4)) for name in "ab"]
        >>> record = BenchmarkRecord(name="b", hash="1", rewards=rewards, reference_point=[0, 0], bounds=[(0, 4)] * 2)
        >>> front = Front([[3, 1], [2, 2]], preferences=[[1.0, 0.0], [0.5, 0.5]])
        >>> balanced_quantities(front, np.array([1.0, 3.0]), yardstick_of(record))
        {'balanced_gain_a': 1.0, 'balanced_gain_b': -1.0, 'worst_gain': -0.25}
    """
    index = balanced_index(front)
    if index is None:
        return {}
    gains = front.points[index] - base
    names = [f"{BALANCED_GAIN}{reward.name}" for reward in yardstick.rewards]
    widths = np.diff(yardstick.bounds, axis=1)[:, 0]
    return dict(zip(names, gains.tolist(), strict=True)) | {"worst_gain": float((gains / widths).min())}


def improved_and_worsened(quantities: Mapping[str, Interval]) -> tuple[int, int] | None:
    """Return in how many rewards the balanced point's 95 % interval lies above 0 and in how many below.

    None where one seed, or an unknown base model, gives no interval.

    Example:
        >>> from analysis.statistics import interval
        >>> sure, unsure = interval({0: 1.0, 1: 1.1}), interval({0: 1.0, 1: -1.0})
        >>> improved_and_worsened({"balanced_gain_a": sure, "balanced_gain_b": unsure})
        (1, 0)
    """
    gains = [value for name, value in quantities.items() if name.startswith(BALANCED_GAIN)]
    if not gains or any(gain.low is None for gain in gains):
        return None
    improved = sum(gain.low is not None and gain.low > 0 for gain in gains)
    worsened = sum(gain.high is not None and gain.high < 0 for gain in gains)
    return improved, worsened
