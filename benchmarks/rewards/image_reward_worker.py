"""ImageReward, for an environment of its own: the package pins old versions of others and brings its own BLIP.

Nothing here is imported by the rest of the project, and nothing of the project is imported here, for its packages are
not in that environment: the isolated placement names `ImageRewardScore`, and its worker builds it where the package
`image-reward` is installed. The package downloads and unpickles its weights by itself; that happens in that environment
alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class ImageRewardScore:
    """The preference for a picture under its prompt, about standard normal over the pictures it was trained on.

    Attributes:
        model: Name of the model to the package.
        name: Name of the reward.

    Source:
        Xu et al. 2023, "ImageReward".
    """

    model: str = "ImageReward-v1.0"
    name: str = "image_reward"
    unit: str = "standardized preference"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)

    @cached_property
    def _scorer(self) -> Any:
        try:
            package = import_module("ImageReward")
        except ImportError as error:
            raise RuntimeError(
                f"{self.name}: expected the package image-reward in this environment, found: {error}; it pins "
                "old packages, so install it into an environment of its own and run the reward isolated there"
            ) from error
        return package.load(self.model)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            ValueError: If the samples are no pictures.
            RuntimeError: If the package is missing.
        """
        if samples.ndim != 4 or samples.shape[1] != 3:
            raise ValueError(f"{self.name}: expected pictures [B, 3, H, W], found shape {list(samples.shape)}")
        from PIL import Image

        levels = (255 * samples.detach().float()).round().clamp(0, 255).to(device="cpu", dtype=torch.uint8)
        scores = [
            float(self._scorer.score(prompt, Image.fromarray(picture)))
            for prompt, picture in zip(prompts, levels.permute(0, 2, 3, 1).contiguous().numpy(), strict=True)
        ]
        return torch.tensor(scores, dtype=torch.float32, device=samples.device)

    def describe(self) -> Mapping[str, Any]:
        """Return the model's name."""
        return {"model": self.model}
