"""One update: whose losses with which weights, what is measured besides, and what goes through the model together."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.collect import Meter, collect, draw_prompts
from benchmarks.draws import KeyedDraws
from benchmarks.records import UsageError
from benchmarks.run import Run
from benchmarks.train import Learner
from benchmarks.update import SIGMA_EDGES, Losses, gramian_of, losses_of, measured_rows, micro_batches, parts_of
from methods.advantages import GDPO, GroupNormalized, RawMixture
from methods.base import Batch, Method, Points, Terms
from methods.gradients import layer_group
from methods.nft_method import NFTMethod
from methods.objectives.crd import CRD
from methods.objectives.grpo import GRPO
from methods.objectives.nft import NFT
from methods.samplers.flow_sde import FlowSDE
from methods.weightings.fixed import FixedWeighting
from methods.weightings.min_norm import MinNormWeighting
from tests.methods.stubs import RowCondition, make_batch, normal
from tests.support.oracles import flat_gradient
from tests.support.suites import FIRST, PARTIAL, tiny_benchmark

NAN = math.nan


def points_of(sets: list[int] | None, n: int) -> Points:
    rows, numbers = torch.arange(n), torch.rand(n)
    given = None if sets is None else torch.tensor(sets)
    return Points(rows, rows, numbers, normal(0, n, 2), normal(1, n, 2), RowCondition(rows), None, given)


@pytest.mark.parametrize("size", [None, 1, 3, 4, 5, 9, 10, 11])
def test_micro_batches_hold_all_points_once_and_no_more_than_their_size(size: int | None) -> None:
    parts = list(micro_batches(points_of(None, 10), size))
    assert [row for part in parts for row in part.rollout.tolist()] == list(range(10))
    limit = 10 if size is None else size
    assert all(0 < len(part) <= limit for part in parts)
    assert len(parts) == math.ceil(10 / limit)


@pytest.mark.parametrize(
    ("sets", "size", "expected"),
    [
        ([0, 0, 0, 1, 1, 1, 2, 2, 2], 4, [3, 3, 3]),
        ([0, 0, 0, 1, 1, 1, 2, 2, 2], 6, [6, 3]),
        ([0, 0, 0, 1, 1, 1, 2, 2, 2], 8, [6, 3]),
        ([0, 0, 0, 1, 1, 1, 2, 2, 2], 1, [3, 3, 3]),
        ([4, 4, 7, 9, 9, 9, 9], 3, [3, 4]),
        ([4, 7, 7, 7, 7, 9], 3, [1, 4, 1]),
        ([0, 1, 2, 3], 2, [2, 2]),
        ([5, 5, 5], 2, [3]),
    ],
)
def test_micro_batches_never_cut_a_set(sets: list[int], size: int, expected: list[int]) -> None:
    parts = list(micro_batches(points_of(sets, len(sets)), size))
    assert [len(part) for part in parts] == expected
    assert [row for part in parts for row in part.rollout.tolist()] == list(range(len(sets)))
    found = [set(part.sets.tolist()) for part in parts if part.sets is not None]
    assert len(found) == len(parts)
    assert all(not (one & other) for i, one in enumerate(found) for other in found[:i])


def test_the_micro_batches_of_an_update_on_part_of_the_prompts_keep_sets_whole() -> None:
    benchmark = tiny_benchmark(prompts_per_step=3, micro_batch=7)
    method = NFTMethod(objective=CRD(), weighting=FixedWeighting(), updates=2)
    draws = KeyedDraws(0, [0, 1, 2], 0)
    batch = collect(benchmark, method, benchmark.backbone.build(2, 0), draws, [0, 1, 2], Meter())
    points = method.objective.points(batch, draws)
    points = points.rows(torch.nonzero(points.rollout // 6 != 1)[:, 0])
    parts = list(micro_batches(points, 7))
    assert [len(part) for part in parts] == [6] * 4
    assert all(part.sets is not None and len(part.sets.unique()) == 1 for part in parts)


def mixed_rewards() -> Batch:
    """Three prompts of four samples; the second reward is for the first and the last prompt."""
    rewards = normal(0, 12, 2)
    rewards[4:8, 1] = NAN
    return make_batch(rewards, torch.arange(3).repeat_interleave(4))


@pytest.mark.parametrize("rows", [None, list(range(4)), [*range(4), *range(8, 12)], list(range(4, 8))])
@pytest.mark.parametrize("estimator", [GroupNormalized(), GDPO(), RawMixture()], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("measure", [False, True])
def test_the_shares_of_an_update_sum_to_one_over_its_own_rows(
    rows: list[int] | None, estimator: Any, measure: bool
) -> None:
    batch = mixed_rewards()
    method = NFTMethod(weighting=FixedWeighting((0.3, 0.7)), advantages=estimator)
    index = None if rows is None else torch.tensor(rows)
    losses = losses_of(method, batch, {}, index, measure=measure)
    chosen = list(range(12)) if rows is None else rows
    assert losses.rollouts == len(chosen)
    outside = [row for row in range(12) if row not in chosen]
    assert losses.shares[outside].count_nonzero() == 0
    own = [1.0, 1.0 if set(chosen) - set(range(4, 8)) else 0.0]
    trained = [1.0, 1.0] if estimator.mixes else own
    expected = trained + (own if measure and estimator.mixes else [])
    assert losses.shares.sum(0).tolist() == pytest.approx(expected)
    assert losses.advantages.shape == losses.shares.shape
    assert losses.n_objectives == 2
    assert losses.weights is not None
    torch.testing.assert_close(losses.weights, torch.tensor([[0.3, 0.7]]).expand(12, 2).to(losses.weights))
    # Advantages are compared over the whole batch, whatever the update learns from.
    whole = losses_of(method, batch, {}, None, measure=measure)
    assert torch.equal(losses.advantages, whole.advantages)


def test_what_is_measured_of_a_mixing_method_are_the_rewards_themselves() -> None:
    batch = mixed_rewards()
    method = NFTMethod(weighting=FixedWeighting(), advantages=GDPO())
    losses = losses_of(method, batch, {}, None, measure=True)
    assert losses.advantages.shape == (12, 4)
    assert torch.equal(losses.advantages[:, 0], losses.advantages[:, 1])
    torch.testing.assert_close(losses.advantages[:, 2:], GroupNormalized()(batch.rewards, batch.groups))
    for row in (4, 7):
        assert losses.shares[row].tolist() == pytest.approx([1 / 12, 1 / 12, 1 / 12, 0.0])
    assert losses.shares[0].tolist() == pytest.approx([1 / 12, 1 / 12, 1 / 12, 1 / 8])


@pytest.mark.parametrize("extra", [0, 2])
def test_measured_rows_are_the_last_losses_and_the_update(extra: int) -> None:
    n, k, m = 5, 2, 3
    terms = Terms(normal(0, n, m), normal(1, n, k + extra, m), normal(2, n, k + extra), None)
    shares, weights = normal(3, n, k + extra), normal(4, n, k)
    rows = measured_rows(terms, shares, weights, k)
    assert rows.shape == (n, k + 1, m)
    update = sum(
        (weights[:, j, None] * shares[:, j, None] * terms.coefficients[:, j] for j in range(k)), torch.zeros(n, m)
    )
    torch.testing.assert_close(rows[:, -1], torch.as_tensor(update, dtype=rows.dtype))
    for j in range(k):
        torch.testing.assert_close(rows[:, j], shares[:, extra + j, None] * terms.coefficients[:, extra + j])
    assert torch.equal(measured_rows(terms, shares, None, k), rows[:, :k])


def test_parts_add_up_and_end_with_the_update() -> None:
    bins, k = 4, 3
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    products = {}
    for i, group in enumerate(("a", "b")):
        rows = normal(i, bins * k, 20)
        products[group] = (rows @ rows.T).reshape(bins, k, bins, k)
    parts = parts_of(products, weights)
    edges = ["0-0.25", "0.25-0.5", "0.5-0.75", "0.75-1"]
    assert list(parts) == ["all", "layer:a", "layer:b", *(f"sigma:{edge}" for edge in edges)]
    torch.testing.assert_close(parts["layer:a"] + parts["layer:b"], parts["all"])
    for gramian in parts.values():
        assert gramian.shape == (4, 4)
        torch.testing.assert_close(gramian[3, :3], weights @ gramian[:3, :3])
        torch.testing.assert_close(gramian[3, 3], weights @ gramian[:3, :3] @ weights)
    known = parts_of(products, None)
    torch.testing.assert_close(known["all"], gramian_of(products))
    torch.testing.assert_close(known["all"], parts["all"][:3, :3])


FAMILIES: dict[str, dict[str, Any]] = {
    "nft": {"objective": NFT()},
    "crd": {"objective": CRD(guidance=1.0)},
    "grpo": {"objective": GRPO(clip_range=0.2), "sampler": FlowSDE()},
}
MIXES: dict[str, dict[str, Any]] = {
    "fixed": {"weighting": FixedWeighting((0.3, 0.7))},
    "min_norm": {"weighting": MinNormWeighting(every=1)},
    "gdpo": {"weighting": FixedWeighting((0.3, 0.7)), "advantages": GDPO()},
    "raw": {"weighting": FixedWeighting((0.3, 0.7)), "advantages": RawMixture()},
}


def losses_by_hand(terms: Terms, shares: Tensor) -> Tensor:
    """The J losses, whose gradients are those of the objective, at all points."""
    return (shares.unsqueeze(2) * terms.coefficients * terms.branches.unsqueeze(1)).sum((0, 2))


def shares_by_hand(rewards: Tensor, points: Points) -> Tensor:
    """The share of each point in the mean of each reward's loss over the points to which it applies."""
    applies = rewards.isfinite()[points.rollout].double()
    return applies / applies.sum(0).clamp_min(1)


