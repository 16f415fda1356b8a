"""The values that are compared between two folders: by seed, and by prompt where prompts can be told apart.

    hypervolume: Of the mean rewards above the benchmark's reference point.
    reward_<reward>: Mean over all points, prompts and samples, in the unit of the record.
    held_out_<reward>: The same of a held-out reward, at the point whose preference is nearest to equal weights.

Every other name is that of a quantity of the report (`analysis.quantities`) and is known by seed only; distances to the
union of all methods' fronts are to the union of these two. A composite is not among them: it depends on which methods
stand in one folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.front import Array, Front
from analysis.gradients import PLAIN_SUM, gradient_quantities
from analysis.held_out import HELD_OUT, HELD_OUT_CHANGE, held_out_by_run
from analysis.hypervolume import is_exact
from analysis.matching import Match
from analysis.prompt_values import PromptValues
from analysis.quantities import quantities_of
from analysis.reading import measured
from analysis.single_model import balanced_index
from analysis.states import Sides, State
from analysis.yardstick import best_known_set
from benchmarks.records import StoredRun

HYPERVOLUME, REWARD, ALL = "hypervolume", "reward_", "all"
LESS_IS_BETTER = (
    "conflict_rate", "epsilon_plus", "frechet", "igd_plus", "reward_calls", "seconds", "slider_wasted", "var_cosine",
    "velocity_evaluations",
)  # fmt: skip
"""How the names of quantities begin of which less is better, behind `plain_sum_`."""
NOT_COMPARED = ("exact_front_share", "measured_steps")
"""What no method can be better in: it follows from the settings."""
BySeed = dict[int, dict[str, float]]


@dataclass(frozen=True, eq=False)
class Values:
    """A metric on both sides of a match.

    Attributes:
        metric: Its name.
        higher_is_better: Its direction.
        first: Value by seed.
        second: Value by the same seeds.
        prompts: By seed and prompt, the contribution to the second minus that to the first; None where prompts cannot
            be told apart.
    """

    metric: str
    higher_is_better: bool
    first: Mapping[int, float]
    second: Mapping[int, float]
    prompts: Mapping[int, Mapping[int, float]] | None


def default_metrics(match: Match) -> list[str]:
    """Return what is compared if nothing else is asked for: the hypervolume and every reward."""
    return [HYPERVOLUME, *(REWARD + reward.name for reward in match.benchmark.rewards)]


def values_of(sides: Sides, metrics: Sequence[str]) -> list[Values]:
    """Return the metrics that are known of a match.

    Args:
        sides: Its states.
        metrics: Their names, or `all`; an unknown name is passed over.

    Raises:
        RecordError: If what a run recorded besides its evaluations is damaged, and a metric needs it.
    """
    direct = [*default_metrics(sides.match), *(HELD_OUT + reward.name for reward in sides.match.benchmark.held_out)]
    everything = ALL in metrics
    names = direct if everything else [name for name in direct if name in metrics]
    found = [_direct(sides, name) for name in names]
    others = [name for name in metrics if name not in direct and name != ALL]
    if everything or others:
        found += _others(sides, None if everything else others, direct)
    return [one for one in found if one is not None]


def higher_is_better(metric: str, match: Match) -> bool:
    """Return the direction of a metric."""
    record = match.benchmark
    directions = {REWARD + reward.name: reward.higher_is_better for reward in record.rewards}
    for reward in record.held_out:
        directions |= {prefix + reward.name: reward.higher_is_better for prefix in (HELD_OUT, HELD_OUT_CHANGE)}
    if metric in directions:
        return directions[metric]
    return not metric.removeprefix(PLAIN_SUM).startswith(LESS_IS_BETTER)


def _direct(sides: Sides, metric: str) -> Values | None:
    """Return a metric that is a quantity of points, and each prompt's part in it."""
    better = higher_is_better(metric, sides.match)
    # Rewards are oriented within `analysis`; a reader gets them as recorded.
    sign = 1.0 if metric == HYPERVOLUME or better else -1.0
    first, second, prompts = dict[int, float](), dict[int, float](), dict[int, dict[int, float]]()
    for seed, state in sides.first.items():
        one, other = (_part(sides, side, metric) for side in (state, sides.second[seed]))
        if one is None or other is None:
            continue
        first[seed], second[seed] = (sign * statistic(part.points) for part, statistic in (one, other))
        ours, theirs = (_contributions(*part) for part in (one, other))
        if ours is not None and theirs is not None:
            prompts[seed] = {key: sign * (theirs[key] - ours[key]) for key in ours if key in theirs}
    if not first:
        return None
    return Values(metric, better, first, second, prompts if len(prompts) == len(first) else None)


def _part(sides: Sides, state: State, metric: str) -> tuple[PromptValues, Callable[[Array], float]] | None:
    """Return the samples that a metric is made of and how, None where it is unknown."""
    record = sides.match.benchmark
    if metric == HYPERVOLUME:
        return state.rewards, lambda points: sides.yardstick.hypervolume(Front(points))
    rewards = [REWARD + reward.name for reward in record.rewards]
    if metric in rewards:
        return state.rewards.of_reward(rewards.index(metric)), lambda points: float(points.mean())
    index = balanced_index(state.front)
    if state.held_out is None or index is None:
        return None
    names = [HELD_OUT + reward.name for reward in record.held_out]
    return state.held_out.of_reward(names.index(metric), index), lambda points: float(points.mean())


def _contributions(part: PromptValues, statistic: Callable[[Array], float]) -> dict[int, float] | None:
    # The error of an approximate hypervolume would drown what one prompt contributes.
    return part.contributions(statistic) if is_exact(*part.points.shape) else None


def _others(sides: Sides, wanted: Sequence[str] | None, taken: Sequence[str]) -> list[Values]:
    """Return quantities of the report that are known on both sides in some seed; all of them where none is named."""
    fronts = [state.front for side in (sides.first, sides.second) for state in side.values()]
    targets, _ = best_known_set(sides.yardstick, fronts)
    first = _quantities(sides, sides.match.first, targets)
    second = _quantities(sides, sides.match.second, targets)
    known = dict.fromkeys(name for by_name in first.values() for name in by_name if name not in taken)
    found = []
    for name in known if wanted is None else wanted:
        shared = [seed for seed in first if name in first[seed] and name in second[seed]]
        if shared and not name.startswith(NOT_COMPARED):
            ours, theirs = ({seed: side[seed][name] for seed in shared} for side in (first, second))
            found.append(Values(name, higher_is_better(name, sides.match), ours, theirs, None))
    return found


def _quantities(sides: Sides, runs: Mapping[int, StoredRun], targets: Array) -> BySeed:
    found = {}
    for seed, run in runs.items():
        one = measured(run)
        last = one.trained[-1]
        behind = held_out_by_run([one])[run.folder].get(last.step, {})
        numbers = quantities_of(one, last, sides.yardstick, targets) | behind | gradient_quantities(one.gradients)
        found[seed] = {name: value for name, value in numbers.items() if np.isfinite(value)}
    return found
