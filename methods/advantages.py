"""From rewards to advantages: normalization within groups, per reward, with rewards that may not apply.

Rewards [B, K] hold NaN where a reward does not apply to a sample; such entries take no part in any mean and have
advantage 0. A group without spread has advantage 0.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

EPSILON = 1e-4
"""Added to every standard deviation. Source: DiffusionNFT, Flow-GRPO and ParetoSlider, released code."""


def group_mean(values: Tensor, groups: Tensor) -> Tensor:
    """Return for every row the mean of its group over the entries that are not NaN, NaN where it has none.

    Args:
        values: [B, K], NaN = left out.
        groups: Group number of each row [B], from 0.

    Returns:
        [B, K], the group's mean in each of its rows.

    Example:
        >>> group_mean(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1])).flatten().tolist()
        [2.0, 2.0, 5.0]
    """
    missing = values.isnan()
    n_groups = int(groups.max()) + 1
    sums = values.new_zeros(n_groups, values.shape[1]).index_add_(0, groups, values.masked_fill(missing, 0.0))
    counts = torch.zeros_like(sums).index_add_(0, groups, (~missing).to(values.dtype))
    return (sums / counts)[groups]


def group_std(values: Tensor, groups: Tensor) -> Tensor:
    """Return for every row the population standard deviation of its group over the entries that are not NaN.

    Example:
        >>> group_std(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1])).flatten().tolist()
        [1.0, 1.0, 0.0]
    """
    return group_mean((values - group_mean(values, groups)).square(), groups).sqrt()


def _standardized(rewards: Tensor, groups: Tensor, *, over_batch: bool) -> Tensor:
    # float64: rewards may sit on a large offset, and the subtraction must not eat the spread.
    values = rewards.double()
    centered = values - group_mean(values, groups)
    whole = torch.zeros_like(groups)
    std = group_std(values, whole) if over_batch else group_mean(centered.square(), groups).sqrt()
    return torch.nan_to_num(centered / (std + EPSILON), nan=0.0)


def _mixing_weights(weights: Tensor | None, rewards: Tensor, who: str) -> Tensor:
    if weights is None:
        raise ValueError(f"{who} mixes rewards before the gradient and needs weights, found a weighting without them")
    return weights.double().expand(rewards.shape)


@dataclass(frozen=True)
class GroupNormalized:
    """Each reward on its own: (R - mean of the group) / (std + 1e-4).

    `over_batch` takes the standard deviation over the whole batch instead of the group; the mean stays the group's.
    With n samples a group's own standard deviation bounds |A| below sqrt(n - 1).

    Source: MARBLE section 2 and ParetoSlider (group), DiffusionNFT (`over_batch`, its global std).

    Example:
        >>> rewards = torch.tensor([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0], [4.0, 40.0]])
        >>> GroupNormalized()(rewards, torch.zeros(4, dtype=torch.long), None)[:, 0].tolist()  # doctest: +ELLIPSIS
        [-1.34152..., -0.44717..., 0.44717..., 1.34152...]
    """

    over_batch: bool = False
    mixes: ClassVar[bool] = False

    def __call__(self, rewards: Tensor, groups: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return advantages [B, K] in the dtype of the rewards; weights are not looked at."""
        return _standardized(rewards, groups, over_batch=self.over_batch).to(rewards.dtype)


@dataclass(frozen=True)
class GDPO:
    """Normalize each reward within its group, mix by the weights, standardize the mix over the batch.

    The mixed advantage stands in all K columns; a reward that does not apply adds nothing to it.

    Source: GDPO as used by ParetoSlider's "single loss" mode: a = sum_k w_k A_k, then (a - mean) / (std + 1e-4).
    """

    mixes: ClassVar[bool] = True

    def __call__(self, rewards: Tensor, groups: Tensor, weights: Tensor | None) -> Tensor:
        """Return advantages [B, K], all columns equal.

        Raises:
            ValueError: If there are no weights.
        """
        mixing = _mixing_weights(weights, rewards, "GDPO")
        mixed = (mixing * _standardized(rewards, groups, over_batch=False)).sum(1, keepdim=True)
        whole = _standardized(mixed, torch.zeros_like(groups), over_batch=False)
        return whole.to(rewards.dtype).expand(rewards.shape)


@dataclass(frozen=True)
class RawMixture:
    """Early scalarization: mix the raw rewards by the weights, then normalize the one number within its group.

    The reward of the largest scale dominates; kept as the baseline it is. The advantage stands in all K columns.

    Source: the multi-reward setting of DiffusionNFT's released code (which also divides by the batch's standard
    deviation: `over_batch`).

    Example:
        >>> rewards = torch.tensor([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0], [4.0, 40.0]])
        >>> weights = torch.tensor([0.7, 0.3]).expand(4, 2)
        >>> RawMixture(False)(rewards, torch.zeros(4, dtype=torch.long), weights)[:, 0].tolist()  # doctest: +ELLIPSIS
        [-1.38476..., 0.28693..., -0.28693..., 1.38476...]
    """

    over_batch: bool = True
    mixes: ClassVar[bool] = True

    def __call__(self, rewards: Tensor, groups: Tensor, weights: Tensor | None) -> Tensor:
        """Return advantages [B, K], all columns equal.

        Raises:
            ValueError: If there are no weights.
        """
        mixing = _mixing_weights(weights, rewards, "RawMixture")
        mixed = (mixing * torch.nan_to_num(rewards, nan=0.0).double()).sum(1, keepdim=True)
        single = _standardized(mixed, groups, over_batch=self.over_batch)
        return single.to(rewards.dtype).expand(rewards.shape)
