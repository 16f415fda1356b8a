"""How well a picture compresses: minus the size of its JPEG file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.rewards.images import check_pictures

QUALITY = 95
SUBSAMPLING = "4:2:0"
"""Color at half the resolution: what Pillow does unasked, hence what DDPO measured; stated so that it stays."""


def jpeg_bytes(pictures: Tensor) -> list[int]:
    """Return the size in bytes of the JPEG file of each RGB picture [B, 3, H, W] in [0, 1].

    Levels are rounded to 8 bits. The file is the same wherever Pillow brings the same libjpeg-turbo.

    Example:
        >>> flat, striped = torch.zeros(2, 3, 32, 32)
        >>> striped[:, ::2] = 1
        >>> first, second = jpeg_bytes(torch.stack([flat, striped]))
        >>> first < second
        True
    """
    levels = (255 * pictures.detach()).round().clamp(0, 255).to(device="cpu", dtype=torch.uint8)
    return [_encoded(picture) for picture in levels.permute(0, 2, 3, 1).contiguous().numpy()]


def _encoded(picture: np.ndarray) -> int:
    file = BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=QUALITY, subsampling=SUBSAMPLING)
    return file.tell()


@dataclass(frozen=True)
class Compressibility:
    """Minus the size of the JPEG file in kB (1000 bytes), for pictures of any size and whatever the prompt.

    Smooth and plain pictures score high; edges, stripes and noise cost. The file of a 32 x 32 picture is mostly its
    tables, the same for every picture, and they are left in: a constant changes neither ranks nor advantages, and the
    score keeps the meaning it has in the source.

    Source:
        Black et al. 2023, "Training Diffusion Models with Reinforcement Learning" (DDPO): minus the size of the
        file in kB as a reward for compressibility, JPEG at quality 95 as in its published code.
    """

    name: str = "compressibility"
    unit: str = "-kB of JPEG"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, 0.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W].

        Raises:
            RewardError: If the samples are no pictures.
        """
        check_pictures(samples, self.name, size=None)
        return -samples.new_tensor(jpeg_bytes(samples)) / 1000

    def describe(self) -> Mapping[str, Any]:
        """Return how the file is made."""
        return {"format": "JPEG", "quality": QUALITY, "subsampling": SUBSAMPLING, "unit_bytes": 1000}
