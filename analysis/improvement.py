"""How probable it is that a run of one method is better than a run of another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.quantiles import normal_quantile
from analysis.statistics import LEVEL


@dataclass(frozen=True)
class Improvement:
    """The probability that a run of the first method is better than one of the second.

    Attributes:
        probability: Mean over tasks, ties counted one half, in [0, 1]; 0.5 if neither is better.
        low: Lower end of the interval.
        high: Upper end.
        tasks: How many tasks, >= 1.
    """

    probability: float
    low: float
    high: float
    tasks: int


def probability_of_improvement(
    first: Sequence[npt.ArrayLike],
    second: Sequence[npt.ArrayLike],
    *,
    higher_is_better: bool = True,
    level: float = LEVEL,
) -> Improvement:
    """Return the probability that a run of the first method is better than a run of the second.

    Every run of one is compared with every run of the other on the same task; seeds need not be paired.

    Args:
        first: For each task the values of the first method's runs [seeds], finite, at least one.
        second: The same for the second method, in the same order of tasks.
        higher_is_better: Direction of the values.
        level: Probability that the interval covers the expectation, in (0, 1).

    Raises:
        ValueError: If there is no task, the numbers of tasks differ, a task has no run, a value is not finite, or the
            level is out of range.

    Source:
        Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", 2021, equation 2. Not
        their bootstrap interval, which has no width where all runs of one method are better, as is common with
        three: instead Wilson's, with the largest variance that as many runs allow (Birnbaum and Klose, "Bounds for
        the variance of the Mann-Whitney statistic", 1957), tasks being independent.

    Example:
        >>> found = probability_of_improvement([[3.0, 4.0, 5.0]], [[1.0, 2.0, 3.0]])
        >>> round(found.probability, 3), round(found.low, 3), round(found.high, 3)
        (0.944, 0.392, 0.998)
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"both methods must have the same tasks, at least one, found {len(first)} and {len(second)}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie in (0, 1), found {level}")
    sign = 1.0 if higher_is_better else -1.0
    shares, runs = [], []
    for one, other in zip(first, second, strict=True):
        ours, theirs = _runs(one), _runs(other)
        shares.append(float((0.5 + 0.5 * np.sign(sign * (ours[:, None] - theirs[None, :]))).mean()))
        runs.append(min(len(ours), len(theirs)))
    probability = float(np.mean(shares))
    low, high = _wilson(probability, len(shares) * min(runs), level)
    return Improvement(probability, low, high, len(shares))


def _runs(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) == 0 or not np.isfinite(numbers).all():
        raise ValueError(f"values of a task must be finite, at least one, in one row, found {numbers.tolist()}")
    return numbers


def _wilson(share: float, count: int, level: float) -> tuple[float, float]:
    """Return Wilson's score interval of a share of `count` independent yes or no."""
    square = normal_quantile((1.0 + level) / 2.0) ** 2
    center = (share + square / (2.0 * count)) / (1.0 + square / count)
    spread = math.sqrt(square * (share * (1.0 - share) / count + square / (4.0 * count**2))) / (1.0 + square / count)
    return max(0.0, center - spread), min(1.0, center + spread)
