"""Settings and rewards nobody wants: a defined result or one clear line, and never a NaN in what is saved."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.base import Reward
from benchmarks.planner import Request, resolve
from benchmarks.records import UsageError
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.run import Run
from benchmarks.train import Learner
from methods import METHODS
from methods.base import Method
from methods.grpo import FlowGRPO
from methods.marble import Marble
from methods.objectives.grpo import GRPO
from methods.objectives.nft import NFT
from methods.weightings.min_norm import MinNormWeighting
from methods.windows import RandomWindow, SlidingWindow
from tests.support.suites import FIRST, PROMPTS, SECOND, tiny_benchmark

ONLY_UP = QuadraticReward("rare", {"left": None, "right": None, "up": (0.0, -1.0)})
SAME = replace(FIRST, name="same")


@dataclass(frozen=True)
class Constant:
    """A reward that is the same for all samples of a prompt."""

    name: str = "constant"
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        return samples.new_tensor([-1.0 - PROMPTS.index(prompt) for prompt in prompts])

    def describe(self) -> Mapping[str, Any]:
        return {}


def method_of(name: str, k: int = 2) -> Method:
    if name == "aggregated":
        pytest.importorskip("torchjd")
    return METHODS[name]().models(k)[0].method  # type: ignore[call-arg]


def trained(method: Method, rewards: tuple[Reward, ...], steps: int = 3, **recipe: Any) -> Learner:
    """A learner after some steps, of which every one is measured; fails if anything in its state is not finite."""
    k = len(rewards)
    benchmark = tiny_benchmark(
        rewards=rewards, reference_point=(-40.0,) * k, sweep=((1 / k,) * k,), true_front=False,
        **{"diagnostics_every": 1, **recipe},
    )  # fmt: skip
    method.validate(k, benchmark.recipe.group_size)
    learner = Learner(benchmark, method, 0)
    for _ in range(steps):
        step = learner.advance()
        for part, gramian in step.gramians.items():
            assert bool(gramian.isfinite().all()), part
        assert bool(step.weights.isfinite().all())
        bad = [name for name, value in step.scalars.items() if not math.isfinite(value)]
        assert all(name.startswith(("cosine_", "reward_")) for name in bad), bad
    for name, tensor in learner.state().items():
        assert bool(tensor.isfinite().all()), name
    return learner


@pytest.mark.parametrize("name", METHODS)
def test_a_reward_without_spread_teaches_nothing_and_hurts_nothing(name: str) -> None:
    learner = trained(method_of(name), (FIRST, Constant()))
    with learner.snapshots.using("reference"):
        start = [p.detach().clone() for p in learner.parameters]
    assert any(not torch.equal(a, b) for a, b in zip(start, learner.parameters, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_rewards_that_all_lack_spread_leave_a_defined_state(name: str) -> None:
    trained(method_of(name), (Constant("one"), Constant("other")))


@pytest.mark.parametrize("prompts", [1, 2])
@pytest.mark.parametrize("name", METHODS)
def test_a_reward_that_applies_to_no_prompt_of_a_batch_waits(name: str, prompts: int) -> None:
    # With one or two of three prompts a step, several of these batches lack the only prompt of the second reward.
    method = method_of(name)
    if method.updates > prompts:
        method = replace(method, updates=1)
    trained(method, (FIRST, ONLY_UP), steps=6, prompts_per_step=prompts)


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_to_which_no_reward_applies_does_nothing_undefined(name: str) -> None:
    method = replace(method_of(name), updates=1)
    trained(method, (ONLY_UP, replace(ONLY_UP, name="rarer")), steps=5, prompts_per_step=1)


@pytest.mark.parametrize("name", METHODS)
def test_one_reward_is_enough_or_refused_in_one_line(name: str) -> None:
    if METHODS[name]().preferences is not None:  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="a preference needs at least 2 rewards, found 1") as refused:
            METHODS[name]().validate(1, 6)  # type: ignore[call-arg]
        assert "\n" not in str(refused.value)
        return
    learner = trained(method_of(name, 1), (FIRST,))
    assert int(learner.step) == 3


@pytest.mark.parametrize("name", METHODS)
def test_two_equal_rewards_train_as_one(name: str) -> None:
    learner = trained(method_of(name), (FIRST, SAME))
    scalars = learner.advance().scalars
    assert scalars["reward_first"] == scalars["reward_same"]
    # A mix of rewards, whose losses are one, and single rewards are the same here.
    assert scalars["loss_first"] == pytest.approx(scalars["loss_same"], rel=1e-5)
    assert scalars["cosine_first"] == pytest.approx(scalars["cosine_same"], abs=1e-6)


def test_the_direction_of_two_equal_rewards_is_theirs() -> None:
    learner = trained(Marble(weighting=MinNormWeighting(every=1), anchor=0.0), (FIRST, SAME))
    step = learner.advance()
    assert step.scalars["cosine_first"] == pytest.approx(1, abs=1e-6)
    whole = step.gramians["all"]
    torch.testing.assert_close(whole[2, 2], whole[0, 0], rtol=1e-5, atol=0)


def test_opposite_rewards_leave_no_common_direction_and_no_nan() -> None:
    # At the old weights their gradients are opposite, so the min-norm point is 0: nothing moves but the anchor.
    up = QuadraticReward("up", dict.fromkeys(PROMPTS, (0.0, 1.0)))

    @dataclass(frozen=True)
    class Opposite(Constant):
        name: str = "opposite"

        def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
            return -up(samples, prompts)

    learner = trained(Marble(weighting=MinNormWeighting(every=1), anchor=0.0), (up, Opposite()), steps=1)
    moved = max(float(p.grad.abs().max()) for p in learner.parameters if p.grad is not None)
    assert moved < 1e-5
    assert learner.weighting_state["alpha"].tolist() == pytest.approx([0.5, 0.5], abs=1e-3)


def test_clipped_advantages_of_amortized_updates_are_counted_and_stay_exact() -> None:
    method = Marble(objective=NFT(clip=0.5), weighting=MinNormWeighting(every=3))
    learner = trained(method, (FIRST, SECOND), steps=6)
    assert int(learner.weighting_state["fallbacks"]) == 4
    calm = trained(Marble(weighting=MinNormWeighting(every=3)), (FIRST, SECOND), steps=6)
    assert int(calm.weighting_state["fallbacks"]) == 0


def refused_line(run: Run) -> str:
    with pytest.raises(UsageError) as refused:
        run.validate()
    text = str(refused.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", METHODS)
def test_a_group_of_one_rollout_is_refused(tmp_path: Path, name: str) -> None:
    run = Run("tiny", tiny_benchmark(group_size=1), name, METHODS[name](), 0, tmp_path)  # type: ignore[call-arg]
    assert f"at least 2 rollouts a slot, found {run.method.slots} slots for 1 rollouts" in refused_line(run)
    run.method.validate(2, 2 * run.method.slots)


@pytest.mark.parametrize(
    ("method", "recipe"),
    [
        (FlowGRPO(), {"rollout_steps": 1}),
        (FlowGRPO(objective=GRPO(window=RandomWindow(3))), {}),
        (FlowGRPO(objective=GRPO(window=SlidingWindow(4))), {}),
    ],
    ids=["one step", "random window", "sliding window"],
)
def test_rollouts_too_short_to_learn_from_are_refused(tmp_path: Path, method: Method, recipe: Any) -> None:
    line = refused_line(Run("tiny", tiny_benchmark(**recipe), "grpo", method, 0, tmp_path))
    assert line.startswith("grpo on tiny: ")
    assert "rollouts of at least" in line


def runs_of(change: str) -> list[Run]:
    """The runs of the toy suite that `flowfront run --set` would make of a change."""
    name, _, _ = change.partition(".")
    return resolve(Request("toy", ("two-targets",), (name,), None, (change,), "nowhere"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("grpo.sampler.eta=-0.5", "eta"),
        ("grpo.sampler.eta=nan", "eta"),
        ("grpo.objective.clip_range=0", "clip_range must be > 0"),
        ("grpo.updates=0", "updates must be >= 1"),
        ("marble.weighting.every=0", "every must be >= 1"),
        ("marble.weighting.average=1.5", r"average must be in \[0, 1\)"),
        ("marble.weighting.normalize=l2", "normalize"),
        ("marble.weighting.uniform_end=1", "uniform_end must be in"),
        ("aggregated.weighting.rule=sum", "rule must be one of"),
        ("smooth_tchebycheff.weighting.smoothing=0", "smoothing must be > 0"),
        ("nft_single.reward=-1", "reward must be >= 0"),
        ("crd.objective.loss=l1", "loss"),
    ],
)
def test_settings_out_of_range_are_one_line(change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        runs_of(change)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("grpo.sampler.eta=0", "grpo learns from a stochastic sampler"),
        ("nft_single.reward=2", r"reward must be in 0\.\.1, found 2"),
        ("sequential.weighting.order=[0, 2]", r"order must list objectives in 0\.\.1"),
    ],
)
def test_settings_that_do_not_fit_the_benchmark_are_one_line(change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        [run.validate() for run in runs_of(change)]
    assert "\n" not in str(refused.value)
