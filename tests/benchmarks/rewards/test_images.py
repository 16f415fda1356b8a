"""What is a picture and what is refused."""

import re

import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.images import check_pictures


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_pictures_pass(dtype: torch.dtype) -> None:
    for value in (0.0, 0.5, 1.0, 1 + 5e-7, -5e-7):
        check_pictures(torch.full((2, 3, 32, 32), value, dtype=dtype), "r")


def test_an_empty_batch_passes() -> None:
    check_pictures(torch.zeros(0, 3, 32, 32), "r")


def test_without_a_size_any_height_and_width_pass() -> None:
    check_pictures(torch.zeros(1, 3, 5, 7), "r", size=None)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 3, 32, 31), (1, 3, 16, 16), (1, 3, 0, 0), (1, 6)])
def test_another_shape_is_refused_and_shown(shape: tuple[int, ...]) -> None:
    expected = f"reward r: expected pictures [B, 3, 32, 32] of floating-point numbers, found {list(shape)}"
    with pytest.raises(RewardError, match=re.escape(expected)):
        check_pictures(torch.zeros(shape), "r")


@pytest.mark.parametrize("shape", [(1, 3, 0, 4), (1, 4, 8, 8), (3, 8, 8)])
def test_without_a_size_what_is_no_rgb_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(RewardError, match=re.escape("expected pictures [B, 3, H, W]")):
        check_pictures(torch.zeros(shape), "r", size=None)


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(RewardError, match=r"of torch\.uint8"):
        check_pictures(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "r")


@pytest.mark.parametrize("value", [1.01, -0.01, 255.0, float("nan"), float("inf"), -float("inf")])
def test_one_value_out_of_range_is_refused(value: float) -> None:
    pictures: Tensor = torch.full((2, 3, 32, 32), 0.5)
    pictures[1, 2, 30, 3] = value
    with pytest.raises(
        RewardError, match=r"reward r: expected pictures with finite values in \[0, 1\], found"
    ) as error:
        check_pictures(pictures, "r")
    assert "\n" not in str(error.value)
