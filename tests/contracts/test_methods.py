"""What every method must keep, on a tiny toy: each entry of METHODS is tested without naming it."""

import dataclasses
import json
import math

import pytest
import torch
from torch import Tensor

from benchmarks.collect import Meter, collect, draw_preferences, draw_prompts
from benchmarks.draws import KeyedDraws
from benchmarks.settings import build, describe
from benchmarks.train import Learner, step_cost
from methods import METHODS
from methods.base import Method
from tests.contracts.tiny import PROMPTS, first_batch, tiny_benchmark, trained
from tests.support.properties import assert_frozen, assert_identical, assert_on_simplex, unchanged


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


def test_the_sampling_weights_make_the_rollouts(method: Method, k: int) -> None:
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
    for name in sorted({"old", "sampling", "evaluation", "reference"} - {method.snapshots.sampler}):
        backbone.snapshots.blend(name, 0.0)
        assert torch.equal(clean(), before)
    backbone.snapshots.blend(method.snapshots.sampler, 0.0)
    assert not torch.equal(clean(), before)


def test_weighting_answers_in_shape_and_writes_nowhere(method: Method, k: int) -> None:
    batch, _ = first_batch(method, k)
    state = method.weighting.init(k, 10)
    with unchanged(batch):
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
    if weights is None:
        assert state
        with unchanged(gramian, state):
            solved, after = method.weighting.solve(gramian, state)
        # Equal gradients deserve equal weights, whatever the rule.
        torch.testing.assert_close(solved, solved.mean().expand(k), rtol=1e-3, atol=0)
        assert float(solved.mean()) > 0
        assert after.keys() == state.keys()
        assert method.weighting.after(after, {}).keys() == state.keys()


def test_one_step_changes_the_weights_and_reports_finite_numbers(method: Method, k: int) -> None:
    benchmark = tiny_benchmark(k)
    learner = Learner(benchmark, method, 0)
    before = [parameter.detach().clone() for parameter in learner.parameters]
    done = learner.advance()
    assert learner.step == 1
    assert any(not torch.equal(a, b) for a, b in zip(before, learner.parameters, strict=True))
    assert all(bool(parameter.isfinite().all()) for parameter in learner.parameters)
    assert done.weights.shape == (k,)
    assert bool(done.weights.isfinite().all())
    if method.weighting.weights(first_batch(method, k)[0], method.weighting.init(k, 10)) is not None:
        assert_on_simplex(done.weights[None], k)
    assert {"all", "layer:output", "layer:blocks.0", "sigma:0.5-0.75"} <= set(done.gramians)
    for part, gramian in done.gramians.items():
        assert gramian.shape == (k + 1, k + 1), part
        assert bool(gramian.isfinite().all()), part
    names = {
        f"{what}_{reward.name}" for what in ("reward", "samples", "loss", "cosine") for reward in benchmark.rewards
    }
    report = method.weighting.report(learner.weighting_state)
    assert names | {"gradient_norm", "clipped"} | {n for n, v in report.items() if v.ndim == 0} <= set(done.scalars)
    assert all(math.isfinite(value) for name, value in done.scalars.items() if name not in names)
    assert set(done.by_objective) == {n for n, v in report.items() if v.ndim}
    assert all(v.shape == (k,) and bool(v.isfinite().all()) for v in done.by_objective.values())
    applied = [i for i in range(k) if done.scalars[f"samples_reward{i}"] > 0]
    assert len(applied) >= 2
    finite = [f"{what}_reward{i}" for what in ("reward", "loss") for i in applied]
    # Gradients are measured in the first update, whose prompts may lack the reward that is not for all.
    finite += [f"cosine_reward{i}" for i in applied if method.updates == 1 or i < 2]
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


def test_the_reference_never_moves_and_the_others_follow(method: Method, k: int) -> None:
    learner = Learner(tiny_benchmark(k), method, 0)
    start = {name: tensor.clone() for name, tensor in learner.snapshots.state().items()}
    learner.advance()
    state = learner.snapshots.state()
    for i in range(len(learner.parameters)):
        assert torch.equal(state[f"reference.{i}"], start[f"reference.{i}"])
        # Schedules count optimizer steps, of which a training step may take several.
        for name, schedule in (("old", method.snapshots.old), ("sampling", method.snapshots.sampling)):
            decay = 1.0 if schedule is None else schedule(method.updates)
            expected = decay * start[f"{name}.{i}"] + (1 - decay) * state[f"current.{i}"]
            torch.testing.assert_close(state[f"{name}.{i}"], expected)
