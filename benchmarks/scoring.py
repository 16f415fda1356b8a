"""Rewards applied to samples, and the checks of what they return."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.base import Reward, RewardError
from benchmarks.records import UsageError


def _scored(reward: Reward, samples: Tensor, prompts: Sequence[str]) -> Tensor:
    try:
        column: Any = reward(samples, prompts)
    except UsageError:
        # A fault with a line of its own: a prompt outside the language, a missing font, damaged weights.
        raise
    except Exception as error:
        # Rewards are other people's code: whatever they raise ends the run with one line that names the reward.
        raise RewardError(f"reward {reward.name}: failed with {type(error).__name__}: {error}") from error
    if not isinstance(column, Tensor) or not column.is_floating_point():
        found = f"a tensor of {column.dtype}" if isinstance(column, Tensor) else type(column).__name__
        raise RewardError(f"reward {reward.name}: expected a tensor of floating-point scores, found {found}")
    return column


def score(rewards: Sequence[Reward], samples: Tensor, prompts: Sequence[str]) -> Tensor:
    """Return the rewards [B, K] of samples [B, ...], on the CPU.

    Raises:
        RewardError: If a reward fails or returns anything but finite floating-point scores or NaN of shape [B].
    """
    columns = []
    for reward in rewards:
        column = _scored(reward, samples, prompts)
        if tuple(column.shape) != (len(prompts),):
            raise RewardError(
                f"reward {reward.name}: expected shape ({len(prompts)},), one score a sample, "
                f"found {tuple(column.shape)}"
            )
        columns.append(column.detach().cpu())
    if not columns:
        return torch.zeros(len(prompts), 0, dtype=samples.dtype)
    scores = torch.stack(columns, dim=1)
    infinite = scores.isinf()
    if infinite.any():
        row, column_at = infinite.nonzero()[0].tolist()
        raise RewardError(
            f"reward {rewards[column_at].name}: expected finite scores or NaN, "
            f"found {float(scores[row, column_at])} for prompt {prompts[row]!r}"
        )
    return scores


def orientation(rewards: Sequence[Reward]) -> Tensor:
    """Return +1 or -1 for each reward [K]: what turns scores into numbers of which more is better."""
    return torch.tensor([1.0 if reward.higher_is_better else -1.0 for reward in rewards])


def check_applies(rewards: Sequence[Reward], scores: Tensor) -> None:
    """Check that every reward applies to some sample of scores [B, K].

    Raises:
        RewardError: If a column is NaN throughout.
    """
    for k, reward in enumerate(rewards):
        if not bool(scores[:, k].isfinite().any()):
            raise RewardError(f"reward {reward.name}: expected a score for at least one prompt, found NaN everywhere")
