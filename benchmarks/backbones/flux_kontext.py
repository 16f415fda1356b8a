"""FLUX.1 Kontext: images made from a source image and an instruction.

Latents are [16, H, W], unlike the packed tokens of diffusers' pipeline: packing two by two pixels into tokens and the
tokens of the source image behind them are this family's convention, and stay in its network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone, AdaptedNetwork, Embeddings, StoredText, modules_for
from benchmarks.backbones.checkpoints import FluxKontextSpec
from benchmarks.backbones.embeddings import CachedText
from benchmarks.backbones.pipelines import (
    adapted_transformer,
    at_work,
    backbone_of,
    cached_text,
    frozen,
    image_decoder,
    in_parts,
    levels,
    shift_of,
    side_of_latents,
    without_text,
)
from benchmarks.backbones.preference import PreferenceModules, Reader
from benchmarks.hub import quiet
from benchmarks.tasks.edits import Sources, split_edit

DOUBLE = ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
TARGETS = [f"attn.{name}" for name in DOUBLE]
"""The attention projections of both kinds of blocks; those of one stream have the first three only.

ParetoSlider's targets for this family are not published; these are the counterparts of its targets for SD3.5.
"""

SHIFT_DEFAULTS = (256, 4096, 0.5, 1.15)
"""Of diffusers' pipeline; see `pipelines.shift_of`."""


def packed(latents: Tensor) -> Tensor:
    """Return tokens [B, H/2 * W/2, 4 C] of latents [B, C, H, W]: two by two pixels each, channels first.

    Example:
        >>> packed(torch.arange(4.0).reshape(1, 1, 2, 2)).tolist()
        [[[0.0, 1.0, 2.0, 3.0]]]
    """
    b, c, h, w = latents.shape
    return latents.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, 4 * c)


