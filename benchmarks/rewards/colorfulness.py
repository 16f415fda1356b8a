"""How colorful a picture is, by the opponent-color metric of Hasler and Suesstrunk."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.rewards.images import check_pictures

MEAN_FACTOR = 0.3
HIGHEST = 255 * math.sqrt((1 + 0.5**2) * (1 + MEAN_FACTOR**2))
"""Least upper bound of M. Opponent colors (rg, yb) lie within the norm 255 sqrt(1.25), which red, green, magenta and
cyan reach; sqrt(norm^2 - m^2) + 0.3 m, m being the norm of the mean, then peaks at norm * sqrt(1 + 0.3^2)."""


def colorfulness(pictures: Tensor) -> Tensor:
    """Return the colorfulness M [B] of RGB pictures [B, 3, H, W] in [0, 1].

    With rg = R - G and yb = (R + G) / 2 - B on the scale 0..255, means m and variances v over the pixels (divided by
    their number), M = sqrt(v_rg + v_yb) + 0.3 sqrt(m_rg^2 + m_yb^2). 0 for gray pictures.

    Source:
        Hasler and Suesstrunk 2003, "Measuring colourfulness in natural images": the metric that is computed
        directly in sRGB.

    Example:
        >>> red_and_gray = torch.tensor([[1.0, 0.5], [0.0, 0.5], [0.0, 0.5]]).reshape(1, 3, 1, 2)
        >>> round(float(colorfulness(red_and_gray)), 3)
        185.314
    """
    red, green, blue = (255 * pictures).flatten(2).unbind(1)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], dim=1)
    variance, mean = torch.var_mean(opponents, dim=2, correction=0)
    return variance.sum(1).sqrt() + MEAN_FACTOR * mean.square().sum(1).sqrt()


@dataclass(frozen=True)
class Colorfulness:
    """Colorfulness of a picture of any size, whatever the prompt; saturated, differing colors score high."""

    name: str = "colourfulness"
    unit: str = "Hasler-Suesstrunk M"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, HIGHEST)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W].

        Raises:
            RewardError: If the samples are no pictures.
        """
        check_pictures(samples, self.name, size=None)
        return colorfulness(samples)

    def describe(self) -> Mapping[str, Any]:
        """Return the metric and its constants."""
        return {"metric": "Hasler and Suesstrunk 2003, sRGB", "scale": 255, "mean_factor": MEAN_FACTOR}
