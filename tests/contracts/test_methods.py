"""What every method must keep, on a tiny toy: each entry of METHODS is tested without naming it."""

import dataclasses
import json
import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from benchmarks.backbones.toy import ResidualSize, ToyBackbone, ToySpec
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe
from benchmarks.collect import Meter, collect, draw_preferences, draw_prompts
from benchmarks.draws import KeyedDraws
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.settings import build, describe
from benchmarks.train import Learner, step_cost
from methods import METHODS
from methods.base import Batch, Method, Points, State
from methods.gradients import flat_gradient, sample_shares
from methods.pareto_slider import ParetoSlider
from methods.weightings.fixed import FixedWeighting
from tests.support.oracles import naive_nft_losses
from tests.support.properties import assert_frozen, assert_identical, assert_on_simplex, unchanged

PROMPTS = ("left", "right", "both")
TARGETS = ((1.0, 0.5), (-1.0, 0.5), (0.0, -1.0))
RECIPE = Recipe(
    prompts_per_step=2, group_size=6, rollout_steps=4, learning_rate=1e-2, clip_norm=1e9, diagnostics_every=1
)


def tiny_benchmark(k: int, recipe: Recipe = RECIPE) -> Benchmark:
    """Three prompts in the plane; from three rewards on, the last applies to one prompt only."""
    means = tuple(((1.0 + p, 0.5), (-0.5, -1.0 - p)) for p in range(len(PROMPTS)))
    spec = ToySpec(PROMPTS, means, ((0.4, 0.6),) * len(PROMPTS), 0.4, ResidualSize(8, 1, 6))
    rewards = []
    for i in range(k):
        here = {p: (TARGETS[i] if i < 2 or p == "both" else None) for p in PROMPTS}
        rewards.append(QuadraticReward(f"reward{i}", here, 10.0**i))
    return Benchmark(
        name="tiny",
        backbone=spec,
        prompts=PROMPTS,
        rewards=tuple(rewards),
        reference_point=(-100.0,) * k,
        bounds=((-100.0, 0.0),) * k,
        budget=Budget(10_000),
        recipe=recipe,
        evaluation=Evaluation(((1 / k,) * k,), 2),
        summary="tiny",
    )


def trained(method: Method, k: int, seed: int, steps: int) -> Learner:
    learner = Learner(tiny_benchmark(k), method, seed)
    for _ in range(steps):
        learner.advance()
    return learner


def first_batch(method: Method, k: int, seed: int = 0) -> tuple[Batch, KeyedDraws]:
    benchmark = tiny_benchmark(k)
    prompts = draw_prompts(len(PROMPTS), 2, seed, 0)
    draws = KeyedDraws(seed, prompts, 0)
    return collect(benchmark, method, benchmark.backbone.build(k, seed), draws, prompts, Meter()), draws


@pytest.fixture(params=sorted(METHODS))
def kind(request: pytest.FixtureRequest) -> type[Method]:
    return METHODS[request.param]


