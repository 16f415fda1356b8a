"""CRD as an objective: its points, its terms against a naive twin and by hand, and what reaches the network."""

import dataclasses
import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.draws import KeyedDraws
from methods.advantages import GroupNormalized
from methods.base import Batch, Objective, Points, Terms
from methods.gradients import sample_shares, weighted_loss
from methods.objectives.crd import CRD
from methods.objectives.nft import NFT
from tests.methods.stubs import LinearBackbone, RowCondition, TableBackbone, make_batch, normal, random_preferences
from tests.support.oracles_crd import EMPTY, Setting, gradient, make, naive_crd, naive_implicit, wide
from tests.support.properties import assert_frozen, unchanged

NAN, INF = math.nan, math.inf


def draws(ordinal: int = 0) -> KeyedDraws:
    return KeyedDraws(0, [3, 8], ordinal)


def evaluated(
    objective: CRD, backbone: Any, batch: Batch, *, anchored: bool = False, extra: bool = True
) -> tuple[Points, Tensor, Terms]:
    """The points, their advantages (a third column for measurements if extra), and the terms."""
    points = objective.points(batch, draws())
    advantages = GroupNormalized()(batch.rewards, batch.groups)
    if extra:
        known = ~batch.rewards[:, :1].isnan()
        advantages = torch.cat((advantages, torch.where(known, 4 * normal(9, len(advantages), 1), 0.0)), 1)
    own = 2 * advantages[points.rollout]
    return points, own, objective.terms(backbone, batch, points, own, anchored=anchored)


def contrast_of(backbone: Any, points: Points, name: str = "old") -> Tensor:
    with torch.no_grad(), backbone.snapshots.using(name):
        return backbone.velocity(points.x, points.sigma, points.condition, points.preferences)


LOSSES = [*itertools.product(["mse", "bce"], [None, 0.0, 0.25]), ("nca", None)]


@pytest.mark.parametrize(("loss", "tau"), LOSSES)
@pytest.mark.parametrize(("beta", "clip", "adaptive"), [(1.0, 5.0, True), (0.4, 1.5, False)])
@pytest.mark.parametrize("contrast", ["old", "reference"])
def test_losses_and_gradients_equal_the_naive_twin(
    loss: Any, tau: float | None, beta: float, clip: float, adaptive: bool, contrast: Any
) -> None:
    backbone, batch = make()
    objective = CRD(beta=beta, clip=clip, tau=tau, loss=loss, adaptive=adaptive, contrast=contrast)
    points, advantages, terms = evaluated(objective, backbone, batch)
    velocity = backbone.velocity(points.x, points.sigma, points.condition, points.preferences)
    other = contrast_of(backbone, points, contrast)
    implicit = naive_implicit(velocity, other, points.target, adaptive=adaptive)
    known = ~batch.rewards[points.rollout].isnan()[:, [0, 1, 0]]
    assert points.sets is not None
    expected = naive_crd(
        implicit,
        advantages.tolist(),
        known.tolist(),
        points.sets.tolist(),
        Setting(beta, clip, tau, loss, adaptive),
    )
    shares = known.double() / known.sum(0)
    torch.testing.assert_close(terms.branches[:, 0], torch.stack(implicit), rtol=1e-11, atol=1e-12)
    torch.testing.assert_close((shares * terms.losses).sum(0), expected.detach(), rtol=1e-11, atol=1e-11)
    assert not bool(terms.losses[~known].any())
    assert not bool(terms.coefficients[~known].any())
    assert terms.coefficients.shape == (len(points), 3, 1)
    for j in range(3):
        slope = gradient((shares[:, j] * terms.coefficients[:, j, 0] * terms.branches[:, 0]).sum(), backbone)
        wanted = gradient(expected[j], backbone)
        assert float(wanted.norm()) > 1e-3
        torch.testing.assert_close(slope, wanted, rtol=1e-10, atol=1e-11)


def test_the_shares_of_the_update_give_each_set_its_loss() -> None:
    backbone, batch = make()
    points, _, terms = evaluated(CRD(), backbone, batch, extra=False)
    shares = sample_shares(batch.rewards)[points.rollout] * len(batch.rewards) / len(points)
    applies = ~batch.rewards[points.rollout].isnan()
    torch.testing.assert_close(shares, applies.double() / applies.sum(0))
    loss = weighted_loss(terms, shares, 0.0, len(points))
    assert float(gradient(loss, backbone).norm()) > 1e-3


