"""PickScore: a CLIP model tuned on which of two pictures people prefer for a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.rewards.clip_model import Clip, check_scale, clip_cosines

PICKSCORE_V1 = "yuvalkirstain/PickScore_v1"
PROCESSOR = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
PHOTOREALISM = "a realistic photograph in 4K, sharp and natural as a camera takes it, of "
"""A prefix that asks for photographs, in our own words; ParetoSlider puts one before the prompts of a reward."""


@dataclass(frozen=True)
class PickScore:
    """Scale times the model's logit: its learned temperature times the cosine of picture and prompt.

    Attributes:
        model: Folder or repository of a `CLIPModel`; it is loaded at the first score.
        revision: Commit, tag or branch of the repository.
        tokenizer: Folder or repository of the tokenizer; None takes the model's own, for folders that hold both.
        tokenizer_revision: Its revision.
        scale: > 0. 1 is PickScore as published. The released codes of DiffusionNFT and ParetoSlider divide by 26: that
            is the setting 1 / 26.
        prefix: Text put before every prompt. ParetoSlider's reward for photorealism has one, for which `PHOTOREALISM`
            is our wording; its own is not quoted here, so scores differ from its.
        name: Name of the reward.

    Source:
        Kirstain et al. 2023, "Pick-a-Pic", PickScore v1. That there is a prefix, and the 26, are from ParetoSlider's
        released code.
    """

    model: str | Path = PICKSCORE_V1
    revision: str | None = None
    tokenizer: str | Path | None = PROCESSOR
    tokenizer_revision: str | None = None
    scale: float = 1.0
    prefix: str = ""
    name: str = "pick_score"
    unit: str = "scaled logit"
    higher_is_better: bool = True
    # The bounds would be the scale times a temperature that only the weights know.
    range: tuple[float | None, float | None] = (None, None)

    def __post_init__(self) -> None:
        """Check the scale.

        Raises:
            UsageError: If it is not positive and finite.
        """
        check_scale(self.name, self.scale)

    @cached_property
    def clip(self) -> Clip:
        """The model."""
        return Clip(self.model, self.revision, self.tokenizer, self.tokenizer_revision)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures, or the model cannot be loaded.
        """
        cosines = clip_cosines(self.name, self.clip, samples, [self.prefix + prompt for prompt in prompts])
        if len(samples) == 0:
            return cosines
        temperature: Tensor = self.clip.network.logit_scale.exp().to(cosines)
        return self.scale * temperature * cosines

    def describe(self) -> Mapping[str, Any]:
        """Return the identity of model and tokenizer, the scale and the prefix."""
        return {**self.clip.describe(), "scale": self.scale, "prefix": self.prefix}