def unpacked(tokens: Tensor, height: int, width: int) -> Tensor:
    """Return latents [B, C, H, W] of tokens [B, H/2 * W/2, 4 C]."""
    b, _, c = tokens.shape
    grid = tokens.reshape(b, height // 2, width // 2, c // 4, 2, 2)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(b, c // 4, height, width)


def places(height: int, width: int, image: int, device: torch.device) -> Tensor:
    """Return the position [H/2 * W/2, 3] of each token: number of its image, row, column.

    Example:
        >>> places(2, 4, 1, torch.device("cpu")).tolist()
        [[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    """
    rows, columns = torch.meshgrid(torch.arange(height // 2), torch.arange(width // 2), indexing="ij")
    found = torch.stack((torch.full_like(rows, image), rows, columns), dim=-1)
    return found.reshape(-1, 3).to(device=device, dtype=torch.float32)


@dataclass(frozen=True)
class InstructionEmbedding(Embeddings):
    """Token embeddings [B, T, C] and pooled embeddings [B, D] of instructions."""

    tokens: Tensor
    pooled: Tensor


@dataclass(frozen=True)
class SourceEmbedding(Embeddings):
    """Latents [B, 16, h, w] of source images."""

    source: Tensor


@dataclass(frozen=True)
class EditEmbedding(Embeddings):
    """Token embeddings [B, T, C] and pooled embeddings [B, D] of instructions, latents [B, 16, h, w] of sources."""

    tokens: Tensor
    pooled: Tensor
    source: Tensor


class FluxKontextNetwork(AdaptedNetwork):
    """A `FluxTransformer2DModel` on latents [B, 16, H, W] beside those of a source image.

    The preference modulates image tokens alone, in double and in single blocks, those of the source among them.
    """

    def __init__(self, transformer: Any, preference: PreferenceModules | None, embedded_guidance: float) -> None:
        """Take a transformer, unattached modules of its width, and the guidance that distilled models take as input."""
        super().__init__(transformer, preference)
        self._guidance = embedded_guidance
        if preference is None:
            return
        blocks = [Reader(block, 2, "temb", block.ff) for block in transformer.transformer_blocks]
        blocks += [
            Reader(block, 2, "temb", block.proj_out, after=(1, "encoder_hidden_states"))
            for block in transformer.single_transformer_blocks
        ]
        last = Reader(transformer.norm_out, 1, "conditioning_embedding")
        preference.attach(transformer.time_text_embed, [*blocks, last])

    def call(self, x: Tensor, sigma: Tensor, condition: EditEmbedding) -> Tensor:
        """Return the velocity; times reach the model in [0, 1], which multiplies them by 1000 itself."""
        height, width = x.shape[2:]
        own = places(height, width, 0, x.device)
        source = places(condition.source.shape[2], condition.source.shape[3], 1, x.device)
        guidance = x.new_full((len(x),), self._guidance) if self.transformer.config.guidance_embeds else None
        found: Tensor = self.transformer(
            hidden_states=torch.cat((packed(x), packed(condition.source).to(x)), dim=1),
            encoder_hidden_states=condition.tokens,
            pooled_projections=condition.pooled,
            timestep=sigma,
            guidance=guidance,
            txt_ids=own.new_zeros(condition.tokens.shape[1], 3),
            img_ids=torch.cat((own, source)),
            return_dict=False,
        )[0]
        return unpacked(found[:, : len(own)], height, width)


class Instructions:
    """Instructions by the pipeline's own text encoders; see `adapted.TextEncoding`."""

    def __init__(self, pipeline: Any, length: int) -> None:
        """Take a pipeline with text encoders, and the number of text tokens."""
        self._pipeline, self._length = pipeline, length

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> InstructionEmbedding:
        """Return the embeddings of instructions, one row each."""
        tokens, pooled, _ = self._pipeline.encode_prompt(
            prompt=list(prompts), prompt_2=None, max_sequence_length=self._length
        )
        return InstructionEmbedding(tokens, pooled)


class Pictures:
    """Source images by the VAE; the empty prompt stands for a gray one."""

    def __init__(self, vae: Any, spec: FluxKontextSpec, images: Sources) -> None:
        """Take the VAE that decodes, too, and where the images are."""
        self._vae, self._spec, self._images = vae, spec, images

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> SourceEmbedding:
        """Return the latents of the images that prompts name, one row each, at most `decode_batch` at a time.

        Raises:
            UsageError: If an image is missing or of another size.
        """
        gray = torch.full((3, self._spec.side, self._spec.side), 0.5)
        images = torch.stack([self._images.image(prompt) if prompt else gray for prompt in prompts])
        with at_work(self._vae, self._spec):
            return SourceEmbedding(in_parts(self._latents, images, size=self._spec.decode_batch))

    def _latents(self, images: Tensor) -> Tensor:
        vae = self._vae
        found: Tensor = vae.encode((2 * images - 1).to(vae.device, vae.dtype)).latent_dist.mode()
        scaled: Tensor = (found - vae.config.shift_factor) * vae.config.scaling_factor
        return scaled


class EditText:
    """Prompts "FILE: instruction": each instruction and each source image is encoded once, whatever goes with it.

    The empty prompt has no source of its own and stands beside a gray one.
    """

    def __init__(self, instructions: StoredText, pictures: StoredText) -> None:
        """Take both parts; pictures are asked for by a prompt that names the file."""
        self._instructions, self._pictures = instructions, pictures

    def prepare(self, prompts: Sequence[str]) -> None:
        """Encode what is not kept yet; pictures come first, for a wrong one is found before encoders are loaded.

        Raises:
            UsageError: If a prompt is not of that form, or its source is missing or of another size.
        """
        words, named = self._parts(prompts)
        self._pictures.prepare(named)
        self._instructions.prepare(words)

    def encode(self, prompts: Sequence[str]) -> EditEmbedding:
        """Return the embeddings of prompts, one row each.

        Raises:
            UsageError: If a prompt is not of that form, or its source is missing or of another size.
        """
        words, named = self._parts(prompts)
        sources, instructions = self._pictures.encode(named), self._instructions.encode(words)
        return EditEmbedding(**vars(instructions), **vars(sources))

    def _parts(self, prompts: Sequence[str]) -> tuple[list[str], list[str]]:
        pairs = [split_edit(prompt) if prompt else ("", "") for prompt in prompts]
        return [words for _, words in pairs], [f"{file}: source" if file else "" for file, _ in pairs]


def _text(spec: FluxKontextSpec, kind: Any, vae: Any) -> EditText:
    images, folder = Sources(spec.sources, (spec.side, spec.side)), spec.cache.expanduser()
    words = cached_text(
        kind, spec, InstructionEmbedding, lambda loaded: Instructions(loaded, spec.text_length), ("vae",)
    )
    pictures = CachedText(
        SourceEmbedding, lambda: Pictures(vae, spec, images), folder, {**spec.origin(), "side": spec.side},
        also=lambda prompt: str(images.hashes([prompt] if prompt else [])),
    )  # fmt: skip
    return EditText(words, pictures)


def build(spec: FluxKontextSpec, n_objectives: int, seed: int) -> AdaptedBackbone:
    """Return the backbone of a checkpoint.

    Raises:
        UsageError: If the checkpoint cannot be read or is of another family, or the side does not fit it.
    """
    with quiet():
        from diffusers import FluxKontextPipeline, FluxTransformer2DModel

    pipeline = without_text(FluxKontextPipeline, spec)
    factor, vae = pipeline.vae_scale_factor, frozen(pipeline.vae, spec)
    side = 2 * side_of_latents(spec.side, 2 * factor)
    transformer = adapted_transformer(FluxTransformer2DModel, spec, TARGETS, seed)
    modules = modules_for(transformer, transformer.inner_dim, spec.preference, n_objectives, seed)
    network = FluxKontextNetwork(transformer, modules, spec.embedded_guidance)
    mu = shift_of(pipeline.scheduler, side * side // 4, SHIFT_DEFAULTS)
    return backbone_of(
        spec, network, _text(spec, FluxKontextPipeline, vae), vae, image_decoder(vae),
        (transformer.config.in_channels // 4, side, side), spec.guidance,
        lambda steps: levels(pipeline.scheduler, steps, mu, even=True),
    )  # fmt: skip