def naive_measurement(learner: Learner, part: int = 0) -> tuple[Tensor, list[str], Points, Tensor]:
    """The gradients of each reward's loss and of the update without its anchor, [K + 1, P], of one update's points."""
    benchmark, method = learner.benchmark, learner.method
    prompts = draw_prompts(len(benchmark.prompts), benchmark.recipe.prompts_per_step, learner.seed, learner.step)
    draws = KeyedDraws(learner.seed, prompts, learner.step)
    batch = collect(benchmark, method, learner.bare, draws, prompts, Meter())
    points = method.objective.points(batch, draws)
    prompt = torch.arange(len(batch.rewards)) // benchmark.recipe.group_size
    points = points.rows(torch.nonzero((prompt % method.updates == part)[points.rollout])[:, 0])
    own = GroupNormalized(over_batch=method.advantages == GroupNormalized(over_batch=True))
    parameters = learner.parameters

    def slopes(advantages: Tensor, shares: Tensor) -> Tensor:
        # Whom CRD centers over: the samples that count in a loss.
        seen = replace(
            batch, counted=batch.rewards.isfinite() if shares is own_shares else torch.ones_like(advantages) > 0
        )
        args = (learner.bare, seen, points, advantages[points.rollout])
        losses = losses_by_hand(method.objective.terms(*args, anchored=False), shares)
        return torch.stack([flat_gradient(loss, parameters) for loss in losses])

    own_shares = shares_by_hand(batch.rewards, points).to(batch.rewards)
    rows = slopes(own(batch.rewards, batch.groups), own_shares)
    weights = method.weighting.weights(batch, learner.weighting_state)
    if method.advantages.mixes:
        assert weights is not None
        mixed = method.advantages(batch.rewards, batch.groups, weights.expand(batch.rewards.shape))
        anywhere = shares_by_hand(batch.rewards.nan_to_num(0.0), points).to(own_shares)
        update = weights @ slopes(mixed, anywhere)
    else:
        matrix = rows.double() @ rows.double().T
        if weights is None:
            weights = method.weighting.solve(matrix, learner.weighting_state)[0]
        update = weights.to(rows) @ rows
    names = [name for name, p in learner.bare.network.named_parameters() for _ in range(p.numel())]
    return torch.cat((rows, update[None])), names, points, weights


