"""A held-out judge of object scenes, independent of the detector that is trained on: it shows reward hacking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from benchmarks.rewards.images import check_pictures
from benchmarks.tasks.shapes.language import COLORS, Sign, parse
from benchmarks.tasks.shapes.second_look import LEAST_GAIN, MOST_REST, RADII, SPOT, SecondLook, agrees


@dataclass(frozen=True)
class SecondDetector:
    """1 if a picture shows exactly what its prompt says and nothing else, else 0; NaN for prompts that ask for a sign.

    The mean is the share of exact scenes.
    """

    name: str = "second_detector"
    unit: str = "share of exact scenes"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    @cached_property
    def look(self) -> SecondLook:
        """The detector; its templates are drawn when the first picture is judged."""
        return SecondLook()

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, 32, 32] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures.
            PromptError: If a prompt is none of the image world.
        """
        check_pictures(samples, self.name)
        asked_for = {prompt: parse(prompt) for prompt in dict.fromkeys(prompts)}
        scenes = [(i, s) for i, prompt in enumerate(prompts) if not isinstance(s := asked_for[prompt], Sign)]
        scores = torch.full((len(prompts),), torch.nan)
        if scenes:
            sights = self.look(samples[[i for i, _ in scenes]])
            for (i, scene), sight in zip(scenes, sights, strict=True):
                scores[i] = float(agrees(sight, scene))
        return scores.to(samples.device)

    def describe(self) -> Mapping[str, Any]:
        """Return the colors and the detector's constants."""
        return {
            "method": "matching pursuit of shapes on color maps",
            "colors": {name: list(color) for name, color in COLORS.items()},
            "radii": [RADII[0], RADII[-1]],
            "least_gain": LEAST_GAIN,
            "most_rest": MOST_REST,
            "spot": SPOT,
        }
