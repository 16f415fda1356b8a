"""How sharp a picture is: the variance of the Laplacian of its luminance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.images import check_pictures

LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the luma of ITU-R BT.601."""
HIGHEST = float((4 * 255) ** 2)
"""Reached by a black and white checkerboard of single pixels, where the Laplacian alternates between +-4 * 255."""


def sharpness(pictures: Tensor) -> Tensor:
    """Return the variance [B] of the Laplacian of RGB pictures [B, 3, H, W] in [0, 1], on the scale 0..255.

    Blurred edges have small second differences, crisp ones large. Pixel noise has large ones too: the score tells
    sharp from blurred among pictures of like noise, and is no measure of quality alone.

    Source:
        Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy: a comparative study"; compared
        with other measures of focus by Pertuz et al. 2013. The Laplacian is the five-point one, taken where all its
        points lie inside the picture: an invented frame would count as an edge.

    Example:
        >>> dot = torch.zeros(1, 3, 5, 5)
        >>> dot[..., 2, 2] = 1 / 255
        >>> round(float(sharpness(dot)), 4)
        2.2222
    """
    weights = pictures.new_tensor(LUMINANCE)
    luminance = 255 * torch.einsum("bchw,c->bhw", pictures, weights)
    inner = luminance[:, 1:-1, 1:-1]
    upright = luminance[:, :-2, 1:-1] + luminance[:, 2:, 1:-1]
    level = luminance[:, 1:-1, :-2] + luminance[:, 1:-1, 2:]
    return (upright + level - 4 * inner).flatten(1).var(dim=1, correction=0)


@dataclass(frozen=True)
class Sharpness:
    """Sharpness of a picture of at least 3 x 3 pixels, whatever the prompt."""

    name: str = "sharpness"
    unit: str = "variance of the Laplacian"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, HIGHEST)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W].

        Raises:
            RewardError: If the samples are no pictures, or too small to have an inner pixel.
        """
        check_pictures(samples, self.name, size=None)
        if min(samples.shape[2:]) < 3:
            raise RewardError(
                f"reward {self.name}: expected pictures of at least 3 x 3 pixels, found {list(samples.shape)}"
            )
        return sharpness(samples)

    def describe(self) -> Mapping[str, Any]:
        """Return the metric and its constants."""
        return {"metric": "variance of the five-point Laplacian", "scale": 255, "luminance": list(LUMINANCE)}