@pytest.fixture(params=[2, 3])
def k(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def method(kind: type[Method], k: int) -> Method:
    """The first model of the method, as it is trained."""
    return kind().models(k)[0].method  # type: ignore[call-arg]


def test_frozen_and_cited(kind: type[Method]) -> None:
    assert_frozen(kind())  # type: ignore[call-arg]
    assert kind.paper.strip()
    assert "paper" not in {field.name for field in dataclasses.fields(kind)}


def test_models_stand_for_distinct_preferences_and_stay_within_the_budget(kind: type[Method], k: int) -> None:
    method = kind()  # type: ignore[call-arg]
    models = method.models(k)
    assert models
    preferences = [model.preference for model in models]
    assert len(set(preferences)) == len(models)
    if None in preferences:
        assert preferences == [None]
        assert models[0].method.preferences is not None
    else:
        assert_on_simplex(torch.tensor(preferences, dtype=torch.float64), k)
    assert math.fsum(model.method.budget_share for model in models) <= method.budget_share + 1e-9
    for model in models:
        assert type(model.method) is kind
        model.method.validate(k, 24)


def test_settings_survive_json(kind: type[Method], k: int) -> None:
    method = kind(anchor=0.25)  # type: ignore[call-arg]
    for bundle in (method, *(model.method for model in method.models(k))):
        text = json.dumps(describe(bundle))
        again = build(json.loads(text))
        assert again == bundle
        assert type(again) is kind
        assert json.dumps(describe(again)) == text


def test_rollouts_come_in_groups_of_one_prompt_and_one_preference(method: Method, k: int) -> None:
    batch, draws = first_batch(method, k)
    assert batch.rewards.shape == (12, k)
    assert batch.groups.tolist() == sorted(batch.groups.tolist())
    prompts = torch.tensor([i for i in range(2) for _ in range(6)])
    for g in range(2 * method.slots):
        rows = batch.groups == g
        assert int(rows.sum()) == 6 // method.slots
        assert len(prompts[rows].unique()) == 1
        if batch.preferences is not None:
            assert len(batch.preferences[rows].unique(dim=0)) == 1
    if batch.preferences is None:
        assert method.preferences is None
    else:
        assert_on_simplex(batch.preferences, k)
        assert len(batch.preferences.unique(dim=0)) > 1
        again = draw_preferences(method, draws, 6, k)
        assert again is not None
        assert torch.equal(again, batch.preferences)


def test_the_old_weights_make_the_rollouts(method: Method, k: int) -> None:
    benchmark = tiny_benchmark(k)
    backbone = benchmark.backbone.build(k, 0)

    def clean() -> Tensor:
        prompts = draw_prompts(len(PROMPTS), 2, 0, 0)
        return collect(benchmark, method, backbone, KeyedDraws(0, prompts, 0), prompts, Meter()).rollout.clean

    before = clean()
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(0.1)
    assert torch.equal(clean(), before)
    backbone.snapshots.blend("old", 0.0)
    assert not torch.equal(clean(), before)


def test_weighting_answers_in_shape_and_writes_nowhere(method: Method, k: int) -> None:
    batch, _ = first_batch(method, k)
    state = method.weighting.init(k)
    with unchanged(batch, state):
        weights = method.weighting.weights(batch, state)
    if weights is not None:
        assert tuple(weights.shape) in {(k,), (12, k)}
        assert_on_simplex(weights.reshape(-1, k), k)
        rows = weights.expand(batch.rewards.shape)
        with unchanged(batch, rows):
            advantages = method.advantages(batch.rewards, batch.groups, rows)
        assert advantages.shape == batch.rewards.shape
        assert bool(advantages.isfinite().all())
    gramian = torch.eye(k, dtype=torch.float64) + 0.1
    if weights is None or weights.ndim == 1:
        with unchanged(gramian, state):
            solved, after = method.weighting.solve(gramian, state)
        assert_on_simplex(solved[None], k)
        assert after.keys() == state.keys()


def test_one_step_changes_the_weights_and_reports_finite_numbers(method: Method, k: int) -> None:
    benchmark = tiny_benchmark(k)
    learner = Learner(benchmark, method, 0)
    before = [parameter.detach().clone() for parameter in learner.parameters]
    done = learner.advance()
    assert learner.step == 1
    assert any(not torch.equal(a, b) for a, b in zip(before, learner.parameters, strict=True))
    assert all(bool(parameter.isfinite().all()) for parameter in learner.parameters)
    assert_on_simplex(done.weights[None], k)
    assert done.gramian is not None
    assert done.gramian.shape == (k, k)
    names = {
        f"{what}_{reward.name}" for what in ("reward", "samples", "loss", "cosine") for reward in benchmark.rewards
    }
    assert set(done.scalars) == names | {"gradient_norm"}
    applied = [i for i in range(k) if done.scalars[f"samples_reward{i}"] > 0]
    assert len(applied) >= 2
    finite = [f"{what}_reward{i}" for what in ("reward", "loss", "cosine") for i in applied]
    assert all(math.isfinite(done.scalars[name]) for name in (*finite, "gradient_norm"))
    assert done.scalars["gradient_norm"] > 0
    assert learner.meter.velocity_evaluations == step_cost(benchmark, method)
    assert learner.meter.reward_calls == 12


def test_the_same_seed_gives_the_same_bits(method: Method, k: int) -> None:
    first = trained(method, k, 3, 2).state()
    torch.rand(3)  # the global generator must not matter
    assert_identical(trained(method, k, 3, 2).state(), first)
    other = trained(method, k, 4, 2).state()
    assert any(not torch.equal(other[name], tensor) for name, tensor in first.items())


def test_a_saved_state_goes_on_exactly(method: Method, k: int) -> None:
    learner = trained(method, k, 0, 2)
    saved = {name: tensor.clone() for name, tensor in learner.state().items()}
    learner.advance()
    resumed = Learner(tiny_benchmark(k), method, 0)
    resumed.load(saved, 2, 0.0, {"velocity_evaluations": 0, "reward_calls": 0})
    resumed.advance()
    assert_identical(resumed.state(), learner.state())


def test_the_reference_never_moves_and_old_follows(method: Method, k: int) -> None:
    learner = Learner(tiny_benchmark(k), method, 0)
    start = {name: tensor.clone() for name, tensor in learner.snapshots.state().items()}
    learner.advance()
    state = learner.snapshots.state()
    for i in range(len(learner.parameters)):
        assert torch.equal(state[f"reference.{i}"], start[f"reference.{i}"])
        decay = method.snapshots.old(1)
        expected = decay * start[f"old.{i}"] + (1 - decay) * state[f"current.{i}"]
        torch.testing.assert_close(state[f"old.{i}"], expected)


def inverse(norms: Tensor) -> Tensor:
    """Return weights in inverse proportion to norms, none where there is no gradient."""
    raw = torch.where(norms > 0, 1 / norms, 0.0)
    return raw / raw.sum()


@dataclass(frozen=True)
class InverseNorms:
    """Weights in inverse proportion to the norms of the gradients; counts how often it was asked."""

    def validate(self, n_objectives: int) -> None:
        """Any number will do."""

    def init(self, n_objectives: int) -> State:
        return {"asked": torch.zeros(()), "last": torch.zeros(n_objectives, dtype=torch.float64)}

    def weights(self, batch: Batch, state: State) -> Tensor | None:
        return None

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        found = inverse(gramian.diagonal().sqrt())
        return found, {"asked": state["asked"] + 1, "last": found}


def needs_gradients(anchor: float = 0.1) -> Method:
    return replace(ParetoSlider(), weighting=InverseNorms(), anchor=anchor)


def naive_gradients(learner: Learner, backbone: ToyBackbone) -> tuple[Tensor, Tensor]:
    """The K gradients [K, P] and that of the anchor [P] at the next step of a learner, from separate losses."""
    benchmark, method = learner.benchmark, learner.method
    prompts = draw_prompts(len(PROMPTS), 2, learner.seed, learner.step)
    draws = KeyedDraws(learner.seed, prompts, learner.step)
    batch = collect(benchmark, method, backbone, draws, prompts, Meter())
    points: Points = method.objective.points(batch, draws)
    advantages = method.advantages(batch.rewards, batch.groups, None)[points.rollout]
    shares = sample_shares(batch.rewards)[points.rollout] * len(batch.rewards) / len(points)
    velocities = {}
    for name, preference in (("old", points.preferences), ("reference", None), ("current", points.preferences)):
        with backbone.snapshots.using(name):
            found = backbone.velocity(points.x, points.sigma, points.condition, preference)
        velocities[name] = found if name == "current" else found.detach()
    now, old = velocities["current"], velocities["old"]
    losses = naive_nft_losses(points.x, points.sigma, now, old, points.target, advantages, 1.0, 5.0)
    rows = [flat_gradient((losses[:, i] * shares[:, i]).sum(), backbone.parameters()) for i in range(losses.shape[1])]
    anchor = (now - velocities["reference"]).square().mean()
    return torch.stack(rows), flat_gradient(anchor, backbone.parameters())


def twin_of(learner: Learner) -> ToyBackbone:
    """A second backbone with the same current, old and reference weights."""
    twin: ToyBackbone = learner.benchmark.backbone.build(learner.benchmark.n_objectives, learner.seed)  # type: ignore[assignment]
    twin.snapshots.load({name: tensor.clone() for name, tensor in learner.snapshots.state().items()})
    return twin


def tolerance() -> dict[str, float]:
    """Room for sums in another order."""
    return {"rtol": 1e-8, "atol": 1e-9} if torch.get_default_dtype() == torch.float64 else {"rtol": 2e-3, "atol": 2e-4}


@pytest.mark.parametrize("micro_batch", [None, 7])
def test_a_weighting_that_needs_the_gradients_combines_them_as_it_says(k: int, micro_batch: int | None) -> None:
    benchmark = tiny_benchmark(k, replace(RECIPE, micro_batch=micro_batch, diagnostics_every=0))
    learner = Learner(benchmark, needs_gradients(), 2)
    learner.advance()
    twin = twin_of(learner)
    gradients, anchor = naive_gradients(learner, twin)
    norms = gradients.double().norm(dim=1)
    assert float(norms[:2].min()) > 1e-3
    assert float(anchor.norm()) > 1e-6
    weights = inverse(norms)
    expected = weights.to(gradients) @ gradients + 0.1 * anchor

    done = learner.advance()
    found = torch.cat([p.grad.flatten() for p in learner.parameters if p.grad is not None])
    torch.testing.assert_close(found, expected, **tolerance())
    torch.testing.assert_close(done.weights, weights, **tolerance())
    assert done.gramian is not None
    torch.testing.assert_close(done.gramian, gradients.double() @ gradients.double().T, **tolerance())
    assert float(learner.weighting_state["asked"]) == 2
    assert torch.equal(learner.weighting_state["last"], done.weights)


def test_the_optimizer_steps_along_that_gradient() -> None:
    learner = Learner(tiny_benchmark(2), needs_gradients(0.0), 1)
    twin = twin_of(learner)
    gradients, _ = naive_gradients(learner, twin)
    update = inverse(gradients.norm(dim=1)) @ gradients
    learner.advance()
    moved = torch.cat([(a - b).detach().flatten() for a, b in zip(learner.parameters, twin.parameters(), strict=True)])
    clear = update.abs() > 1e-3 * update.abs().max()
    assert int(clear.sum()) > 10
    # The first step of AdamW is the learning rate against the sign of the gradient, but for a little weight decay.
    torch.testing.assert_close(moved[clear], -1e-2 * update[clear].sign(), rtol=0, atol=2e-4)


def test_the_state_of_such_a_weighting_is_saved_and_resumed() -> None:
    learner = trained(needs_gradients(), 2, 0, 2)
    saved = {name: tensor.clone() for name, tensor in learner.state().items()}
    assert float(saved["weighting.asked"]) == 2
    learner.advance()
    resumed = Learner(tiny_benchmark(2), needs_gradients(), 0)
    resumed.load(saved, 2, 0.0, {"velocity_evaluations": 0, "reward_calls": 0})
    resumed.advance()
    assert_identical(resumed.state(), learner.state())


@dataclass(frozen=True)
class Late:
    """Fixed weights that are only told once the gradients are known."""

    def validate(self, n_objectives: int) -> None:
        """Two only."""

    def init(self, n_objectives: int) -> State:
        return {}

    def weights(self, batch: Batch, state: State) -> Tensor | None:
        return None

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        return gramian.new_tensor([0.3, 0.7]), state


def test_known_weights_give_the_same_update_either_way() -> None:
    updates = []
    for weighting in (FixedWeighting((0.3, 0.7)), Late()):
        learner = trained(replace(ParetoSlider(), weighting=weighting, anchor=0.1), 2, 5, 2)
        updates.append(torch.cat([p.grad.flatten() for p in learner.parameters if p.grad is not None]))
    torch.testing.assert_close(updates[0], updates[1], **tolerance())
