"""How much of the source picture an edit keeps: structural similarity of sample and source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from benchmarks.base import RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.clip_images import resized
from benchmarks.rewards.images import check_pictures
from benchmarks.tasks.edits import Sources

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03


def gaussian_window(size: int = WINDOW, sigma: float = SIGMA) -> Tensor:
    """Return Gaussian weights [size] in float64 that sum to 1.

    Example:
        >>> [round(weight, 4) for weight in gaussian_window(3, 1.0).tolist()]
        [0.2741, 0.4519, 0.2741]
    """
    offsets = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = (-offsets.square() / (2 * sigma**2)).exp()
    return weights / weights.sum()


def ssim(pictures: Tensor, others: Tensor) -> Tensor:
    """Return the structural similarity [B] in [-1, 1] of pictures [B, C, H, W] in [0, 1]; 1 if they are equal.

    The mean over channels and over all places where the window lies inside the picture.

    Args:
        pictures: Pictures of at least 11 x 11 pixels.
        others: Pictures of the same shape.

    Source:
        Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity": a Gaussian window
        of 11 x 11 with standard deviation 1.5, K1 = 0.01, K2 = 0.03. Deviations: color channels instead of luminance
        alone; differences are taken in float64, because variances as differences of means lose digits.

    Example:
        >>> gray = torch.full((1, 3, 12, 12), 0.5)
        >>> ssim(gray, gray).item(), round(ssim(gray, 0 * gray).item(), 6)
        (1.0, 0.0004)
    """
    x, y = pictures.double(), others.double()
    weights = gaussian_window().to(x.device)
    mean_x, mean_y = _blurred(x, weights), _blurred(y, weights)
    var_x = _blurred(x * x, weights) - mean_x * mean_x
    var_y = _blurred(y * y, weights) - mean_y * mean_y
    covariance = _blurred(x * y, weights) - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x * mean_x + mean_y * mean_y + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return (luminance * structure).flatten(1).mean(1).to(torch.promote_types(pictures.dtype, torch.float32))


def _blurred(pictures: Tensor, weights: Tensor) -> Tensor:
    # The window is a product of two lines.
    planes = pictures.flatten(0, 1)[:, None]
    blurred = conv2d(conv2d(planes, weights.reshape(1, 1, -1, 1)), weights.reshape(1, 1, 1, -1))
    return blurred.reshape(*pictures.shape[:2], *blurred.shape[2:])


def source_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every PNG below a folder, by its path in it; none for a folder that is not there.

    Raises:
        UsageError: If a file cannot be read.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    # A name with a colon or a line break is one that no editing prompt can tell.
    return Sources(folder).hashes([f"{name}: keep" for name in names if not {":", "\n", "\\"} & set(name)])


@dataclass(frozen=True)
class Preservation:
    """Structural similarity of a sample and the source picture of its editing prompt, `FILE.png: instruction`.

    A source of another size is resized to the sample's. A sample that leaves its source unchanged scores 1: a reward to
    trade off against one for the edit.

    Attributes:
        folder: Folder of the source pictures.
        name: Name of the reward.

    Source:
        One half of the source preservation of ParetoSlider's reward server, the mean of SSIM and 1 - LPIPS. LPIPS is
        left out: its networks come with torchvision, as pickled weights.
    """

    folder: Path
    name: str = "preservation"
    unit: str = "structural similarity"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (-1.0, 1.0)

    @cached_property
    def sources(self) -> Sources:
        """The source pictures."""
        return Sources(self.folder)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures of at least 11 x 11 pixels, a prompt is no editing prompt, or
                its source cannot be read.
        """
        check_pictures(samples, self.name, size=None)
        if min(samples.shape[2:]) < WINDOW:
            raise RewardError(
                f"reward {self.name}: expected pictures of at least {WINDOW} x {WINDOW} pixels, "
                f"found {list(samples.shape)}"
            )
        if len(samples) == 0:
            return samples.new_zeros(0)
        # Rows repeat few prompts, so each source is read once.
        size = (samples.shape[2], samples.shape[3])
        try:
            read = {prompt: self.sources.image(prompt) for prompt in dict.fromkeys(prompts)}
        except UsageError as error:
            raise RewardError(f"reward {self.name}: {error}") from error
        originals = {prompt: resized(source[None].to(samples), size)[0] for prompt, source in read.items()}
        return ssim(samples, torch.stack([originals[prompt] for prompt in prompts]))

    def describe(self) -> Mapping[str, Any]:
        """Return the metric's constants and the SHA-256 of every PNG of the folder; where that lies is left out.

        A folder that is not there has no pictures; the first score then says so.

        Raises:
            UsageError: If a picture cannot be read.
        """
        return {
            "metric": "ssim",
            "window": WINDOW,
            "sigma": SIGMA,
            "k": [K1, K2],
            "channels": "mean of RGB",
            "sources": source_hashes(self.folder),
        }
