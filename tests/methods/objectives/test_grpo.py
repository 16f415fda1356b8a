"""Clipped policy gradient: against its naive twin, and against exact gradients where rollouts are Gaussian."""

import itertools
import math
from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor

from benchmarks.draws import KeyedDraws
from methods.base import Batch, Points, Terms
from methods.objectives.grpo import GRPO, clipped_surrogate, velocity_gain
from methods.samplers.loop import denoise
from methods.samplers.schedules import shifted_sigmas
from methods.windows import AllSteps, SlidingWindow, Window
from tests.methods.stubs import RowCondition, normal, random_preferences
from tests.support.oracles_grpo import (
    MU,
    VARIANCE,
    GaussianBackbone,
    Rule,
    affine_gains,
    naive_grpo_losses,
    ratio_exponent,
    rolled,
    step_divergence,
)
from tests.support.oracles_samplers import step_rule
from tests.support.properties import unchanged
from tests.support.samplers import DEFAULTS, named

EVERY_SAMPLER = pytest.mark.parametrize("name", list(DEFAULTS))


def flat_gradient(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """The gradient as one vector; the graph is kept, unused parameters give zeros."""
    found = torch.autograd.grad(loss, parameters, retain_graph=True, materialize_grads=True)
    return torch.cat([gradient.flatten() for gradient in found])


def setting(
    name: str = "precise", objective: GRPO | None = None, moved: float = 0.0, steps: int = 5, n: int = 8
) -> tuple[GaussianBackbone, Batch, Points]:
    """A backbone, rollouts of it under preferences, and the points; its weights then moved."""
    objective = objective or GRPO()
    backbone = GaussianBackbone(shifted_sigmas(steps), (3,))
    backbone.move(0.2, seed=10)
    batch = rolled(backbone, named(name, DEFAULTS[name]), objective, n, preferences=random_preferences(n, 2))
    points = objective.points(batch, KeyedDraws(0, [0, 1], 0))
    backbone.snapshots.blend("old", 0.0)
    backbone.move(moved, seed=20)
    return backbone, batch, points


def rules(name: str, sigmas: Tensor, eta: float | None = None) -> list[Rule]:
    """The steps of a sampler, from the published formulas."""
    eta = DEFAULTS.get(name, 0.0) if eta is None else eta
    return [step_rule(name, eta, s, n) for s, n in itertools.pairwise(sigmas.tolist())]


def naive_exponents(
    name: str, backbone: GaussianBackbone, batch: Batch, points: Points, old: Tensor, *, guard: bool
) -> list[Tensor]:
    velocity = backbone.velocity(points.x, points.sigma, points.condition, points.preferences)
    table = rules(name, batch.rollout.sigmas)
    return [
        ratio_exponent(points.x[n], points.target[n], velocity[n], old[n], table[int(points.step[n])], guard=guard)
        for n in range(len(points))
    ]


@EVERY_SAMPLER
@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize(("moved", "clip"), [(0.0, 1e-4), (1e-4, 2e-5), (0.02, 4e-3), (0.3, 0.1)])
def test_losses_coefficients_and_gradients_equal_the_naive_twin(
    name: str, guard: bool, moved: float, clip: float
) -> None:
    objective = GRPO(clip_range=clip, guard=guard, advantage_clip=1.5)
    backbone, batch, points = setting(name)
    old = backbone.velocity(points.x, points.sigma, points.condition, points.preferences).detach()
    backbone.move(moved, seed=20)
    advantages = 1.3 * normal(3, len(points), 3)
    terms = objective.terms(backbone, batch, points, advantages, anchored=False)
    exponents = naive_exponents(name, backbone, batch, points, old, guard=guard)
    gains = [rules(name, batch.rollout.sigmas)[i][1] if guard else 1.0 for i in points.step.tolist()]
    leaves = [exponent.detach().requires_grad_() for exponent in exponents]
    clipped = advantages.clamp(-1.5, 1.5)
    expected = naive_grpo_losses(leaves, clipped, clip, gains)
    torch.testing.assert_close(terms.losses, expected.detach(), rtol=1e-9, atol=1e-11)
    for j in range(3):
        slopes = torch.autograd.grad(expected[:, j].sum(), leaves, retain_graph=True, materialize_grads=True)
        torch.testing.assert_close(terms.coefficients[:, j, 0], torch.stack(slopes), rtol=1e-9, atol=1e-11)
        found = flat_gradient((terms.coefficients[:, j] * terms.branches).sum(), backbone.parameters())
        naive = flat_gradient(naive_grpo_losses(exponents, clipped, clip, gains)[:, j].sum(), backbone.parameters())
        assert float(naive.norm()) > 1e-3
        torch.testing.assert_close(found, naive, rtol=1e-7, atol=1e-9)
    beyond = torch.stack(exponents).detach().exp()[:, None]
    cut = ((advantages > 0) & (beyond > 1 + clip)) | ((advantages < 0) & (beyond < 1 - clip))
    assert torch.equal(terms.coefficients[:, :, 0] == 0, cut)
    assert 0 < float(cut[:, : batch.n_objectives].double().mean()) < 1 or moved == 0
    metrics = {key: float(value) for key, value in terms.metrics.items()}
    plain = torch.stack(naive_exponents(name, backbone, batch, points, old, guard=False)).detach()
    assert metrics == pytest.approx(
        {
            "clipped": float((advantages[:, : batch.n_objectives].abs() > 1.5).double().mean()),
            "ratio_clipped": float(cut[:, : batch.n_objectives].double().mean()),
            "ratio_mean": float(beyond.mean()),
            "approximate_kl": float(plain.square().mean() / 2),
        },
        rel=1e-9,
        abs=1e-20,
    )


def test_the_clip_holds_only_where_the_ratio_went_the_way_of_the_advantage() -> None:
    ratio = torch.tensor([0.8, 0.9, 1.0, 1.1, 1.2], dtype=torch.float64)
    losses, slopes, cut = clipped_surrogate(ratio, torch.tensor([[2.0, -2.0, 0.0]]).double().expand(5, 3), 0.15)
    assert losses[:, 0].tolist() == pytest.approx([-1.6, -1.8, -2, -2.2, -2.3])
    assert losses[:, 1].tolist() == pytest.approx([1.7, 1.8, 2, 2.2, 2.4])
    assert slopes[:, 0].tolist() == pytest.approx([-1.6, -1.8, -2, -2.2, 0])
    assert slopes[:, 1].tolist() == pytest.approx([0, 1.8, 2, 2.2, 2.4])
    assert cut.nonzero().tolist() == [[0, 1], [4, 0]]
    assert not losses[:, 2].any()
    assert not slopes[:, 2].any()


@EVERY_SAMPLER
@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_at_the_old_weights_single_precision_and_other_batch_shapes_trigger_no_clip(
    name: str, guard: bool, size: int
) -> None:
    objective = GRPO(clip_range=4e-6, guard=guard)
    backbone = GaussianBackbone(shifted_sigmas(10), (4, 2, 2), dtype=torch.float32)
    backbone.move(0.2, seed=10)
    batch = rolled(backbone, named(name, DEFAULTS[name]), objective, 12)
    points = objective.points(batch, KeyedDraws(0, [0, 1], 0))
    advantages = normal(1, len(points), 2).float()
    for first in range(0, min(len(points), 40 * size), size):
        rows = torch.arange(first, min(first + size, len(points)))
        terms = objective.terms(backbone, batch, points.rows(rows), advantages[rows], anchored=True)
        assert terms.branches.abs().max() < 1e-6
        assert float(terms.metrics["ratio_clipped"]) == 0
        gain = velocity_gain(
            named(name, DEFAULTS[name]), points.sigma[rows], batch.rollout.sigmas[points.step[rows] + 1]
        )
        scale = 1 / gain.abs().float() if guard else torch.ones_like(gain).float()
        torch.testing.assert_close(terms.coefficients[:, :, 0], -advantages[rows] * scale[:, None], rtol=2e-6, atol=0)
        assert {t.dtype for t in (terms.branches, terms.coefficients, terms.losses)} == {torch.float32}


@EVERY_SAMPLER
def test_half_precision_repeats_the_means_of_the_rollout(name: str) -> None:
    backbone = GaussianBackbone(shifted_sigmas(20), (16,), dtype=torch.bfloat16)
    batch = rolled(backbone, named(name, DEFAULTS[name]), GRPO(), 8)
    points = GRPO().points(batch, KeyedDraws(0, [0, 1], 0))
    terms = GRPO().terms(backbone, batch, points, torch.ones(len(points), 1), anchored=False)
    assert terms.branches.dtype == torch.float32
    assert terms.branches.abs().max() == 0


def test_single_precision_resolves_the_smallest_published_clip_range() -> None:
    objective = GRPO(clip_range=4e-6)
    backbone = GaussianBackbone(shifted_sigmas(10), (4, 2, 2), dtype=torch.float32)
    batch = rolled(backbone, named("precise", 1.5), objective, 64)
    backbone.move(1e-5)
    points = objective.points(batch, KeyedDraws(0, [0, 1], 0))
    terms = objective.terms(backbone, batch, points, torch.ones(len(points), 1), anchored=False)
    exponents = terms.branches[:, 0].detach().double()
    near = (exponents - 4e-6).abs() < 1e-6
    assert int(near.sum()) > 10
    assert torch.equal(terms.coefficients[:, 0, 0] == 0, exponents.exp() > 1 + 4e-6)


@EVERY_SAMPLER
def test_the_gain_is_the_published_one(name: str) -> None:
    sigmas = shifted_sigmas(7, 3.0)
    found = velocity_gain(named(name, DEFAULTS[name]), sigmas[:-1], sigmas[1:])
    assert found.tolist() == pytest.approx([b for _, b, _ in rules(name, sigmas)], rel=1e-12)


@EVERY_SAMPLER
def test_under_the_guard_every_step_and_sampler_counts_the_same(name: str) -> None:
    backbone, batch, points = setting(name, GRPO(guard=True))
    terms = GRPO(guard=True).terms(backbone, batch, points, torch.ones(len(points), 1).double(), anchored=False)
    found = flat_gradient((terms.coefficients[:, 0] * terms.branches).sum(), [backbone.network["offsets"]])
    steps, rows = points.step, points.rollout
    stds, means = batch.rollout.stds, batch.rollout.means
    assert stds is not None
    assert means is not None
    noise = (points.target - means[steps, rows]) / stds[steps, None]
    drawn = torch.stack([normal(200 + i, 8, 3)[r] for i, r in zip(steps.tolist(), rows.tolist(), strict=True)])
    torch.testing.assert_close(noise, drawn, rtol=1e-9, atol=1e-9)
    # -A sign(B) mean(w . dv) with A = 1 and B < 0.
    expected = torch.zeros(5, 3).double().index_add(0, steps, drawn / 3)
    torch.testing.assert_close(found, expected.flatten(), rtol=1e-9, atol=1e-10)


def toy(name: str, window: Window, ordinal: int, n: int) -> tuple[GaussianBackbone, Batch, list[Rule], list[float]]:
    """Rollouts with offsets, and the rules and slopes of their steps."""
    sigmas = shifted_sigmas(5, 2.0)
    backbone = GaussianBackbone(sigmas, (2,))
    with torch.no_grad():
        backbone.network["offsets"] += 0.3 * normal(1, 5, 2)
    draws = KeyedDraws(0, [0], ordinal)
    condition, noisy = RowCondition(torch.arange(n)), window.noisy(5, draws)
    rollout = denoise(
        lambda x, sigma: backbone.velocity(x, sigma, condition),
        named(name, DEFAULTS[name]),
        normal(100, n, 2),
        sigmas,
        lambda i: normal(200 + i, n, 2),
        noisy=noisy,
        keep_path=True,
    )
    used = [r if on else o for r, o, on in zip(rules(name, sigmas), rules("ode", sigmas), noisy.tolist(), strict=True)]
    slopes = [(s - (1 - s) * VARIANCE) / ((1 - s) ** 2 * VARIANCE + s**2) for s in sigmas[:-1].tolist()]
    return backbone, Batch(rollout, condition, torch.arange(n) // 4, None, torch.zeros(n, 1)), used, slopes


@EVERY_SAMPLER
@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize(("window", "ordinal"), [(AllSteps(), 0), (SlidingWindow(2, 1), 1)], ids=["all", "window"])
@pytest.mark.parametrize("quadratic", [False, True], ids=["linear", "quadratic"])
def test_the_mean_gradient_is_the_exact_policy_gradient(
    name: str, guard: bool, window: Window, ordinal: int, quadratic: bool
) -> None:
    n, groups_of, parts = 24000, 4, 40
    objective = GRPO(guard=guard, window=window, advantage_clip=math.inf)
    backbone, batch, used, slopes = toy(name, window, ordinal, n)
    clean, taste = batch.rollout.clean, torch.tensor([1.0, -0.5], dtype=torch.float64)
    rewards = -0.5 * clean.square().sum(1) if quadratic else clean @ taste
    by_group = rewards.view(-1, groups_of)
    advantages = (by_group - by_group.mean(1, keepdim=True)).reshape(n, 1)
    points = objective.points(batch, KeyedDraws(0, [0], ordinal))
    trained = sorted(set(points.step.tolist()))
    assert trained == ([1, 2] if isinstance(window, SlidingWindow) else [0, 1, 2, 3])
    estimates = []
    for rows in torch.arange(len(points)).chunk(parts):
        terms = objective.terms(backbone, batch, points.rows(rows), advantages[points.rollout[rows]], anchored=False)
        loss = (terms.coefficients[:, 0] * terms.branches).sum() * parts / n
        estimates.append(flat_gradient(loss, [backbone.network["offsets"]]).view(5, 2))
    found = torch.stack(estimates)
    gains = affine_gains(used, slopes)
    offsets = backbone.network["offsets"].detach()
    mean = MU + sum((gain * offset for gain, offset in zip(gains, offsets, strict=True)), torch.zeros(2).double())
    slope = -mean if quadratic else taste
    # Gradient of the mean reward, per dimension, less the share of the own sample in its group's mean.
    exact = [-(1 - 1 / groups_of) * gain * slope / 2 for gain in gains]
    for i in trained:
        expected = exact[i] * (used[i][2] / abs(used[i][1]) if guard else 1)
        error = found[:, i].std(0) / parts**0.5
        assert float(error.max()) < 0.12 * max(float(expected.norm()), 0.1)
        assert bool(((found[:, i].mean(0) - expected).abs() < 4.5 * error).all())
    others = [i for i in range(5) if i not in trained]
    assert not found[:, others].any()


@EVERY_SAMPLER
def test_the_anchor_adds_up_to_the_divergence_between_paths(name: str) -> None:
    backbone, batch, points = setting(name)
    with backbone.snapshots.using("reference"):
        reference = backbone.velocity(points.x, points.sigma, points.condition).detach()
    velocity = backbone.velocity(points.x, points.sigma, points.condition, points.preferences)
    terms = GRPO().terms(backbone, batch, points, torch.zeros(len(points), 1).double(), anchored=True)
    assert terms.anchor is not None
    table = [rules(name, batch.rollout.sigmas)[i] for i in points.step.tolist()]
    naive = torch.stack(
        [step_divergence(b * velocity[n], b * reference[n], std) for n, (_, b, std) in enumerate(table)]
    )
    torch.testing.assert_close(terms.anchor, naive, rtol=1e-9, atol=1e-12)
    slopes = [flat_gradient(loss.sum(), backbone.parameters()) for loss in (terms.anchor, naive)]
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-8, atol=1e-10)
    gains, stds = (torch.tensor([rule[k] for rule in table], dtype=torch.float64) for k in (1, 2))
    path = (gains**2 * (velocity - reference).square().mean(1) / (2 * stds**2)).view(8, -1).sum(1).mean()
    torch.testing.assert_close(terms.anchor.sum() / 8, path, rtol=1e-9, atol=0)


def test_on_average_the_log_ratio_is_minus_the_divergence_and_the_guarded_exponent_zero() -> None:
    backbone, batch, used, _ = toy("cps", AllSteps(), 0, 20000)
    points = GRPO().points(batch, KeyedDraws(0, [0], 0))
    change = 0.2 * normal(5, 5, 2)
    with torch.no_grad():
        backbone.network["offsets"] += change
    nobody = torch.zeros(len(points), 1).double()
    for guard in (False, True):
        branch = GRPO(guard=guard).terms(backbone, batch, points, nobody, anchored=False).branches.detach()
        for i in range(4):
            found = branch[points.step == i]
            _, b, std = used[i]
            expected = 0.0 if guard else -float((b * change[i] / std).square().mean() / 2)
            assert abs(float(found.mean()) - expected) < 4.5 * float(found.std()) / len(found) ** 0.5


@pytest.mark.parametrize("guard", [False, True])
def test_micro_batches_and_single_points_give_the_same_terms(guard: bool) -> None:
    backbone, batch, points = setting("flow_grpo", moved=0.01)
    objective, advantages = GRPO(guard=guard, clip_range=1e-3), normal(4, len(points), 3)

    def parts(size: int) -> Iterator[Terms]:
        for rows in torch.arange(len(points)).chunk(math.ceil(len(points) / size)):
            yield objective.terms(backbone, batch, points.rows(rows), advantages[rows], anchored=True)

    (whole,) = parts(len(points))
    for size in (1, 5):
        pieces = list(parts(size))
        for key in ("branches", "coefficients", "losses", "anchor"):
            together = torch.cat([getattr(piece, key) for piece in pieces])
            torch.testing.assert_close(together, getattr(whole, key), rtol=1e-12, atol=1e-13)
        shares = torch.tensor([len(piece.losses) / len(points) for piece in pieces]).double()
        for key, value in whole.metrics.items():
            torch.testing.assert_close((shares * torch.stack([p.metrics[key] for p in pieces])).sum(), value)


@pytest.mark.parametrize("guard", [False, True])
def test_an_objective_that_applies_to_nobody_has_no_loss_and_no_gradient(guard: bool) -> None:
    backbone, batch, points = setting(moved=3.0)
    advantages = normal(4, len(points), 3)
    advantages[:, 1] = 0
    terms = GRPO(guard=guard).terms(backbone, batch, points, advantages, anchored=False)
    assert not terms.coefficients[:, 1].any()
    assert not terms.losses[:, 1].any()
    assert bool(terms.coefficients.isfinite().all())
    assert bool(terms.losses[:, [0, 2]].all())


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("guard", [False, True])
def test_the_preference_reaches_the_trained_velocity_alone_and_passes_are_counted(anchored: bool, guard: bool) -> None:
    objective = GRPO(guard=guard)
    backbone, batch, points = setting()
    with unchanged(backbone.snapshots.state(), points, batch):
        terms = objective.terms(backbone, batch, points, normal(0, len(points), 5), anchored=anchored)
    expected = [(True, True, len(points))] + [(False, False, len(points))] * anchored
    assert sorted(backbone.calls, reverse=True) == expected
    assert objective.passes(anchored=anchored) == len(backbone.calls)
    assert (terms.anchor is not None) == anchored
    assert terms.branches.shape == (len(points), 1)
    assert terms.coefficients.shape == (len(points), 5, 1)
    assert terms.branches.requires_grad
    assert not terms.coefficients.requires_grad
    assert not terms.losses.requires_grad
    assert not any(value.requires_grad for value in terms.metrics.values())
