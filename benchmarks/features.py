"""The features in which samples are compared with real data and with each other; the distances are in `analysis.drift`.

The protocol is `benchmarks.base.Features`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.draws import derived_seed
from benchmarks.rewards.alignment import WEIGHTS
from benchmarks.rewards.images import check_pictures
from benchmarks.tasks.shapes.contrastive import ContrastiveModel, load_contrastive
from benchmarks.tasks.shapes.language import parse
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.weights import listed_hashes

CHUNK = 256


@dataclass(frozen=True)
class AlignmentFeatures:
    """Means over the picture of an early map of the image-text model's picture tower; real data are renderings.

    Attributes:
        real_per_prompt: Renderings of each prompt.
        folder: Folder of the image-text model; it is read at the first use.
        name: What the features are called.
    """

    real_per_prompt: int = 32
    folder: Path = WEIGHTS
    name: str = "alignment features"

    @property
    def dimensions(self) -> int:
        """D."""
        return self._model.size.features

    @torch.no_grad()
    def __call__(self, samples: Tensor) -> Tensor:
        """Return the features [B, D] of pictures [B, 3, 32, 32] in [0, 1], in the type of the pictures.

        Raises:
            RewardError: If the samples are no pictures.
            UsageError: If the model's files are missing or damaged.
        """
        check_pictures(samples, self.name)
        model = self._model.to(samples.device)
        parts = [model.features(part) for part in torch.split(samples, CHUNK)]
        return torch.cat(parts).to(samples.dtype)

    def real(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the features [N, D] of renderings, and the number [N] of each one's prompt.

        Raises:
            PromptError: If a prompt describes no scene.
            UsageError: If the model's files are missing or damaged.
        """
        scenes = [parse(prompt) for prompt in prompts for _ in range(self.real_per_prompt)]
        pictures = Renderer()(scenes, np.random.default_rng(derived_seed("real pictures")))
        return self(pictures), torch.arange(len(prompts)).repeat_interleave(self.real_per_prompt)

    @cached_property
    def _model(self) -> ContrastiveModel:
        return load_contrastive(self.folder)

    def describe(self) -> Mapping[str, Any]:
        """Return the layer, the real data, and the SHA-256 of the model's files as their list has them.

        Raises:
            UsageError: If the list is missing or damaged.
        """
        return {
            "layer": "mean of the first map at a quarter of the resolution",
            "real": f"{self.real_per_prompt} renderings of each prompt",
            "sha256": listed_hashes(self.folder),
        }
