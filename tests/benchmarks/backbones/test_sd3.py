"""The SD3 backbone: gradients, snapshots, prompts, latents, precision, and faults of its input."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.backbones.sd3 import PromptEmbedding, SD3Network, adapted, pixels
from benchmarks.records import UsageError
from methods.gradients import ObjectiveGradients, layer_group
from tests.support.networks import drawn_from, relative_error
from tests.support.sd3 import (
    SD35,
    SMALL,
    WIDTH,
    K,
    N,
    moved,
    tiny_backbone,
    tiny_inputs,
    tiny_preferences,
    tiny_transformer,
)


def velocity(backbone: AdaptedBackbone, preference: Tensor | None = None) -> Tensor:
    return backbone.velocity(*tiny_inputs(), preference)


def branches_of(backbone: AdaptedBackbone, preference: Tensor | None) -> Tensor:
    found = velocity(backbone, preference).flatten(1)
    return torch.stack((found.square().mean(1), found.sin().mean(1)), 1)


@pytest.mark.parametrize("size", [SMALL, PreferenceSize(hidden=24, fraction=0.5)], ids=["all blocks", "half"])
def test_checkpointing_leaves_the_gradients_of_several_preferences_alone(size: PreferenceSize) -> None:
    found = []
    for checkpointing in (False, True):
        backbone = tiny_backbone(preference=size, **SD35)
        moved(backbone.network)
        if checkpointing:
            backbone.network.enable_gradient_checkpointing()
        preferences = (tiny_preferences(seed=0), None, tiny_preferences(seed=1))
        outputs = [velocity(backbone, preference) for preference in preferences]
        velocity(backbone, tiny_preferences(seed=2))
        loss = sum((i + 1) * output.square().mean() for i, output in enumerate(outputs))
        assert backbone.network.preference is not None
        with backbone.network.preference.using(tiny_preferences(seed=3)):
            found.append(torch.autograd.grad(loss, backbone.parameters()))  # type: ignore[arg-type]
    for usual, recomputed in zip(*found, strict=True):
        torch.testing.assert_close(recomputed, usual, rtol=1e-5, atol=1e-7)


def check_gradients(backbone: AdaptedBackbone, n_objectives: int, tolerance: float) -> None:
    preference = tiny_preferences(k=n_objectives)
    coefficients = torch.randn(N, n_objectives, 2, generator=torch.Generator().manual_seed(7))
    losses = (coefficients * branches_of(backbone, preference).unsqueeze(1)).sum((0, 2))
    rows = [torch.autograd.grad(loss, backbone.parameters(), retain_graph=True) for loss in losses]
    expected = torch.stack([torch.cat([piece.flatten() for piece in row]) for row in rows])
    gradients = ObjectiveGradients(backbone.network)
    gradients.reset(n_objectives)
    with gradients.watching(N):
        gradients.add(branches_of(backbone, preference), coefficients)
    assert not gradients.general
    assert relative_error(gradients.flat(), expected) <= tolerance
    groups = set(gradients.products(layer_group))
    assert groups == {"transformer.transformer_blocks.0", "transformer.transformer_blocks.1", "preference"}


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("n_objectives", [1, K])
def test_gradients_of_all_objectives_from_one_pass_a_branch(n_objectives: int, checkpointing: bool) -> None:
    backbone = tiny_backbone(n_objectives)
    moved(backbone.network)
    if checkpointing:
        backbone.network.enable_gradient_checkpointing()
    check_gradients(backbone, n_objectives, 1e-5 if torch.get_default_dtype() == torch.float32 else 1e-12)


def test_gradients_of_all_objectives_in_bfloat16_differ_by_its_rounding() -> None:
    with drawn_from(0, torch.float32):
        backbone = tiny_backbone(precision="bfloat16")
        moved(backbone.network)
        check_gradients(backbone, K, 0.02)


def test_only_adapter_and_preference_modules_are_trained() -> None:
    backbone = tiny_backbone()
    moved(backbone.network)
    velocity(backbone, tiny_preferences()).square().mean().backward()
    trained = {name for name, p in backbone.network.named_parameters() if p.grad is not None}
    assert trained == {n for n, _ in backbone.network.named_parameters() if "lora_" in n or n.startswith("preference.")}
    assert [id(p) for p in backbone.parameters()] == [id(p) for p in backbone.network.parameters() if p.requires_grad]
    assert all(p.grad is not None for p in backbone.parameters())


def test_without_a_preference_its_modules_get_no_gradient() -> None:
    backbone = tiny_backbone()
    moved(backbone.network)
    velocity(backbone).square().mean().backward()
    assert backbone.network.preference is not None
    assert all(p.grad is None for p in backbone.network.preference.parameters())


def test_one_objective_has_one_preference() -> None:
    backbone = tiny_backbone(1)
    moved(backbone.network)
    found = velocity(backbone, torch.ones(N, 1))
    assert not torch.allclose(found, velocity(backbone))


def test_each_sample_has_its_own_preference() -> None:
    backbone = tiny_backbone()
    moved(backbone.network)
    preferences, (x, sigma, condition) = tiny_preferences(), tiny_inputs()
    together = velocity(backbone, preferences)
    for i in range(N):
        one = torch.tensor([i])
        alone = backbone.velocity(x[one], sigma[one], condition.rows(one), preferences[one])
        torch.testing.assert_close(alone[0], together[i], rtol=1e-4, atol=1e-5)


def test_snapshots_hold_adapter_and_preference_modules() -> None:
    backbone = tiny_backbone()
    initial, moving = velocity(backbone, tiny_preferences()), tiny_preferences(seed=5)
    initial_of_another = velocity(backbone, moving)
    moved(backbone.network)
    trained = velocity(backbone, moving)
    assert not torch.allclose(trained, initial_of_another)
    with backbone.snapshots.using("old"):
        assert torch.equal(velocity(backbone, moving), initial_of_another)
        assert torch.equal(velocity(backbone, tiny_preferences()), initial)
    backbone.snapshots.blend("old", 0.0)
    with backbone.snapshots.using("old"):
        assert torch.equal(velocity(backbone, moving), trained)
    other = tiny_backbone(seed=3)
    other.snapshots.load({name: tensor.clone() for name, tensor in backbone.snapshots.state().items()})
    assert torch.equal(velocity(other, moving), trained)
    with other.snapshots.using("reference"):
        assert torch.equal(velocity(other, moving), initial_of_another)


def test_trainable_weights_depend_on_the_seed_alone() -> None:
    state = torch.get_rng_state()
    first, same, other = (tiny_backbone(seed=seed).parameters() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first, same, strict=True))
    # Equal are the zeros only: second factors of the LoRA, and biases of the last layers.
    assert all(torch.equal(a, b) == (not a.any()) for a, b in zip(first, other, strict=True))


def test_a_copy_of_the_network_is_independent() -> None:
    backbone = tiny_backbone()
    moved(backbone.network)
    twin, expected = copy.deepcopy(backbone.network), velocity(backbone, tiny_preferences())
    moved(backbone.network, seed=1)
    assert torch.equal(twin(*tiny_inputs(), tiny_preferences()), expected)


def test_preferences_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^preference: expected K=3 weights in each of B rows, found K=2$"):
        velocity(tiny_backbone(), tiny_preferences(k=2))
    with pytest.raises(UsageError, match=r"^preference: expected one row a sample, 4 rows, found 1$"):
        velocity(tiny_backbone(), tiny_preferences(1))
    with pytest.raises(UsageError, match=r"^preference: expected none, without preference modules, found K=3$"):
        velocity(tiny_backbone(preference=None), tiny_preferences())


def test_unknown_precisions_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^precision: expected one of \('float32', 'bfloat16'\), found 'fp16'$"):
        tiny_backbone(precision="fp16")  # type: ignore[arg-type]


class Counting:
    """A text part that remembers what it was asked; row i of its answer is full of the length of prompt i."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode(self, prompts: Sequence[str]) -> PromptEmbedding:
        self.asked.append(list(prompts))
        lengths = torch.tensor([float(len(prompt)) for prompt in prompts], requires_grad=True)
        return PromptEmbedding(lengths[:, None, None].expand(-1, 3, WIDTH) * 1, lengths[:, None].expand(-1, WIDTH) * 1)


