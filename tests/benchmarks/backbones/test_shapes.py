"""The shipped backbone: the untouched transformer at the start, its sentences, and what is refused."""

import shutil
from pathlib import Path
from typing import Literal

import pytest
import torch
from diffusers import SD3Transformer2DModel
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.sentences import LONGEST, SentenceEncoder, SentenceSize
from benchmarks.backbones.shapes import WEIGHTS, ShapesSpec, load_sentence_encoder
from benchmarks.records import UsageError
from benchmarks.tasks.shapes.language import PromptError
from benchmarks.weights import listed_hashes, write_hashes

PROMPTS = ["two red circles", "a sign that reads A7", "a blue square left of a white triangle", ""]


@pytest.fixture(scope="module")
def backbone() -> AdaptedBackbone:
    return ShapesSpec(precision="float32").build(2, seed=0)


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, 32, 32, generator=generator), torch.tensor([0.2, 0.5, 0.9, 1.0])


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_without_a_preference_it_is_the_untouched_transformer(
    backbone: AdaptedBackbone, inputs: tuple[Tensor, Tensor]
) -> None:
    plain = SD3Transformer2DModel.from_pretrained(WEIGHTS, subfolder="transformer", torch_dtype=torch.float32)
    condition = backbone.encode(PROMPTS)
    x, sigma = inputs
    with torch.no_grad():
        expected = plain(x, condition.tokens, condition.pooled, 1000 * sigma, return_dict=False)[0]
        found = backbone.velocity(x, sigma, condition)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_preferences_start_as_the_identity_and_have_an_effect_once_trained(
    inputs: tuple[Tensor, Tensor], precision: Literal["float32", "bfloat16"]
) -> None:
    backbone = ShapesSpec(precision=precision).build(2, seed=0)
    condition = backbone.encode(PROMPTS)

    def velocities() -> list[Tensor]:
        asked = [None, *(torch.tensor([[w, 1 - w]] * 4) for w in (0.0, 1.0))]
        with torch.no_grad():
            return [backbone.velocity(*inputs, condition, wanted) for wanted in asked]

    plain, *corners = velocities()
    assert all(torch.equal(corner, plain) for corner in corners)
    modules = backbone.network.preference
    assert modules is not None
    with torch.no_grad():
        for parameter in modules.parameters():
            parameter.add_(0.05)
    changed, *corners = velocities()
    assert torch.equal(changed, plain)
    assert float((corners[0] - corners[1]).abs().max()) > 1e-3


def test_bfloat16_is_close_to_float32(backbone: AdaptedBackbone, inputs: tuple[Tensor, Tensor]) -> None:
    x, sigma = inputs
    half = ShapesSpec().build(2, seed=0)
    with torch.no_grad():
        expected = backbone.velocity(x, sigma, backbone.encode(PROMPTS))
        found = half.velocity(x, sigma, half.encode(PROMPTS))
    assert found.dtype == torch.float32
    assert 0 < float((found - expected).abs().mean()) < 0.02


def test_trainable_weights_depend_on_the_seed_alone() -> None:
    one, same, other = (ShapesSpec().build(2, seed) for seed in (0, 0, 1))
    for p, q in zip(one.parameters(), same.parameters(), strict=True):
        assert torch.equal(p, q)
    assert any(not torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters(), strict=True))


def test_sentences_have_embeddings_of_their_own(backbone: AdaptedBackbone) -> None:
    condition = backbone.encode([*PROMPTS, "one red circle", "a white triangle left of a blue square"])
    assert condition.tokens.shape == (6, LONGEST, 128)
    flat = condition.pooled
    distances = torch.cdist(flat, flat) + 10 * torch.eye(len(flat))
    # Word order matters, and no prompt is a prompt of its own.
    assert float(distances.min()) > 0.01


def test_the_empty_prompt_and_a_word_more_than_fit() -> None:
    encoder = SentenceEncoder(SentenceSize(width=8, pooled=8, layers=1))
    assert encoder.numbers([""]).tolist() == [[0] * LONGEST]
    assert encoder.numbers([]).shape == (0, LONGEST)
    with pytest.raises(PromptError, match=f"at most {LONGEST} words, found 9"):
        encoder.numbers(["a a a a a a a a a"])


def test_a_prompt_outside_the_language_is_one_clear_line(backbone: AdaptedBackbone) -> None:
    with pytest.raises(PromptError, match="found 'cat'") as caught:
        backbone.encode(["a red cat"])
    assert "\n" not in str(caught.value)


def test_a_preference_of_the_wrong_length_is_refused(backbone: AdaptedBackbone, inputs: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(UsageError, match="expected K=2"):
        backbone.velocity(*inputs, backbone.encode(PROMPTS), torch.tensor([[0.2, 0.3, 0.5]] * 4))


@pytest.mark.parametrize(
    "name", ["transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors", "settings.json"]
)
def test_files_that_do_not_match_their_hash_are_refused(weights: Path, name: str) -> None:
    content = bytearray((weights / name).read_bytes())
    content[-3] ^= 1
    (weights / name).write_bytes(bytes(content))
    with pytest.raises(UsageError, match="SHA-256") as caught:
        ShapesSpec(folder=weights).build(2, 0)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_are_refused(weights: Path, tmp_path: Path) -> None:
    (weights / "text_encoder" / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"model\.safetensors"):
        ShapesSpec(folder=weights).build(2, 0)
    with pytest.raises(UsageError, match="cannot read"):
        ShapesSpec(folder=tmp_path / "nowhere").build(2, 0)
    with pytest.raises(UsageError, match="cannot read"):
        ShapesSpec(folder=tmp_path / "nowhere").describe()


def test_another_models_text_encoder_is_refused(weights: Path) -> None:
    folder = weights / "text_encoder"
    (folder / "config.json").write_text('{"width": 64, "pooled": 128, "layers": 2, "heads": 2}')
    with pytest.raises(UsageError, match="damaged: expected a text encoder of the image world") as caught:
        load_sentence_encoder(folder)
    assert "\n" not in str(caught.value)


def test_the_weights_fit_the_repository_and_say_how_they_were_made() -> None:
    size = sum(path.stat().st_size for path in WEIGHTS.rglob("*"))
    assert size <= 16e6
    assert "flowfront pretrain shapes" in (WEIGHTS / "README.md").read_text()
    assert len((WEIGHTS / "training.jsonl").read_text().splitlines()) > 10


def test_the_description_names_the_weights(weights: Path) -> None:
    before = ShapesSpec(folder=weights).describe()
    assert before == ShapesSpec().describe()
    (weights / "settings.json").write_text("{}")
    write_hashes(weights, sorted(listed_hashes(weights)))
    assert ShapesSpec(folder=weights).describe()["weights"] != before["weights"]