def learner_of(method: Method, **recipe: Any) -> Learner:
    changes = {"diagnostics_every": 1, "prompts_per_step": 3, "rollout_steps": 6, "clip_norm": 1e9, **recipe}
    learner = Learner(tiny_benchmark(rewards=(FIRST, PARTIAL), true_front=False, **changes), method, 0)
    learner.advance()  # away from the start, where contrasts vanish
    return learner


@pytest.mark.parametrize("micro_batch", [None, 11])
@pytest.mark.parametrize("updates", [1, 2])
@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_measured_is_what_separate_passes_find(
    family: str, mix: str, updates: int, micro_batch: int | None
) -> None:
    method = NFTMethod(**FAMILIES[family], **MIXES[mix], updates=updates, anchor=0.01)
    learner = learner_of(method, micro_batch=micro_batch)
    rows, names, _, weights = naive_measurement(learner)
    step = learner.advance()
    if updates == 1:
        torch.testing.assert_close(step.weights, weights.double(), rtol=1e-3, atol=1e-5)
    wide = rows.double()
    expected = wide @ wide.T
    scale = float(expected.abs().max())
    assert scale > 0
    room = {"rtol": 0, "atol": (1e-8 if torch.get_default_dtype() == torch.float64 else 2e-3) * scale}
    torch.testing.assert_close(step.gramians["all"], expected, **room)
    for group in ("output", "blocks.0", "state"):
        columns = [i for i, name in enumerate(names) if layer_group(name) == group]
        torch.testing.assert_close(
            step.gramians[f"layer:{group}"], wide[:, columns] @ wide[:, columns].T, msg=group, **room
        )
    cosines = expected[-1, :-1] / (expected.diagonal()[:-1] * expected[-1, -1]).sqrt()
    found = [step.scalars["cosine_first"], step.scalars["cosine_second"]]
    assert found == pytest.approx(cosines.tolist(), abs=2e-3)


