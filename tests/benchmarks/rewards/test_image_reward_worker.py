"""ImageReward for an environment of its own: without the package one line, with a stand-in what it is given."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.rewards.image_reward_worker import ImageRewardScore

DRAWN = torch.stack([torch.full((3, 4, 6), 0.2), torch.full((3, 4, 6), 1.0)])
PROMPTS = ["a dog", "a longer prompt"]


class StandIn:
    """Scores the length of the prompt plus the mean level of the picture."""

    def score(self, prompt: str, image: Image.Image) -> float:
        assert image.mode == "RGB"
        assert image.size == (6, 4)
        return len(prompt) + float(np.asarray(image).mean())


def test_without_the_package_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ImageReward", None)
    reward = ImageRewardScore()
    assert reward.describe() == {"model": "ImageReward-v1.0"}
    with pytest.raises(RuntimeError, match="expected the package image-reward in this environment") as caught:
        reward(DRAWN, PROMPTS)
    assert "\n" not in str(caught.value)


def test_the_model_sees_each_picture_with_its_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(name: str) -> StandIn:
        loaded.append(name)
        return StandIn()

    package = ModuleType("ImageReward")
    monkeypatch.setattr(package, "load", load, raising=False)
    monkeypatch.setitem(sys.modules, "ImageReward", package)
    reward = ImageRewardScore("other")
    for _ in range(2):
        assert reward(DRAWN, PROMPTS).tolist() == [5 + 51, 15 + 255]
    assert loaded == ["other"]
