"""The last checkpoint of each run that is compared, prompt by prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.census import Census, Samples
from analysis.front import Array, Front, front_of
from analysis.matching import Match
from analysis.prompt_values import PromptValues, prompt_values_of
from analysis.yardstick import Yardstick, yardstick_of
from benchmarks.records import EVALUATIONS_FILE, Columns, RecordError, StoredRun, read_columns, reward_columns

SAME_NOISE = 1e-3


@dataclass(frozen=True, eq=False)
class State:
    """The last checkpoint of a run.

    Attributes:
        run: The run.
        front: Its points.
        rewards: The samples behind them.
        held_out: The same in held-out rewards, None where the benchmark has none.
        base: Raw rewards of the base model's samples [rows, K], in a fixed order; no rows where it was not evaluated.
        samples: What every point was measured on.
    """

    run: StoredRun
    front: Front
    rewards: PromptValues
    held_out: PromptValues | None
    base: Array
    samples: Samples


@dataclass(frozen=True, eq=False)
class Sides:
    """The states on both sides of a match, by the same seeds and on the same prompts."""

    match: Match
    yardstick: Yardstick
    first: Mapping[int, State]
    second: Mapping[int, State]

    @property
    def n_prompts(self) -> int:
        """Prompts that every run was evaluated on."""
        return len(next(iter(self.first.values())).rewards.prompts)

    def other_noise(self) -> list[int]:
        """Return the seeds whose two runs did not meet the same noise."""
        return [seed for seed, state in self.first.items() if not same_noise(state.base, self.second[seed].base)]


def read_sides(match: Match) -> Sides:
    """Read the last checkpoints of a match.

    Raises:
        RecordError: If `evaluations.parquet` of a run is missing or damaged, lacks the checkpoint, or has other
            prompts than those of the others.
    """
    first = {seed: read_state(run) for seed, run in match.first.items()}
    second = {seed: read_state(run) for seed, run in match.second.items()}
    expected, *others = [*first.values(), *second.values()]
    for state in others:
        if not np.array_equal(state.rewards.prompts, expected.rewards.prompts):
            raise RecordError(
                f"{state.run.folder / EVALUATIONS_FILE}: expected the {len(expected.rewards.prompts)} prompts of "
                f"{expected.run.folder / EVALUATIONS_FILE}, found others: {len(state.rewards.prompts)}"
            )
        if state.samples != expected.samples:
            raise RecordError(
                f"{state.run.folder / EVALUATIONS_FILE}: expected the {expected.samples.count} samples a point of "
                f"{expected.run.folder / EVALUATIONS_FILE}, found others: {state.samples.count}"
            )
    return Sides(match, yardstick_of(match.benchmark), first, second)


def read_state(run: StoredRun) -> State:
    """Read the last checkpoint of a run.

    Raises:
        RecordError: If `evaluations.parquet` is missing or damaged, or lacks the checkpoint.
    """
    path, record = run.folder / EVALUATIONS_FILE, run.record
    evaluations = read_columns(path)
    rewards, held_out = record.benchmark.rewards, record.benchmark.held_out
    step = max(checkpoint.step for checkpoint in record.checkpoints)
    census = Census()
    try:
        census.add(evaluations)
        return State(
            run,
            front_of(evaluations, rewards, step),
            prompt_values_of(evaluations, rewards, step),
            prompt_values_of(evaluations, held_out, step, "held_out") if held_out else None,
            _base(evaluations, reward_columns(rewards)),
            census.samples(),
        )
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error


def same_noise(first: Array, second: Array) -> bool:
    """Return whether the samples [rows, K] of two base models started from the same noise.

    They do if in every reward half of the samples agree within a thousandth of its spread: another machine may
    change some, another noise changes all. Nothing is known, and so nothing contradicts it, where there are no rows
    or not as many.

    Example:
        >>> same_noise(np.array([[0.0], [1.0]]), np.array([[0.0], [1.2]]))
        True
        >>> same_noise(np.array([[0.0], [1.0]]), np.array([[0.5], [1.2]]))
        False
    """
    if first.shape != second.shape or first.size == 0:
        return True
    gaps = np.abs(first - second)
    applies = ~np.isnan(gaps)
    alike = applies & (gaps <= SAME_NOISE * np.nanstd(first, axis=0))
    return bool((2 * alike.sum(axis=0) >= applies.sum(axis=0)).all())


def _base(evaluations: Columns, columns: Sequence[str]) -> Array:
    here = np.flatnonzero(evaluations["step"] == 0)
    order = np.lexsort([evaluations[name][here] for name in ("sample", "prompt_id", "point")])
    rows = here[order]
    return np.stack([evaluations[name][rows].astype(np.float64) for name in columns], axis=1)
