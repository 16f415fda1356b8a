"""A toy suite so small that a whole run takes a fraction of a second, and rewards that break the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from benchmarks.backbones.toy import ResidualSize, ToySpec
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe, Reward, RewardError, Suite
from benchmarks.execute import execute
from benchmarks.rewards.log_density import BaseLogDensity
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.run import Run
from benchmarks.tasks.toy import ToyTask
from methods.base import Method
from methods.fixed_weights import FixedWeights
from methods.pareto_slider import ParetoSlider

PROMPTS = ("left", "right", "up")
MEANS = (((-2.0, 0.5), (-1.0, -1.5)), ((2.0, 0.0), (1.0, 1.0)), ((0.0, 2.0), (0.5, 1.0)))
WEIGHTS = ((0.3, 0.7), (0.5, 0.5), (0.9, 0.1))
SPEC = ToySpec(PROMPTS, MEANS, WEIGHTS, std=0.5, size=ResidualSize(width=8, blocks=2, preference_width=4))
FIRST = QuadraticReward("first", {"left": (1.0, 0.0), "right": (1.0, 0.5), "up": (0.5, 0.0)})
SECOND = QuadraticReward("second", {"left": (-1.0, 0.0), "right": (-1.0, 0.0), "up": (0.0, -1.0)}, scale=2.0)
PARTIAL = QuadraticReward("second", {"left": (-1.0, 0.0), "right": None, "up": (0.0, -1.0)}, scale=2.0)
THIRD = QuadraticReward("third", {"left": (0.0, 2.0), "right": (0.0, 2.0), "up": None}, scale=0.5)

STEPS = 6
STEP_COST = 2 * 6 * (3 + 2 * 3)
"""2 prompts, 6 rollouts each, 3 denoising steps; 2 noise levels, each seen by trained, old and reference weights."""

RECIPE = Recipe(
    prompts_per_step=2,
    group_size=6,
    rollout_steps=3,
    learning_rate=3e-3,
    diagnostics_every=2,
    checkpoint_seconds=1e9,
    evaluate_at=(1 / 3,),
)
SWEEP = ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0))

Fault = Literal["nan", "inf", "minus inf", "shape", "too few", "refuses"]


@dataclass(frozen=True)
class FaultyReward:
    """A reward named `broken` that does what no reward may do."""

    fault: Fault
    name: str = "broken"
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        score = -samples.square().sum(1)
        if self.fault == "nan":
            return torch.full_like(score, torch.nan)
        if self.fault in ("inf", "minus inf"):
            at = torch.arange(len(score)) == len(score) - 1
            return score.masked_fill(at, torch.inf if self.fault == "inf" else -torch.inf)
        if self.fault == "shape":
            return score[:, None]
        if self.fault == "too few":
            return score[1:]
        raise RewardError("reward broken: expected a server at its address, found none")

    def describe(self) -> Mapping[str, Any]:
        return {"fault": self.fault}


@dataclass(frozen=True)
class Cost:
    """A reward of which less is better: the squared distance to the origin."""

    name: str = "cost"
    unit: str = ""
    higher_is_better: bool = False
    range: tuple[float | None, float | None] = (0.0, None)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        return samples.square().sum(1)

    def describe(self) -> Mapping[str, Any]:
        return {}


def tiny_task(*rewards: QuadraticReward) -> ToyTask:
    """Return three prompts in the plane with two rewards, or the given ones."""
    return ToyTask(SPEC, rewards or (FIRST, SECOND))


def tiny_benchmark(
    name: str = "tiny",
    rewards: tuple[Reward, ...] = (FIRST, SECOND),
    reference_point: tuple[float, ...] = (-20.0, -40.0),
    steps: int = STEPS,
    sweep: tuple[tuple[float, ...], ...] = SWEEP,
    true_front: bool = True,
    **recipe: Any,
) -> Benchmark:
    """Return a benchmark whose budget pays for `steps` steps; keywords change its recipe."""
    return Benchmark(
        name=name,
        backbone=SPEC,
        prompts=PROMPTS,
        rewards=rewards,
        held_out=(BaseLogDensity(PROMPTS, SPEC.mixture()),),
        reference_point=reference_point,
        bounds=tuple((worst, 0.0) for worst in reference_point),
        budget=Budget(steps * STEP_COST),
        recipe=replace(RECIPE, **recipe),
        evaluation=Evaluation(preferences=sweep, samples=2, steps=4),
        summary="three prompts, two rewards, six steps",
        true_front=tiny_task().front([-worst for worst in reference_point]) if true_front else None,
    )


def tiny_methods() -> dict[str, Method]:
    """Return one method with a preference as an input and one with two models."""
    return {"pareto_slider": ParetoSlider(anchor=1e-3), "fixed_weights": FixedWeights(anchor=1e-3, n_models=2)}


def tiny_suite(*benchmarks: Benchmark, seeds: tuple[int, ...] = (0,)) -> Suite:
    """Return a suite of the tiny benchmark, or of the given ones, with two methods."""
    return Suite("tiny", benchmarks or (tiny_benchmark(),), tiny_methods(), seeds)


def faulty_suite() -> Suite:
    """Return one benchmark for each way in which a reward, or a reference point, can be wrong."""
    faults: tuple[Fault, ...] = ("nan", "inf", "minus inf", "shape", "too few", "refuses")
    benchmarks = [
        tiny_benchmark(fault.replace(" ", "-"), (FIRST, FaultyReward(fault)), true_front=False) for fault in faults
    ]
    benchmarks.append(tiny_benchmark("reference", reference_point=(-0.5, -40.0)))
    return tiny_suite(*benchmarks)


def tiny_run(out: Any, method: str = "pareto_slider", seed: int = 0, benchmark: Benchmark | None = None) -> Run:
    """Return one run of the tiny suite."""
    return Run("tiny", benchmark or tiny_benchmark(), method, tiny_methods()[method], seed, out)


class CutError(BaseException):
    """Stands for a process that is stopped: no handler of the program catches it."""


def cut_off(run: Run, at: int) -> None:
    """Start a run, or go on with it, and stop it after `at` steps; fails if it does not get there."""

    def tick(steps: int) -> None:
        if steps == at:
            raise CutError

    try:
        execute(run, tick)
    except CutError:
        return
    raise AssertionError(f"the run ended before step {at}")
