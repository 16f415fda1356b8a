"""Structural similarity against loops over its definition, its known values, and edits of source pictures."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.preservation import Preservation, gaussian_window, ssim
from tests.support.reward_models import pictures

C1, C2 = 0.01**2, 0.03**2


def naive_ssim(x: np.ndarray, y: np.ndarray) -> float:
    axis = [math.exp(-((i - 5) ** 2) / (2 * 1.5**2)) for i in range(11)]
    window = np.array([[a * b for b in axis] for a in axis]) / sum(axis) ** 2
    found = []
    height, width = x.shape[1:]
    for channel, top, left in itertools.product(range(3), range(height - 10), range(width - 10)):
        a = x[channel, top : top + 11, left : left + 11]
        b = y[channel, top : top + 11, left : left + 11]
        mean_a, mean_b = (window * a).sum(), (window * b).sum()
        var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
        covariance = (window * (a - mean_a) * (b - mean_b)).sum()
        found.append(
            (2 * mean_a * mean_b + C1) * (2 * covariance + C2) / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2))
        )
    return float(np.mean(found))


def noisy(drawn: Tensor, strength: float) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(drawn.shape, generator=generator, dtype=torch.float32)
    return (drawn + strength * noise).clamp(0, 1)


def test_it_is_its_definition() -> None:
    x = pictures(3, 15, 17)
    y = torch.stack([noisy(x[0], 0.1), x[1].flip(1), 1 - x[2]])
    expected = [naive_ssim(a.double().numpy(), b.double().numpy()) for a, b in zip(x, y, strict=True)]
    torch.testing.assert_close(ssim(x, y), torch.tensor(expected, dtype=torch.float32), atol=1e-6, rtol=0)
    assert len({round(value, 2) for value in expected}) == 3


def test_plain_pictures_have_a_closed_form() -> None:
    for a, b in itertools.product((0.0, 0.3, 1.0), repeat=2):
        x, y = torch.full((1, 3, 12, 14), a), torch.full((1, 3, 12, 14), b)
        assert ssim(x, y).item() == pytest.approx((2 * a * b + C1) / (a * a + b * b + C1), abs=1e-6)


def test_known_properties() -> None:
    x, y = pictures(2, 24, 24), pictures(2, 24, 24, seed=1)
    torch.testing.assert_close(ssim(x, x), torch.ones(2, dtype=torch.float32))
    torch.testing.assert_close(ssim(x, y), ssim(y, x))
    torch.testing.assert_close(ssim(x.flip(2), y.flip(2)), ssim(x, y))
    torch.testing.assert_close(ssim(x.mT, y.mT), ssim(x, y))
    found = [ssim(x, noisy(x, strength)) for strength in (0.0, 0.02, 0.05, 0.1, 0.3)]
    assert all((a > b).all() for a, b in itertools.pairwise(found))
    # Opposite contrast about the same mean: the covariance is minus the variance.
    stripes = torch.zeros(1, 3, 16, 16)
    stripes[..., ::2] = 1
    assert ssim(stripes, 1 - stripes).item() < -0.9


def test_the_window_sums_to_one_and_is_even() -> None:
    window = gaussian_window()
    assert window.sum().item() == pytest.approx(1, abs=1e-12)
    assert torch.equal(window, window.flip(0))
    assert (window[5] / window[4]).log().item() == pytest.approx(1 / (2 * 1.5**2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, drawn in enumerate(pictures(2, 32, 32)):
        levels = (255 * drawn).round().to(torch.uint8).permute(1, 2, 0).numpy()
        Image.fromarray(levels).save(tmp_path / f"{i}.png")
    return tmp_path


def source(folder: Path, i: int) -> Tensor:
    return torch.from_numpy(np.array(Image.open(folder / f"{i}.png"))).permute(2, 0, 1).float() / 255


def test_a_sample_is_compared_with_its_own_source(folder: Path) -> None:
    prompts = ["1.png: make it snow", "0.png: add a hat", "1.png: add a hat"]
    samples = torch.stack([source(folder, 1), source(folder, 0), source(folder, 0)])
    found = Preservation(folder)(samples, prompts)
    torch.testing.assert_close(found[:2], torch.ones(2, dtype=torch.float32))
    torch.testing.assert_close(found[2:], ssim(samples[2:], source(folder, 1)[None]))
    assert found[2] < 0.9


def test_a_source_of_another_size_is_resized(folder: Path) -> None:
    large = torch.nn.functional.interpolate(
        source(folder, 0)[None], size=(48, 64), mode="bicubic", antialias=True
    ).clamp(0, 1)
    torch.testing.assert_close(Preservation(folder)(large, ["0.png: add a hat"]), torch.ones(1, dtype=torch.float32))


@pytest.mark.parametrize(
    ("prompt", "match"),
    [("a dog", "reward preservation: editing prompt"), ("2.png: add", "reward preservation: .*2.png")],
)
def test_prompts_without_a_source_end_the_score_in_one_line(folder: Path, prompt: str, match: str) -> None:
    with pytest.raises(RewardError, match=match) as caught:
        Preservation(folder)(torch.zeros(1, 3, 32, 32), [prompt])
    assert "\n" not in str(caught.value)


def test_pictures_smaller_than_the_window_are_refused(folder: Path) -> None:
    with pytest.raises(RewardError, match="at least 11 x 11 pixels"):
        Preservation(folder)(torch.zeros(1, 3, 10, 32), ["0.png: add a hat"])
    assert Preservation(folder)(torch.zeros(0, 3, 16, 16), []).shape == (0,)


def test_the_definition_holds_the_sources_and_not_where_they_lie(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "cats").mkdir(parents=True)
    for name in ("0.png", "1.png"):
        (other / name).write_bytes((folder / name).read_bytes())
    here, there = Preservation(folder / "other"), Preservation(other)
    assert here.describe() == there.describe()
    assert sorted(there.describe()["sources"]) == ["0.png", "1.png"]
    (other / "cats" / "two.png").write_bytes((folder / "0.png").read_bytes())
    more = Preservation(other).describe()["sources"]
    assert more["cats/two.png"] == more["0.png"] != more["1.png"]
    assert Preservation(tmp_path / "nowhere").describe()["sources"] == {}
