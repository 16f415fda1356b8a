"""The training loop: exact resume, the same gradient in parts, an honest meter, and an end when numbers explode."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.evaluate import evaluate
from benchmarks.records import UsageError
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.suites.toy import TOY
from benchmarks.train import DivergedError, Learner, step_cost, steps_within
from methods.base import Batch, Method, State
from methods.objectives.nft import NFT
from methods.samplers.ode import ODE
from methods.weightings.fixed import FixedWeighting
from tests.support.suites import FIRST, PARTIAL, PROMPTS, STEP_COST, Cost, tiny_benchmark, tiny_methods

TINY = tiny_benchmark()
methods = pytest.mark.parametrize("name", ["pareto_slider", "fixed_weights"])


def learner_of(name: str = "pareto_slider", benchmark: Benchmark = TINY, seed: int = 0) -> Learner:
    return Learner(benchmark, tiny_methods()[name], seed)


def copied(learner: Learner) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in learner.state().items()}


def assert_equal_states(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert set(one) == set(other)
    different = [name for name, tensor in one.items() if not torch.equal(tensor, other[name])]
    assert different == []


@methods
@pytest.mark.parametrize("cut", [1, 3])
def test_resume_is_exact_to_the_last_bit(name: str, cut: int) -> None:
    whole = learner_of(name)
    for _ in range(cut):
        whole.advance()
    state, meter = copied(whole), vars(whole.meter).copy()
    again = learner_of(name)
    again.load(state, cut, 1.5, meter)
    assert_equal_states(copied(again), state)
    for _ in range(3):
        one, other = whole.advance(), again.advance()
        assert one.scalars == other.scalars
        assert torch.equal(one.weights, other.weights)
    assert_equal_states(copied(again), copied(whole))
    assert vars(again.meter) == vars(whole.meter)
    assert again.step == whole.step == cut + 3
    assert again.seconds > 1.5


def test_the_state_holds_weights_snapshots_and_optimizer() -> None:
    learner = learner_of()
    learner.advance()
    parts = {name.split(".")[0] for name in learner.state()}
    assert parts == {"current", "old", "sampling", "evaluation", "reference", "optimizer"}
    kinds = {name.split(".")[2] for name in learner.state() if name.startswith("optimizer")}
    assert kinds == {"step", "exp_avg", "exp_avg_sq"}


def test_a_loaded_state_is_a_copy() -> None:
    first = learner_of()
    first.advance()
    state = copied(first)
    kept = {name: tensor.clone() for name, tensor in state.items()}
    second = learner_of()
    second.load(state, 1, 0.0, vars(first.meter))
    second.advance()
    assert_equal_states(state, kept)


@methods
def test_training_depends_on_the_seed_alone(name: str) -> None:
    torch.manual_seed(1)
    one, other, third = learner_of(name), learner_of(name), learner_of(name, seed=1)
    for learner in (one, other, third):
        torch.rand(3)
        learner.advance()
        learner.advance()
    assert_equal_states(copied(one), copied(other))
    assert not torch.equal(one.parameters[0], third.parameters[0])


def test_training_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    learner_of().advance()
    assert torch.equal(torch.get_rng_state(), before)


@methods
def test_what_else_is_measured_does_not_change_training(name: str) -> None:
    plain = learner_of(name, tiny_benchmark(diagnostics_every=0))
    measured = learner_of(name, tiny_benchmark(diagnostics_every=1))
    for _ in range(3):
        assert plain.advance().gramians == {}
        assert "all" in measured.advance().gramians
    assert_equal_states(copied(plain), copied(measured))
    assert vars(plain.meter) == vars(measured.meter)


@methods
@pytest.mark.parametrize("size", [1, 5, 24, 1000])
def test_micro_batches_add_up_to_the_same_gradient(name: str, size: int) -> None:
    whole = learner_of(name, tiny_benchmark(diagnostics_every=1, clip_norm=1e9))
    parts = learner_of(name, tiny_benchmark(diagnostics_every=1, clip_norm=1e9, micro_batch=size))
    for learner in (whole, parts):
        stir(learner)
    one, other = whole.advance(), parts.advance()
    for p, q in zip(whole.parameters, parts.parameters, strict=True):
        # The preference path of a model without preferences has no gradient in either.
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            torch.testing.assert_close(q.grad, p.grad, rtol=1e-4, atol=1e-5)
    assert sum(p.grad is not None for p in whole.parameters) >= 8
    assert set(one.gramians) == set(other.gramians)
    assert {name.split(":")[0] for name in one.gramians} == {"all", "layer", "sigma"}
    for part, gramian in one.gramians.items():
        torch.testing.assert_close(other.gramians[part], gramian, rtol=1e-4, atol=1e-6, msg=part)
    assert other.scalars == pytest.approx(one.scalars, rel=1e-4, abs=1e-5)
    assert vars(whole.meter) == vars(parts.meter)


def stir(learner: Learner) -> None:
    """Move the trained weights away from the start, where most gradients are zero."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in learner.parameters:
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))


