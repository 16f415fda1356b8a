"""What rewards that live elsewhere share: the check of samples, their journey in batches, the scores' return."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.images import check_pictures
from benchmarks.rewards.wire import quantized

Ask = Callable[[np.ndarray, Sequence[str]], Sequence[float]]
"""From samples uint8 [b, ...] and their b prompts to b scores, NaN where the reward does not apply."""


def check_visual(samples: Tensor, reward: str) -> None:
    """Check that samples are pictures [B, 3, H, W] or videos [B, F, 3, H, W], finite, in [0, 1].

    Raises:
        RewardError: If they are not, in one line.
    """
    if samples.ndim == 5 and samples.shape[1] > 0:
        check_pictures(samples.flatten(0, 1), reward, size=None)
    else:
        check_pictures(samples, reward, size=None)


def check_settings(reward: str, scale: float, batch: int, timeout: float) -> None:
    """Check what every reward that lives elsewhere is told.

    Raises:
        ValueError: If a number is out of range.
    """
    if not math.isfinite(scale) or scale == 0:
        raise ValueError(f"reward {reward}: scale must be finite and not 0, found {scale}")
    if batch < 1:
        raise ValueError(f"reward {reward}: batch must be at least 1, found {batch}")
    if not 0 < timeout < math.inf:
        raise ValueError(f"reward {reward}: timeout must be positive and finite, found {timeout}")


def scored_in_batches(
    ask: Ask, samples: Tensor, prompts: Sequence[str], *, reward: str, batch: int, scale: float
) -> Tensor:
    """Return scale * score [B] of samples [B, ...], asked for `batch` at a time, in order.

    The scores are float32, or float64 for samples of that type: half precision would round them.

    Raises:
        RewardError: If there is not one prompt a sample, or the samples are no pictures and no videos.
    """
    check_visual(samples, reward)
    if len(samples) != len(prompts):
        raise RewardError(f"reward {reward}: expected one prompt a sample, found {len(prompts)} for {len(samples)}")
    scores: list[float] = []
    for first in range(0, len(prompts), batch):
        part = slice(first, first + batch)
        scores += ask(quantized(samples[part]), prompts[part])
    dtype = torch.promote_types(samples.dtype, torch.float32)
    return (torch.tensor(scores, dtype=torch.float64) * scale).to(samples.device, dtype)
