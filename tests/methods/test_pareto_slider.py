import pytest
import torch
from torch import Tensor

from methods.advantages import GDPO, GroupNormalized
from methods.base import Batch
from methods.gradients import sample_shares, weighted_loss
from methods.objectives.nft import NFT, optimality
from methods.pareto_slider import ParetoSlider
from methods.preferences import CornerMix
from methods.samplers.dpm import DPM2
from methods.snapshots import LinearDecay
from methods.weightings.preference import PreferenceWeighting
from tests.methods.stubs import (
    ANY_BATCH,
    LinearBackbone,
    TableBackbone,
    make_batch,
    normal,
    random_points,
    random_preferences,
    table_points,
)
from tests.support.oracles import flat_gradient, naive_nft_losses

PER_ROLLOUT, N_ROLLOUTS, D = 2, 8, 3


def batch_of(k: int, seed: int) -> Batch:
    """Two groups of four rollouts, each group under one preference."""
    preferences = random_preferences(2, k, seed).repeat_interleave(4, 0)
    return make_batch(normal(seed + 1, N_ROLLOUTS, k), torch.arange(2).repeat_interleave(4), preferences)


def one_backward(backbone: LinearBackbone, batch: Batch, objective: NFT, advantages: Tensor, seed: int) -> Tensor:
    """The scalar that the method trains on, without the anchor."""
    points = random_points(N_ROLLOUTS, PER_ROLLOUT, D, batch.preferences, seed)
    weights = PreferenceWeighting().weights(batch, {}) * sample_shares(batch.rewards) / PER_ROLLOUT
    terms = objective.terms(backbone, batch, points, advantages[points.rollout], anchored=False)
    return weighted_loss(terms, weights[points.rollout], 0.0, len(points))


def separate_losses(
    backbone: LinearBackbone, batch: Batch, objective: NFT, advantages: Tensor, seed: int
) -> list[Tensor]:
    """The K losses, each already weighted by every sample's preference, from the naive twin."""
    points = random_points(N_ROLLOUTS, PER_ROLLOUT, D, batch.preferences, seed)
    with backbone.snapshots.using("old"):
        old = backbone.velocity(points.x, points.sigma, points.condition, points.preferences).detach()
    trained = backbone.velocity(points.x, points.sigma, points.condition, points.preferences)
    args = (points.x, points.sigma, trained, old, points.target, advantages[points.rollout])
    losses = naive_nft_losses(*args, objective.beta, objective.clip)
    assert points.preferences is not None
    return [(points.preferences[:, k] * losses[:, k]).mean() for k in range(batch.n_objectives)]


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("clip", [5.0, 0.5])
@pytest.mark.parametrize("beta", [0.1, 1.0])
def test_one_backward_pass_equals_k_separate_losses(k: int, clip: float, beta: float) -> None:
    backbone, batch, objective = LinearBackbone(D, k, k), batch_of(k, k), NFT(beta=beta, clip=clip)
    advantages = GroupNormalized()(batch.rewards, batch.groups)
    loss = one_backward(backbone, batch, objective, advantages, k)
    assert len(backbone.calls) == 2
    parts = separate_losses(backbone, batch, objective, advantages, k)
    torch.testing.assert_close(loss, torch.stack(parts).sum(), rtol=1e-11, atol=1e-12)
    expected = torch.stack([flat_gradient(part, backbone.parameters()) for part in parts]).sum(0)
    assert float(expected.norm()) > 1e-2
    torch.testing.assert_close(flat_gradient(loss, backbone.parameters()), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_without_clipping_the_mix_of_losses_is_the_loss_of_mixed_advantages(k: int) -> None:
    backbone, batch, objective = LinearBackbone(D, k, k), batch_of(k, k + 3), NFT(beta=0.3)
    advantages = GroupNormalized()(batch.rewards, batch.groups)
    assert float(advantages.abs().max()) < 5
    assert batch.preferences is not None
    mixed = (batch.preferences * advantages).sum(1, keepdim=True).expand(-1, k)
    losses = [one_backward(backbone, batch, objective, a, 1) for a in (advantages, mixed)]
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-11, atol=1e-12)
    slopes = [flat_gradient(loss, backbone.parameters()) for loss in losses]
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-9, atol=1e-11)
    standardized = GDPO()(batch.rewards, batch.groups, batch.preferences)
    other = flat_gradient(one_backward(backbone, batch, objective, standardized, 1), backbone.parameters())
    assert float((other - slopes[0]).norm()) > 1e-2 * float(slopes[0].norm())


def numeric_table_point(
    beta: float, advantages: tuple[float, ...], weights: tuple[float, ...]
) -> tuple[float, list[float]]:
    """The policy loss at the worked point (L_pos and L_neg known on paper) and the probabilities r_k."""
    wide = torch.float64
    backbone = TableBackbone(torch.tensor([[-1.5, 2.0]], dtype=wide), torch.tensor([[-1.0, 1.0]], dtype=wide))
    sigma, clean = torch.tensor([0.5], dtype=wide), torch.tensor([[1.0, 0.0]], dtype=wide)
    points = table_points(torch.tensor([[0.5, 1.0]], dtype=wide), sigma, clean)
    terms = NFT(beta=beta).terms(backbone, ANY_BATCH, points, torch.tensor([advantages], dtype=wide), anchored=False)
    loss = weighted_loss(terms, torch.tensor([weights], dtype=wide), 0.0, 1)
    return float(loss.detach()), (terms.coefficients[0, :, 0] * beta / 5).tolist()