def test_u15_whole_step() -> None:
    implicit, kl = wide([0.3, -0.1, 0.2, 0.0]), wide([0.4, 0.2, 0.1, 0.3])
    rewards = wide([[1.0], [0.0], [0.5], [0.25]])
    advantages = (rewards - rewards.mean()) / rewards.std(correction=0)
    assert advantages.flatten().tolist() == pytest.approx([1.521278, -1.183216, 0.169031, -0.507093], abs=1e-6)
    target, none = normal(0, 4, 2), torch.zeros(4, dtype=torch.float64)
    ours = target + torch.stack(((1 - 2 * implicit).sqrt(), none), 1)
    old = target + wide([1.0, 0.0])
    anchor = ours.detach() + torch.stack((none, (2 * kl).sqrt()), 1)
    backbone = TableBackbone(ours, old, anchor)
    rows, batch = torch.arange(4), make_batch(rewards)
    sigma = torch.full((4,), 0.5, dtype=torch.float64)
    points = Points(rows, rows * 0, sigma, target, target, RowCondition(rows), None, rows * 0)
    objective = CRD(adaptive=False, guidance=1.0, anchor_by="advantage")
    terms = objective.terms(backbone, batch, points, advantages, anchored=True)
    torch.testing.assert_close(terms.branches[:, 0].detach(), implicit, rtol=0, atol=1e-12)
    assert terms.anchor is not None
    policy, held = float(terms.losses.mean()), 0.1 * terms.anchor.mean().item()
    assert policy / 5 == pytest.approx(0.0045744468, abs=1e-10)
    assert policy == pytest.approx(0.0228722341, abs=1e-10)
    assert held == pytest.approx(0.0131035164, abs=1e-10)
    assert policy + held == pytest.approx(0.0359757505, abs=2e-10)
    constant = dataclasses.replace(objective, anchor_by="constant")
    found = constant.terms(backbone, batch, points, advantages, anchored=True).anchor
    assert found is not None
    assert 0.1 * found.mean().item() == pytest.approx(0.025, abs=1e-10)
    assert terms.metrics["implicit_std"].item() == pytest.approx(implicit.std(correction=0).item(), abs=1e-10)
    assert terms.metrics["clipped"].item() == 0
    assert terms.metrics["anchor_strength"].item() == pytest.approx(1e-3 + 0.999 * 0.5, abs=1e-12)


def anchored_table(guidance: float, **fields: Any) -> Terms:
    """Terms of one point whose reference velocity is (1, 0), and (.2, .4) for the empty prompt; ours is (1, 0)."""
    table = torch.tensor([[1.0, 0.0], [0.2, 0.4]], dtype=torch.float64)
    batch = make_batch(torch.zeros(1, 1).double())
    given = dataclasses.replace(batch, unconditional=RowCondition(torch.tensor([1])))
    zero = torch.zeros(1, dtype=torch.long)
    x = torch.zeros(1, 2, dtype=torch.float64)
    points = Points(zero, zero, torch.ones(1).double(), x, x, RowCondition(zero), None, zero)
    objective = CRD(guidance=guidance, anchor_by="constant", **fields)
    return objective.terms(TableBackbone(table), given, points, torch.zeros(1, 1).double(), anchored=True)


@pytest.mark.parametrize(("guidance", "expected"), [(4.5, 4.9), (1.0, 0.0), (0.0, 0.0), (2.0, 0.4)])
def test_u13_the_anchor_is_the_distance_to_the_guided_reference(guidance: float, expected: float) -> None:
    terms = anchored_table(guidance)
    assert terms.anchor is not None
    assert terms.anchor.tolist() == pytest.approx([expected], abs=1e-12)


@pytest.mark.parametrize("weight", [0.1, 0.02])
def test_u14_the_strength_rises_with_the_reward(weight: float) -> None:
    levels = wide([0.0, 0.25, 0.5, 0.75, 1.0])
    table = {
        0.1: [0.0001, 0.025075, 0.05005, 0.075025, 0.1],
        0.02: [0.0001, 0.005075, 0.01005, 0.015025, 0.02],
    }
    backbone = LinearBackbone(2, 1)
    batch = dataclasses.replace(make_batch(4 * levels[:, None] - 1), bounds=wide([[-1.0], [3.0]]))
    for by in ("reward", "advantage", "constant"):
        objective = CRD(guidance=1.0, anchor_floor=1e-4 / weight, anchor_by=by)  # type: ignore[arg-type]
        points = objective.points(batch, KeyedDraws(0, [0], 0))
        advantages = (10 * levels[:, None] - 5)[points.rollout]
        anchor = objective.terms(backbone, batch, points, advantages, anchored=True).anchor
        with torch.no_grad(), backbone.snapshots.using("reference"):
            reference = backbone.velocity(points.x, points.sigma, points.condition, None)
        kl = (backbone.velocity(points.x, points.sigma, points.condition, None) - reference).square().mean(1)
        assert anchor is not None
        expected = wide(table[weight] if by != "constant" else [weight] * 5)[points.rollout]
        torch.testing.assert_close(weight * anchor / kl, expected, rtol=1e-9, atol=1e-12)


