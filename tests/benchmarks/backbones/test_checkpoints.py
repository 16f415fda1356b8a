"""The small checkpoints: files by the seed alone, pipelines that run, samples that depend on all they should."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import FluxKontextPipeline, LTX2Pipeline, StableDiffusion3Pipeline
from torch import Tensor

from benchmarks.backbones.sd3 import load_transformer
from tests.support.checkpoints import build_flux_kontext, build_ltx2, build_sd3
from tests.support.records import bytes_below
from tests.support.vocabularies import clip_tokenizer, gemma_tokenizer, t5_tokenizer

SIDE = 64
PROMPTS = ("a red circle above a blue square", "three green apples and an old dog")
VISIBLE = 5 / 255
"""Mean difference of pixels that nobody overlooks."""


@dataclass(frozen=True)
class Family:
    """How a checkpoint is made and called, and what comes out."""

    build: Callable[..., Path]
    pipeline: Any
    tokenizers: tuple[Callable[[], Any], ...]
    shape: tuple[int, ...]
    latents: tuple[int, ...]
    plain: Mapping[str, Any]
    guided: Mapping[str, Any]


def picture(seed: int) -> Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)


KONTEXT = {"max_area": SIDE**2, "_auto_resize": False, "image": picture(0)}
# What is None or 0 for the sound is what the pictures have.
VIDEO = {"num_frames": 9, "guidance_scale": 1.0, "stg_scale": 0.0, "modality_scale": 1.0, "guidance_rescale": 0.0}
VIDEO |= {f"audio_{name}": None for name in ("guidance_scale", "stg_scale", "modality_scale", "guidance_rescale")}
OPTIONAL = {"image_encoder", "feature_extractor", "processor", "prompt_enhancer", "duration_head"}
FAMILIES = {
    "sd3": Family(
        build_sd3, StableDiffusion3Pipeline, (clip_tokenizer, clip_tokenizer, t5_tokenizer),
        (3, SIDE, SIDE), (16, 8, 8), {"guidance_scale": 1.0}, {"guidance_scale": 4.0},
    ),
    "flux_kontext": Family(
        build_flux_kontext, FluxKontextPipeline, (clip_tokenizer, t5_tokenizer),
        (3, SIDE, SIDE), (16, 64), KONTEXT, {"true_cfg_scale": 2.0, "negative_prompt": ""},
    ),
    "ltx2": Family(
        build_ltx2, LTX2Pipeline, (gemma_tokenizer,),
        (9, 3, SIDE, SIDE), (16, 2, 2, 2), VIDEO, {"guidance_scale": 3.0},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """A family, the folder of a checkpoint, and the pipeline loaded from it."""

    family: Family
    folder: Path
    pipe: Any

    def sample(self, prompts: Sequence[str], seeds: Sequence[int], **changes: Any) -> tuple[Tensor, ...]:
        """Return what the pipeline returns for prompts, the i-th from the noise of seeds[i], in three steps."""
        settings = {"height": SIDE, "width": SIDE, "num_inference_steps": 3, "output_type": "pt", "return_dict": False}
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        found: tuple[Tensor, ...] = self.pipe(
            prompt=list(prompts), generator=generators, **settings | {**self.family.plain} | changes
        )
        return found


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    family = FAMILIES[request.param]
    folder = family.build(tmp_path_factory.mktemp(request.param))
    # The keyword was `torch_dtype` before diffusers 0.42; releases that do not know `dtype` load float32 without it.
    pipe = family.pipeline.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    return Loaded(family, folder, pipe)


@pytest.fixture
def other_precision() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if before == torch.float32 else torch.float32)
    yield
    torch.set_default_dtype(before)


def test_files_depend_on_the_seed_alone(loaded: Loaded, tmp_path: Path, other_precision: None) -> None:
    state = torch.random.get_rng_state()
    here, again = bytes_below(loaded.folder), bytes_below(loaded.family.build(tmp_path / "again"))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert here == again
    other = bytes_below(loaded.family.build(tmp_path / "other", seed=1))
    assert {name for name in here if here[name] != other[name]} == {n for n in here if n.endswith(".safetensors")}


def test_folders_are_small_and_hold_nothing_to_unpickle(loaded: Loaded) -> None:
    files = bytes_below(loaded.folder)
    assert sum(map(len, files.values())) < 3e6
    assert {Path(name).suffix for name in files} == {".json", ".safetensors"}


def test_all_parts_are_there_in_float32_and_for_inference(loaded: Loaded) -> None:
    modules = [part for part in loaded.pipe.components.values() if isinstance(part, torch.nn.Module)]
    assert {name for name, part in loaded.pipe.components.items() if part is None} <= OPTIONAL
    assert {parameter.dtype for module in modules for parameter in module.parameters()} == {torch.float32}
    assert not any(part.training for module in modules for part in module.modules())


def test_prompt_and_noise_are_seen_in_the_samples(loaded: Loaded) -> None:
    samples = loaded.sample([PROMPTS[0], PROMPTS[1], PROMPTS[0]], [0, 0, 1])[0]
    assert samples.shape == (3, *loaded.family.shape)
    assert samples.dtype == torch.float32
    assert 0 <= samples.min() < 0.2 < 0.8 < samples.max() <= 1
    assert ((samples == 0) | (samples == 1)).float().mean() < 0.2
    for other in samples[1:]:
        assert (samples[0] - other).abs().mean() > VISIBLE


def test_latents_come_out_too_with_guidance_and_without_a_prompt(loaded: Loaded) -> None:
    latents = loaded.sample(["", PROMPTS[0]], [0, 0], output_type="latent", **loaded.family.guided)[0]
    assert latents.shape == (2, *loaded.family.latents)
    assert latents.isfinite().all()
    assert (latents[0] - latents[1]).abs().mean() > 0.1
    plain = loaded.sample(["", PROMPTS[0]], [0, 0], output_type="latent")[0]
    assert 0.5 < plain.std() < 5
    assert (latents - plain)[1].abs().mean() > 0.05


SENTENCES = (
    *PROMPTS, "", "a", 'A sign that reads "OPEN 24/7" & costs $3.50!', 'A sign that reads "OPEN 24/7" & costs $3.60!',
    "It\u2019s a caf\u00e9 \u2014 \u201cnaïve\u201d, isn\u2019t it?", "a photo of a bench right of a zebra",
    "a photo of a bench left of a zebra",
)  # fmt: skip


def test_tokenizers_come_back_and_tell_sentences_apart(loaded: Loaded) -> None:
    names = sorted(name for name in loaded.pipe.components if name.startswith("tokenizer"))
    for name, fresh in zip(names, loaded.family.tokenizers, strict=True):
        tokenizer = loaded.pipe.components[name]
        assert type(tokenizer) is type(fresh())
        ids = [tuple(tokenizer(sentence).input_ids) for sentence in SENTENCES]
        assert ids == [tuple(fresh()(sentence).input_ids) for sentence in SENTENCES]
        assert len(set(ids)) == len(SENTENCES)
        assert max(map(max, ids)) < len(tokenizer)
        assert all(len(found) < 50 for found in ids)
        words = {token for found in ids for token in found[1:-1]}
        assert tokenizer.unk_token_id not in words
        assert len(tokenizer("日本 🙂").input_ids) > 2


def test_texts_longer_than_an_encoder_takes_are_cut(loaded: Loaded) -> None:
    long = " ".join(PROMPTS * 40)
    assert all(
        part.isfinite().all() for part in loaded.sample([long], [0], output_type="latent", num_inference_steps=2)
    )


@pytest.mark.parametrize("loaded", ["flux_kontext"], indirect=True)
def test_source_picture_and_guidance_are_seen_in_the_edits(loaded: Loaded) -> None:
    sources = torch.cat((picture(0), picture(1), picture(0) ** 0.25, picture(0) ** 4))
    same, other, bright, dark = loaded.sample(PROMPTS[:1] * 4, [0] * 4, image=sources)[0]
    assert (same - other).abs().mean() > VISIBLE / 2
    assert (bright - dark).abs().mean() > VISIBLE
    guided = loaded.sample(PROMPTS[:1], [0], guidance_scale=1.0)[0][0]
    assert (same - guided).abs().mean() > VISIBLE / 2


@pytest.mark.parametrize("loaded", ["ltx2"], indirect=True)
def test_videos_move_and_sound(loaded: Loaded) -> None:
    video, audio = loaded.sample(PROMPTS, [0, 0])
    assert (video[:, 1:] - video[:, :-1]).abs().mean() > VISIBLE
    assert audio.shape == (2, 2, 7920)  # 9 frames: 9 latents, 4 * 9 - 3 columns of the spectrogram, 240 samples each
    assert audio.isfinite().all()
    assert audio.std() > 0.02
    assert (audio[0] - audio[1]).abs().mean() > 1e-3


def test_the_transformer_can_be_that_of_the_medium_size(tmp_path: Path) -> None:
    folder = build_sd3(tmp_path, dual_attention_layers=(0, 1))
    blocks = load_transformer(folder).transformer_blocks
    assert [block.attn2 is not None for block in blocks] == [True, True, False]
