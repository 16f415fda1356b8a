"""Every family's adapter against diffusers' own pipeline: the same latents and samples from the same noise."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import FluxKontextPipeline, LTX2Pipeline, StableDiffusion3Pipeline
from PIL import Image
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.checkpoints import FluxKontextSpec, LTX2Spec, SD3Spec
from benchmarks.backbones.flux_kontext import packed, unpacked
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE
from tests.support.checkpoints import build_flux_kontext, build_ltx2, build_sd3

STEPS, SIDE = 3, 64
LIGHT: dict[str, Any] = {
    "lora": LoraSize(2), "preference": PreferenceSize(hidden=8), "precision": "float32", "device": "cpu",
}  # fmt: skip


def rollout(backbone: AdaptedBackbone, prompts: Sequence[str], noise: Tensor) -> Tensor:
    condition = backbone.encode(prompts)
    levels = backbone.schedule(STEPS)

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        return backbone.velocity(x, sigma, condition)

    with torch.no_grad():
        return denoise(velocity, ODE(), noise, levels).clean


def noise_for(backbone: AdaptedBackbone, n: int) -> Tensor:
    return torch.randn(n, *backbone.latent_shape, generator=torch.Generator().manual_seed(5))


def check_close(found: Tensor, expected: Tensor) -> None:
    assert float(expected.std()) > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("guidance", [1.0, 4.5])
def test_sd3(guidance: float, tmp_path: Path) -> None:
    folder = build_sd3(tmp_path / "sd3")
    spec = SD3Spec(path=str(folder), side=SIDE, guidance=guidance, text_length=16, cache=tmp_path / "cache", **LIGHT)
    backbone = spec.build(2, 0)
    prompts, noise = ["a red cube", "two dogs"], noise_for(backbone, 2)
    pipeline = StableDiffusion3Pipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)

    def theirs(kind: str) -> Tensor:
        found: Tensor = pipeline(
            prompts, height=SIDE, width=SIDE, num_inference_steps=STEPS, guidance_scale=guidance, latents=noise,
            max_sequence_length=16, output_type=kind,
        ).images  # fmt: skip
        return found

    ours = rollout(backbone, prompts, noise)
    check_close(ours, theirs("latent"))
    check_close(backbone.decode(ours), theirs("pt"))


def test_flux_kontext(tmp_path: Path) -> None:
    folder, sources = build_flux_kontext(tmp_path / "flux"), tmp_path / "sources"
    sources.mkdir()
    generator = torch.Generator().manual_seed(1)
    for name in ("one.png", "two.png"):
        values = (255 * torch.rand(SIDE, SIDE, 3, generator=generator)).byte()
        Image.fromarray(values.numpy()).save(sources / name)
    spec = FluxKontextSpec(
        path=str(folder), sources=sources, side=SIDE, cache=tmp_path / "cache", text_length=16, **LIGHT
    )
    backbone = spec.build(2, 0)
    prompts, noise = ["one.png: make it blue", "two.png: add a hat"], noise_for(backbone, 2)
    pipeline = FluxKontextPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)

    def theirs(row: int, kind: str) -> Tensor:
        # The pipeline takes one source a call here.
        name, words = prompts[row].split(": ")
        found: Tensor = pipeline(
            image=Image.open(sources / name), prompt=words, height=SIDE, width=SIDE, num_inference_steps=STEPS,
            guidance_scale=3.5, latents=packed(noise[row : row + 1]), max_sequence_length=16, max_area=SIDE * SIDE,
            _auto_resize=False, output_type=kind,
        ).images  # fmt: skip
        return found

    ours = rollout(backbone, prompts, noise)
    expected = torch.cat([theirs(row, "latent") for row in (0, 1)])
    check_close(ours, unpacked(expected, *backbone.latent_shape[1:]))
    check_close(backbone.decode(ours), torch.cat([theirs(row, "pt") for row in (0, 1)]))


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_ltx2(guidance: float, tmp_path: Path) -> None:
    folder = build_ltx2(tmp_path / "ltx2")
    spec = LTX2Spec(
        path=str(folder), height=SIDE, width=SIDE, frames=9, guidance=guidance, text_length=16,
        cache=tmp_path / "cache", **LIGHT,
    )  # fmt: skip
    backbone = spec.build(2, 0)
    prompts, noise = ["a red cube rolls", "two dogs bark"], noise_for(backbone, 2)
    pipeline = LTX2Pipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    size = backbone.network._size
    video, audio = size.split(noise)
    vae, audio_vae = pipeline.vae, pipeline.audio_vae
    mean, std = (t.view(1, -1, 1, 1, 1) for t in (vae.latents_mean, vae.latents_std))

    def flat(latents: Tensor) -> Tensor:
        return latents.transpose(1, 2).flatten(2)

    def unflat(tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (size.audio_channels, size.mel_bins)).transpose(1, 2)

    def theirs(kind: str) -> tuple[Tensor, Tensor]:
        # The pipeline takes latents in the autoencoders' units.
        found: tuple[Tensor, Tensor] = pipeline(
            prompts, height=SIDE, width=SIDE, num_frames=9, num_inference_steps=STEPS, guidance_scale=guidance,
            audio_guidance_scale=guidance, stg_scale=0.0, audio_stg_scale=0.0, modality_scale=1.0,
            audio_modality_scale=1.0, guidance_rescale=0.0, audio_guidance_rescale=0.0,
            latents=video * std / vae.config.scaling_factor + mean,
            audio_latents=unflat(flat(audio) * audio_vae.latents_std + audio_vae.latents_mean),
            max_sequence_length=16, output_type=kind, return_dict=False,
        )  # fmt: skip
        return found

    ours = rollout(backbone, prompts, noise)
    moved, heard = size.split(ours)
    video_latents, audio_latents = theirs("latent")
    check_close(moved * std / vae.config.scaling_factor + mean, video_latents)
    check_close(unflat(flat(heard) * audio_vae.latents_std + audio_vae.latents_mean), audio_latents)
    check_close(backbone.decode(ours), theirs("pt")[0])
