"""LPIPS for an environment of its own: the whole path with a stand-in for the package, which cannot run here."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from benchmarks.environment import ROOT
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.lpips_worker import LPIPSDistance
from benchmarks.rewards.mean import Mean, Part
from benchmarks.rewards.preservation import Preservation
from benchmarks.rewards.retries import Retries
from benchmarks.rewards.wire import quantized
from tests.support.reward_models import pictures

STAND_IN = '''
"""Half the mean absolute difference, with the interface of the package; it talks while it loads."""

import torch


class LPIPS(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        print("Loading model from a pickle", flush=True)
        self.net = net

    def forward(self, first, second):
        assert not self.training and not torch.is_grad_enabled()
        assert first.shape == second.shape and first.shape[0] == 1
        assert -1 <= float(first.min()) < -0.5 and 0.5 < float(first.max()) <= 1
        return (first - second).abs().mean((1, 2, 3), keepdim=True) / 2
'''
PROMPTS = ["1.png: make it snow", "0.png: add a hat", "1.png: add a hat"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "sources"
    found.mkdir()
    # Stretched over all levels, so that an input in [0, 1] and one in [-1, 1] are told apart.
    for i, drawn in enumerate(pictures(2, 40, 48)):
        wide = ((drawn - drawn.min()) / (drawn.max() - drawn.min()))[None]
        Image.fromarray(quantized(wide)[0].transpose(1, 2, 0)).save(found / f"{i}.png")
    return found


def source(folder: Path, i: int) -> Tensor:
    return torch.from_numpy(np.array(Image.open(folder / f"{i}.png"))).permute(2, 0, 1).float() / 255


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("lpips")
    exec(STAND_IN, vars(package))
    monkeypatch.setitem(sys.modules, "lpips", package)


def test_the_whole_path_gives_the_mean_of_ssim_and_one_minus_the_distance(folder: Path, tmp_path: Path) -> None:
    # A folder that stands for the other environment: this checkout's code and the stand-in side by side.
    (tmp_path / "lpips.py").write_text(STAND_IN)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    lpips = IsolatedReward(
        python=sys.executable,
        factory="benchmarks.rewards.lpips_worker:LPIPSDistance",
        folder=tmp_path,
        name="lpips", version="0.1.4", unit="LPIPS (alex)", higher_is_better=False, range=(0.0, None),
        arguments={"net": "alex"}, where={"folder": str(folder)}, batch=2, retries=Retries(0),
    )  # fmt: skip
    preservation = Preservation(folder)
    reward = Mean((Part(lpips, scale=-1.0, shift=1.0), Part(preservation)), name="preservation")
    samples = torch.stack([source(folder, 1), source(folder, 0), source(folder, 0)])
    distance = (source(folder, 0) - source(folder, 1)).abs().mean()
    try:
        found = lpips(samples, PROMPTS)
        torch.testing.assert_close(found, torch.stack([0 * distance, 0 * distance, distance]), atol=1e-6, rtol=1e-6)
        mean = reward(samples, PROMPTS)
    finally:
        lpips.close()
    torch.testing.assert_close(mean, (1 - found + preservation(samples, PROMPTS)) / 2)
    assert mean[:2].tolist() == pytest.approx([1.0, 1.0])
    assert mean[2] < 0.9


def test_where_the_sources_lie_is_no_part_of_the_definition(folder: Path) -> None:
    settings: dict[str, Any] = {"python": "/python", "factory": "a:B", "name": "lpips", "version": "0.1.4"}
    here, there = (IsolatedReward(**settings, where={"folder": path}) for path in (str(folder), "/elsewhere"))
    assert here.describe() == there.describe()
    with pytest.raises(ValueError, match=r"where must have other names than arguments, found \['folder'\]"):
        IsolatedReward(**settings, arguments={"folder": "a"}, where={"folder": "b"})


def test_a_source_of_another_size_is_resized(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    large = torch.nn.functional.interpolate(
        source(folder, 0)[None], size=(60, 64), mode="bicubic", antialias=True
    ).clamp(0, 1)
    found = LPIPSDistance(str(folder))(large, ["0.png: add a hat"])
    assert found.tolist() == pytest.approx([0.0], abs=1e-6)
    assert LPIPSDistance(str(folder))(large[:0], []).shape == (0,)


@pytest.mark.parametrize(
    ("samples", "prompt", "says"),
    [
        (torch.zeros(1, 3, 40, 48), "a dog", "editing prompt: expected 'FILE.png: instruction', found 'a dog'"),
        (torch.zeros(1, 3, 40, 48), "../1.png: add", "editing prompt: expected"),
        (torch.zeros(1, 3, 40, 48), "7.png: add", r"source picture .*7.png: expected a PNG, found"),
        (torch.zeros(1, 3, 31, 48), "1.png: add", "expected pictures .* of at least 32 x 32 pixels"),
        (torch.zeros(1, 40, 48), "1.png: add", "expected pictures"),
    ],
)
def test_faults_get_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, samples: Tensor, prompt: str, says: str
) -> None:
    stand_in(monkeypatch)
    with pytest.raises(ValueError, match=says) as refused:
        LPIPSDistance(str(folder))(samples, [prompt])
    assert "\n" not in str(refused.value)


def test_without_the_package_there_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(RuntimeError, match="expected the package lpips in this environment") as refused:
        LPIPSDistance(str(folder))(torch.zeros(1, 3, 40, 48), ["1.png: add"])
    assert "\n" not in str(refused.value)
