"""What each prompt contributes to the points of a run: sums and numbers of samples, before any mean over prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.front import Array, oriented
from analysis.pseudo_values import Statistic, pseudo_values
from benchmarks.records import Columns, RecordError, RewardRecord, reward_columns


@dataclass(frozen=True, eq=False)
class PromptValues:
    """The samples of one evaluated state by prompt, in oriented rewards: more is better.

    Attributes:
        prompts: Ids of the prompts [P], sorted.
        sums: Sum over the samples of each prompt, point and reward [P, N, K].
        counts: How many samples the reward applies to [P, N, K].
    """

    prompts: npt.NDArray[np.int64]
    sums: Array
    counts: Array

    @property
    def points(self) -> Array:
        """Mean rewards [N, K] over all prompts and samples, as of `analysis.front.front_of`."""
        points: Array = self.sums.sum(axis=0) / self.counts.sum(axis=0)
        return points

    def contributions(self, statistic: Callable[[Array], float]) -> dict[int, float] | None:
        """Return by prompt the pseudo-value of a quantity of the points [N, K].

        A prompt to which no reward applies has none. None if some reward applies to fewer than two prompts, so that
        the quantity is unknown without one of them.

        Example:
            >>> sums = np.array([[[1.0]], [[3.0]], [[0.0]]])
            >>> values = PromptValues(np.array([4, 5, 6]), sums, np.array([[[1.0]], [[1.0]], [[0.0]]]))
            >>> values.contributions(lambda points: float(points[0, 0]))
            {4: 1.0, 5: 3.0}
        """
        applies = self.counts.any(axis=(1, 2))
        sums, counts = self.sums[applies], self.counts[applies]
        if not ((counts > 0.0).sum(axis=0) > 1).all():
            return None
        each: Statistic = lambda stack: np.array([statistic(points) for points in stack])  # noqa: E731
        shares = pseudo_values(sums, counts, each)
        return dict(zip(self.prompts[applies].tolist(), shares.tolist(), strict=True))

    def of_reward(self, reward: int, point: int | None = None) -> "PromptValues":
        """Return the same for one of the rewards, at all points or at one."""
        points = slice(None) if point is None else slice(point, point + 1)
        one = slice(reward, reward + 1)
        return PromptValues(self.prompts, self.sums[:, points, one], self.counts[:, points, one])


def prompt_values_of(
    evaluations: Columns, rewards: Sequence[RewardRecord], step: int, prefix: str = "reward"
) -> PromptValues:
    """Return the samples of a checkpoint by prompt.

    Args:
        evaluations: Columns of `evaluations.parquet`.
        rewards: The rewards to read, [K]; those to minimize are negated.
        step: The checkpoint, in gradient steps of each model.
        prefix: Of their columns: `reward` or `held_out`.

    Raises:
        RecordError: If a column or the step is missing, a reward is infinite, or one applies to no row of a point.

    Example:
        >>> score = RewardRecord(name="score", unit="", higher_is_better=True, range=(0, 1))
        >>> rows = {"step": np.array([5, 5, 5]), "point": np.zeros(3), "prompt_id": np.array([0, 1, 1]),
        ...         "reward_score": np.array([0.25, 0.5, np.nan])}
        >>> found = prompt_values_of(rows, [score], 5)
        >>> found.sums.tolist(), found.counts.tolist(), found.points.tolist()
        ([[[0.25]], [[0.5]]], [[[1.0]], [[1.0]]], [[0.375]])
    """
    columns = reward_columns(rewards, prefix)
    for column in ["step", "point", "prompt_id", *columns]:
        if column not in evaluations:
            raise RecordError(f"expected a column {column}, found {', '.join(map(str, evaluations))}")
    here = np.asarray(evaluations["step"]) == step
    if not here.any():
        raise RecordError(f"expected rows of step {step}, found none")
    prompts, prompt = np.unique(np.asarray(evaluations["prompt_id"])[here], return_inverse=True)
    numbers, point = np.unique(np.asarray(evaluations["point"])[here], return_inverse=True)
    cell, shape = prompt * len(numbers) + point, (len(prompts), len(numbers), len(columns))
    raw = [np.asarray(evaluations[column], dtype=np.float64)[here] for column in columns]
    values = oriented(np.stack(raw, axis=1), rewards)
    if np.isinf(values).any():
        raise RecordError(f"rewards must be finite, or NaN where they do not apply, found inf at step {step}")
    sums, counts = np.zeros(shape), np.zeros(shape)
    for k in range(shape[2]):
        applies = ~np.isnan(values[:, k])
        counts[..., k] = np.bincount(cell[applies], minlength=shape[0] * shape[1]).reshape(shape[:2])
        weights = values[applies, k]
        sums[..., k] = np.bincount(cell[applies], weights, minlength=shape[0] * shape[1]).reshape(shape[:2])
    if not counts.any(axis=0).all():
        raise RecordError(f"every reward must apply to a prompt, found only NaN at step {step}")
    return PromptValues(prompts.astype(np.int64), sums, counts)