def test_the_strength_is_the_mean_over_the_rewards_that_apply() -> None:
    backbone, batch = make()
    advantages = GroupNormalized()(batch.rewards, batch.groups)
    sources = {
        "reward": batch.normalized_rewards(),
        "advantage": 0.5 + (2 * advantages).clamp(-1, 1) / 2,
    }  # `evaluated` doubles them
    for by, values in sources.items():
        points, _, terms = evaluated(CRD(clip=1.0, anchor_by=by), backbone, batch, anchored=True)  # type: ignore[arg-type]
        with torch.no_grad(), backbone.snapshots.using("reference"):
            condition = RowCondition(torch.full_like(points.rollout, EMPTY))
            empty = backbone.velocity(points.x, points.sigma, condition, None)
            prompted = backbone.velocity(points.x, points.sigma, points.condition, None)
        ours = backbone.velocity(points.x, points.sigma, points.condition, points.preferences)
        kl = (ours - (empty + 4.5 * (prompted - empty))).square().mean(1)
        rows = batch.rewards.isnan().tolist()
        means = []
        for value, missing in zip(values.tolist(), rows, strict=True):
            own = [v for v, gone in zip(value, missing, strict=True) if not gone]
            means.append(math.fsum(own) / len(own) if own else 0.0)
        rho = wide(means)[points.rollout]
        torch.testing.assert_close(terms.anchor, (1e-3 + 0.999 * rho) * kl, rtol=1e-10, atol=1e-12)
        assert terms.metrics["anchor_strength"].item() == pytest.approx(float((1e-3 + 0.999 * rho).mean()))


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("guidance", [1.0, 4.5])
@pytest.mark.parametrize("contrast", ["old", "reference"])
def test_passes_count_what_is_evaluated_and_only_the_trained_velocity_has_a_gradient(
    anchored: bool, guidance: float, contrast: Any
) -> None:
    objective = CRD(guidance=guidance, contrast=contrast)
    assert objective.guided == (guidance > 1)
    backbone, batch = make()
    points, _, _ = evaluated(objective, backbone, batch, anchored=anchored)
    assert backbone.evaluations == len(points) * objective.passes(anchored=anchored)
    extra = (2 if guidance > 1 else 1) if anchored else 0
    assert objective.passes(anchored=anchored) == 2 + extra
    assert sorted(backbone.calls) == sorted([(True, True), (True, False)] + [(False, False)] * extra)


@pytest.mark.parametrize(("loss", "tau"), LOSSES)
def test_u23_equal_velocities_give_a_log_ratio_of_exactly_zero_and_the_first_step_is_minus_the_advantage(
    loss: Any, tau: float | None
) -> None:
    backbone, batch = make(masked=False)
    backbone.set_snapshot("old", backbone.parameters())
    for beta, clip in ((1.0, 5.0), (0.5, 7.0), (3.0, 4.0)):
        objective = CRD(beta=beta, clip=clip, loss=loss, tau=tau)
        points = objective.points(batch, draws())
        small = 1e-4 if loss == "nca" else 1e-2 if loss == "bce" else 1.0
        advantages = small * GroupNormalized()(batch.rewards, batch.groups)[points.rollout]
        terms = objective.terms(backbone, batch, points, advantages, anchored=False)
        assert not bool(terms.branches.any())
        assert terms.metrics["implicit_std"].item() == 0
        if tau is None:
            expected = advantages / 8 if loss == "bce" else advantages
            torch.testing.assert_close(terms.coefficients[:, :, 0], -expected, rtol=1e-3, atol=1e-6 * small)
        # The slope of the branch is what advantage-weighted flow matching descends.
        assert float(gradient(terms.branches.sum(), backbone).norm()) > 1e-2