@pytest.mark.parametrize(
    ("advantages", "probabilities", "losses", "policy"),
    [
        ((2.0, -1.0), (0.7, 0.4), (4.57494279, 4.87356978), 23.32265443),
        ((6.0, -1.0), (1.0, 0.4), None, 22.27745997),
    ],
)
def test_worked_example_with_two_rewards(
    advantages: tuple[float, float],
    probabilities: tuple[float, float],
    losses: tuple[float, float] | None,
    policy: float,
) -> None:
    found, r = numeric_table_point(0.1, advantages, (0.7, 0.3))
    assert r == pytest.approx(probabilities, rel=1e-12)
    assert found == pytest.approx(policy, abs=5e-8)  # worked on paper from branches of 8 digits
    if losses is not None:
        alone = [numeric_table_point(0.1, advantages, w)[0] / 5 for w in ((1.0, 0.0), (0.0, 1.0))]
        assert alone == pytest.approx(losses, abs=5e-8)


def test_clipping_each_reward_is_not_clipping_the_mix() -> None:
    separate, r = numeric_table_point(0.1, (8.0, -2.0), (0.5, 0.5))
    mixed, r_mixed = numeric_table_point(0.1, (3.0, 3.0), (0.5, 0.5))
    assert sum(r) / 2 == pytest.approx(0.65, rel=1e-12)
    assert r_mixed == pytest.approx([0.8, 0.8], rel=1e-12)
    assert separate - mixed > 1e-2


def test_mixed_probability_of_the_worked_group() -> None:
    rewards = torch.tensor([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0], [4.0, 40.0]], dtype=torch.float64)
    advantages = GroupNormalized()(rewards, torch.zeros(4, dtype=torch.long))
    mixed = (optimality(advantages, 5.0) * torch.tensor([0.7, 0.3], dtype=torch.float64)).sum(1)
    assert mixed.tolist() == pytest.approx([0.36584468, 0.48211414, 0.51788586, 0.63415532], abs=5e-9)


def test_only_the_preferred_reward_matters_at_a_corner() -> None:
    backbone = LinearBackbone(D, 3)
    corner = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64).expand(N_ROLLOUTS, 3)
    batch = make_batch(normal(0, N_ROLLOUTS, 3), None, corner)
    advantages = GroupNormalized()(batch.rewards, batch.groups)
    other = advantages.clone()
    other[:, [0, 2]] = normal(1, N_ROLLOUTS, 2)
    losses = [one_backward(backbone, batch, NFT(), a, 2).detach() for a in (advantages, other)]
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-13, atol=0)
    other[:, 1] += 1
    assert not torch.isclose(one_backward(backbone, batch, NFT(), other, 2), losses[0])


def test_permuting_rewards_and_preferences_together_changes_nothing() -> None:
    k, order = 3, [2, 0, 1]
    backbone, batch = LinearBackbone(D, k), batch_of(k, 5)
    assert batch.preferences is not None
    swapped = make_batch(batch.rewards[:, order], batch.groups, batch.preferences[:, order])
    estimator = GroupNormalized()
    first = one_backward(backbone, batch, NFT(), estimator(batch.rewards, batch.groups), 3).detach()
    with torch.no_grad():
        for copy in (backbone.steer, backbone.snapshots.state()["old.2"]):
            copy.copy_(copy[order].clone())  # the columns the network reads move along
    second = one_backward(backbone, swapped, NFT(), estimator(swapped.rewards, swapped.groups), 3).detach()
    torch.testing.assert_close(second, first, rtol=1e-12, atol=0)


def test_defaults_are_those_of_the_paper_and_its_code() -> None:
    method = ParetoSlider()
    assert method.objective == NFT(beta=1.0, clip=5.0, sigma_fraction=0.99)
    assert method.advantages == GroupNormalized(over_batch=False)
    assert method.preferences == CornerMix(0.1, 0.5, 0.35)
    assert method.slots == 3
    assert method.snapshots.old == LinearDecay(0, 0.001, 0.5)
    assert method.sampler == DPM2()
    assert method.weighting == PreferenceWeighting()
    assert method.anchor == 1e-4


@pytest.mark.parametrize("k", [2, 5])
def test_one_model_takes_every_preference(k: int) -> None:
    (model,) = ParetoSlider(anchor=0.5).models(k)
    assert model.preference is None
    assert model.method == ParetoSlider(anchor=0.5)


@pytest.mark.parametrize(("k", "group_size"), [(1, 24), (2, 25), (2, 3), (3, 5)])
def test_one_reward_or_unfitting_slots_are_refused(k: int, group_size: int) -> None:
    with pytest.raises(ValueError, match="found"):
        ParetoSlider().validate(k, group_size)
    ParetoSlider().validate(2, 24)
