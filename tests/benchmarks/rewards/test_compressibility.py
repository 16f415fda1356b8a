"""Compressibility: the size of a file on disk, and what makes it grow."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.compressibility import Compressibility, jpeg_bytes
from benchmarks.scoring import score

REWARD = Compressibility()


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


def striped(period: int, strength: float) -> Tensor:
    return (0.5 + strength * ((torch.arange(32) % period < period / 2).float() - 0.5)).expand(1, 3, 32, 32)


def test_it_is_the_size_of_the_file_that_pillow_writes_at_quality_95(tmp_path: Path) -> None:
    pictures = noise(5, 3, 32, 32) * torch.linspace(0, 1, 5).reshape(5, 1, 1, 1)
    sizes = []
    for i, picture in enumerate(pictures):
        levels = np.rint(255 * picture.permute(1, 2, 0).numpy()).astype(np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{i}.jpg", quality=95)
        sizes.append((tmp_path / f"{i}.jpg").stat().st_size)
    assert REWARD(pictures, ["x"] * 5).tolist() == pytest.approx([-size / 1000 for size in sizes])
    assert jpeg_bytes(pictures) == sizes


def test_plain_beats_faint_stripes_beat_strong_stripes_beat_noise() -> None:
    pictures = torch.cat([striped(8, 0.0), striped(5, 0.1), striped(5, 0.9), noise(1, 3, 32, 32)])
    scores = REWARD(pictures, ["x"] * 4).tolist()
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_every_plain_picture_costs_nearly_the_same() -> None:
    # What is left is the tables, the same in every file; only a few bytes tell one plain color from another.
    plain = noise(20, 3, 1, 1).expand(20, 3, 32, 32)
    sizes = jpeg_bytes(plain)
    assert max(sizes) - min(sizes) <= 30
    assert 2 * max(sizes) < jpeg_bytes(noise(1, 3, 32, 32))[0] < 4000


def test_a_picture_scores_the_same_alone_and_again() -> None:
    pictures = noise(6, 3, 32, 32)
    together = REWARD(pictures, ["x"] * 6)
    assert torch.equal(together, torch.cat([REWARD(p[None], ["x"]) for p in pictures]))


def test_rounding_just_outside_the_range_does_not_wrap_around() -> None:
    white = torch.ones(1, 3, 32, 32)
    assert jpeg_bytes(white + 5e-7) == jpeg_bytes(white)
    assert jpeg_bytes(0 * white - 5e-7) == jpeg_bytes(0 * white)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(RewardError, match=r"reward compressibility: expected pictures \[B, 3, H, W\]"):
        REWARD(torch.zeros(1, 1, 32, 32), ["x"])


def test_it_is_a_reward() -> None:
    scores = score([REWARD], noise(4, 3, 32, 32), ["x"] * 4)
    assert scores.shape == (4, 1)
    assert (scores < 0).all()
    assert (REWARD.name, REWARD.higher_is_better, REWARD.range) == ("compressibility", True, (None, 0.0))
    json.dumps(REWARD.describe())