def test_bins_are_measured_by_noise_level() -> None:
    learner = learner_of(NFTMethod(weighting=FixedWeighting(), anchor=0.0))
    _, _, points, _ = naive_measurement(learner)
    edges = (0.0, *SIGMA_EDGES, 1.0)
    inside = [int(((points.sigma > low) & (points.sigma <= high)).sum()) for low, high in itertools.pairwise(edges)]
    assert sum(inside) == len(points)
    step = learner.advance()
    for b, count in enumerate(inside):
        gramian = step.gramians[f"sigma:{edges[b]:g}-{edges[b + 1]:g}"]
        assert (float(gramian.diagonal().min()) > 0) == (count > 0)


@pytest.mark.parametrize("micro_batch", [1, 5])
@pytest.mark.parametrize("steps", [2, 3])
def test_a_bin_without_points_is_empty_and_nothing_else(steps: int, micro_batch: int) -> None:
    # Rollouts of few steps have no noise levels in some bins; small micro-batches miss even more of them.
    whole, parts = (
        learner_of(NFTMethod(weighting=FixedWeighting(), anchor=0.0), rollout_steps=steps, micro_batch=size)
        for size in (None, micro_batch)
    )
    one, other = whole.advance(), parts.advance()
    empty = [name for name, gramian in one.gramians.items() if gramian.count_nonzero() == 0]
    assert [name for name in empty if name.startswith("sigma:")]
    for name, gramian in one.gramians.items():
        torch.testing.assert_close(other.gramians[name], gramian, rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize("mix", MIXES)
def test_measuring_changes_no_other_number_of_the_record(mix: str) -> None:
    method = NFTMethod(objective=NFT(clip=0.8), **MIXES[mix], anchor=0.01)
    plain, measured = (learner_of(method, diagnostics_every=every) for every in (0, 1))
    one, other = plain.advance(), measured.advance()
    assert one.scalars["clipped"] > 0
    assert set(other.scalars) - set(one.scalars) == {"cosine_first", "cosine_second"}
    assert {name: other.scalars[name] for name in one.scalars} == pytest.approx(dict(one.scalars), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("prompts", [2, 3])
def test_updates_of_a_step_learn_from_different_prompts(prompts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []

    def spy(method: Method, batch: Batch, state: Any, rows: Tensor | None, *, measure: bool) -> Losses:
        assert rows is not None
        seen.append(set(rows.tolist()))
        return losses_of(method, batch, state, rows, measure=measure)

    monkeypatch.setattr("benchmarks.train.losses_of", spy)
    method = NFTMethod(weighting=FixedWeighting(), updates=2)
    learner = Learner(tiny_benchmark(prompts_per_step=prompts), method, 0)
    learner.advance()
    groups = [{*range(6 * p, 6 * p + 6)} for p in range(prompts)]
    assert seen == [set().union(*groups[0::2]), set().union(*groups[1::2])]
    assert learner.updates == 2


def test_more_updates_than_prompts_are_refused_before_training(tmp_path: Path) -> None:
    method = NFTMethod(weighting=FixedWeighting(), updates=3)
    run = Run("tiny", tiny_benchmark(prompts_per_step=2), "nft", method, 0, tmp_path)
    with pytest.raises(UsageError, match="updates") as refused:
        run.validate()
    assert "\n" not in str(refused.value)
    replace(run, benchmark=tiny_benchmark(prompts_per_step=3)).validate()
