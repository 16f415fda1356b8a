"""HPS v2.1: a CLIP model tuned on which of several pictures people prefer for a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.rewards.clip_model import Clip, check_scale, clip_cosines


@dataclass(frozen=True)
class HPSv21:
    """Scale times the cosine of the embeddings of picture and prompt.

    HPS v2.1 is published as a checkpoint of open_clip that unpickles, which this project never loads.
    `benchmarks.rewards.open_clip` says how the folder that this reward reads is made from it.

    Attributes:
        model: The folder, or a repository of the same content: a `CLIPModel` with the weights of HPS v2.1.
        revision: Commit, tag or branch of the repository.
        scale: > 0. 100 gives the logit; 1 the cosine, which is what DiffusionNFT's tables show.
        name: Name of the reward.

    Source:
        Wu et al. 2023, "Human Preference Score v2", in its version 2.1.
    """

    model: str | Path
    revision: str | None = None
    scale: float = 100.0
    name: str = "hps_v2.1"
    unit: str = "scaled cosine similarity"
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        """Check the scale.

        Raises:
            UsageError: If it is not positive and finite.
        """
        check_scale(self.name, self.scale)

    @property
    def range(self) -> tuple[float | None, float | None]:
        """The scale, negative and positive."""
        return -self.scale, self.scale

    @cached_property
    def clip(self) -> Clip:
        """The model."""
        return Clip(self.model, self.revision)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures, or the model cannot be loaded.
        """
        return self.scale * clip_cosines(self.name, self.clip, samples, prompts)

    def describe(self) -> Mapping[str, Any]:
        """Return the model's identity and the scale."""
        return {**self.clip.describe(), "scale": self.scale}