def test_u23_nothing_but_the_trained_weights_is_touched_and_the_sampling_ones_do_not_matter() -> None:
    backbone, batch = make()
    points, advantages, before = evaluated(CRD(), backbone, batch, anchored=True)
    backbone.set_snapshot("sampling", [normal(50 + i, *p.shape) for i, p in enumerate(backbone.parameters())])
    backbone.set_snapshot("evaluation", [normal(60 + i, *p.shape) for i, p in enumerate(backbone.parameters())])
    with unchanged(backbone.snapshots.state(), points, advantages, batch):
        after = CRD().terms(backbone, batch, points, advantages, anchored=True)
    for name in ("branches", "coefficients", "losses", "anchor"):
        assert torch.equal(getattr(before, name), getattr(after, name))
    assert not after.coefficients.requires_grad
    assert not after.losses.requires_grad
    assert not any(metric.requires_grad for metric in after.metrics.values())
    # All of the gradient is that of one evaluation at the trained weights.
    velocity = backbone.velocity(points.x, points.sigma, points.condition, points.preferences)
    (by_velocity,) = torch.autograd.grad(
        sum(naive_implicit(velocity, contrast_of(backbone, points), points.target, adaptive=True)), velocity,
        retain_graph=True,
    )  # fmt: skip
    expected = gradient((by_velocity * velocity).sum(), backbone)
    torch.testing.assert_close(gradient(after.branches.sum(), backbone), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("loss", "tau"), LOSSES)
