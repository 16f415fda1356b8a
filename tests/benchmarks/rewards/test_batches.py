"""Samples leave in batches and come back as scores of the right type, in order."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from benchmarks.base import RewardError
from benchmarks.rewards.batches import check_settings, check_visual, scored_in_batches

PICTURES = torch.rand(5, 3, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float32)


def ask(pixels: np.ndarray, prompts: Sequence[str]) -> list[float]:
    assert pixels.dtype == np.uint8
    assert len(pixels) == len(prompts) <= 2
    return [float(prompt) for prompt in prompts]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_scores_are_scaled_in_order_and_as_exact_as_the_samples(dtype: torch.dtype, expected: torch.dtype) -> None:
    prompts = ["0.1", "nan", "257.3", "-1", "1e-3"]
    found = scored_in_batches(ask, PICTURES.to(dtype), prompts, reward="r", batch=2, scale=1 / 26)
    exact = torch.tensor([float(prompt) / 26 for prompt in prompts], dtype=torch.float64)
    torch.testing.assert_close(found, exact.to(expected), equal_nan=True)
    assert found.dtype == expected


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 7, 3, 4, 5), (0, 3, 4, 5)])
def test_pictures_and_videos_pass(shape: tuple[int, ...]) -> None:
    check_visual(torch.zeros(shape), "r")


@pytest.mark.parametrize("shape", [(2, 0, 3, 4, 5), (2, 7, 4, 4, 5), (2, 3, 0, 5), (3, 4, 5), (1, 2, 7, 3, 4, 5)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(RewardError, match="reward r: expected pictures"):
        check_visual(torch.zeros(shape), "r")


def test_videos_with_values_that_are_no_colors_are_refused() -> None:
    videos = torch.zeros(1, 2, 3, 2, 2)
    videos[0, 1, 2, 1, 1] = torch.nan
    with pytest.raises(RewardError, match="expected pictures with finite values"):
        check_visual(videos, "r")


@pytest.mark.parametrize("settings", [(float("nan"), 1, 1.0), (0.0, 1, 1.0), (1.0, 0, 1.0), (1.0, 1, -1.0)])
def test_settings_out_of_range_are_refused(settings: tuple[float, int, float]) -> None:
    check_settings("r", -2.0, 1, 0.1)
    with pytest.raises(ValueError, match=r"reward r: .* found"):
        check_settings("r", *settings)
