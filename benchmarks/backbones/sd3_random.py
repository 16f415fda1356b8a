"""A small Stable Diffusion 3 transformer with random weights and LoRA: the real architecture, for measuring speed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from diffusers import SD3Transformer2DModel
from peft import LoraConfig
from torch import Tensor, nn

from benchmarks.draws import derived_seed
from benchmarks.snapshots import WeightSnapshots
from methods.base import Condition

TARGETS = [f"attn.{name}" for name in ("to_q", "to_k", "to_v", "to_out.0")]
TARGETS += [f"attn.{name}" for name in ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")]
"""The eight attention projections of both streams. Source: DiffusionNFT and ParetoSlider, released code."""


@dataclass(frozen=True)
class PromptEmbedding:
    """Token embeddings [B, T, width] and pooled embeddings [B, width] of prompts."""

    tokens: Tensor
    pooled: Tensor

    def rows(self, index: Tensor) -> Self:
        """Return the condition of the rows in `index`."""
        return type(self)(self.tokens[index], self.pooled[index])


class RandomSD3:
    """An `SD3Transformer2DModel` as a backbone; prompts are random embeddings and latents are the samples."""

    def __init__(self, transformer: Any, text_tokens: int) -> None:
        """Take an `SD3Transformer2DModel` whose trainable parameters are those of its adapter."""
        self._transformer, self._text_tokens = transformer, text_tokens
        self._snapshots = WeightSnapshots(self.parameters())

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        size = self._transformer.config.sample_size
        return (self._transformer.config.in_channels, size, size)

    @property
    def network(self) -> nn.Module:
        """The transformer."""
        module: nn.Module = self._transformer
        return module

    @property
    def snapshots(self) -> WeightSnapshots:
        """The named snapshots of the adapter."""
        return self._snapshots

    def parameters(self) -> list[nn.Parameter]:
        """Return the adapter's parameters."""
        return [p for p in self._transformer.parameters() if p.requires_grad]

    def encode(self, prompts: Sequence[str]) -> PromptEmbedding:
        """Return embeddings that depend on each prompt's text alone."""
        config = self._transformer.config
        generators = [torch.Generator().manual_seed(derived_seed("prompt", prompt)) for prompt in prompts]
        tokens = [torch.randn(self._text_tokens, config.joint_attention_dim, generator=g) for g in generators]
        pooled = [torch.randn(config.pooled_projection_dim, generator=g) for g in generators]
        return PromptEmbedding(torch.stack(tokens), torch.stack(pooled))

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        """Return the transformer's output; preferences are not read."""
        assert isinstance(condition, PromptEmbedding)
        found: Tensor = self._transformer(
            hidden_states=x,
            encoder_hidden_states=condition.tokens,
            pooled_projections=condition.pooled,
            timestep=1000 * sigma,
            return_dict=False,
        )[0]
        return found

    def decode(self, latents: Tensor) -> Tensor:
        """Return the latents."""
        return latents


@dataclass(frozen=True)
class RandomSD3Spec:
    """Size of the transformer: layers, attention heads of 32 channels each, side of the latents in patches, rank."""

    layers: int = 6
    heads: int = 4
    patches: int = 8
    text_tokens: int = 16
    rank: int = 16

    def build(self, n_objectives: int, seed: int) -> RandomSD3:
        """Return a backbone whose weights depend on the seed alone; the adapter changes nothing at the start."""
        width = 32 * self.heads
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(seed, "random sd3"))
            transformer: Any = SD3Transformer2DModel(  # type: ignore[no-untyped-call]
                sample_size=4 * self.patches, patch_size=4, in_channels=3, out_channels=3, num_layers=self.layers,
                attention_head_dim=32, num_attention_heads=self.heads, joint_attention_dim=width,
                caption_projection_dim=width, pooled_projection_dim=width, pos_embed_max_size=self.patches,
            )  # fmt: skip
            transformer.requires_grad_(False)
            transformer.add_adapter(LoraConfig(r=self.rank, lora_alpha=2 * self.rank, target_modules=TARGETS))
        return RandomSD3(transformer, self.text_tokens)

    def describe(self) -> Mapping[str, Any]:
        """Return the size."""
        return {"kind": "random sd3", **vars(self)}
