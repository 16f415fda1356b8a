"""Preprocessing without torchvision: against the image processor of transformers, and in closed form."""

import numpy as np
import pytest
import torch
from transformers import CLIPImageProcessor
from transformers.image_transforms import get_resize_output_image_size

from benchmarks.rewards.clip_images import CLIP_MEAN, CLIP_STD, center_cropped, clip_pixels, resized, scaled_size
from tests.support.reward_models import pictures

SIZES = ((64, 64), (48, 64), (64, 49), (33, 47), (20, 20), (32, 32), (17, 90), (224, 224))
LEVEL = 1 / 255


@pytest.mark.parametrize("size", SIZES)
def test_it_differs_from_the_processor_of_transformers_by_its_rounding_only(size: tuple[int, int]) -> None:
    # Both passes of the processor's filter round to 8 bits: half a level each, the first spread by the second one.
    drawn = (255 * pictures(3, *size)).round() / 255
    levels = (255 * drawn).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    expected = torch.as_tensor(np.stack(processor(images=list(levels))["pixel_values"]))
    found = clip_pixels(drawn, 32)
    assert found.shape == expected.shape == (3, 3, 32, 32)
    difference = (found - expected) * torch.tensor(CLIP_STD).reshape(1, 3, 1, 1)
    assert difference.abs().max() < 1.25 * LEVEL
    assert difference.abs().mean() < 0.4 * LEVEL
    assert difference.mean().abs() < 0.05 * LEVEL


def test_sizes_are_those_of_transformers() -> None:
    generator = np.random.default_rng(0)
    for height, width in generator.integers(8, 900, (300, 2)).tolist():
        empty = np.empty((height, width, 3), dtype=np.uint8)
        assert scaled_size(height, width, 224) == get_resize_output_image_size(
            empty, size=224, default_to_square=False, input_data_format="channels_last"
        )


def test_a_plain_color_stays_that_color_and_is_normalized() -> None:
    colors = torch.tensor([0.25, 0.5, 1.0]).reshape(1, 3, 1, 1)
    expected = [(color - mean) / std for color, mean, std in zip((0.25, 0.5, 1.0), CLIP_MEAN, CLIP_STD, strict=True)]
    for size in SIZES:
        found = clip_pixels(colors.expand(2, 3, *size), 32)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.amin((0, 2, 3)), torch.tensor(expected, dtype=torch.float32))
        torch.testing.assert_close(found.amax((0, 2, 3)), torch.tensor(expected, dtype=torch.float32))


def test_a_ramp_stays_a_ramp_inside() -> None:
    # Any interpolating filter keeps straight lines where its window lies inside the picture.
    ramp = torch.linspace(0, 1, 64, dtype=torch.float64).expand(1, 3, 64, 64)
    found = resized(ramp, (16, 16))[0, 0, 8]
    centers = (4 * torch.arange(16, dtype=torch.float64) + 1.5) / 63
    torch.testing.assert_close(found[3:-3], centers[3:-3], atol=1e-6, rtol=0)


def test_values_stay_in_the_unit_interval_though_the_cubic_overshoots() -> None:
    step = torch.zeros(1, 3, 8, 8)
    step[..., 4:] = 1
    found = resized(step, (40, 40))
    assert found.min() == 0
    assert found.max() == 1


@pytest.mark.parametrize(("size", "corner"), [((5, 5), (1, 1)), ((6, 5), (1, 1)), ((3, 8), (0, 2)), ((3, 3), (0, 0))])
def test_the_middle_is_cut_out(size: tuple[int, int], corner: tuple[int, int]) -> None:
    numbers = torch.arange(3 * size[0] * size[1]).reshape(1, 3, *size)
    top, left = corner
    assert torch.equal(center_cropped(numbers, 3), numbers[..., top : top + 3, left : left + 3])


def test_the_picture_is_left_alone() -> None:
    drawn = pictures(1, 40, 50)
    before = drawn.clone()
    clip_pixels(drawn, 32)
    assert torch.equal(drawn, before)