@methods
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rollout_steps": 5},
        {"group_size": 12},
        {"prompts_per_step": 3},
        {"micro_batch": 7},
        {"diagnostics_every": 1},
    ],
)
@pytest.mark.parametrize("anchor", [0.0, 1e-3])
def test_the_meter_counts_what_a_step_is_said_to_cost(name: str, changes: dict[str, Any], anchor: float) -> None:
    benchmark, method = tiny_benchmark(**changes), replace(tiny_methods()[name], anchor=anchor)
    learner = Learner(benchmark, method, 0)
    for step in (1, 2):
        learner.advance()
        assert learner.meter.velocity_evaluations == step * step_cost(benchmark, method)
        assert learner.meter.reward_calls == step * benchmark.recipe.prompts_per_step * benchmark.recipe.group_size


def test_the_cost_of_a_step_by_hand() -> None:
    assert step_cost(TINY, tiny_methods()["pareto_slider"]) == STEP_COST == 108
    unanchored = replace(tiny_methods()["pareto_slider"], anchor=0.0)
    assert step_cost(TINY, unanchored) == 12 * (3 + 2 * 2)
    few = replace(unanchored, objective=NFT(sigma_fraction=0.4))
    assert step_cost(TINY, few) == 12 * (3 + 1 * 2)


def test_a_share_of_the_budget_pays_for_whole_steps() -> None:
    method = tiny_methods()["pareto_slider"]
    assert [steps_within(TINY, method, share) for share in (1.0, 0.5, 0.99, 1 / 3, 1 / 6)] == [6, 3, 5, 2, 1]
    with pytest.raises(UsageError, match="expected a budget of at least 108 velocity evaluations"):
        steps_within(TINY, method, 0.16)


def test_only_the_snapshots_move_as_the_schedules_say() -> None:
    learner = learner_of()
    start = [parameter.detach().clone() for parameter in learner.parameters]
    old, average = start, start
    for step in (1, 2, 3):
        learner.advance()
        now = [parameter.detach().clone() for parameter in learner.parameters]
        schedule = learner.method.snapshots
        old = [torch.lerp(o, n, 1 - schedule.old(step)) for o, n in zip(old, now, strict=True)]
        average = [torch.lerp(a, n, 1 - schedule.evaluation(step)) for a, n in zip(average, now, strict=True)]
        # Nobody samples with the sampling weights here: they stay.
        for name, expected in (("old", old), ("evaluation", average), ("reference", start), ("sampling", start)):
            with learner.snapshots.using(name):
                for found, wanted in zip(learner.parameters, expected, strict=True):
                    torch.testing.assert_close(found.detach(), wanted)


def test_a_rollout_is_sampled_by_the_old_weights() -> None:
    # The trained weights are ruined before the rollout: its rewards do not see it.
    rewards = []
    for ruin in (False, True):
        learner = Learner(TINY, replace(tiny_methods()["pareto_slider"], sampler=ODE()), 0)
        learner.advance()
        learner.snapshots.blend("old", 0.0)
        if ruin:
            stir(learner)
        scalars = learner.advance().scalars
        rewards.append([scalars["reward_first"], scalars["reward_second"]])
    assert rewards[0] == rewards[1]


def test_what_a_step_reports_is_what_was_measured() -> None:
    learner = learner_of(benchmark=tiny_benchmark(rewards=(FIRST, PARTIAL), diagnostics_every=1, prompts_per_step=3))
    step = learner.advance()
    assert step.scalars["samples_first"] == 18
    assert step.scalars["samples_second"] == 12
    assert step.weights.sum() == pytest.approx(1, abs=1e-5)
    assert step.gramians["all"].shape == (3, 3)
    norm = step.scalars["gradient_norm"]
    assert norm > 0
    for name in ("first", "second"):
        assert -1 <= step.scalars[f"cosine_{name}"] <= 1
        assert step.scalars[f"reward_{name}"] < 0


def test_the_update_of_one_weight_points_along_its_own_gradient() -> None:
    method = replace(tiny_methods()["fixed_weights"], anchor=0.0).models(2)[0].method
    step = Learner(tiny_benchmark(diagnostics_every=1), method, 0).advance()
    assert step.weights.tolist() == [1.0, 0.0]
    assert step.scalars["cosine_first"] == pytest.approx(1, abs=1e-6)
    whole = step.gramians["all"]
    assert step.scalars["gradient_norm"] == pytest.approx(float(whole[0, 0].sqrt()), rel=1e-5)
    torch.testing.assert_close(whole[2], whole[0])


