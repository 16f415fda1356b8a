"""The toy backbone: exactly its mixture at the start, trainable everywhere, and repeatable."""

import pytest
import torch
from torch import Tensor, nn

from benchmarks.backbones.toy import ResidualSize, ToyBackbone, ToySpec
from benchmarks.records import UsageError
from tests.support.suites import PROMPTS, SPEC


def inputs(n: int = 12, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Latents [n, 2], noise levels [n] in (0, 1] and preferences [n, 2]."""
    generator = torch.Generator().manual_seed(seed)
    x, sigma = 2 * torch.randn(n, 2, generator=generator), 1 - torch.rand(n, generator=generator)
    first = torch.rand(n, 1, generator=generator)
    return x, sigma, torch.cat((first, 1 - first), dim=1)


def stirred(backbone: ToyBackbone, scale: float = 0.3) -> ToyBackbone:
    """The backbone with every weight moved, as after training."""
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
    return backbone


@pytest.mark.parametrize("with_preference", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_velocity_is_the_mixtures_bit_for_bit_at_the_start(seed: int, with_preference: bool) -> None:
    backbone = SPEC.build(2, seed)
    x, sigma, preference = inputs()
    condition = backbone.encode([PROMPTS[i % 3] for i in range(12)])
    found = backbone.velocity(x, sigma, condition, preference if with_preference else None)
    exact = SPEC.mixture().to(x).velocity(x, sigma, torch.arange(12) % 3)
    assert torch.equal(found, exact)


def test_all_prompts_and_noise_levels_go_row_by_row() -> None:
    backbone = stirred(SPEC.build(2, 0))
    x, sigma, preference = inputs()
    names = [PROMPTS[i % 3] for i in range(12)]
    together = backbone.velocity(x, sigma, backbone.encode(names), preference)
    for i in range(12):
        alone = backbone.velocity(
            x[i : i + 1], sigma[i : i + 1], backbone.encode(names[i : i + 1]), preference[i : i + 1]
        )
        torch.testing.assert_close(alone[0], together[i])


def test_without_a_preference_its_path_is_skipped() -> None:
    backbone = stirred(SPEC.build(2, 0))
    x, sigma, preference = inputs()
    condition = backbone.encode(["up"] * 12)
    before = backbone.velocity(x, sigma, condition)
    assert not torch.equal(before, backbone.velocity(x, sigma, condition, preference))
    with torch.no_grad():
        for parameter in backbone.residual.preference.parameters():
            parameter.fill_(torch.nan)
    assert torch.equal(backbone.velocity(x, sigma, condition), before)
    assert backbone.velocity(x, sigma, condition, preference).isnan().all()


def test_a_trained_model_answers_every_preference_and_prompt_differently() -> None:
    backbone = stirred(SPEC.build(2, 0))
    x, sigma, _ = inputs(1)
    answers = [
        backbone.velocity(x, sigma, backbone.encode([prompt]), torch.tensor([preference]))
        for prompt in PROMPTS
        for preference in ([1.0, 0.0], [0.5, 0.5], [0.0, 1.0])
    ]
    for i, one in enumerate(answers):
        for other in answers[:i]:
            assert not torch.equal(one, other)


def test_all_parameters_belong_to_linear_layers() -> None:
    backbone = SPEC.build(2, 0)
    linear = [module for module in backbone.residual.modules() if isinstance(module, nn.Linear)]
    owned = {id(parameter) for module in linear for parameter in module.parameters()}
    assert {id(parameter) for parameter in backbone.parameters()} == owned
    assert all(parameter.requires_grad for parameter in backbone.parameters())


@pytest.mark.parametrize("n_objectives", [1, 2, 5])
def test_the_number_of_parameters_follows_from_the_size(n_objectives: int) -> None:
    size = ResidualSize(width=16, blocks=3, preference_width=8)
    spec = ToySpec(SPEC.prompts, SPEC.means, SPEC.weights, SPEC.std, size)
    found = sum(parameter.numel() for parameter in spec.build(n_objectives, 0).parameters())
    read, last = (2 * n_objectives + 1) * 8, 2 * (8 + 1) * 16
    assert found == (4 + 1) * 16 + (3 + 1) * 16 + 3 * 16 + read + last + 3 * (16 + 1) * 16 + (16 + 1) * 2


def test_weights_depend_on_the_seed_alone() -> None:
    first = SPEC.build(2, 3).parameters()
    torch.rand(5)
    assert all(map(torch.equal, first, SPEC.build(2, 3).parameters()))
    differs = [not torch.equal(a, b) for a, b in zip(first, SPEC.build(2, 4).parameters(), strict=True)]
    # Biases and the output layer that start at zero are equal.
    assert sum(differs) >= 8


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    SPEC.build(2, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_builds_share_no_weights() -> None:
    one, other = SPEC.build(2, 0), SPEC.build(2, 0)
    stirred(one)
    assert not torch.equal(one.parameters()[0], other.parameters()[0])


def test_the_gradient_reaches_the_preference_path_after_one_step() -> None:
    # Behind an output layer of zeros nothing gets a gradient; after one step of that layer everything does.
    backbone = SPEC.build(2, 0)
    x, sigma, preference = inputs()
    condition = backbone.encode(["left", "right", "up"] * 4)
    optimizer = torch.optim.SGD(backbone.parameters(), lr=0.1)
    names = [name for name, _ in backbone.residual.named_parameters()]

    def reached() -> set[str]:
        optimizer.zero_grad()
        (backbone.velocity(x, sigma, condition, preference) - 1).square().sum().backward()
        pairs = zip(names, backbone.parameters(), strict=True)
        return {name for name, p in pairs if p.grad is not None and bool((p.grad != 0).any())}

    assert reached() == {"output.weight", "output.bias"}
    optimizer.step()
    assert reached() == set(names)


def test_the_preference_path_starts_small_but_not_dead() -> None:
    path = SPEC.build(2, 0).residual.preference
    embedding, modulation = path(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]))
    for part in (embedding, modulation):
        assert 0 < float(part.detach().abs().max()) < 0.02


def test_the_base_velocity_carries_no_gradient() -> None:
    backbone = SPEC.build(2, 0)
    x, sigma, _ = inputs()
    x.requires_grad_()
    condition = backbone.encode(["up"] * 12)
    (gradient,) = torch.autograd.grad(backbone.velocity(x, sigma, condition).sum(), x, allow_unused=True)
    # The residual's output is zero, and the mixture is evaluated without a graph.
    assert gradient is None or not bool(gradient.any())


def test_an_unknown_prompt_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"expected one of \['left', 'right', 'up'\], found 'down'"):
        SPEC.build(2, 0).encode(["left", "down"])


def test_conditions_give_rows_and_latents_are_samples() -> None:
    backbone = SPEC.build(2, 0)
    condition = backbone.encode(["up", "left", "right"])
    assert condition.rows(torch.tensor([2, 0, 0])).prompt.tolist() == [1, 2, 2]
    assert backbone.latent_shape == (2,)
    latents = torch.ones(2, 2)
    assert torch.equal(backbone.decode(latents), latents)


def test_the_description_tells_specifications_apart() -> None:
    others = [
        ToySpec(SPEC.prompts, SPEC.means, SPEC.weights, 0.6, SPEC.size),
        ToySpec(SPEC.prompts, SPEC.means, ((0.5, 0.5), *SPEC.weights[1:]), SPEC.std, SPEC.size),
        ToySpec(SPEC.prompts, SPEC.means[::-1], SPEC.weights, SPEC.std, SPEC.size),
        ToySpec(SPEC.prompts, SPEC.means, SPEC.weights, SPEC.std, ResidualSize(8, 3, 4)),
    ]
    assert len({repr(spec.describe()) for spec in (SPEC, *others)}) == 5
