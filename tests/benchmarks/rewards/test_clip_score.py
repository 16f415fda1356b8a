"""CLIPScore: scale times cosine, and the rules that all rewards made from a CLIP model share."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.base import Reward, RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.clip_model import Clip
from benchmarks.rewards.clip_score import ClipScore
from benchmarks.rewards.hps import HPSv21
from benchmarks.rewards.pick_score import PickScore
from benchmarks.scoring import score
from tests.support.reward_models import pictures, write_clip

PROMPTS = ["a red dog", "two cats", "a red dog"]
DRAWN = pictures(3, 48, 40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


def pick_score(folder: Path, **settings: float) -> PickScore:
    return PickScore(folder, tokenizer=None, **settings)


MAKERS: list[Callable[..., Reward]] = [ClipScore, pick_score, HPSv21]
makers = pytest.mark.parametrize("make", MAKERS)


def test_it_is_scale_times_the_cosine(folder: Path) -> None:
    cosines = Clip(folder).cosines(DRAWN, PROMPTS)
    torch.testing.assert_close(ClipScore(folder)(DRAWN, PROMPTS), cosines)
    torch.testing.assert_close(ClipScore(folder, scale=2.5)(DRAWN, PROMPTS), 2.5 * cosines)
    assert ClipScore(folder, scale=2.5).range == (-2.5, 2.5)


@makers
def test_scores_keep_their_order_and_type(make: Callable[..., Reward], folder: Path) -> None:
    reward = make(folder)
    found = score([reward], DRAWN, PROMPTS)[:, 0]
    assert found.dtype == torch.float32
    assert not found.requires_grad
    turned = reward(DRAWN.flip(0), PROMPTS[::-1])
    torch.testing.assert_close(turned.flip(0), found, atol=1e-4, rtol=1e-5)
    low, high = reward.range
    assert low is None or high is None or ((found >= low) & (found <= high)).all()
    assert reward(DRAWN.double(), PROMPTS).dtype == torch.float64
    # A score in 8 bits of mantissa could not tell good pictures apart.
    assert reward(DRAWN.bfloat16(), PROMPTS).dtype == torch.float32
    assert reward(DRAWN[:0], []).shape == (0,)


@makers
def test_samples_and_global_generator_are_left_alone(make: Callable[..., Reward], folder: Path) -> None:
    before, state = DRAWN.clone(), torch.get_rng_state()
    make(folder)(DRAWN, PROMPTS)
    assert torch.equal(DRAWN, before)
    assert torch.equal(torch.get_rng_state(), state)


@makers
def test_the_definition_holds_model_and_scale(make: Callable[..., Reward], folder: Path, tmp_path: Path) -> None:
    plain = json.dumps(make(folder).describe(), sort_keys=True)
    assert plain == json.dumps(make(folder).describe(), sort_keys=True)
    assert plain != json.dumps(make(folder, scale=3.0).describe(), sort_keys=True)
    assert plain != json.dumps(make(write_clip(tmp_path, seed=1)).describe(), sort_keys=True)


@makers
@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_a_scale_that_is_none_is_refused(make: Callable[..., Reward], scale: float, folder: Path) -> None:
    with pytest.raises(UsageError, match="expected a positive finite scale"):
        make(folder, scale=scale)


@makers
@pytest.mark.parametrize("samples", [torch.full((1, 3, 32, 32), 1.5), torch.zeros(1, 1, 32, 32), torch.zeros(1, 2)])
def test_what_is_no_picture_is_refused(make: Callable[..., Reward], samples: Tensor, folder: Path) -> None:
    with pytest.raises(RewardError, match="expected pictures"):
        make(folder)(samples, ["a dog"])


@makers
def test_a_model_that_is_not_there_ends_the_score_in_one_line(make: Callable[..., Reward], tmp_path: Path) -> None:
    reward = make(tmp_path / "nowhere")
    with pytest.raises(RewardError, match=f"reward {reward.name}: cannot read .*expected a folder") as caught:
        reward(DRAWN, PROMPTS)
    assert "\n" not in str(caught.value)


def test_default_models_are_repositories_and_nothing_is_fetched_to_describe_them() -> None:
    assert ClipScore().describe()["clip"] == {"repository": "openai/clip-vit-large-patch14", "revision": None}
    assert PickScore(revision="abc").describe()["clip"]["revision"] == "abc"
    assert PickScore().describe()["tokenizer"]["repository"] == "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
