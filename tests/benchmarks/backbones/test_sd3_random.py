"""The real transformer class with LoRA: what the toy cannot show of gradients and snapshots."""

import pytest
import torch
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.sd3_random import RandomSD3Spec
from methods.base import Terms
from methods.gradients import ObjectiveGradients

TINY = RandomSD3Spec(layers=2, heads=1, patches=2, text_tokens=3, rank=2)
N, K = 4, 3


def moved(seed: int = 0) -> AdaptedBackbone:
    """A backbone whose adapter is no longer the identity."""
    backbone = TINY.build(K, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return backbone


def inputs(backbone: AdaptedBackbone, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(N, *backbone.latent_shape, generator=generator), torch.linspace(0.1, 1, N)


def terms_of(backbone: AdaptedBackbone) -> Terms:
    x, sigma = inputs(backbone)
    condition = backbone.encode(["a", "b"]).rows(torch.tensor([0, 0, 1, 1]))
    velocity = backbone.velocity(x, sigma, condition).flatten(1)
    branches = torch.stack((velocity.square().mean(1), velocity.sin().mean(1)), 1)
    coefficients = torch.randn(N, K, 2, generator=torch.Generator().manual_seed(7))
    return Terms(branches, coefficients, torch.zeros(N, K), None)


def test_the_adapter_alone_is_trained_and_changes_nothing_at_the_start() -> None:
    backbone = TINY.build(K, 0)
    names = [name for name, p in backbone.network.named_parameters() if p.requires_grad]
    assert names
    assert all("lora_" in name for name in names)
    x, sigma = inputs(backbone)
    condition = backbone.encode(["a"] * N)
    before = backbone.velocity(x, sigma, condition)
    with torch.no_grad():
        for name, parameter in backbone.network.named_parameters():
            if "lora_A" in name:
                parameter.add_(1.0)
    torch.testing.assert_close(backbone.velocity(x, sigma, condition), before)
    assert torch.equal(TINY.build(K, 0).encode(["a"]).tokens, backbone.encode(["a"]).tokens)
    assert not torch.equal(backbone.encode(["a"]).tokens, backbone.encode(["b"]).tokens)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_from_one_pass_a_branch_are_those_of_separate_passes(checkpointing: bool) -> None:
    backbone = moved()
    if checkpointing:
        backbone.network.enable_gradient_checkpointing()
    terms = terms_of(backbone)
    losses = (terms.coefficients * terms.branches.unsqueeze(1)).sum((0, 2))
    rows = [torch.autograd.grad(loss, backbone.parameters(), retain_graph=True) for loss in losses]
    expected = torch.stack([torch.cat([piece.flatten() for piece in row]) for row in rows])
    gradients = ObjectiveGradients(backbone.network)
    gradients.reset(K)
    with gradients.watching(N):
        again = terms_of(backbone)
        gradients.add(again.branches, again.coefficients)
    assert not gradients.general
    error = (gradients.flat() - expected).norm() / expected.norm()
    assert float(error) <= (1e-5 if torch.get_default_dtype() == torch.float32 else 1e-12)
