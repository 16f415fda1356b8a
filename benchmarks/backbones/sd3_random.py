"""A small Stable Diffusion 3 transformer with random weights and LoRA: the real architecture, for measuring speed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import SD3Transformer2DModel
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.sd3 import PromptEmbedding, adapted
from benchmarks.draws import derived_seed


@dataclass(frozen=True)
class RandomText:
    """Random embeddings that depend on a prompt's text alone: `tokens` of width C, and one of width D."""

    tokens: int
    width: int
    pooled_width: int

    def encode(self, prompts: Sequence[str]) -> PromptEmbedding:
        """Return normal numbers, [B, tokens, C] and [B, D]; the empty prompt is a prompt like any other."""
        generators = [torch.Generator().manual_seed(derived_seed("prompt", prompt)) for prompt in prompts]
        tokens = [torch.randn(self.tokens, self.width, generator=g) for g in generators]
        pooled = [torch.randn(self.pooled_width, generator=g) for g in generators]
        return PromptEmbedding(torch.stack(tokens), torch.stack(pooled))


def unchanged(latents: Tensor) -> Tensor:
    """Return the latents: they are the samples."""
    return latents


@dataclass(frozen=True)
class RandomSD3Spec:
    """Size of the transformer: layers, attention heads of 32 channels each, side of the latents in patches, rank."""

    layers: int = 6
    heads: int = 4
    patches: int = 8
    text_tokens: int = 16
    rank: int = 16

    def build(self, n_objectives: int, seed: int) -> AdaptedBackbone:
        """Return a backbone whose weights depend on the seed alone; the adapter changes nothing at the start."""
        width = 32 * self.heads
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(seed, "random sd3"))
            transformer: Any = SD3Transformer2DModel(  # type: ignore[no-untyped-call]
                sample_size=4 * self.patches, patch_size=4, in_channels=3, out_channels=3, num_layers=self.layers,
                attention_head_dim=32, num_attention_heads=self.heads, joint_attention_dim=width,
                caption_projection_dim=width, pooled_projection_dim=width, pos_embed_max_size=self.patches,
            )  # fmt: skip
        text = RandomText(self.text_tokens, width, width)
        return adapted(transformer, text, unchanged, LoraSize(self.rank), seed)

    def describe(self) -> Mapping[str, Any]:
        """Return the size."""
        return {"kind": "random sd3", **vars(self)}
