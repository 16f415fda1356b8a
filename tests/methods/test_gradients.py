"""Shares, the one loss of known weights, cosines, and gradients put back into the parameters."""

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn

from methods.base import Terms
from methods.gradients import (
    ObjectiveGradients,
    assign_gradient,
    cosines,
    objective_losses,
    sample_shares,
    weighted_loss,
)
from methods.objectives.nft import NFT
from tests.methods.stubs import ANY_BATCH, LinearBackbone, normal, random_points, random_preferences
from tests.support.oracles import flat_gradient
from tests.support.properties import unchanged

NAN = math.nan


def prepared(k: int, seed: int = 0) -> tuple[LinearBackbone, Terms, Tensor, Tensor]:
    """A backbone, its anchored terms at 12 points, and shares and weights [12, K]."""
    backbone = LinearBackbone(3, k, seed)
    points = random_points(6, 2, 3, random_preferences(6, k, seed), seed)
    terms = NFT(beta=0.6).terms(backbone, ANY_BATCH, points, normal(seed + 9, 12, k), anchored=True)
    rewards = normal(seed + 3, 6, k)
    rewards[0, 0] = NAN
    shares = sample_shares(rewards)[points.rollout] / 2
    return backbone, terms, shares, random_preferences(12, k, seed + 5)


