"""Rewards of videos [B, F, 3, H, W]: a picture's reward frame by frame, how much moves, how steady the content is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.base import Reward, RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.clip_model import CLIP_L14, Clip
from benchmarks.rewards.images import check_pictures


def check_videos(samples: Tensor, reward: str, least: int = 1) -> None:
    """Check that samples are videos: [B, F, 3, H, W], floating point, finite, in [0, 1] up to rounding.

    Args:
        samples: What should be videos.
        reward: Name of the reward, for the message.
        least: Smallest number of frames.

    Raises:
        RewardError: If they are not, in one line.
    """
    if samples.ndim != 5 or samples.shape[1] < least:
        raise RewardError(
            f"reward {reward}: expected videos [B, F, 3, H, W] of at least {least} frames, found {list(samples.shape)}"
        )
    check_pictures(samples.flatten(0, 1), reward, size=None)


def spread(n: int, count: int | None) -> list[int]:
    """Return `count` of the numbers 0..n-1, evenly spread with both ends; all of them if count is None or not below n.

    Example:
        >>> spread(9, 3), spread(5, None), spread(5, 1)
        ([0, 4, 8], [0, 1, 2, 3, 4], [2])
    """
    if count is None or count >= n:
        return list(range(n))
    if count == 1:
        return [n // 2]
    return [round(i * (n - 1) / (count - 1)) for i in range(count)]


@dataclass(frozen=True)
class FrameWise:
    """A reward of pictures applied to the frames of a video: their mean, or the worst frame's.

    Attributes:
        reward: The reward of pictures.
        worst: The worst frame counts instead of the mean; it shows a single broken frame.
        frames: So many frames are scored, evenly spread, the first and the last among them; None scores all.
    """

    reward: Reward
    worst: bool = False
    frames: int | None = None

    def __post_init__(self) -> None:
        """Check the number of frames.

        Raises:
            UsageError: If it is below 1.
        """
        if self.frames is not None and self.frames < 1:
            raise UsageError(f"reward {self.name}: expected at least 1 frame, found {self.frames}")

    @property
    def name(self) -> str:
        """The picture reward's name, and how frames are put together."""
        return f"{self.reward.name}_{'worst' if self.worst else 'mean'}_frame"

    @property
    def unit(self) -> str:
        """The picture reward's."""
        return self.reward.unit

    @property
    def higher_is_better(self) -> bool:
        """The picture reward's."""
        return self.reward.higher_is_better

    @property
    def range(self) -> tuple[float | None, float | None]:
        """The picture reward's."""
        return self.reward.range

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of videos [B, F, 3, H, W] in [0, 1]; NaN where a frame's score is.

        Raises:
            RewardError: If the samples are no videos, or the picture reward fails.
        """
        check_videos(samples, self.name)
        taken = spread(samples.shape[1], self.frames)
        repeated = [prompt for prompt in prompts for _ in taken]
        scores = self.reward(samples[:, taken].flatten(0, 1), repeated).reshape(len(prompts), len(taken))
        if not self.worst:
            return scores.mean(1)
        return scores.amin(1) if self.higher_is_better else scores.amax(1)

    def describe(self) -> Mapping[str, Any]:
        """Return the picture reward's definition and how frames are put together."""
        return {
            "reward": self.reward.name,
            "definition": dict(self.reward.describe()),
            "worst": self.worst,
            "frames": self.frames,
        }


@dataclass(frozen=True)
class MotionAmount:
    """Mean absolute difference of neighboring frames, in [0, 1], whatever the prompt: 0 for a still.

    It counts all change, flicker and cuts too; pair it with `TemporalConsistency`, which a still satisfies best. It
    depends on the frame rate: compare videos of one rate.
    """

    name: str = "motion"
    unit: str = "mean absolute difference"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of videos [B, F, 3, H, W] in [0, 1] of at least 2 frames.

        Raises:
            RewardError: If the samples are no such videos.
        """
        check_videos(samples, self.name, least=2)
        return samples.diff(dim=1).abs().flatten(1).mean(1)

    def describe(self) -> Mapping[str, Any]:
        """Return the metric."""
        return {"metric": "mean absolute difference of neighboring frames"}


@dataclass(frozen=True)
class TemporalConsistency:
    """Mean cosine of the CLIP embeddings of neighboring frames: how steady the video's content is; 1 for a still.

    Embeddings and not pixels: where a sharp thing moves smoothly, each pixel still changes all at once, so differences
    of pixels cannot tell smooth motion from flicker.

    Attributes:
        model: Folder or repository of a `CLIPModel`; it is loaded at the first score.
        revision: Commit, tag or branch of the repository.
        name: Name of the reward.

    Source:
        The background consistency of VBench (Huang et al. 2023), without its second half, which compares every frame
        with the first one and so punishes content that changes slowly on purpose.
    """

    model: str | Path = CLIP_L14
    revision: str | None = None
    name: str = "temporal_consistency"
    unit: str = "cosine similarity"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (-1.0, 1.0)

    @cached_property
    def clip(self) -> Clip:
        """The model."""
        return Clip(self.model, self.revision)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of videos [B, F, 3, H, W] in [0, 1] of at least 2 frames.

        Raises:
            RewardError: If the samples are no such videos, or the model cannot be loaded.
        """
        check_videos(samples, self.name, least=2)
        if len(samples) == 0:
            return samples.new_zeros(0)
        try:
            embedded = self.clip.pictures(samples.flatten(0, 1)).reshape(*samples.shape[:2], -1)
        except UsageError as error:
            raise RewardError(f"reward {self.name}: {error}") from error
        cosines = (embedded[:, 1:] * embedded[:, :-1]).sum(2).clamp(-1, 1)
        return cosines.mean(1).to(torch.promote_types(samples.dtype, torch.float32))

    def describe(self) -> Mapping[str, Any]:
        """Return the model's identity."""
        return dict(self.clip.describe())
