"""The colorfulness metric against a loop over pixels, its closed forms and its bound."""

import json
import math

import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.colorfulness import HIGHEST, Colorfulness, colorfulness
from benchmarks.scoring import score

REWARD = Colorfulness()
RED, MAGENTA, GREEN, CYAN = (1.0, 0.0, 0.0), (1.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 1.0, 1.0)


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


def twin(picture: Tensor) -> float:
    rg, yb = [], []
    for red, green, blue in (255 * picture).flatten(1).T.tolist():
        rg.append(red - green)
        yb.append(0.5 * (red + green) - blue)
    n = len(rg)
    means = [sum(values) / n for values in (rg, yb)]
    variances = [sum((v - m) ** 2 for v in values) / n for values, m in zip((rg, yb), means, strict=True)]
    return math.sqrt(sum(variances)) + 0.3 * math.hypot(*means)


def test_it_is_what_a_loop_over_pixels_finds() -> None:
    pictures = noise(5, 3, 32, 32) * torch.linspace(0.1, 1, 5).reshape(5, 1, 1, 1)
    assert REWARD(pictures, ["x"] * 5).tolist() == pytest.approx([twin(p) for p in pictures], rel=1e-5)


def test_gray_pictures_have_no_color() -> None:
    gray = noise(3, 1, 8, 8).expand(3, 3, 8, 8)
    assert colorfulness(gray).tolist() == pytest.approx([0.0] * 3, abs=1e-3)


def test_a_plain_color_has_only_the_mean_term() -> None:
    red = torch.tensor(RED).reshape(1, 3, 1, 1).expand(1, 3, 4, 6)
    assert float(colorfulness(red)) == pytest.approx(0.3 * 255 * math.sqrt(1.25), rel=1e-5)


def test_places_of_pixels_do_not_matter() -> None:
    pictures = noise(2, 3, 16, 16)
    order = torch.randperm(256, generator=torch.Generator().manual_seed(0))
    moved = pictures.flatten(2)[:, :, order].reshape(pictures.shape)
    assert colorfulness(moved).tolist() == pytest.approx(colorfulness(pictures).tolist(), rel=1e-5)


def test_the_upper_end_of_the_range_is_reached_and_not_passed() -> None:
    # The mean of such a picture is (2p - 1) 255 along rg; the bound asks for 0.3 / sqrt(1.09) of the largest norm.
    n, share = 1024, 0.5 * (1 + 0.3 / math.sqrt(1.09) * math.sqrt(1.25))
    pairs = [RED, MAGENTA] * round(n * share / 2) + [GREEN, CYAN] * round(n * (1 - share) / 2)
    best = float(colorfulness(torch.tensor(pairs).T.reshape(1, 3, 1, -1)))
    assert 0.9999 * HIGHEST < best <= HIGHEST * (1 + 1e-6)
    assert REWARD.range == (0.0, HIGHEST)
    corners = (noise(200, 3, 8, 8) > noise(200, 3, 1, 1)).float()
    assert float(colorfulness(corners).max()) <= HIGHEST


def test_the_golden_value_of_a_gradient() -> None:
    # Origin: the formula by hand. rg is uniform on 0..255 (256 levels), yb half of it; both variances divide by n.
    ramp = torch.arange(256) / 255
    picture = torch.stack([ramp, torch.zeros(256), torch.zeros(256)]).reshape(1, 3, 16, 16)
    spread = math.sqrt(1.25 * (256**2 - 1) / 12)
    assert float(colorfulness(picture)) == pytest.approx(spread + 0.3 * 127.5 * math.sqrt(1.25), rel=1e-5)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(RewardError, match=r"reward colourfulness: expected pictures \[B, 3, H, W\]"):
        REWARD(torch.zeros(1, 1, 32, 32), ["x"])


def test_it_is_a_reward() -> None:
    assert score([REWARD], noise(4, 3, 32, 32), ["x"] * 4).shape == (4, 1)
    assert (REWARD.name, REWARD.higher_is_better) == ("colourfulness", True)
    json.dumps(REWARD.describe())