def losses_by_hand(terms: Terms, shares: Tensor) -> list[Tensor]:
    """The K losses as explicit sums over points and branches."""
    n, k, m = terms.coefficients.shape
    return [
        sum(
            (shares[i, j] * terms.coefficients[i, j, b] * terms.branches[i, b] for i in range(n) for b in range(m)),
            torch.zeros((), dtype=torch.float64),
        )
        for j in range(k)
    ]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_objective_gradients_are_those_of_each_loss_alone(k: int) -> None:
    backbone, terms, shares, _ = prepared(k)
    with pytest.warns(UserWarning, match="not in a linear layer"):
        gradients = ObjectiveGradients(backbone.network)
    gradients.reset(k)
    with gradients.watching(12):
        gradients.add(terms.branches, shares.unsqueeze(2) * terms.coefficients, keep=True)
    found = gradients.flat()
    assert found.shape == (k, 3 * 3 + 3 + 3 * k)
    for row, loss in zip(found, losses_by_hand(terms, shares), strict=True):
        pieces = torch.autograd.grad(loss, backbone.parameters(), retain_graph=True)
        torch.testing.assert_close(row, torch.cat([p.flatten() for p in pieces]), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("k", [1, 3])
def test_objective_losses_are_the_shared_out_sums_over_points(k: int) -> None:
    _, terms, shares, _ = prepared(k)
    expected = torch.stack(losses_by_hand(terms, shares)).detach()
    torch.testing.assert_close(objective_losses(terms, shares), expected, rtol=1e-12, atol=1e-12)
    wider = dataclasses.replace(terms, losses=torch.cat((terms.losses, terms.losses + 1), 1))
    assert torch.equal(objective_losses(wider, shares), objective_losses(terms, shares)), "the first K count"


@pytest.mark.parametrize("k", [2, 3])
def test_weighted_loss_is_the_weighted_sum_of_losses_and_its_gradient_that_of_gradients(k: int) -> None:
    backbone, terms, shares, _ = prepared(k)
    weights = random_preferences(1, k, 8)[0]
    loss = weighted_loss(terms, weights * shares, 0.0, 12)
    by_hand = losses_by_hand(terms, shares)
    torch.testing.assert_close(
        loss, sum((w * part for w, part in zip(weights, by_hand, strict=True)), torch.zeros(())).double()
    )
    gradients = torch.stack([flat_gradient(part, backbone.parameters()) for part in by_hand])
    torch.testing.assert_close(flat_gradient(loss, backbone.parameters()), weights @ gradients, rtol=1e-10, atol=1e-12)


def test_weighted_loss_takes_another_weight_at_each_point() -> None:
    backbone, terms, shares, weights = prepared(3)
    found = flat_gradient(weighted_loss(terms, weights * shares, 0.0, 12), backbone.parameters())
    expected = flat_gradient(torch.stack(losses_by_hand(terms, weights * shares)).sum(), backbone.parameters())
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_weighted_loss_does_not_look_at_columns_that_are_only_measured() -> None:
    _, terms, shares, weights = prepared(2)
    more = torch.cat((terms.coefficients, 7 * terms.coefficients), 1)
    wider = dataclasses.replace(terms, coefficients=more)
    found, expected = (weighted_loss(t, weights * shares, 0.1, 12) for t in (wider, terms))
    assert torch.equal(found, expected)


def test_weighted_loss_adds_the_mean_of_the_anchor_once() -> None:
    _, terms, shares, weights = prepared(2)
    assert terms.anchor is not None
    plain, whole = (weighted_loss(terms, weights * shares, anchor, 12) for anchor in (0.0, 0.3))
    torch.testing.assert_close(whole - plain, 0.3 * terms.anchor.mean(), rtol=1e-9, atol=1e-12)
    without = dataclasses.replace(terms, anchor=None)
    torch.testing.assert_close(weighted_loss(without, weights * shares, 0.3, 12), plain, rtol=0, atol=0)


def part_of(terms: Terms, rows: Tensor) -> Terms:
    assert terms.anchor is not None
    return Terms(terms.branches[rows], terms.coefficients[rows], terms.losses[rows], terms.anchor[rows])


@pytest.mark.parametrize("size", [1, 5, 7, 12])
def test_micro_batches_add_up(size: int) -> None:
    _, terms, shares, weights = prepared(3)
    loss = weighted_loss(terms, weights * shares, 0.2, 12)
    pieces = torch.arange(12).split(size)
    parts = [weighted_loss(part_of(terms, rows), (weights * shares)[rows], 0.2, 12) for rows in pieces]
    torch.testing.assert_close(torch.stack(parts).sum(), loss, rtol=1e-12, atol=1e-12)
    losses = torch.stack([objective_losses(part_of(terms, rows), shares[rows]) for rows in pieces]).sum(0)
    torch.testing.assert_close(losses, objective_losses(terms, shares), rtol=1e-12, atol=1e-12)


def gramian(rows: Tensor) -> Tensor:
    return rows.double() @ rows.double().T


def test_cosines_are_those_of_the_last_vector() -> None:
    rows = torch.tensor([[3.0, 0.0], [-1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [2.0, 0.0]])
    found = cosines(gramian(rows))
    assert found[:3].tolist() == pytest.approx([1, -1, math.sqrt(0.5)])
    assert bool(found[3].isnan())
    rows = normal(0, 5, 30)
    expected = torch.nn.functional.cosine_similarity(rows[:-1], rows[-1:], dim=1)
    torch.testing.assert_close(cosines(gramian(rows)), expected, rtol=1e-12, atol=1e-14)
    assert bool(cosines(torch.zeros(3, 3)).isnan().all())


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_cosines_do_not_depend_on_lengths(scale: float) -> None:
    rows = normal(1, 4, 10)
    lengths = torch.tensor([scale, 1.0, 1 / scale, scale], dtype=torch.float64)
    torch.testing.assert_close(cosines(gramian(lengths[:, None] * rows)), cosines(gramian(rows)), rtol=1e-9, atol=0)


@pytest.mark.parametrize("seed", [0, 1])
def test_shares_are_one_over_the_number_of_samples_a_reward_applies_to(seed: int) -> None:
    rewards = normal(seed, 10, 4)
    rewards[normal(seed + 1, 10, 4) > 0.5] = NAN
    rewards[1:, 2] = NAN
    rewards[0, 2] = 1.0
    rewards[:, 3] = NAN
    with unchanged(rewards):
        shares = sample_shares(rewards)
    for k in range(4):
        applies = [not math.isnan(value) for value in rewards[:, k].tolist()]
        expected = [1 / sum(applies) if here else 0.0 for here in applies]
        assert shares[:, k].tolist() == pytest.approx(expected)
    assert shares.sum(0).tolist() == pytest.approx([1, 1, 1, 0])
    assert shares.dtype == rewards.dtype


def test_assign_gradient_cuts_the_vector_into_parameters_and_adds() -> None:
    parameters = [nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(2))]
    parameters[1].grad = torch.tensor([10.0, 20.0])
    vector = torch.arange(8.0)
    with unchanged(vector):
        assign_gradient(vector, parameters)
        assert parameters[0].grad is not None
        assert parameters[0].grad.tolist() == [[0, 1, 2], [3, 4, 5]]
        assert parameters[1].grad.tolist() == [16, 27]
        parameters[0].grad.mul_(3)  # must not write into the vector
        assign_gradient(vector, parameters)
        assert parameters[0].grad.tolist() == [[0, 4, 8], [12, 16, 20]]


def test_assigned_gradients_are_those_of_a_backward_pass() -> None:
    backbone, terms, shares, weights = prepared(2)
    loss = weighted_loss(terms, weights * shares, 0.1, 12)
    assign_gradient(flat_gradient(loss, backbone.parameters()), backbone.parameters())
    assigned = [p.grad.clone() for p in backbone.parameters() if p.grad is not None]
    for parameter in backbone.parameters():
        parameter.grad = None
    loss.backward()  # type: ignore[no-untyped-call]
    for parameter, gradient in zip(backbone.parameters(), assigned, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-12, atol=1e-14)


def test_assigned_gradients_have_the_dtype_of_their_parameter() -> None:
    # Gradients of weights in half precision are summed in float32.
    parameters = [nn.Parameter(torch.zeros(2, dtype=torch.bfloat16)), nn.Parameter(torch.zeros(1))]
    for _ in range(2):
        assign_gradient(torch.tensor([1.0, 2.0, 3.0]), parameters)
    assert [p.grad.tolist() for p in parameters if p.grad is not None] == [[2, 4], [6]]
    assert [p.grad.dtype for p in parameters if p.grad is not None] == [torch.bfloat16, parameters[1].dtype]


def test_a_mix_of_rewards_is_one_loss_whatever_applies() -> None:
    # Half of the samples carry one of the two rewards. Their mix is one advantage, and the loss its plain mean.
    nan = float("nan")
    rewards = torch.tensor([[1.0, 2.0], [2.0, 1.0], [3.0, nan], [5.0, nan]], dtype=torch.float64)
    weights = torch.full((4, 2), 0.5, dtype=torch.float64)
    assert (weights * sample_shares(rewards, mixed=True)).sum(1).tolist() == pytest.approx([0.25] * 4)
    nowhere = torch.tensor([[1.0, nan], [nan, nan]], dtype=torch.float64)
    assert sample_shares(nowhere, mixed=True).tolist() == [[1.0, 1.0], [0.0, 0.0]]
