"""From pictures to the input of CLIP and its kin: resize, center crop and normalize tensors, without torchvision."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of each color channel, in [0, 1], that CLIP and LAION's models were trained with."""


def resized(pictures: Tensor, size: tuple[int, int], mode: str = "bicubic") -> Tensor:
    """Return pictures [B, 3, H, W] in [0, 1] at another size, filtered against aliasing and clamped to [0, 1].

    Args:
        pictures: Pictures of any floating-point type.
        size: New height and width in pixels.
        mode: "bicubic" or "bilinear".

    Example:
        >>> gray = resized(torch.full((1, 3, 6, 4), 0.25), (3, 2))
        >>> list(gray.shape), round(gray.mean().item(), 6)
        ([1, 3, 3, 2], 0.25)
    """
    if tuple(pictures.shape[2:]) == size:
        return pictures.clamp(0, 1)
    # With antialiasing torch takes the cubic kernel with a = -1/2, the one of Pillow; without it takes a = -3/4.
    return interpolate(pictures, size=size, mode=mode, antialias=True).clamp(0, 1)


def scaled_size(height: int, width: int, shortest: int) -> tuple[int, int]:
    """Return height and width with the shorter side at `shortest`, the other one rounded down.

    Example:
        >>> scaled_size(512, 512, 224), scaled_size(480, 640, 224), scaled_size(640, 480, 224)
        ((224, 224), (224, 298), (298, 224))
    """
    if height <= width:
        return shortest, int(shortest * width / height)
    return int(shortest * height / width), shortest


def center_cropped(pictures: Tensor, side: int) -> Tensor:
    """Return the middle square [B, 3, side, side] of pictures at least that large; odd rests fall to the far side."""
    top, left = ((length - side) // 2 for length in pictures.shape[2:])
    return pictures[..., top : top + side, left : left + side]


def normalized(pictures: Tensor, mean: Sequence[float] = CLIP_MEAN, std: Sequence[float] = CLIP_STD) -> Tensor:
    """Return (pictures - mean) / std by color channel."""
    center, scale = (pictures.new_tensor(numbers).reshape(1, 3, 1, 1) for numbers in (mean, std))
    return (pictures - center) / scale


def clip_pixels(pictures: Tensor, side: int) -> Tensor:
    """Return the input [B, 3, side, side] of a CLIP image encoder in float32.

    The shorter side is resized to `side` by an antialiased bicubic filter, the middle square is cut out, and colors are
    normalized.

    Args:
        pictures: Pictures [B, 3, H, W] in [0, 1], of any size.
        side: Height and width the encoder takes, in pixels.

    Source:
        The image processor of CLIP (Radford et al. 2021) as transformers has it. Deviation: that one works on 8 bits
        and rounds and clips after each of the two passes of the filter, this one once at the end and without rounding.
        Tests state by how much they differ on pictures; on pure noise, where the filter overshoots, it is more.
    """
    height, width = pictures.shape[2:]
    pixels = resized(pictures.to(torch.float32), scaled_size(height, width, side))
    return normalized(center_cropped(pixels, side))
