"""PickScore: the model's logit, its scale and its prefix."""

from pathlib import Path

import pytest
import torch

from benchmarks.rewards.clip_model import Clip
from benchmarks.rewards.pick_score import PHOTOREALISM, PickScore
from tests.support.reward_models import pictures, write_clip

PROMPTS = ["a dog", "a cat"]
DRAWN = pictures(2, 32, 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


def test_it_is_the_models_logit(folder: Path) -> None:
    temperature = Clip(folder).network.logit_scale.exp().item()
    assert temperature == pytest.approx(14.285, abs=0.01)  # exp(2.6592), where transformers starts
    expected = temperature * Clip(folder).cosines(DRAWN, PROMPTS)
    torch.testing.assert_close(PickScore(folder, tokenizer=None)(DRAWN, PROMPTS), expected)
    torch.testing.assert_close(PickScore(folder, tokenizer=None, scale=1 / 26)(DRAWN, PROMPTS), expected / 26)


def test_a_prefix_is_put_before_the_prompt(folder: Path) -> None:
    plain, prefixed = PickScore(folder, tokenizer=None), PickScore(folder, tokenizer=None, prefix="photo ")
    torch.testing.assert_close(prefixed(DRAWN, PROMPTS), plain(DRAWN, [f"photo {prompt}" for prompt in PROMPTS]))
    assert (prefixed(DRAWN, PROMPTS) - plain(DRAWN, PROMPTS)).abs().max() > 1e-3
    assert prefixed.describe() != plain.describe()
    assert PHOTOREALISM.endswith(" ")
