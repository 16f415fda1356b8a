"""Single numbers of a run, by name: those of `analysis.quantities` and `analysis.gradients`, and these besides.

share_gain_<reward>: Gain of the balanced point over the base model, in units of the bounds.
mean_gain: The mean of these over the rewards.
early:<name>: A quantity at the first checkpoint behind the base model, in place of the last.
drop_from_peak: Expected utility at the last checkpoint minus the highest of all checkpoints; 0 or less.
step_mean:<name>, step_last:<name>: Mean of a number over all training steps, and its last value, from the step log.
"""

from collections.abc import Sequence

import numpy as np

from analysis.front import Front
from analysis.gradients import gradient_quantities
from analysis.held_out import held_out_by_run
from analysis.quantities import quantities_of
from analysis.reading import Measured
from analysis.single_model import balanced_index
from analysis.yardstick import Yardstick, best_known_set, yardstick_of
from benchmarks.records import STEPS_FILE, CheckpointRecord, RecordError, read_steps

EARLY, STEP_MEAN, STEP_LAST = "early:", "step_mean:", "step_last:"
SHARE_GAIN, MEAN_GAIN, DROP = "share_gain_", "mean_gain", "drop_from_peak"
HELD_OUT = ("held_out_", "frechet", "diversity")
UTILITY = "expected_utility"
WORDS = {
    "share_of_true_hypervolume": "share of the true hypervolume",
    "var_cosine": "variance of cosines",
    "min_cosine": "least cosine",
    "implicit_std": "deviation of the implicit reward",
    "fallbacks": "clipped updates",
}
WORDS_BEFORE = {
    EARLY: "{} at the first checkpoint",
    STEP_MEAN: "{}, mean over steps",
    STEP_LAST: "{} at the end",
    SHARE_GAIN: "gain in {}",
    "held_out_change_": "change of held-out {}",
    "plain_sum_": "{}, of the plain sum",
    "spearman_": "rank correlation of {}",
    "slider_range_": "slider's range in {}",
    "slider_smoothness_": "slider's smoothness in {}",
}
WORDS_BEHIND = {"_solved": "at solve steps", "_between": "between solves"}


def run_quantity(one: Measured, name: str) -> float:
    """Return a quantity of a run.

    Args:
        one: The run.
        name: See the head of this module.

    Raises:
        RecordError: If the run does not have it.
    """
    for prefix in (STEP_MEAN, STEP_LAST):
        if name.startswith(prefix):
            numbers = _step_numbers(one, name.removeprefix(prefix))
            return float(np.mean(numbers)) if prefix == STEP_MEAN else numbers[-1]
    if not one.trained:
        raise RecordError(f"{one.run.folder}: expected a checkpoint of a trained model, found none")
    if name == DROP:
        values = [checkpoint_quantities(one, checkpoint)[UTILITY] for checkpoint in one.trained]
        return values[-1] - max(values)
    checkpoint = one.trained[0] if name.startswith(EARLY) else one.trained[-1]
    wanted = name.removeprefix(EARLY)
    if name.startswith(EARLY) and len(one.trained) < 2:
        raise RecordError(f"{one.run.folder}: expected a checkpoint before the last for {name}, found none")
    found = gradient_quantities(one.gradients) if _of_gradients(wanted) else checkpoint_quantities(one, checkpoint)
    if wanted.startswith(HELD_OUT):
        found = held_out_by_run([one])[one.run.folder].get(checkpoint.step, {})
    if wanted not in found:
        raise RecordError(f"{one.run.folder}: expected {wanted} in its records, found none")
    return found[wanted]


def in_words(name: str) -> str:
    """Return a quantity's name for readers.

    Example:
        >>> in_words("share_gain_text"), in_words("conflict_rate_solved"), in_words("early:mean_gain")
        ('gain in text', 'conflict rate at solve steps', 'mean gain at the first checkpoint')
        >>> in_words("spearman_first"), in_words("plain_sum_var_cosine_solved")
        ('rank correlation of first', 'variance of cosines at solve steps, of the plain sum')
    """
    for prefix, words in WORDS_BEFORE.items():
        if name.startswith(prefix):
            return words.format(in_words(name.removeprefix(prefix)))
    for suffix, words in WORDS_BEHIND.items():
        if name.endswith(suffix):
            return f"{in_words(name.removesuffix(suffix))} {words}"
    return WORDS.get(name, name.replace("_", " "))


def _of_gradients(name: str) -> bool:
    return "cosine" in name or "conflict_rate" in name or name.startswith("measured_steps")


def checkpoint_quantities(one: Measured, checkpoint: CheckpointRecord) -> dict[str, float]:
    """Return what is known of a run at a checkpoint, without gradients and held-out measures."""
    yardstick = yardstick_of(one.run.record.benchmark)
    targets, _ = best_known_set(yardstick, list(one.fronts.values()))
    found = quantities_of(one, checkpoint, yardstick, targets)
    return found if one.base is None else found | gain_shares(one.fronts[checkpoint.step], one.base, yardstick)


def gain_shares(front: Front, base: np.ndarray, yardstick: Yardstick) -> dict[str, float]:
    """Return `share_gain_<reward>` and `mean_gain` of a front's balanced point; nothing where it has none.

    Args:
        front: The points.
        base: The base model [K], more is better.
        yardstick: Names and bounds of the rewards.
    """
    index = balanced_index(front)
    if index is None:
        return {}
    shares = (front.points[index] - base) / np.diff(yardstick.bounds, axis=1)[:, 0]
    names = [SHARE_GAIN + reward.name for reward in yardstick.rewards]
    return dict(zip(names, shares.tolist(), strict=True)) | {MEAN_GAIN: float(shares.mean())}


def curve(one: Measured, quantity: str, cost: str) -> tuple[list[float], list[float]]:
    """Return what a run had spent and reached at its checkpoints, the base model first at cost 0.

    Args:
        one: The run.
        quantity: `mean_gain` or `expected_utility`, which the base model has too.
        cost: `velocity_evaluations`, `reward_calls` or `seconds`.

    Raises:
        RecordError: If the base model was not evaluated.
    """
    checkpoints = sorted(one.run.record.checkpoints, key=lambda checkpoint: checkpoint.step)
    if not checkpoints or checkpoints[0].step != 0:
        raise RecordError(f"{one.run.folder}: expected an evaluation of the base model, found none")
    values = [checkpoint_quantities(one, checkpoint)[quantity] for checkpoint in checkpoints]
    return [float(vars(checkpoint)[cost]) for checkpoint in checkpoints], values


def first_reached(costs: Sequence[float], values: Sequence[float], level: float) -> float | None:
    """Return the cost at which a curve first reaches a level, interpolated, None if it never does.

    Example:
        >>> first_reached([0.0, 10.0, 20.0], [0.0, 1.0, 3.0], 2.0), first_reached([0.0, 10.0], [0.0, 1.0], 2.0)
        (15.0, None)
        >>> first_reached([0.0, 10.0], [1.0, 2.0], 0.5)
        0.0
    """
    for i, value in enumerate(values):
        if value >= level:
            if i == 0:
                return costs[0]
            share = (level - values[i - 1]) / (value - values[i - 1])
            return costs[i - 1] + share * (costs[i] - costs[i - 1])
    return None


def _step_numbers(one: Measured, name: str) -> list[float]:
    path = one.run.folder / STEPS_FILE
    numbers = [float(row[name]) for row in read_steps(path) if row.get(name) is not None]
    if not numbers:
        raise RecordError(f"{path}: expected {name} in its steps, found none")
    return numbers
