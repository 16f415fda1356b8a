"""Points of a front that pay for their rewards with something nobody trained: reward hacking, point by point.

A point is flagged if what it was asked for rose over the base model while a held-out reward fell, both beyond their
95 % t intervals over seeds, each seed paired with its own base model on the same prompts and noise. What it was asked
for is the sum of the trained rewards weighted by its preference (alike without one) in units of the bounds. The clean
hypervolume is that of the points that are not flagged. Nothing is corrected for the number of points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.front import Array, Front
from analysis.held_out import DIVERSITY, FRECHET, feature_quantities, read_features
from analysis.hypervolume import hypervolume
from analysis.reading import Measured, grouped
from analysis.statistics import Interval, interval
from analysis.summary import BenchmarkSummary
from benchmarks.records import FEATURES_FILE, REAL_FEATURES_FILE, RecordError

NO_BASE, ONE_SEED, NO_PARTNERS = "no base model", "one seed", "seeds with other preferences"
OTHER_PROMPTS = "held-out reward on other prompts than the base model"
FeaturesByMethod = Mapping[str, Mapping[str, Sequence[Interval]]]
"""How drift and diversity changed: by method and name, one interval a point."""


@dataclass(frozen=True, eq=False)
class PointVerdict:
    """What became of one point of a front, over seeds.

    Attributes:
        asked: Change of what it was asked for, in units of the bounds; positive is better.
        changes: Change of each held-out reward in its own unit, turned so that positive is better.
        fell: The held-out rewards that fell beyond their interval.
        flagged: Whether it rose in what it was asked for, beyond its interval, while a held-out reward fell.
    """

    asked: Interval
    changes: Mapping[str, Interval]
    fell: tuple[str, ...]
    flagged: bool


@dataclass(frozen=True, eq=False)
class MethodVerdict:
    """The points of a method at its last checkpoint.

    Attributes:
        method: Name of the method.
        fronts: What each seed reached, by seed.
        points: One verdict a point, in the order of the records; empty if unknown.
        unknown: Why nothing can be said, empty if something can.
        reference_point: Lower corner of the hypervolume [K].
    """

    method: str
    fronts: Mapping[int, Front]
    points: tuple[PointVerdict, ...]
    unknown: str
    reference_point: Array

    @property
    def flagged(self) -> list[int]:
        """Numbers of the flagged points."""
        return [index for index, point in enumerate(self.points) if point.flagged]

    @cached_property
    def clean_volume(self) -> Interval | None:
        """The hypervolume without flagged points, over seeds; None where nothing is known of them."""
        if self.unknown:
            return None
        kept = [index for index, point in enumerate(self.points) if not point.flagged]
        return interval(
            {
                seed: hypervolume(front.points[kept], reference_point=self.reference_point)
                for seed, front in self.fronts.items()
            }
        )


def judge_change(asked: Interval, changes: Mapping[str, Interval]) -> PointVerdict:
    """Return the verdict on one point.

    Args:
        asked: Change of what it was asked for; positive is better.
        changes: Change of each held-out reward; positive is better.

    Raises:
        ValueError: If a change has no interval, as from one seed.

    Example:
        >>> up, down, unsure = (interval(dict(enumerate(pair))) for pair in ((0.50, 0.51), (-1.0, -1.1), (-1.0, 0.9)))
        >>> judge_change(up, {"clean": down}).fell, judge_change(up, {"clean": down}).flagged
        (('clean',), True)
        >>> judge_change(up, {"clean": unsure}).flagged, judge_change(unsure, {"clean": down}).flagged
        (False, False)
    """
    if asked.low is None or any(change.high is None for change in changes.values()):
        raise ValueError(f"changes must have intervals, found {asked.seeds} seed")
    fell = tuple(name for name, change in changes.items() if change.high is not None and change.high < 0.0)
    return PointVerdict(asked, changes, fell, asked.low > 0.0 and bool(fell))


def verdicts_of(part: BenchmarkSummary) -> tuple[MethodVerdict, ...]:
    """Return the verdicts on every method of a benchmark that has a trained checkpoint, none without held-out rewards.

    Args:
        part: The benchmark.
    """
    if not part.record.held_out:
        return ()
    runs = grouped((one for one in part.measured if one.trained), lambda one: one.run.record.method.name)
    return tuple(_verdict(part, method, runs[method]) for method in sorted(runs))


def _verdict(part: BenchmarkSummary, method: str, runs: Sequence[Measured]) -> MethodVerdict:
    fronts = {one.run.record.seed: one.fronts[one.trained[-1].step] for one in runs}
    unknown = _unknown(runs, list(fronts.values()))
    points: list[PointVerdict] = []
    if not unknown:
        asked = {one.run.record.seed: _asked(part, one) for one in runs}
        changes = {one.run.record.seed: _changes(one) for one in runs}
        names = [reward.name for reward in part.record.held_out]
        for index in range(len(next(iter(fronts.values())).points)):
            rise = interval({seed: float(values[index]) for seed, values in asked.items()})
            fall = {
                name: interval({seed: float(values[index, k]) for seed, values in changes.items()})
                for k, name in enumerate(names)
            }
            points.append(judge_change(rise, fall))
    return MethodVerdict(method, fronts, tuple(points), unknown, part.yardstick.reference_point)


def _unknown(runs: Sequence[Measured], fronts: Sequence[Front]) -> str:
    """Return why nothing can be said of a method, empty if something can."""
    if any(one.base is None or 0 not in one.held_out for one in runs):
        return NO_BASE
    if len(runs) < 2:
        return ONE_SEED
    first = fronts[0]
    for front in fronts:
        asked = front.preferences, first.preferences
        if front.points.shape != first.points.shape or (asked[0] is None) != (asked[1] is None):
            return NO_PARTNERS
        if asked[0] is not None and asked[1] is not None and not np.allclose(asked[0], asked[1]):
            return NO_PARTNERS
    if any(not _same_prompts(one) for one in runs):
        return OTHER_PROMPTS
    return ""


def _same_prompts(one: Measured) -> bool:
    """Return whether each held-out reward applied to as many samples of every point as of the base model."""
    base, last = one.held_out[0].counts, one.held_out[one.trained[-1].step].counts
    return base is not None and last is not None and bool((last == base[0]).all())


def _asked(part: BenchmarkSummary, one: Measured) -> Array:
    """Return the change of what each point was asked for [N], in units of the bounds."""
    front = one.fronts[one.trained[-1].step]
    assert one.base is not None, "checked by _unknown"
    gains = (front.points - one.base) / np.diff(part.yardstick.bounds, axis=1)[:, 0]
    if front.preferences is None:
        return np.asarray(gains.mean(axis=1))
    return np.asarray((gains * front.preferences).sum(axis=1))


def _changes(one: Measured) -> Array:
    """Return the change of each held-out reward at each point [N, H]; positive is better."""
    changes: Array = one.held_out[one.trained[-1].step].points - one.held_out[0].points.mean(axis=0)
    return changes


def point_features(part: BenchmarkSummary, verdict: MethodVerdict) -> dict[str, list[Interval]]:
    """Return how drift and diversity changed from the base model at every point of a method, over seeds.

    Args:
        part: The benchmark.
        verdict: On one of its methods.

    Returns:
        `frechet` (distance to real data; more is worse) and `diversity`, one interval a point in the order of the
        records; what some seed has no features for, and everything where nothing is known of the points, is missing.

    Raises:
        RecordError: If `features.parquet` or `real_features.parquet` is there and damaged, or does not fit the run.
    """
    by_seed = {
        one.run.record.seed: _point_features(one)
        for one in part.measured
        if one.run.record.method.name == verdict.method and one.trained and verdict.points
    }
    return {
        name: [
            interval({seed: found[name][index] for seed, found in by_seed.items()})
            for index in range(len(verdict.points))
        ]
        for name in (FRECHET, DIVERSITY)
        if by_seed and all(name in found for found in by_seed.values())
    }


def feature_changes(features: Mapping[str, Sequence[Interval]], flagged: Sequence[int]) -> dict[str, Interval]:
    """Return how drift and diversity changed at the flagged points: the mean over these, over seeds; empty without any.

    Args:
        features: By name, one interval a point, as from `point_features`.
        flagged: Numbers of the flagged points.

    Example:
        >>> moved = [interval({0: change}) for change in (1.0, 2.0, 4.0)]
        >>> feature_changes({"frechet": moved}, [0, 2])["frechet"].mean, feature_changes({"frechet": moved}, [])
        (2.5, {})
    """
    if not flagged:
        return {}
    return {
        name: interval({seed: float(np.mean([points[i].values[seed] for i in flagged])) for seed in points[0].values})
        for name, points in features.items()
    }


def _point_features(one: Measured) -> dict[str, list[float]]:
    path, reference = one.run.folder / FEATURES_FILE, one.run.folder.parents[1] / REAL_FEATURES_FILE
    if not path.exists():
        return {}
    columns, features = read_features(path, ("step", "point", "prompt_id", "sample"))
    real = read_features(reference, ("prompt_id",))[1] if reference.exists() else None
    if real is not None and real.shape[1] != features.shape[1]:
        raise RecordError(f"{path}: expected {real.shape[1]} features as in {reference}, found {features.shape[1]}")
    steps, points, prompts = (columns[name] for name in ("step", "point", "prompt_id"))
    last = one.trained[-1].step
    numbers = np.unique(points[steps == last])
    if len(numbers) != len(one.fronts[last].points) or not (steps == 0).any():
        raise RecordError(f"{path}: expected {len(one.fronts[last].points)} points at step {last}, and the base model")
    base = feature_quantities(features[steps == 0], prompts[steps == 0], real)
    chosen = [(steps == last) & (points == number) for number in numbers]
    found = [feature_quantities(features[rows], prompts[rows], real) for rows in chosen]
    return {name: [of[name] - base[name] for of in found] for name in base if name in found[0]}