@dataclass(frozen=True)
class FromGramian(FixedWeighting):
    """Asks for the K gradients and then uses fixed weights: must do what knowing the weights before does."""

    def weights(self, batch: Batch, state: State) -> Any:
        return None

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        count = state.get("count", torch.zeros(()))
        return gramian.new_tensor(self.weights_of or (0.5, 0.5)), {"count": count + 1}


def test_weights_from_the_gramian_give_the_update_of_the_same_weights_known_before() -> None:
    before = Learner(TINY, tiny_methods()["fixed_weights"].models(2)[0].method, 0)
    method = before.method
    after = Learner(TINY, with_weighting(method, FromGramian((1.0, 0.0))), 0)
    for _ in range(3):
        before.advance()
        step = after.advance()
        assert step.weights.tolist() == [1.0, 0.0]
    for one, other in zip(before.parameters, after.parameters, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert after.state()["weighting.count"] == 3

    again = Learner(TINY, after.method, 0)
    again.load(copied(after), 3, 0.0, vars(after.meter))
    assert again.weighting_state["count"] == 3


def with_weighting(method: Method, weighting: FixedWeighting) -> Method:
    # A named method may refuse another weighting; the loop must not care which one it is.
    changed = replace(method)
    object.__setattr__(changed, "weighting", weighting)
    return changed


def test_an_absurd_learning_rate_ends_with_the_weights_of_the_last_finite_step() -> None:
    learner = learner_of(benchmark=tiny_benchmark(learning_rate=1e30))
    before = copied(learner)
    learner.advance()
    before = copied(learner)
    says = rf"benchmark tiny: expected a finite gradient, found norm \w+ at step {learner.step + 1};"
    with pytest.raises(DivergedError, match=says) as end:
        learner.advance()
    assert "\n" not in str(end.value)
    assert_equal_states(copied(learner), before)
    assert learner.step == 1


def test_a_reward_scale_beyond_the_floats_is_refused_and_nothing_moves() -> None:
    # 1e39 times a squared distance is infinite in float32; under float64 the scale below is.
    scale = 1e39 if torch.get_default_dtype() == torch.float32 else 1e308 * 10
    huge = QuadraticReward("huge", dict.fromkeys(PROMPTS, (5.0, 5.0)), scale=scale)
    learner = learner_of(benchmark=tiny_benchmark(rewards=(FIRST, huge), true_front=False))
    before = copied(learner)
    with pytest.raises(UsageError, match="reward huge: expected finite scores or NaN, found -inf"):
        learner.advance()
    # But for the rollouts, which wait for another try of the reward.
    after = {name: tensor for name, tensor in copied(learner).items() if not name.startswith("rollout.")}
    assert_equal_states(after, before)


def test_a_gradient_that_is_not_finite_moves_nothing() -> None:
    learner = learner_of()
    learner.advance()
    with torch.no_grad():
        learner.parameters[-1].fill_(float("inf"))
    before = copied(learner)
    with pytest.raises(DivergedError, match="expected a finite gradient, found norm nan at step 2"):
        learner.advance()
    assert_equal_states(copied(learner), before)
    assert learner.step == 1


@pytest.mark.parametrize("name", TOY.methods)
def test_every_method_improves_the_rewards_it_trains_on(name: str) -> None:
    # 100 steps on three prompts, set as in the toy suite: the rewards that a model stands for rise by far more than
    # their noise (about 1).
    benchmark = tiny_benchmark(group_size=12, learning_rate=3e-3, prompts_per_step=3, diagnostics_every=0)
    benchmark = replace(benchmark, evaluation=replace(benchmark.evaluation, samples=64))
    model = TOY.methods[name].models(2)[0]
    learner = Learner(benchmark, model.method, 0)
    preference = model.preference or (0.5, 0.5)

    def reward(snapshot: str) -> float:
        conditional = model.preference is None
        sweep = evaluate(
            benchmark, learner.bare, snapshot, [preference], 0, conditional=conditional, step=0, first_point=0
        )
        columns = sweep.columns
        means = [float(columns[f"reward_{name}"].mean()) for name in ("first", "second")]
        return sum(w * mean for w, mean in zip(preference, means, strict=True))

    before = reward("reference")
    for _ in range(100):
        learner.advance()
    assert reward("evaluation") > before + 2


def test_where_less_is_better_training_makes_it_less() -> None:
    benchmark = tiny_benchmark(
        rewards=(Cost(), FIRST), reference_point=(50.0, -50.0), true_front=False, learning_rate=1e-2, group_size=12
    )
    learner = Learner(benchmark, tiny_methods()["fixed_weights"].models(2)[0].method, 0)

    def cost(snapshot: str) -> float:
        sweep = evaluate(benchmark, learner.bare, snapshot, [(1.0, 0.0)], 0, conditional=False, step=0, first_point=0)
        return float(sweep.columns["reward_cost"].mean())

    before = cost("reference")
    for _ in range(100):
        learner.advance()
    assert cost("evaluation") < before - 0.5
