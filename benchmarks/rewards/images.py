"""What every reward of pictures requires of its samples."""

from torch import Tensor

from benchmarks.base import RewardError

TOLERANCE = 1e-6


def check_pictures(samples: Tensor, reward: str, size: int | None = 32) -> None:
    """Check that samples are pictures: [B, 3, size, size], floating point, finite, in [0, 1] up to rounding.

    Args:
        samples: What should be pictures.
        reward: Name of the reward, for the message.
        size: Height and width in pixels; None allows any.

    Raises:
        RewardError: If they are not, in one line.
    """
    height, width = ("H", "W") if size is None else (size, size)
    shape = tuple(samples.shape)
    fits = (
        len(shape) == 4 and shape[1] == 3 and shape[2:] == (size or shape[2], size or shape[3]) and 0 not in shape[2:]
    )
    if not fits or not samples.is_floating_point():
        raise RewardError(
            f"reward {reward}: expected pictures [B, 3, {height}, {width}] of floating-point numbers, "
            f"found {list(shape)} of {samples.dtype}"
        )
    if samples.numel() == 0:
        return
    low, high = (float(bound) for bound in samples.detach().aminmax())
    # Written so that NaN, which answers False to every comparison, fails as well.
    if not (low >= -TOLERANCE and high <= 1 + TOLERANCE):
        raise RewardError(
            f"reward {reward}: expected pictures with finite values in [0, 1], found values from {low:g} to {high:g}"
        )
