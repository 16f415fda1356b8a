"""Embeddings of pictures and prompts: those of transformers, in any batch, cut to the model's length."""

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, CLIPModel

from benchmarks.rewards import clip_model
from benchmarks.rewards.clip_images import clip_pixels
from benchmarks.rewards.clip_model import Clip
from tests.support.reward_models import CLIP_LENGTH, CLIP_SIDE, CLIP_WIDTH, pictures, write_clip

PROMPTS = ["a red dog", "two cats", "a red dog", "zebra!"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def clip(folder: Path) -> Clip:
    return Clip(folder)


def test_cosines_are_the_logits_of_transformers_over_the_temperature(folder: Path, clip: Clip) -> None:
    drawn = pictures(4, 40, 56)
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(PROMPTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(pixel_values=clip_pixels(drawn, CLIP_SIDE), **tokens).logits_per_image
        expected = (logits / model.logit_scale.exp()).diagonal()
    found = clip.cosines(drawn, PROMPTS)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    # The oracle would agree with anything if all were alike.
    assert found.std() > 0.05


def test_embeddings_have_length_one(clip: Clip) -> None:
    for embedded in (clip.pictures(pictures(3, 32, 32)), clip.texts(PROMPTS)):
        assert embedded.shape[1] == CLIP_WIDTH
        torch.testing.assert_close(embedded.norm(dim=1), torch.ones(len(embedded), dtype=torch.float32))


def test_the_batch_does_not_matter(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, prompts = pictures(5, 32, 40), ["a", "a much longer one", "b", "c", "a"]
    whole = clip.cosines(drawn, prompts)
    alone = torch.cat([clip.cosines(drawn[i : i + 1], prompts[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=0)
    monkeypatch.setattr(clip_model, "CHUNK", 2)
    torch.testing.assert_close(clip.cosines(drawn, prompts), whole, atol=1e-5, rtol=0)


def test_a_long_prompt_is_cut_to_the_models_length(clip: Clip) -> None:
    # The small tokenizer makes a token of a word of one letter; two places are for the ends.
    room = CLIP_LENGTH - 2
    long, cut, other = "a " * 200, "a " * room, "a " * (room - 1)
    embedded = clip.texts([long, cut, other])
    torch.testing.assert_close(embedded[0], embedded[1])
    assert (embedded[0] - embedded[2]).abs().max() > 1e-3


def test_nothing_is_loaded_before_it_is_needed(folder: Path) -> None:
    clip = Clip(folder)
    clip.describe()
    assert vars(clip).keys() == {"model", "revision", "tokenizer", "tokenizer_revision"}
    clip.pictures(pictures(1, 32, 32))
    assert "tokens" not in vars(clip)


def test_a_tokenizer_may_lie_elsewhere(folder: Path, tmp_path: Path) -> None:
    bare = write_clip(tmp_path / "bare")
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (bare / name).unlink()
    found = Clip(bare, tokenizer=folder)
    torch.testing.assert_close(found.texts(PROMPTS), Clip(folder).texts(PROMPTS))
    assert set(found.describe()) == {"clip", "tokenizer"}
