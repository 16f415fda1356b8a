"""How well a picture fits its prompt: the cosine of their embeddings in a CLIP model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.rewards.clip_model import CLIP_L14, Clip, check_scale, clip_cosines


@dataclass(frozen=True)
class ClipScore:
    """Scale times the cosine of the embeddings of picture and prompt.

    A prompt longer than the model reads (77 tokens for CLIP) is cut.

    Attributes:
        model: Folder or repository of a `CLIPModel`; it is loaded at the first score.
        revision: Commit, tag or branch of the repository.
        scale: > 0. Advantages do not depend on it; weighted sums of raw rewards do. Settings of the literature: 1, the
            cosine; 100, as tools report it; 2.5 in the source, which besides cuts at 0.
        name: Name of the reward.

    Source:
        Hessel et al. 2021, "CLIPScore", without the cut at 0.
    """

    model: str | Path = CLIP_L14
    revision: str | None = None
    scale: float = 1.0
    name: str = "clip_score"
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