def test_a_constant_of_each_prompt_on_the_rewards_changes_neither_loss_nor_gradient(
    loss: Any, tau: float | None
) -> None:
    backbone, batch = make()
    _, _, plain = evaluated(CRD(loss=loss, tau=tau), backbone, batch, extra=False)
    shifted = dataclasses.replace(batch, rewards=batch.rewards + 100 * normal(5, 4, 2)[batch.groups])
    _, _, moved = evaluated(CRD(loss=loss, tau=tau), backbone, shifted, extra=False)
    torch.testing.assert_close(moved.losses, plain.losses, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(moved.coefficients, plain.coefficients, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("loss", "tau"), LOSSES)
def test_micro_batches_of_whole_sets_give_the_same_terms(loss: Any, tau: float | None) -> None:
    objective = CRD(loss=loss, tau=tau)
    backbone, batch = make()
    points, advantages, whole = evaluated(objective, backbone, batch, anchored=True)
    assert points.sets is not None
    for first, last in ((0, 1), (1, 4), (4, 12)):
        rows = torch.nonzero((points.sets >= first) & (points.sets < last))[:, 0]
        part = objective.terms(backbone, batch, points.rows(rows), advantages[rows], anchored=True)
        for name in ("branches", "coefficients", "losses", "anchor"):
            torch.testing.assert_close(getattr(part, name), getattr(whole, name)[rows], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("loss", "tau"), LOSSES)
def test_groups_of_one_learn_nothing(loss: Any, tau: float | None) -> None:
    backbone, batch = make()
    single = dataclasses.replace(batch, groups=torch.arange(16))
    points = CRD().points(single, draws())
    advantages = normal(3, len(points), 2)
    terms = CRD(loss=loss, tau=tau).terms(backbone, single, points, advantages, anchored=False)
    assert not bool(terms.coefficients.any())
    assert bool(terms.losses.isfinite().all())
    assert loss == "bce" or not bool(terms.losses.any())


def test_metrics_are_means_over_the_points() -> None:
    backbone, batch = make()
    points, advantages, terms = evaluated(CRD(clip=1.5), backbone, batch)
    assert set(terms.metrics) == {"implicit_std", "clipped"}
    assert terms.metrics["clipped"].item() == pytest.approx(
        float((advantages[:, : batch.n_objectives].abs() > 1.5).double().mean())
    )
    assert points.sets is not None
    own = [terms.branches.detach()[points.sets == s].std(correction=0) for s in points.sets.unique()]
    assert terms.metrics["implicit_std"].item() == pytest.approx(float(torch.stack(own).mean()), rel=1e-12)


@pytest.mark.parametrize("slots", [1, 2])
def test_points_are_noised_rollouts_at_levels_that_a_prompt_shares(slots: int) -> None:
    n, steps, size = 24, 5, 12 // slots
    groups = torch.arange(n) // size
    batch = make_batch(torch.zeros(n, 2, dtype=torch.float64), groups, random_preferences(n, 2), steps)
    with unchanged(batch):
        points = CRD().points(batch, draws(7))
    assert len(points) == n * CRD().points_per_rollout(steps) == n * 4
    assert points.sets is not None
    # Group by group, level by level, rollouts inside.
    assert points.sets.tolist() == [s for s in range(8 * slots) for _ in range(size)]
    rows = points.rollout.view(2 * slots, 4, size)
    assert torch.equal(rows, torch.arange(n).view(2 * slots, 1, size).expand_as(rows))
    step = points.step.view(2, slots, 4, size)
    assert torch.equal(step, step[:, :1, :, :1].expand_as(step))
    chosen = step[:, 0, :, 0].tolist()
    assert all(len(set(levels)) == 4 and set(levels) < set(range(5)) for levels in chosen)
    expected = draws(7).uniform("sigma order", steps).argsort(1)[:, :4]
    assert chosen == expected.tolist()
    assert torch.equal(points.sigma, batch.rollout.sigmas[points.step])
    clean = batch.rollout.clean[points.rollout]
    noise = points.target + clean
    drawn = draws(7).normal("forward noise", 12, 4, 2).to(noise).view(2 * slots, size, 4, 2).transpose(1, 2)
    torch.testing.assert_close(noise, drawn.reshape(-1, 2), rtol=0, atol=1e-14)
    torch.testing.assert_close(points.x, clean + points.sigma[:, None] * points.target, rtol=0, atol=1e-14)
    assert points.preferences is not None
    assert batch.preferences is not None
    assert torch.equal(points.preferences, batch.preferences[points.rollout])
    assert torch.equal(points.condition.index, points.rollout)  # type: ignore[attr-defined]


def test_each_level_of_a_prompt_is_dropped_equally_often_and_rollouts_have_the_noise_of_nft() -> None:
    batch = make_batch(torch.zeros(3000, 1), torch.arange(3000) // 3, steps=5)
    one = KeyedDraws(1, range(1000), 0)
    points = CRD().points(batch, one)
    counts = points.step.bincount(minlength=5) / 3000
    torch.testing.assert_close(counts, torch.full_like(counts, 0.8), rtol=0, atol=0.05)
    assert points.x.dtype == batch.rollout.clean.dtype == points.sigma.dtype
    noise = (points.target + batch.rollout.clean[points.rollout]).view(1000, 4, 3, 2).transpose(1, 2)
    other = NFT().points(batch, one)
    level = other.sigma[:, None]
    theirs = ((other.x - (1 - level) * other.target) / level).view(1000, 3, 4, 2)
    torch.testing.assert_close(noise, theirs, rtol=0, atol=1e-4)


def test_faults_are_named() -> None:
    backbone, batch = make()
    for groups in (torch.arange(16) // 5, torch.arange(16) % 4):
        with pytest.raises(ValueError, match="groups of equal size in neighboring rows, found"):
            CRD().points(dataclasses.replace(batch, groups=groups), draws())
    points = CRD().points(batch, draws())
    advantages = torch.zeros(len(points), 2, dtype=torch.float64)
    cases = (
        (dataclasses.replace(points, sets=None), batch, "sets of its points"),
        (points, dataclasses.replace(batch, unconditional=None), r"guidance 4.5 needs .* found none"),
        (points, dataclasses.replace(batch, bounds=None), "bounds"),
    )
    for own, given, message in cases:
        with pytest.raises(ValueError, match=message):
            CRD().terms(backbone, given, own, advantages, anchored=True)
    bare = dataclasses.replace(batch, unconditional=None, bounds=None)
    assert (
        CRD(guidance=1, anchor_by="constant").terms(backbone, bare, points, advantages, anchored=True).anchor
        is not None
    )


@pytest.mark.parametrize(
    "fields",
    [
        *({name: bad} for name in ("beta", "clip") for bad in (0.0, -1.0, NAN, INF)),
        *({"tau": bad} for bad in (-1.0, NAN, INF)),
        *({"guidance": bad} for bad in (-0.1, NAN, INF)),
        *({"anchor_floor": bad} for bad in (-0.1, 1.1, NAN)),
        *({"sigma_fraction": bad} for bad in (0.0, 1.1, NAN)),
        *({name: "other"} for name in ("loss", "contrast", "anchor_by")),
        {"loss": "nca", "tau": 0.5},
    ],
    ids=str,
)
def test_ranges(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be .*found"):
        CRD(**fields)


def test_crd_is_a_frozen_objective() -> None:
    assert isinstance(CRD(), Objective)
    assert_frozen(CRD())
    assert CRD().exploration(10, draws()) is None
    assert [CRD(sigma_fraction=0.01).points_per_rollout(n) for n in (1, 10)] == [1, 1]
