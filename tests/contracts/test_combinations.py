"""Parts nobody has combined: any objective with any weighting, any stochastic sampler with GRPO, rules and windows."""

import warnings
from dataclasses import replace
from typing import Any

import pytest
import torch

from benchmarks.train import Learner
from methods import OBJECTIVES, SAMPLERS, WEIGHTINGS
from methods.advantages import GDPO, GroupNormalized, RawMixture
from methods.base import AdvantageEstimator, Method, Sampler
from methods.nft_method import NFTMethod
from methods.objectives.crd import CRD
from methods.objectives.grpo import GRPO
from methods.preferences import CornerMix
from methods.samplers.flow_sde import FlowSDE
from methods.snapshots import LinearDecay, OnPolicy, SnapshotSchedule
from methods.weightings.aggregator import RULES, AggregatorWeighting
from methods.weightings.fixed import FixedWeighting
from methods.weightings.min_norm import MinNormWeighting
from methods.windows import AllSteps, RandomWindow, SlidingWindow, Window
from tests.contracts.tiny import RECIPE, tiny_benchmark
from tests.support.properties import assert_identical

SCHEDULES = {
    "old": SnapshotSchedule(),
    "on policy": SnapshotSchedule(old=OnPolicy()),
    "decoupled": SnapshotSchedule(old=LinearDecay(0, 0.005, 0.999, 0.25), sampling=LinearDecay(1, 0.3, 0.9)),
}


def assert_trains_and_resumes(method: Method, k: int = 3, **recipe: Any) -> None:
    """Two steps, of which the first is measured, are finite; a state saved in between goes on to the same bits."""
    benchmark = tiny_benchmark(k, replace(RECIPE, **{"diagnostics_every": 2, **recipe}))
    method.validate(k, benchmark.recipe.group_size)
    whole = Learner(benchmark, method, 0)
    start = [parameter.detach().clone() for parameter in whole.parameters]
    whole.advance()
    saved = {name: tensor.clone() for name, tensor in whole.state().items()}
    assert all(bool(tensor.isfinite().all()) for tensor in saved.values())
    assert any(not torch.equal(a, b) for a, b in zip(start, whole.parameters, strict=True))
    resumed = Learner(benchmark, method, 0)
    resumed.load(saved, 1, 0.0, vars(whole.meter))
    one, other = whole.advance(), resumed.advance()
    assert one.scalars == other.scalars
    assert torch.equal(one.weights, other.weights)
    assert_identical(resumed.state(), whole.state())
    assert all(bool(tensor.isfinite().all()) for tensor in whole.state().values())
    assert resumed.updates == whole.updates == 2 * method.updates


def combined(kind: str, rule: str, /, **changes: Any) -> Method:
    parts: dict[str, Any] = {"objective": OBJECTIVES[kind](), "weighting": WEIGHTINGS[rule]()}
    if kind == "grpo":
        parts["sampler"] = FlowSDE()
    if rule == "preference":
        parts |= {"preferences": CornerMix(), "slots": 3}
    return NFTMethod(**{"anchor": 0.01, **parts, **changes})


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_any_objective_trains_under_any_weighting(objective: str, weighting: str) -> None:
    if weighting == "aggregator":
        pytest.importorskip("torchjd")
    assert_trains_and_resumes(combined(objective, weighting))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_in_two_updates_a_step_without_an_anchor_and_in_micro_batches(objective: str, weighting: str) -> None:
    if weighting == "aggregator":
        pytest.importorskip("torchjd")
    method = combined(objective, weighting, updates=2, anchor=0.0, snapshots=SCHEDULES["decoupled"])
    assert_trains_and_resumes(method, 2, micro_batch=7)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_every_stochastic_sampler_serves_grpo_and_the_others_are_refused(sampler: type[Sampler]) -> None:
    method = combined("grpo", "fixed", sampler=sampler())
    if not sampler().stochastic:
        with pytest.raises(ValueError, match=r"grpo learns from a stochastic sampler \(eta > 0\), found"):
            method.validate(3, 6)
        return
    assert_trains_and_resumes(method)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("objective", ["nft", "crd"])
def test_every_sampler_serves_objectives_on_clean_samples(objective: str, sampler: type[Sampler]) -> None:
    assert_trains_and_resumes(combined(objective, "min_norm", sampler=sampler()), 2)


@pytest.mark.parametrize("window", [AllSteps(), RandomWindow(), SlidingWindow(2, 1)], ids=lambda w: type(w).__name__)
@pytest.mark.parametrize("guard", [False, True])
def test_every_window_serves_grpo(window: Window, guard: bool) -> None:
    objective = GRPO(window=window, guard=guard, pick="random", shared_start=True, sigma_fraction=0.5)
    assert_trains_and_resumes(combined("grpo", "min_norm", objective=objective, updates=2))


@pytest.mark.parametrize("loss", ["mse", "bce", "nca"])
@pytest.mark.parametrize("tau", [None, 0.0, 0.5])
@pytest.mark.parametrize("anchor_by", ["reward", "advantage", "constant"])
def test_every_kind_of_crd_trains(loss: Any, tau: float | None, anchor_by: Any) -> None:
    if loss == "nca" and tau is not None:
        with pytest.raises(ValueError, match="tau must be None"):
            CRD(loss=loss, tau=tau)
        return
    objective = CRD(loss=loss, tau=tau, anchor_by=anchor_by, contrast="reference" if tau == 0 else "old")
    assert_trains_and_resumes(combined("crd", "min_norm", objective=objective))


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("updates", [1, 2])
def test_every_snapshot_schedule_resumes(schedule: SnapshotSchedule, updates: int) -> None:
    assert_trains_and_resumes(combined("nft", "min_norm", snapshots=schedule, updates=updates))


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_trains(rule: str) -> None:
    pytest.importorskip("torchjd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cvxpy, of its own problem
        weighting = AggregatorWeighting(rule)
        try:
            weighting.validate(3)
        except ValueError:
            pytest.skip(f"{rule}: not installed")
        assert_trains_and_resumes(combined("nft", "fixed", weighting=weighting))


@pytest.mark.parametrize("estimator", [GroupNormalized(), GroupNormalized(over_batch=True), GDPO(), RawMixture()])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_estimator_serves_every_objective(estimator: AdvantageEstimator, objective: str) -> None:
    assert_trains_and_resumes(combined(objective, "fixed", advantages=estimator, updates=2))


def test_a_weighting_that_needs_gradients_and_advantages_that_need_weights_do_not_fit() -> None:
    method = NFTMethod(weighting=MinNormWeighting(), advantages=GDPO())
    with pytest.raises(ValueError, match="GDPO mixes rewards") as refused:
        method.validate(2, 6)
    assert "\n" not in str(refused.value)
    NFTMethod(weighting=FixedWeighting(), advantages=GDPO()).validate(2, 6)