def test_each_distinct_prompt_is_encoded_once() -> None:
    text = Counting()
    backbone = AdaptedBackbone(SD3Network(tiny_transformer()), text, pixels, (3, 8, 8))
    found = backbone.encode(["bb", "", "bb", "a", ""])
    assert text.asked == [["bb", "", "a"]]
    assert found.tokens[:, 0, 0].tolist() == found.pooled[:, 0].tolist() == [2, 0, 2, 1, 0]
    assert not found.tokens.requires_grad
    assert found.rows(torch.tensor([3, 3, 0])).pooled[:, 0].tolist() == [1, 1, 2]


def test_latents_have_the_side_that_is_asked_for() -> None:
    def made(side: int | None = None) -> AdaptedBackbone:
        return adapted(tiny_transformer(pos_embed_max_size=8), Counting(), pixels, LoraSize(2), 0, latent_side=side)

    assert made().latent_shape == (3, 8, 8)
    large = made(12)
    assert large.latent_shape == (3, 12, 12)
    condition = large.encode(["a", "a"])
    assert large.velocity(torch.zeros(2, *large.latent_shape), torch.ones(2), condition).shape == (2, 3, 12, 12)
    for side in (0, 7, 18):
        with pytest.raises(UsageError, match=f"^latent side: expected a multiple of 2 up to 16, found {side}$"):
            made(side)


