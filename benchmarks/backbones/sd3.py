"""Stable Diffusion 3 and 3.5: the transformer as a network, its checkpoints, LoRA targets and noise levels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import SD3Transformer2DModel
from torch import Tensor

from benchmarks.backbones.adapted import (
    AdaptedBackbone,
    AdaptedNetwork,
    Embeddings,
    Precision,
    TextEncoding,
    modules_for,
)
from benchmarks.backbones.checkpoints import SD3Spec
from benchmarks.backbones.loading import load_model
from benchmarks.backbones.lora import LoraSize, add_lora
from benchmarks.backbones.pipelines import (
    adapted_transformer,
    backbone_of,
    cached_text,
    frozen,
    image_decoder,
    levels,
    shift_of,
    side_of_latents,
    without_text,
)
from benchmarks.backbones.preference import PreferenceModules, PreferenceSize, Reader
from benchmarks.hub import quiet
from benchmarks.records import UsageError
from methods.samplers.schedules import shifted_sigmas

TARGETS = [f"attn.{name}" for name in ("to_q", "to_k", "to_v", "to_out.0")]
TARGETS += [f"attn.{name}" for name in ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")]
"""The eight attention projections of both streams; the last block, whose text stream ends there, lacks the eighth.

Source: DiffusionNFT and ParetoSlider, released code.
"""


SHIFT_DEFAULTS = (256, 4096, 0.5, 1.16)
"""Of diffusers' pipeline; see `pipelines.shift_of`."""


@dataclass(frozen=True)
class PromptEmbedding(Embeddings):
    """Token embeddings [B, T, C] and pooled embeddings [B, D] of prompts."""

    tokens: Tensor
    pooled: Tensor


class SD3Network(AdaptedNetwork):
    """An `SD3Transformer2DModel` on latents [B, C, H, W]."""

    def __init__(self, transformer: Any, preference: PreferenceModules | None = None) -> None:
        """Take a transformer, and modules of its width that nothing is attached to yet."""
        super().__init__(transformer, preference)
        if preference is not None:
            blocks = [Reader(block, 2, "temb", block.ff) for block in transformer.transformer_blocks]
            last = Reader(transformer.norm_out, 1, "conditioning_embedding")
            preference.attach(transformer.time_text_embed, [*blocks, last])

    def call(self, x: Tensor, sigma: Tensor, condition: PromptEmbedding) -> Tensor:
        """Return the velocity; times are the only foreign convention: the model's output is noise - clean already."""
        found: Tensor = self.transformer(
            hidden_states=x,
            encoder_hidden_states=condition.tokens,
            pooled_projections=condition.pooled,
            timestep=1000 * sigma,
            return_dict=False,
        )[0]
        return found


def check_side(config: Any, side: int) -> None:
    """Check that a transformer of a configuration takes latents of a side.

    Raises:
        UsageError: If it does not.
    """
    largest = config.patch_size * config.pos_embed_max_size
    if not 0 < side <= largest or side % config.patch_size:
        raise UsageError(f"latent side: expected a multiple of {config.patch_size} up to {largest}, found {side}")


def adapted(
    transformer: Any,
    text: TextEncoding,
    decoder: Callable[[Tensor], Tensor],
    lora: LoraSize,
    seed: int,
    *,
    n_objectives: int = 1,
    preference: PreferenceSize | None = None,
    precision: Precision = "float32",
    latent_side: int | None = None,
    guidance: float = 1.0,
    sigmas: Callable[[int], Tensor] = shifted_sigmas,
) -> AdaptedBackbone:
    """Return a backbone from an `SD3Transformer2DModel`, which is frozen and given LoRA and, on request, preferences.

    The adapter's weights depend on the seed alone. Without a preference it changes nothing at the start.

    Args:
        transformer: The transformer; changed in place.
        text: The text part.
        decoder: From clean latents [B, ...] to samples.
        lora: Size of the LoRA, on the attention projections in `TARGETS`.
        seed: Seed of the trainable weights.
        n_objectives: K, read by the preference modules.
        preference: Size of the preference modules; None makes none.
        precision: See `AdaptedBackbone`.
        latent_side: Height and width of the latents; None takes the size in the transformer's configuration.
        guidance: See `AdaptedBackbone`.
        sigmas: See `AdaptedBackbone`.

    Raises:
        UsageError: If the precision is unknown or the transformer takes no latents of that side.
    """
    config = transformer.config
    side = config.sample_size if latent_side is None else latent_side
    check_side(config, side)
    add_lora(transformer, TARGETS, lora, seed)
    modules = modules_for(transformer, transformer.inner_dim, preference, n_objectives, seed)
    return AdaptedBackbone(
        SD3Network(transformer, modules), text, decoder, (config.in_channels, side, side),
        precision=precision, guidance=guidance, sigmas=sigmas,
    )  # fmt: skip


def pixels(latents: Tensor) -> Tensor:
    """Return images in [0, 1] from latents that are pixels in [-1, 1]; what lies outside is clamped.

    Example:
        >>> pixels(torch.tensor([-1.0, 0.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return ((latents + 1) / 2).clamp(0, 1)


def load_transformer(source: str | Path, subfolder: str | None = "transformer", revision: str | None = None) -> Any:
    """Return an `SD3Transformer2DModel` in float32; see `loading.load_model`.

    Raises:
        UsageError: If there is no such folder or repository, or its files are missing, damaged or another model's.
    """
    return load_model(SD3Transformer2DModel, source, subfolder, revision)


class SD3Text:
    """Prompts by the pipeline's own text encoders; see `adapted.TextEncoding`."""

    def __init__(self, pipeline: Any, length: int) -> None:
        """Take a pipeline with text encoders, and the number of tokens of the largest of them."""
        self._pipeline, self._length = pipeline, length

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> PromptEmbedding:
        """Return the embeddings of prompts, one row each."""
        tokens, _, pooled, _ = self._pipeline.encode_prompt(
            prompt=list(prompts), prompt_2=None, prompt_3=None, do_classifier_free_guidance=False,
            max_sequence_length=self._length,
        )  # fmt: skip
        return PromptEmbedding(tokens, pooled)


def build(spec: SD3Spec, n_objectives: int, seed: int) -> AdaptedBackbone:
    """Return the backbone of a checkpoint.

    Raises:
        UsageError: If the checkpoint cannot be read or is of another family, or the side does not fit it.
    """
    # Imported here, for pipelines bring the whole of transformers, which the image benchmark does without.
    with quiet():
        from diffusers import StableDiffusion3Pipeline

    pipeline = without_text(StableDiffusion3Pipeline, spec)
    side = side_of_latents(spec.side, pipeline.vae_scale_factor)
    vae = frozen(pipeline.vae, spec)
    transformer = adapted_transformer(SD3Transformer2DModel, spec, TARGETS, seed)
    patch = transformer.config.patch_size
    check_side(transformer.config, side)
    modules = modules_for(transformer, transformer.inner_dim, spec.preference, n_objectives, seed)
    text = cached_text(
        StableDiffusion3Pipeline, spec, PromptEmbedding, lambda loaded: SD3Text(loaded, spec.text_length), ("vae",)
    )
    mu = shift_of(pipeline.scheduler, (side // patch) ** 2, SHIFT_DEFAULTS)
    return backbone_of(
        spec, SD3Network(transformer, modules), text, vae, image_decoder(vae),
        (transformer.config.in_channels, side, side), spec.guidance,
        lambda steps: levels(pipeline.scheduler, steps, mu, even=False),
    )  # fmt: skip
