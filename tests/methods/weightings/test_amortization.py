"""Proposition 1 of MARBLE: between solves one loss with the mixed advantage has the mixed gradient, unless it clips."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmarks.train import Learner
from methods.base import Method
from methods.gradients import sample_shares, weighted_loss
from methods.marble import Marble
from methods.nft_method import NFTMethod
from methods.objectives.nft import NFT
from methods.weighted_sum import WeightedSum
from methods.weightings.fixed import FixedWeighting
from methods.weightings.min_norm import MinNormWeighting
from tests.methods.stubs import LinearBackbone, make_batch, normal, random_points, random_preferences
from tests.support.oracles import flat_gradient
from tests.support.suites import FIRST, tiny_benchmark

N, D = 8, 3


def gradient(backbone: LinearBackbone, advantages: Tensor, weights: Tensor, seed: int) -> Tensor:
    """The gradient of the weighted losses of rollouts with given advantages [B, J] and weights [J]."""
    batch = make_batch(torch.zeros(N, advantages.shape[1], dtype=torch.float64))
    points = random_points(N, 2, D, None, seed)
    terms = NFT(beta=0.4).terms(backbone, batch, points, advantages[points.rollout], anchored=False)
    shares = sample_shares(batch.rewards)[points.rollout] / 2
    return flat_gradient(weighted_loss(terms, weights * shares, 0.0, len(points)), backbone.parameters())


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_without_clipping_the_mixed_advantage_has_the_mixed_gradient(k: int, seed: int) -> None:
    backbone, alpha = LinearBackbone(D, 2, seed), random_preferences(1, k, seed)[0]
    advantages = normal(seed + 1, N, k).clamp(-4.9, 4.9)
    one = torch.ones(1, dtype=torch.float64)
    separate = [gradient(backbone, advantages[:, j : j + 1], one, seed) for j in range(k)]
    expected = sum((a * g for a, g in zip(alpha, separate, strict=True)), torch.zeros_like(separate[0]))
    mixed = gradient(backbone, (advantages @ alpha)[:, None], one, seed)
    assert float(expected.norm()) > 1e-3
    scale = float(expected.abs().max())
    torch.testing.assert_close(mixed, expected, rtol=0, atol=1e-12 * scale)
    amortized = gradient(backbone, advantages, alpha, seed)
    torch.testing.assert_close(amortized, expected, rtol=0, atol=1e-12 * scale)


def test_where_an_advantage_is_clipped_only_weighing_the_losses_stays_exact() -> None:
    backbone = LinearBackbone(D, 2, 0)
    advantages = torch.tensor([[8.0, -2.0]], dtype=torch.float64).expand(N, 2)
    alpha, one = torch.tensor([0.5, 0.5], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    separate = [gradient(backbone, advantages[:, j : j + 1], one, 0) for j in range(2)]
    expected = (separate[0] + separate[1]) / 2
    amortized = gradient(backbone, advantages, alpha, 0)
    torch.testing.assert_close(amortized, expected, rtol=0, atol=1e-12 * float(expected.abs().max()))
    mixed = gradient(backbone, (advantages @ alpha)[:, None], one, 0)
    assert float((mixed - expected).norm()) > 0.05 * float(expected.norm())


def trained(method: Method, k: int, steps: int) -> Learner:
    rewards = (FIRST,) if k == 1 else tiny_benchmark().rewards
    benchmark = tiny_benchmark(
        rewards=rewards, reference_point=(-20.0, -40.0)[:k], sweep=((1 / k,) * k,), true_front=False,
        diagnostics_every=0,
    )  # fmt: skip
    learner = Learner(benchmark, method, 0)
    for _ in range(steps):
        learner.advance()
    return learner


@pytest.mark.parametrize("every", [1, 3])
def test_with_one_reward_it_is_plain_nft(every: int) -> None:
    ours = trained(Marble(weighting=MinNormWeighting(every=every), anchor=1e-3), 1, 6)
    plain = trained(NFTMethod(weighting=FixedWeighting(), anchor=1e-3), 1, 6)
    room = {"rtol": 1e-9, "atol": 1e-10} if torch.get_default_dtype() == torch.float64 else {"rtol": 1e-3, "atol": 1e-5}
    theirs = dict(plain.bare.network.named_parameters())
    for name, parameter in ours.bare.network.named_parameters():
        if not name.startswith("preference"):  # no gradient; a solve gives it zeros, which lets it decay
            torch.testing.assert_close(parameter, theirs[name], msg=name, **room)
    assert float(ours.weighting_state["alpha"]) == pytest.approx(1, rel=1e-12)


def test_with_one_reward_amortized_updates_are_bit_for_bit_those_of_plain_nft() -> None:
    # The first update of a window solves; after it both have the same weights to begin with.
    method = Marble(weighting=MinNormWeighting(every=10), anchor=1e-3)
    ours = trained(method, 1, 1)
    plain = trained(replace(method, weighting=FixedWeighting()), 1, 1)
    state = {name: tensor.clone() for name, tensor in ours.state().items() if not name.startswith("weighting")}
    plain.load(state, 1, 0.0, vars(ours.meter))
    for _ in range(5):
        ours.advance()
        plain.advance()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters, plain.parameters, strict=True))


def test_before_the_first_solve_counts_the_average_is_the_weighted_sum() -> None:
    # With a whole window ahead of the first solve, alpha is uniform: the same bits as equal weights.
    method = Marble(weighting=MinNormWeighting(every=10), anchor=1e-3)
    ours = Learner(tiny_benchmark(diagnostics_every=0), method, 0)
    ours.weighting_state = {**ours.weighting_state, "updates": torch.tensor(1)}
    plain = trained(WeightedSum(anchor=1e-3), 2, 4)
    for _ in range(4):
        ours.advance()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters, plain.parameters, strict=True))


@pytest.mark.parametrize("every", [1, 2])
def test_training_never_conflicts_at_its_solves(every: int) -> None:
    benchmark = tiny_benchmark(diagnostics_every=1, prompts_per_step=3, learning_rate=1e-2)
    learner = Learner(benchmark, Marble(weighting=MinNormWeighting(every=every), anchor=0.0), 0)
    for n in range(8):
        step = learner.advance()
        assert step.scalars["solved"] == float(n % every == 0)
        if n % every:
            continue
        whole = step.gramians["all"]
        room = 1e-6 * float(whole.diagonal().max())
        assert float(whole[2, :2].min()) >= -room
        assert min(step.scalars["cosine_first"], step.scalars["cosine_second"]) >= -1e-5
        units = whole[:2, :2] / torch.outer(whole.diagonal()[:2].sqrt(), whole.diagonal()[:2].sqrt())
        alpha = torch.tensor([0.5, 0.5], dtype=torch.float64)  # of two unit gradients
        length = float((alpha @ units @ alpha).sqrt() * whole.diagonal()[:2].sqrt().mean())
        assert step.scalars["gradient_norm"] == pytest.approx(length, rel=1e-4)
        assert float(whole[2, 2].sqrt()) == pytest.approx(length, rel=1e-4)
