"""Statistics of whole trainings: what was spent to reach a level, and what else had changed by then."""

from dataclasses import dataclass

from analysis.claims.base import Arm, Effect, effect_of
from analysis.claims.evidence import Evidence, shared_seeds
from analysis.claims.quantities import MEAN_GAIN, UTILITY, curve, first_reached, in_words
from analysis.claims.statistics import NO_FILES, OverPairs, Pair, pair_cost, ratio_interval, require_same_benchmark
from analysis.reading import Measured
from analysis.single_model import balanced_index
from analysis.statistics import interval
from benchmarks.records import RecordError, UsageError

Curve = tuple[list[float], list[float]]


@dataclass(frozen=True)
class CostToReach(OverPairs):
    """What the first arm spends until it reaches a level, over what the second does, paired by seed.

    The level is a share of the lower of the two final mean gains, so that both reach it.
    """

    cost: str
    share: float = 0.9

    def _effect(self, evidence: Evidence, pair: Pair) -> Effect:
        require_same_benchmark(evidence, pair)
        sides = [self._curves(evidence, arm) for arm in pair]
        seeds = shared_seeds(sides[0], sides[1], (pair[0].label, pair[1].label))
        spent = {seed: costs_to_level(sides[0][seed], sides[1][seed], self.share) for seed in seeds}
        first, second = ({seed: costs[side] for seed, costs in spent.items()} for side in (0, 1))
        level = f"{100 * self.share:g} % of the lower final mean gain"
        name = f"{in_words(self.cost)} to {level}, {pair[0].label} over {pair[1].label}"
        return effect_of(name, ratio_interval(first, second), pair_cost(evidence, pair, seeds))

    def _curves(self, evidence: Evidence, arm: Arm) -> "dict[int, Curve]":
        runs = evidence.standing(arm).done
        return {seed: curve(evidence.measured(run), MEAN_GAIN, self.cost) for seed, run in runs.items()}


def costs_to_level(first: Curve, second: Curve, share: float) -> tuple[float, float]:
    """Return what two curves (costs, values) spend until they reach a share of the lower final value.

    Raises:
        UsageError: If a curve starts above the level or ends at or below 0.

    Example:
        >>> costs_to_level(([0.0, 10.0], [0.0, 2.0]), ([0.0, 10.0, 20.0], [0.0, 0.5, 1.0]), 0.5)
        (2.5, 10.0)
    """
    level = share * min(first[1][-1], second[1][-1])
    found = [first_reached(costs, values, level) for costs, values in (first, second)]
    if level <= 0 or found[0] is None or found[1] is None or not all(found):
        raise UsageError(f"expected two trainings that gain over the base model, found the level {level:g}")
    return found[0], found[1]


@dataclass(frozen=True)
class SavedShare:
    """How much less of the training an arm needs than the best of its rivals to reach what that one ends with.

    Both are read at the first checkpoint that reaches the rivals' mean final utility, for a noisy curve passes its own
    end early; one that never does counts with its whole cost. Paired by seed, as a share of the arm's cost.
    """

    first: Arm
    rivals: tuple[Arm, ...]
    files = NO_FILES

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The runs it needs."""
        return (self.first, *self.rivals)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return the one effect."""
        finals = {arm: interval(evidence.values(arm, UTILITY)).mean for arm in self.rivals}
        best = max(finals, key=lambda arm: finals[arm])
        ours, theirs = (self._needed(evidence, arm, finals[best]) for arm in (self.first, best))
        saved = {seed: theirs[seed] - ours[seed] for seed in ours if seed in theirs}
        name = f"share of training saved to reach {best.label}'s final {in_words(UTILITY)}, {self.first.label}"
        return (effect_of(name, interval(saved), evidence.cost(self.first, list(saved))),)

    def _needed(self, evidence: Evidence, arm: Arm, level: float) -> dict[int, float]:
        runs = evidence.standing(arm).done
        curves = {seed: curve(evidence.measured(run), UTILITY, "velocity_evaluations") for seed, run in runs.items()}
        return {seed: needed_share(*one, level) for seed, one in curves.items()}


def needed_share(costs: list[float], values: list[float], level: float) -> float:
    """Return the share of the whole cost at which a curve first reaches a level; 1 if it never does.

    Example:
        >>> needed_share([0.0, 10.0, 20.0], [0.0, 1.0, 1.5], 1.0), needed_share([0.0, 10.0], [0.0, 1.0], 2.0)
        (0.5, 1.0)
    """
    reached = first_reached(costs, values, level)
    return 1.0 if reached is None else reached / costs[-1]


@dataclass(frozen=True)
class AtMatchedGain(OverPairs):
    """The change of a held-out reward when both have gained alike, first minus second, paired by seed.

    Both are read, between checkpoints, where their mean gain first reaches a share of the lower final one.
    """

    share: float = 0.9

    def _effect(self, evidence: Evidence, pair: Pair) -> Effect:
        require_same_benchmark(evidence, pair)
        sides = [
            {seed: _held_out_curve(evidence.measured(run)) for seed, run in evidence.standing(arm).done.items()}
            for arm in pair
        ]
        seeds = shared_seeds(sides[0], sides[1], (pair[0].label, pair[1].label))
        gaps = {seed: matched_gap(sides[0][seed], sides[1][seed], self.share) for seed in seeds}
        name = f"change of held-out rewards at equal mean gain, {pair[0].label} minus {pair[1].label}"
        return effect_of(name, interval(gaps), pair_cost(evidence, pair, seeds))


def _held_out_curve(one: Measured) -> Curve:
    # Held-out change at each checkpoint, by the mean gain there; both of the balanced point.
    rewards = one.run.record.benchmark.held_out
    gains = curve(one, MEAN_GAIN, "velocity_evaluations")[1]
    steps = sorted(one.fronts)
    if not rewards or any(step not in one.held_out for step in steps):
        raise RecordError(f"{one.run.folder}: expected held-out rewards at every checkpoint, found none")
    indices = [balanced_index(one.fronts[step]) or 0 for step in steps]
    levels = [float(one.held_out[step].points[i].mean()) for step, i in zip(steps, indices, strict=True)]
    return [level - levels[0] for level in levels], gains


def matched_gap(first: Curve, second: Curve, share: float) -> float:
    """Return the difference of what two curves (held-out changes, gains) have at a share of the lower final gain.

    Example:
        >>> matched_gap(([0.0, -2.0], [0.0, 1.0]), ([0.0, -6.0, -7.0], [0.0, 1.0, 2.0]), 0.5)
        2.0
    """
    level = share * min(first[1][-1], second[1][-1])
    found = [first_reached(changes, gains, level) for changes, gains in (first, second)]
    if level <= 0 or found[0] is None or found[1] is None:
        raise UsageError(f"expected two trainings that gain over the base model, found the level {level:g}")
    return found[0] - found[1]
