"""What a benchmark measures a front with, oriented so that more is better: reference point, bounds, true front."""

import math
from dataclasses import dataclass

import numpy as np

from analysis.dominance import additive_epsilon, expected_utility, igd_plus, normalize
from analysis.front import Array, Front, non_dominated, oriented
from analysis.hypervolume import hypervolume
from benchmarks.records import BenchmarkRecord, RecordError, RewardRecord

MATCH_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Yardstick:
    """The frozen frame of a benchmark; more is better in every entry.

    Attributes:
        name: Name of the benchmark.
        hash: Hash of its definition.
        rewards: What the K rewards mean, as recorded.
        reference_point: Lower corner of the hypervolume [K].
        bounds: Low and high end that normalize the rewards [K, 2].
        true_front: The front no method can pass, with its preferences, or None.
        true_hypervolume: Its hypervolume above the reference point, or None.
    """

    name: str
    hash: str
    rewards: tuple[RewardRecord, ...]
    reference_point: Array
    bounds: Array
    true_front: Front | None
    true_hypervolume: float | None

    def normalized(self, points: Array) -> Array:
        """Return oriented points [N, K] in units of the bounds."""
        return normalize(points, self.bounds)

    def hypervolume(self, front: Front) -> float:
        """Return the hypervolume of a front above the reference point."""
        return hypervolume(front.points, reference_point=self.reference_point)

    def exact_front_share(self, front: Front) -> float | None:
        """Return the share of the true hypervolume that the true front reaches at the preferences of a front.

        A finite number of points cannot fill the true hypervolume; this says how much a method would fill that
        answers every preference exactly. It is no bound: points that drift from their preferences may lie better
        spread. None if the true front, a preference or its match (within 1e-6 in every
        entry) is unknown.
        """
        true = self.true_front
        if true is None or true.preferences is None or front.preferences is None or self.true_hypervolume is None:
            return None
        distances = np.abs(front.preferences[:, None, :] - true.preferences[None, :, :]).max(axis=2)
        if (distances.min(axis=1) > MATCH_TOLERANCE).any():
            return None
        return self.hypervolume(Front(true.points[distances.argmin(axis=1)])) / self.true_hypervolume

    def distances(self, front: Front, reference_set: Array) -> dict[str, float]:
        """Return `igd_plus`, `epsilon_plus` against a reference set [M, K], and `expected_utility`, all normalized."""
        points, targets = self.normalized(front.points), self.normalized(reference_set)
        return {
            "igd_plus": igd_plus(points, reference_set=targets),
            "epsilon_plus": additive_epsilon(points, reference_set=targets),
            "expected_utility": expected_utility(points),
        }

    def require_above_reference(self, base: Front) -> None:
        """Check that the base model dominates the reference point, without which a hypervolume means little.

        Raises:
            RecordError: If it does not in some reward; the message is in the units of the record.
        """
        for k, reward in enumerate(self.rewards):
            lowest, limit = float(base.points[:, k].min()), float(self.reference_point[k])
            if lowest <= limit:
                sign, side = (1.0, "above") if reward.higher_is_better else (-1.0, "below")
                raise RecordError(
                    f"benchmark {self.name}: base model must lie {side} the reference point in reward {reward.name}, "
                    f"expected {side} {sign * limit:.6g}, found {sign * lowest:.6g}"
                )


def yardstick_of(record: BenchmarkRecord) -> Yardstick:
    """Return the yardstick of a recorded benchmark.

    Raises:
        RecordError: If there is no reward or one comes twice, or the reference point, the bounds, the true front or
            its hypervolume do not fit the rewards or are no finite numbers.

    Example:
        >>> cost = RewardRecord(name="cost", unit="s", higher_is_better=False, range=(0, None))
        >>> record = BenchmarkRecord(name="b", hash="1", rewards=[cost], reference_point=[9.0], bounds=[(1.0, 8.0)])
        >>> yardstick = yardstick_of(record)
        >>> yardstick.reference_point.tolist(), yardstick.bounds.tolist()
        ([-9.0], [[-8.0, -1.0]])
    """
    _require_names(record)
    _require_numbers(record)
    try:
        bounds = np.sort(oriented(np.array(record.bounds, dtype=np.float64).T, record.rewards).T, axis=1)
        true = record.true_front
        return Yardstick(
            name=record.name,
            hash=record.hash,
            rewards=tuple(record.rewards),
            reference_point=oriented(record.reference_point, record.rewards),
            bounds=bounds,
            true_front=None
            if true is None
            else Front(oriented(true.points, record.rewards), np.array(true.preferences)),
            true_hypervolume=record.true_hypervolume,
        )
    except ValueError as error:
        raise RecordError(f"benchmark {record.name}: {error}") from error


def _require_names(record: BenchmarkRecord) -> None:
    """Check that every column of the records means one reward."""
    if not record.rewards:
        raise RecordError(f"benchmark {record.name}: expected at least one reward, found none")
    for kind, rewards in (("rewards", record.rewards), ("held-out rewards", record.held_out)):
        names = [reward.name for reward in rewards]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise RecordError(f"benchmark {record.name}: expected {kind} of different names, found {twice[0]} twice")


def _require_numbers(record: BenchmarkRecord) -> None:
    """Check what would else turn into NaN or an infinity in a table."""
    volume = record.true_hypervolume
    for name, good, found in (
        ("a finite reference_point", all(map(math.isfinite, record.reference_point)), record.reference_point),
        ("finite bounds", all(math.isfinite(end) for pair in record.bounds for end in pair), record.bounds),
        ("bounds with low < high", all(low < high for low, high in record.bounds), record.bounds),
        ("a finite true_hypervolume above 0", volume is None or 0.0 < volume < math.inf, volume),
    ):
        if not good:
            raise RecordError(f"benchmark {record.name}: expected {name}, found {found!s:.80}")


def best_known_set(yardstick: Yardstick, fronts: list[Front]) -> tuple[Array, str]:
    """Return the reference set [M, K] of the distances, and its name.

    It is the true front where the benchmark knows it, else the non-dominated points of all given fronts; the latter
    changes with the methods that are compared, so numbers of two reports cannot be mixed.

    Args:
        yardstick: The benchmark.
        fronts: All fronts under comparison, at least one where the true front is unknown.

    Example:
        >>> score = RewardRecord(name="score", unit="", higher_is_better=True, range=(0, 1))
        >>> record = BenchmarkRecord(name="b", hash="1", rewards=[score], reference_point=[0.0], bounds=[(0.0, 1.0)])
        >>> points, name = best_known_set(yardstick_of(record), [Front([[0.2]]), Front([[0.7]])])
        >>> points.tolist(), name
        ([[0.7]], 'union of all methods')
    """
    if yardstick.true_front is not None:
        points, name = yardstick.true_front.points, "true front"
    else:
        points, name = np.concatenate([front.points for front in fronts]), "union of all methods"
    return points[non_dominated(points)], name
