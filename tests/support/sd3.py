"""Tiny Stable Diffusion 3 transformers and backbones, and inputs for them."""

from typing import Any, Literal

import torch
from diffusers import SD3Transformer2DModel
from torch import Tensor, nn

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceModules, PreferenceSize
from benchmarks.backbones.sd3 import PromptEmbedding, adapted
from benchmarks.backbones.sd3_random import RandomText, unchanged

WIDTH, N, K = 32, 4, 3
SMALL = PreferenceSize(hidden=24)
SD35 = {"dual_attention_layers": (0,), "qk_norm": "rms_norm"}
"""What Stable Diffusion 3.5 has and 3.0 has not."""


def tiny_transformer(seed: int = 0, **changes: Any) -> Any:
    """Return two blocks of width 32, 16 image tokens."""
    settings: dict[str, Any] = {
        "sample_size": 8, "patch_size": 2, "in_channels": 3, "out_channels": 3, "num_layers": 2,
        "attention_head_dim": 16, "num_attention_heads": 2, "joint_attention_dim": WIDTH,
        "caption_projection_dim": WIDTH, "pooled_projection_dim": WIDTH, "pos_embed_max_size": 4, **changes,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SD3Transformer2DModel(**settings).requires_grad_(False)


def tiny_modules(n_objectives: int = K, size: PreferenceSize = SMALL, seed: int = 0) -> PreferenceModules:
    """Return preference modules for it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PreferenceModules(n_objectives, WIDTH, size)


def tiny_backbone(
    n_objectives: int = K,
    preference: PreferenceSize | None = SMALL,
    precision: Literal["float32", "bfloat16"] = "float32",
    seed: int = 0,
    **changes: Any,
) -> AdaptedBackbone:
    """Return a backbone of rank 2 on it."""
    return adapted(
        tiny_transformer(**changes), RandomText(3, WIDTH, WIDTH), unchanged, LoraSize(2), seed,
        n_objectives=n_objectives, preference=preference, precision=precision,
    )  # fmt: skip


@torch.no_grad()
def moved(network: nn.Module, seed: int = 0) -> None:
    """Add noise to the trainable weights, so that adapter and preferences have an effect."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        if parameter.requires_grad:
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))


def tiny_inputs(n: int = N, seed: int = 1) -> tuple[Tensor, Tensor, PromptEmbedding]:
    """Return latents [n, 3, 8, 8], noise levels [n] and a condition of two prompts in turn."""
    x = torch.randn(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    condition = RandomText(3, WIDTH, WIDTH).encode(["a", "b"]).rows(torch.arange(n) % 2)
    return x, torch.linspace(0.1, 1, n), condition


def tiny_preferences(n: int = N, k: int = K, seed: int = 2) -> Tensor:
    """Return points [n, k] on the simplex."""
    return torch.rand(n, k, generator=torch.Generator().manual_seed(seed)).softmax(1)
