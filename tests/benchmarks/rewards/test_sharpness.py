"""Sharpness against a loop over pixels, its closed forms and its bound."""

import json
import statistics

import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.sharpness import HIGHEST, Sharpness, sharpness
from benchmarks.scoring import score

REWARD = Sharpness()


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


def twin(picture: Tensor) -> float:
    red, green, blue = (255 * picture).tolist()
    height, width = len(red), len(red[0])
    luma = [[0.299 * red[i][j] + 0.587 * green[i][j] + 0.114 * blue[i][j] for j in range(width)] for i in range(height)]
    return statistics.pvariance(
        [
            luma[i - 1][j] + luma[i + 1][j] + luma[i][j - 1] + luma[i][j + 1] - 4 * luma[i][j]
            for i in range(1, height - 1)
            for j in range(1, width - 1)
        ]
    )


def blurred(pictures: Tensor) -> Tensor:
    kernel = pictures.new_full((3, 1, 3, 3), 1 / 9)
    return torch.nn.functional.conv2d(torch.nn.functional.pad(pictures, (1,) * 4, "replicate"), kernel, groups=3)


def test_it_is_what_a_loop_over_pixels_finds() -> None:
    pictures = noise(4, 3, 9, 12)
    assert REWARD(pictures, ["x"] * 4).tolist() == pytest.approx([twin(p) for p in pictures], rel=1e-4)


def test_a_gradient_has_no_edges() -> None:
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    plane = ((x + 2 * y) / 100).expand(1, 3, 32, 32)
    assert float(sharpness(plane)) == pytest.approx(0, abs=1e-6)


def test_every_blur_lowers_it() -> None:
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    disc = ((x - 15).hypot(y - 17) < 8).float().expand(1, 3, 32, 32)
    once = blurred(disc)
    scores = [float(sharpness(p)) for p in (disc, once, blurred(once))]
    assert scores[0] > 2 * scores[1] > 4 * scores[2] > 0


def test_contrast_counts_with_its_square() -> None:
    pictures = noise(3, 3, 32, 32)
    assert sharpness(0.5 * pictures).tolist() == pytest.approx((0.25 * sharpness(pictures)).tolist(), rel=1e-4)


def test_turning_and_mirroring_change_nothing() -> None:
    pictures = noise(2, 3, 32, 32)
    for changed in (pictures.flip(2), pictures.flip(3), pictures.transpose(2, 3)):
        assert sharpness(changed).tolist() == pytest.approx(sharpness(pictures).tolist(), rel=1e-5)


def test_a_checkerboard_reaches_the_upper_end_of_the_range() -> None:
    board = (torch.arange(32)[:, None] + torch.arange(32)) % 2
    assert float(sharpness(board.float().expand(1, 3, 32, 32))) == pytest.approx(HIGHEST, rel=1e-5)
    assert REWARD.range == (0.0, HIGHEST)


@pytest.mark.parametrize("size", [(2, 32), (32, 2), (1, 1)])
def test_a_picture_without_inner_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(RewardError, match="reward sharpness: expected pictures of at least 3 x 3 pixels"):
        REWARD(torch.zeros(1, 3, *size), ["x"])


def test_it_is_a_reward() -> None:
    assert score([REWARD], noise(4, 3, 32, 32), ["x"] * 4).shape == (4, 1)
    assert (REWARD.name, REWARD.higher_is_better) == ("sharpness", True)
    json.dumps(REWARD.describe())
