"""Speed of MARBLE and of gradient diagnostics, as ratios to the weighted sum within one run.

`python -m benchmarks.speed` trains on a Stable Diffusion 3 transformer with random weights and LoRA. A training step is
a whole one: rollouts, the old and the reference velocities, all gradient work, the anchor, AdamW, the snapshots. The
kinds of step are timed in turn, round by round. A ratio is that of the shortest times over rounds: what else the
machine does can only make a step slower.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.backbones.sd3_random import RandomSD3Spec
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe
from benchmarks.train import Learner
from methods.base import Method, Weighting
from methods.crd import CenteredRewardDistillation
from methods.marble import Marble
from methods.objectives.crd import CRD
from methods.samplers.ode import ODE
from methods.weighted_sum import WeightedSum
from methods.weightings.fixed import FixedWeighting
from methods.weightings.min_norm import MinNormWeighting

AMORTIZED = 10
"""Steps per solve, and steps per diagnostic measurement."""


@dataclass(frozen=True)
class ChannelReward:
    """A reward that costs nothing: the projection of a sample on a fixed random direction."""

    number: int
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)

    @property
    def name(self) -> str:
        """Name."""
        return f"direction{self.number}"

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the projections [B]."""
        generator = torch.Generator().manual_seed(self.number)
        direction = torch.randn(samples[0].numel(), generator=generator).to(samples)
        return torch.div(torch.mv(samples.flatten(1), direction), direction.norm())

    def describe(self) -> Mapping[str, Any]:
        """Return the number."""
        return {"number": self.number}


def speed_benchmark(spec: RandomSD3Spec, n_objectives: int, micro_batch: int, rollout_steps: int) -> Benchmark:
    """Return the task: 4 prompts, 12 rollouts each."""
    return Benchmark(
        name="speed",
        backbone=spec,
        prompts=("one", "two", "three", "four"),
        rewards=tuple(ChannelReward(k) for k in range(n_objectives)),
        reference_point=(-1e6,) * n_objectives,
        bounds=((-3.0, 3.0),) * n_objectives,
        budget=Budget(10**12),
        recipe=Recipe(
            prompts_per_step=4, group_size=12, rollout_steps=rollout_steps, micro_batch=micro_batch,
            diagnostics_every=0, threads=torch.get_num_threads(),
        ),
        evaluation=Evaluation(((1 / n_objectives,) * n_objectives,), 1),
        summary="random transformer, costless rewards",
    )  # fmt: skip


class Timed:
    """One kind of step: a method in training, of which every step is of that kind."""

    def __init__(self, benchmark: Benchmark, method: Method, *, measure: bool = False, separate: bool = False) -> None:
        """Build the model; `measure` makes every step a diagnostic one, `separate` takes K backward passes."""
        if measure:
            benchmark = replace(benchmark, recipe=replace(benchmark.recipe, diagnostics_every=1))
        self.learner = Learner(benchmark, method, 0)
        if separate:
            self.learner.gradients.general |= set(self.learner.gradients.parameters)

    def seconds(self) -> float:
        """Return the time of one step."""
        started = time.perf_counter()
        self.learner.advance()
        return time.perf_counter() - started


def _crd(weighting: Weighting) -> Method:
    # One update a step and no guidance pass: what is common to both sides makes any ratio look better.
    return replace(CenteredRewardDistillation(), objective=CRD(guidance=1.0), weighting=weighting, updates=1)


def kinds(spec: RandomSD3Spec, micro_batch: int, rollout_steps: int) -> dict[str, Timed]:
    """Return the kinds of step by name."""

    def task(k: int) -> Benchmark:
        return speed_benchmark(spec, k, micro_batch, rollout_steps)

    always = MinNormWeighting(every=1)
    common: dict[str, Any] = {"sampler": ODE()}
    marble = replace(Marble(), weighting=always, **common)
    plain = replace(WeightedSum(), **common)
    return {
        "weighted sum, K = 5": Timed(task(5), plain),
        "solve, K = 5": Timed(task(5), marble),
        "separate passes, K = 5": Timed(task(5), marble, separate=True),
        "weighted sum, K = 16": Timed(task(16), plain),
        "solve, K = 16": Timed(task(16), marble),
        "diagnostics, K = 5": Timed(task(5), plain, measure=True),
        "CRD weighted sum, K = 5": Timed(task(5), _crd(FixedWeighting())),
        "CRD solve, K = 5": Timed(task(5), _crd(always)),
    }


def ratios(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return speed relative to the weighted sum from the seconds of each kind of step.

    A step of MARBLE between solves is one of the weighted sum: one backward pass with other weights.
    """
    base, wide, crd = (seconds[f"{name}weighted sum, K = {k}"] for name, k in (("", 5), ("", 16), ("CRD ", 5)))
    solve, measured = seconds["solve, K = 5"], seconds["diagnostics, K = 5"]
    return {
        "MARBLE, solve at every step, K = 5": base / solve,
        "MARBLE, solve at every step, K = 16": wide / seconds["solve, K = 16"],
        f"MARBLE, N = {AMORTIZED}, K = 5": AMORTIZED * base / (solve + (AMORTIZED - 1) * base),
        "MARBLE on CRD, solve at every step, K = 5": crd / seconds["CRD solve, K = 5"],
        f"diagnostics every {AMORTIZED} steps, K = 5": AMORTIZED * base / (measured + (AMORTIZED - 1) * base),
        "for comparison: K separate passes at every step, K = 5": base / seconds["separate passes, K = 5"],
    }


def measure(steps: Mapping[str, Timed], rounds: int) -> dict[str, dict[str, float]]:
    """Return each ratio, from the shortest times, and its range over single rounds; a first round warms up."""
    for step in steps.values():
        step.seconds()
    times = [{name: step.seconds() for name, step in steps.items()} for _ in range(rounds)]
    best = ratios({name: min(row[name] for row in times) for name in steps})
    single = [ratios(row) for row in times]
    return {
        name: {"ratio": ratio, "low": min(row[name] for row in single), "high": max(row[name] for row in single)}
        for name, ratio in best.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="steps of each kind, after one to warm up")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=4, help="attention heads of 32 channels each")
    parser.add_argument("--micro-batch", type=int, default=48)
    parser.add_argument("--rollout-steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    spec = RandomSD3Spec(layers=arguments.layers, heads=arguments.heads)
    found = measure(kinds(spec, arguments.micro_batch, arguments.rollout_steps), arguments.rounds)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    print(f"SD3 transformer, {spec.layers} layers, width {32 * spec.heads}, LoRA rank {spec.rank}, NFT unless said")
    for name, row in found.items():
        print(f"{row['ratio']:.3f}  (rounds {row['low']:.3f} to {row['high']:.3f})  {name}")


if __name__ == "__main__":
    main()
