"""Three prompts in the plane, on which every method is trained a step or two."""

import torch

from benchmarks.backbones.toy import ResidualSize, ToySpec
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe
from benchmarks.collect import Meter, collect, draw_prompts
from benchmarks.draws import KeyedDraws
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.train import Learner
from methods.base import Batch, Method

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


def tolerance() -> dict[str, float]:
    """Room for sums in another order."""
    return {"rtol": 1e-8, "atol": 1e-9} if torch.get_default_dtype() == torch.float64 else {"rtol": 2e-3, "atol": 2e-4}