def test_samples_are_pixels_without_a_graph() -> None:
    backbone = AdaptedBackbone(SD3Network(tiny_transformer()), Counting(), pixels, (3, 8, 8))
    found = backbone.decode(torch.tensor([-2.0, -1.0, 0.5, 1.0, 1.1], requires_grad=True))
    assert found.tolist() == [0, 0, 0.75, 1, 1]
    assert not found.requires_grad


def in_both_precisions(**changes: Any) -> tuple[AdaptedBackbone, AdaptedBackbone]:
    with drawn_from(0, torch.float32):
        pair = tiny_backbone(**changes), tiny_backbone(precision="bfloat16", **changes)
    for backbone in pair:
        moved(backbone.network)
    return pair


@pytest.mark.parametrize("preference", [None, tiny_preferences()], ids=["none", "some"])
def test_bfloat16_is_close_and_comes_back_in_float32(preference: Tensor | None) -> None:
    with drawn_from(0, torch.float32):
        exact, rough = (velocity(backbone, preference) for backbone in in_both_precisions())
        assert rough.dtype == torch.float32
        assert 1e-4 < float((rough - exact).norm().detach() / exact.norm().detach()) < 0.05


@pytest.mark.parametrize("checkpointing", [False, True])
def test_training_passes_in_bfloat16_attend_by_plain_matrix_products(
    checkpointing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused: list[bool] = []
    attend = nn.functional.scaled_dot_product_attention

    def watched(*args: Any, **kwargs: Any) -> Tensor:
        fused.append(torch.backends.cuda.flash_sdp_enabled())
        return attend(*args, **kwargs)

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", watched)
    with drawn_from(0, torch.float32):
        exact, rough = in_both_precisions()
        gradients = []
        for backbone in (exact, rough):
            if checkpointing:
                backbone.network.enable_gradient_checkpointing()
            fused.clear()
            with torch.no_grad():
                velocity(backbone)
            loss = velocity(backbone, tiny_preferences()).square().mean()
            found = torch.autograd.grad(loss, backbone.parameters())
            gradients.append(torch.cat([piece.flatten() for piece in found]))
            # Two blocks without a gradient, two with one, and their recomputation.
            assert fused == [True, True] + [backbone is exact] * (4 if checkpointing else 2)
    assert float((gradients[1] - gradients[0]).norm() / gradients[0].norm()) < 0.1
    assert torch.backends.cuda.flash_sdp_enabled()
