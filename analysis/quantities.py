"""The numbers that describe one run at one checkpoint, before any mean over seeds.

By name:
    hypervolume: Of the mean rewards above the benchmark's reference point.
    share_of_true_hypervolume: The same over the hypervolume of the true front, where that is known.
    exact_front_share: That share for the true front itself at the preferences of this front, where that is known.
    igd_plus, epsilon_plus: Distance to the reference set, normalized by the bounds; less is better.
    expected_utility: Of a user with linear weights, normalized by the bounds.
    gain_<reward>: Mean over the points of the front minus the base model; positive is an improvement, also where
        less of the reward is better. `gain_held_out_<reward>` likewise.
    balanced_gain_<reward>: The gain of the model or point whose preference is nearest to equal weights (see
        `analysis.single_model`).
    worst_gain: The least of these, each over the width of the reward's bounds.
    spearman_<reward>, slider_range_<reward>, slider_smoothness_<reward>, slider_evenness, slider_wasted: How rewards
        follow their weights along a sweep between two rewards (see `analysis.control`).
    velocity_evaluations, reward_calls, seconds: Training cost so far, all models of the front together.
    velocity_evaluations_per_model: The same over the number of models.

Held-out rewards, distance to real data and diversity of the balanced point, `held_out_<reward>`, `frechet` and
`diversity` with their changes from the base model, are those of `analysis.held_out`.

A method's last checkpoint has besides: `composite` (`analysis.composite`, from the balanced points of all methods of
the benchmark), and the statistics of the gradients of the whole training (`analysis.gradients`).
"""

from collections.abc import Sequence

from analysis.control import control_quantities
from analysis.front import Array, Front
from analysis.gradients import BETWEEN, PLAIN_SUM, SOLVED, STATISTICS
from analysis.reading import Measured
from analysis.single_model import balanced_quantities
from analysis.yardstick import Yardstick
from benchmarks.records import CheckpointRecord, RewardRecord

MAY_BE_UNKNOWN = (
    "share_of_true_hypervolume",
    "exact_front_share",
    "worst_gain",
    "composite",
    *STATISTICS,
    *(PLAIN_SUM + name for name in STATISTICS),
    "conflict_rate" + SOLVED,
    "conflict_rate" + BETWEEN,
)


def quantities_of(
    one: Measured, checkpoint: CheckpointRecord, yardstick: Yardstick, targets: Array
) -> dict[str, float]:
    """Return every quantity that is known of a run at a checkpoint.

    Args:
        one: The run.
        checkpoint: One of its checkpoints; step 0 is the base model, which has no `exact_front_share`.
        yardstick: What the benchmark measures with.
        targets: Reference set of the distances [M, K], more is better.
    """
    front = one.fronts[checkpoint.step]
    quantities = {"hypervolume": yardstick.hypervolume(front)}
    if yardstick.true_hypervolume is not None:
        quantities["share_of_true_hypervolume"] = quantities["hypervolume"] / yardstick.true_hypervolume
    exact_front_share = yardstick.exact_front_share(front) if checkpoint.step > 0 else None
    if exact_front_share is not None:
        quantities["exact_front_share"] = exact_front_share
    quantities |= yardstick.distances(front, targets)
    if one.base is not None:
        quantities |= _gains("gain", yardstick.rewards, front, one.base)
        quantities |= balanced_quantities(front, one.base, yardstick)
    if checkpoint.step > 0:
        quantities |= control_quantities(front, one.run.record.models, yardstick)
    if 0 in one.held_out:
        base = one.held_out[0].points.mean(axis=0)
        held_out = one.run.record.benchmark.held_out
        quantities |= _gains("gain_held_out", held_out, one.held_out[checkpoint.step], base)
    return quantities | _costs(checkpoint, one.run.record.models)


def _gains(prefix: str, rewards: Sequence[RewardRecord], front: Front, base: Array) -> dict[str, float]:
    gains = front.points.mean(axis=0) - base
    return {f"{prefix}_{reward.name}": float(gain) for reward, gain in zip(rewards, gains, strict=True)}


def _costs(checkpoint: CheckpointRecord, models: int) -> dict[str, float]:
    return {
        "velocity_evaluations": float(checkpoint.velocity_evaluations),
        "velocity_evaluations_per_model": checkpoint.velocity_evaluations / models,
        "reward_calls": float(checkpoint.reward_calls),
        "seconds": checkpoint.seconds,
    }
