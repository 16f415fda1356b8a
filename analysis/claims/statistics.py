"""Statistics that claims share. Each takes arms, reads their records, and returns one effect a comparison.

Two methods are compared seed by seed: a seed gives both the same prompts and the same noise. Seeds that one side lacks
are left out of both.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.claims.base import Arm, Effect, MeasuredFile, effect_of
from analysis.claims.evidence import Evidence, shared_seeds
from analysis.claims.quantities import in_words
from analysis.composite import composite_by_seed
from analysis.front import Array, Front
from analysis.gradients import PLAIN_SUM
from analysis.reading import Measured
from analysis.single_model import balanced_index
from analysis.statistics import Interval, interval
from analysis.yardstick import yardstick_of
from benchmarks.records import RecordError, UsageError

NO_FILES: tuple[MeasuredFile, ...] = ()
Pair = tuple[Arm, Arm]
Combine = Callable[[Mapping[int, float], Mapping[int, float]], Interval]
MATCH = 1e-6


@dataclass(frozen=True)
class OverPairs(ABC):
    """A statistic that compares two arms and gives one effect for each pair of them."""

    pairs: tuple[Pair, ...]
    files = NO_FILES

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The runs it needs."""
        return tuple(arm for pair in self.pairs for arm in pair)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return an effect a pair."""
        return tuple(self._effect(evidence, pair) for pair in self.pairs)

    @abstractmethod
    def _effect(self, evidence: Evidence, pair: Pair) -> Effect:
        """Return the effect of a pair."""


@dataclass(frozen=True)
class Level:
    """A quantity itself, of one arm or of several."""

    quantities: tuple[str, ...]
    of: tuple[Arm, ...]
    files = NO_FILES

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The runs it needs."""
        return self.of

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return an effect for each arm and quantity."""
        found = []
        for arm in self.of:
            for quantity in self.quantities:
                values = evidence.values(arm, quantity)
                name = f"{in_words(quantity)}, {arm.label} on {arm.experiment.benchmark}"
                found.append(effect_of(name, interval(values), evidence.cost(arm, list(values))))
        return tuple(found)


@dataclass(frozen=True)
class Difference:
    """The first arm minus the second, paired by seed.

    Attributes:
        quantities: What is compared.
        pairs: The arms.
        second: Quantities of the second arm where they are others.
        across: Whether the two may be of different benchmarks; else these must have one hash.
    """

    quantities: tuple[str, ...]
    pairs: tuple[Pair, ...]
    second: tuple[str, ...] = ()
    across: bool = False
    files = NO_FILES

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The runs it needs."""
        return tuple(arm for pair in self.pairs for arm in pair)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return an effect for each pair and quantity."""
        return tuple(
            _paired(evidence, pair, names, self.across, paired_interval)
            for pair in self.pairs
            for names in zip(self.quantities, self.second or self.quantities, strict=True)
        )


@dataclass(frozen=True)
class Ratio:
    """The first arm over the second, paired by seed; its interval is that of the mean logarithm."""

    quantities: tuple[str, ...]
    pairs: tuple[Pair, ...]
    files = NO_FILES

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The runs it needs."""
        return tuple(arm for pair in self.pairs for arm in pair)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return an effect for each pair and quantity."""
        return tuple(
            _paired(evidence, pair, (name, name), False, ratio_interval)
            for pair in self.pairs
            for name in self.quantities
        )


def paired_interval(first: Mapping[int, float], second: Mapping[int, float]) -> Interval:
    """Return the interval of first minus second over seeds that both have.

    Example:
        >>> found = paired_interval({0: 1.0, 1: 2.0, 2: 3.5}, {0: 0.5, 1: 1.0, 2: 2.0, 9: 7.0})
        >>> found.mean, round(found.low, 3), round(found.high, 3)
        (1.0, -0.242, 2.242)
    """
    return interval({seed: value - second[seed] for seed, value in first.items() if seed in second})


def ratio_interval(first: Mapping[int, float], second: Mapping[int, float]) -> Interval:
    """Return the geometric mean of first over second with the t interval of its logarithm.

    Raises:
        UsageError: If a value is not above 0.

    Example:
        >>> found = ratio_interval({0: 2.0, 1: 8.0}, {0: 1.0, 1: 1.0})
        >>> round(found.mean, 6), found.low < 1.0 < found.high
        (4.0, True)
    """
    pairs = {seed: (value, second[seed]) for seed, value in first.items() if seed in second}
    if any(min(pair) <= 0.0 for pair in pairs.values()):
        raise UsageError(f"a ratio needs values above 0, found {pairs}")
    found = interval({seed: math.log(one / other) for seed, (one, other) in pairs.items()})
    ends = [None if end is None else math.exp(end) for end in (found.low, found.high)]
    return Interval(math.exp(found.mean), ends[0], ends[1], found.seeds, found.values)


def _paired(evidence: Evidence, pair: Pair, names: tuple[str, str], across: bool, combine: Combine) -> Effect:
    first, second = pair
    if not across:
        require_same_benchmark(evidence, pair)
    one, other = evidence.values(first, names[0]), evidence.values(second, names[1])
    seeds = shared_seeds(one, other, (first.label, second.label))
    found = combine({seed: one[seed] for seed in seeds}, {seed: other[seed] for seed in seeds})
    word = "over" if combine is ratio_interval else "minus"
    return effect_of(_pair_name(pair, names, word), found, pair_cost(evidence, pair, seeds))


def _pair_name(pair: Pair, names: tuple[str, str], word: str) -> str:
    first, second = pair
    ours, theirs = (in_words(name) for name in names)
    place = first.experiment.benchmark
    if second.experiment.benchmark != place:
        return f"{ours}, {first.label} on {place} {word} {second.label} on {second.experiment.benchmark}"
    if first == second and names[1] == PLAIN_SUM + names[0]:
        return f"{ours}, update {word} plain sum of the same gradients, {first.label} on {place}"
    if first == second:
        return f"{ours} {word} {theirs}, {first.label} on {place}"
    return f"{ours}, {first.label} {word} {second.label} on {place}"


def require_same_benchmark(evidence: Evidence, pair: Pair) -> None:
    """Check that two arms were measured by one yardstick.

    Raises:
        RecordError: If their benchmarks have different hashes.
    """
    hashes = [run.record.benchmark.hash for arm in pair for run in evidence.standing(arm).done.values()]
    if len(set(hashes)) > 1:
        raise RecordError(
            f"{pair[0].label} and {pair[1].label}: expected one benchmark, found hashes {hashes[0][:12]} and "
            f"{hashes[-1][:12]}"
        )


def pair_cost(evidence: Evidence, pair: Pair, seeds: list[int]) -> str:
    """Return the cost of both sides in words."""
    first, second = (evidence.cost(arm, seeds) for arm in pair)
    if pair[0] == pair[1]:
        return first
    return f"{first} each" if first == second else f"{first} ({pair[0].label}), {second} ({pair[1].label})"


@dataclass(frozen=True)
class UtilityAtShared(OverPairs):
    """What users with the preferences that both were asked for get, first minus second, the mean over them.

    A user with preference w gets the weighted mean of the rewards, in units of the bounds, at the point for w.
    """

    def _effect(self, evidence: Evidence, pair: Pair) -> Effect:
        require_same_benchmark(evidence, pair)
        sides = [evidence.standing(arm).done for arm in pair]
        seeds = shared_seeds(sides[0], sides[1], (pair[0].label, pair[1].label))
        gaps, count = {}, 0
        for seed in seeds:
            fronts = [_normalized_front(evidence.measured(side[seed])) for side in sides]
            found = utility_gaps(*fronts)
            if len(found) == 0:
                raise UsageError(
                    f"{pair[0].label} and {pair[1].label}: expected a preference that both have, found none"
                )
            gaps[seed], count = float(found.mean()), len(found)
        name = f"utility at {count} shared preferences, {pair[0].label} minus {pair[1].label} on "
        return effect_of(name + pair[0].experiment.benchmark, interval(gaps), pair_cost(evidence, pair, seeds))


def _normalized_front(one: Measured) -> Front:
    front = one.fronts[one.trained[-1].step]
    return Front(yardstick_of(one.run.record.benchmark).normalized(front.points), front.preferences)


def utility_gaps(first: Front, second: Front) -> Array:
    """Return the difference in utility at each preference that two normalized fronts share [n].

    Example:
        >>> slider = Front([[1.0, 0.0], [0.75, 0.5], [0.0, 1.0]], [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
        >>> utility_gaps(slider, Front([[0.5, 0.5], [0.0, 0.5]], [[0.5, 0.5], [0.0, 1.0]])).tolist()
        [0.125, 0.5]
    """
    if first.preferences is None or second.preferences is None:
        return np.zeros(0)
    distances = np.abs(first.preferences[:, None, :] - second.preferences[None, :, :]).max(axis=2)
    rows, columns = np.nonzero(distances <= MATCH)
    weights = first.preferences[rows]
    gaps: Array = (weights * (first.points[rows] - second.points[columns])).sum(axis=1)
    return gaps


@dataclass(frozen=True)
class CompositeDifference:
    """The composite of the first arm minus that of the second, among all given arms of one benchmark."""

    first: Arm
    second: Arm
    among: tuple[Arm, ...]
    files = NO_FILES

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The runs it needs."""
        return tuple(dict.fromkeys((self.first, self.second, *self.among)))

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return the one effect."""
        points: dict[str, dict[int, Array]] = {}
        for arm in self.arms:
            require_same_benchmark(evidence, (self.first, arm))
            runs = {seed: evidence.measured(run) for seed, run in evidence.standing(arm).done.items()}
            points[arm.label] = {seed: _balanced_point(one) for seed, one in runs.items()}
        found = composite_by_seed(points)
        pair = (self.first, self.second)
        one, other = found[self.first.label], found[self.second.label]
        seeds = shared_seeds(one, other, (self.first.label, self.second.label))
        name = f"composite among {len(self.arms)} methods, {self.first.label} minus {self.second.label} on "
        difference = paired_interval(one, other)
        return (effect_of(name + self.first.experiment.benchmark, difference, pair_cost(evidence, pair, seeds)),)


def _balanced_point(one: Measured) -> Array:
    front = one.fronts[one.trained[-1].step]
    index = balanced_index(front)
    if index is None or one.base is None:
        raise RecordError(f"{one.run.folder}: expected a balanced point and a base model, found none")
    point: Array = front.points[index] - one.base
    return point
