"""What a method has reached for a given cost: hypervolume against steps, velocity evaluations, rewards and seconds.

The curves run through the evaluated checkpoints. A method that was evaluated at its end alone has a value, and no
curve. Cost is looked at on a logarithmic axis: from 1 to 10 % of a budget is as far as from 10 to 100 %, which neither
lets the long tail decide alone, where all methods have come to rest, nor gives the base model at cost 0 a place.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.front import Array
from analysis.statistics import Interval, interval
from analysis.summary import BASE, BenchmarkSummary, Row

STEPS = "steps"
COSTS = (STEPS, "velocity_evaluations", "reward_calls", "seconds")
LEAST_CHECKPOINTS = 2


@dataclass(frozen=True, eq=False)
class CostCurve:
    """The hypervolume of a method at its evaluated checkpoints, behind the base model.

    Attributes:
        method: Name of the method.
        costs: What each seed had spent at each checkpoint, by cost and seed [T]; all models of a front together,
            but steps, which are those of each model.
        volumes: Hypervolume by seed [T]; seeds that lack a checkpoint are left out.
        left_out: Seeds that lack one.
    """

    method: str
    costs: Mapping[str, Mapping[int, Array]]
    volumes: Mapping[int, Array]
    left_out: tuple[int, ...]

    @property
    def intervals(self) -> list[Interval]:
        """The hypervolume at each checkpoint, over seeds."""
        return [interval({seed: float(v[t]) for seed, v in self.volumes.items()}) for t in range(self.checkpoints)]

    @property
    def checkpoints(self) -> int:
        """Number of checkpoints."""
        return len(next(iter(self.volumes.values())))

    def mean_cost(self, cost: str) -> Array:
        """Return the mean over seeds of what was spent at each checkpoint, [T]."""
        mean: Array = np.mean(list(self.costs[cost].values()), axis=0)
        return mean


def log_area(costs: npt.ArrayLike, volumes: npt.ArrayLike, /, *, low: float, high: float) -> float:
    """Return the mean hypervolume over a range of costs, every factor of cost weighing alike.

    Between two checkpoints the hypervolume is taken as linear in the logarithm of the cost.

    Args:
        costs: Cost of each checkpoint [T], positive, rising.
        volumes: Hypervolume of each [T], finite.
        low: Lower end of the range, no less than the first cost.
        high: Upper end, no more than the last cost and above the lower.

    Returns:
        Area under the curve over the length of the range, in units of the hypervolume.

    Raises:
        ValueError: If the costs do not rise from above 0, the shapes differ, a number is not finite, or the range is
            empty or not covered.

    Example:
        >>> log_area([1.0, 10.0, 100.0], [0.0, 1.0, 1.0], low=1.0, high=100.0)
        0.75
        >>> log_area([1.0, 100.0], [0.0, 2.0], low=10.0, high=100.0)
        1.5
    """
    x, y = np.asarray(costs, dtype=np.float64), np.asarray(volumes, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) == 0 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"costs and volumes must be finite and of one length, found {x.tolist()} and {y.tolist()}")
    if x[0] <= 0.0 or (np.diff(x) <= 0.0).any():
        raise ValueError(f"costs must rise from above 0, found {x.tolist()}")
    if not x[0] <= low < high <= x[-1]:
        raise ValueError(f"the range must lie in [{x[0]:g}, {x[-1]:g}] and not be empty, found [{low:g}, {high:g}]")
    inner = x[(x > low) & (x < high)]
    at = np.log(np.concatenate([[low], inner, [high]]))
    values = np.interp(at, np.log(x), y)
    area = float((np.diff(at) * (values[1:] + values[:-1])).sum()) / 2.0
    return area / (math.log(high) - math.log(low))


def cost_curves(part: BenchmarkSummary) -> dict[str, CostCurve]:
    """Return the curve of every method of a benchmark that was evaluated twice at least behind the base model.

    A method none of whose seeds has all checkpoints has no curve.
    """
    by_method: dict[str, list[Row]] = {}
    for row in part.rows:
        if row.method != BASE and row.step > 0:
            by_method.setdefault(row.method, []).append(row)
    curves = {method: _curve(method, sorted(rows, key=lambda row: row.step)) for method, rows in by_method.items()}
    return {method: curve for method, curve in curves.items() if curve is not None}


def _curve(method: str, rows: Sequence[Row]) -> CostCurve | None:
    if len(rows) < LEAST_CHECKPOINTS:
        return None
    found = [set(row.quantities["hypervolume"].values) for row in rows]
    whole = sorted(set.intersection(*found))
    if not whole:
        return None

    def by_seed(name: str) -> dict[int, Array]:
        return {seed: np.array([row.quantities[name].values[seed] for row in rows]) for seed in whole}

    steps = np.array([float(row.step) for row in rows])
    costs = {cost: dict.fromkeys(whole, steps) if cost == STEPS else by_seed(cost) for cost in COSTS}
    return CostCurve(method, costs, by_seed("hypervolume"), tuple(sorted(set.union(*found) - set(whole))))


def common_range(curves: Sequence[CostCurve], cost: str) -> tuple[float, float] | None:
    """Return the range of a cost that every seed of every curve covers, None if there is none.

    Args:
        curves: The curves to compare.
        cost: One of `COSTS`.
    """
    spent = [values for curve in curves for values in curve.costs[cost].values()]
    if not spent:
        return None
    low, high = max(float(values[0]) for values in spent), min(float(values[-1]) for values in spent)
    return (low, high) if 0.0 < low < high else None


def cost_normalized(curves: Sequence[CostCurve], cost: str) -> dict[str, Interval]:
    """Return the hypervolume of each method as a mean over the common range of a cost, over seeds.

    Empty if the curves share no range or a seed's costs do not rise (two checkpoints of one cost).

    Args:
        curves: The curves to compare.
        cost: One of `COSTS`.

    Example:
        >>> spent, reached = {0: np.array([1.0, 10.0, 100.0])}, {0: np.array([0.0, 1.0, 1.0])}
        >>> cost_normalized([CostCurve("one", {"steps": spent}, reached, ())], "steps")["one"].mean
        0.75
    """
    ends = common_range(curves, cost)
    if ends is None or any((np.diff(v) <= 0.0).any() for curve in curves for v in curve.costs[cost].values()):
        return {}
    low, high = ends
    return {
        curve.method: interval(
            {
                seed: log_area(curve.costs[cost][seed], volumes, low=low, high=high)
                for seed, volumes in curve.volumes.items()
            }
        )
        for curve in curves
    }
