"""The sampler study: GRPO under each stochastic sampler on narrow data.

The backbone is the toy's: in the plane, for each prompt a ring of eight narrow Gaussians (standard deviation 0.05,
radius 1), the ring turned from prompt to prompt. Two rewards are trained on with equal weights: `sharpness`, minus the
squared distance to the nearest mode, sees the noise that a sampler leaves in its samples; `preference`, minus the
squared distance to the prompt's preferred mode, says where to go. Both are best, 0, at the preferred mode's center.

The reference point follows from the ring and is frozen here: the worst of `preference` on the ring is the mode
opposite, the squared diameter 4; the worst of `sharpness` on the ring is halfway between neighbors, sin^2(pi / 8)
rounded away from zero to two decimals.
"""

import math

from benchmarks.backbones.toy import ResidualSize, ToySpec
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe, Suite
from benchmarks.rewards.log_density import BaseLogDensity
from benchmarks.rewards.nearest_mode import NearestMode
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.studies.samplers import sampler_study
from benchmarks.tasks.toy import PROMPTS, Vector, rounded
from methods.base import Sampler
from methods.grpo import FlowGRPO
from methods.objectives.grpo import GRPO
from methods.samplers.cps import CPS
from methods.samplers.dance_precise import DancePrecise
from methods.samplers.dance_sde import DanceSDE
from methods.samplers.flow_sde import FlowSDE
from methods.samplers.precise import Precise

MODES, RADIUS, STD = 8, 1.0, 0.05


def _rings() -> tuple[tuple[Vector, ...], ...]:
    # Turned by less than the distance of two modes, so that no two prompts have the same ring.
    turns = [2 * math.pi * p / (MODES * len(PROMPTS)) for p in range(len(PROMPTS))]
    angles = [[turn + 2 * math.pi * c / MODES for c in range(MODES)] for turn in turns]
    return tuple(tuple(rounded([RADIUS * math.cos(a), RADIUS * math.sin(a)]) for a in ring) for ring in angles)


RINGS = _rings()
PREFERRED = {prompt: RINGS[p][3 * p % MODES] for p, prompt in enumerate(PROMPTS)}
SPEC = ToySpec(PROMPTS, RINGS, ((1 / MODES,) * MODES,) * len(PROMPTS), STD, ResidualSize(64, 2, 64))
REFERENCE_POINT = (-0.15, -4.0)

RING = Benchmark(
    name="ring",
    backbone=SPEC,
    prompts=PROMPTS,
    rewards=(NearestMode(PROMPTS, RINGS), QuadraticReward("preference", PREFERRED)),
    held_out=(BaseLogDensity(PROMPTS, SPEC.mixture()),),
    reference_point=REFERENCE_POINT,
    bounds=tuple((worst, 0.0) for worst in REFERENCE_POINT),
    budget=Budget(1_150_000),
    recipe=Recipe(
        prompts_per_step=8,
        group_size=16,
        rollout_steps=10,
        learning_rate=5e-4,
        diagnostics_every=0,
        evaluate_at=tuple(k / 16 for k in range(1, 16)),
    ),
    evaluation=Evaluation(preferences=((0.5, 0.5),), samples=64, steps=40),
    summary="a ring of narrow modes a prompt: sharpness, and nearness to the preferred mode",
)
"""Rollouts of ten steps on an even grid. On one of shift 3 the last step, which GRPO does not train, leads from sigma
0.25 to 0, and training under every sampler drifts away after the peak."""


def _under(sampler: Sampler) -> FlowGRPO:
    # The exponent is a mean over 2 dimensions, not the 65536 of an image's latents, for which the published clip ranges
    # (1e-4 and less) are made: 0.2 is PPO's own. `guard` gives every step and every sampler the same weight, so that
    # samplers differ by the states they visit and the rewards these earn, not by the size of their steps.
    return FlowGRPO(objective=GRPO(clip_range=0.2, guard=True), sampler=sampler)


SAMPLER_STUDY = Suite(
    name="sampler-study",
    benchmarks=(RING,),
    methods={
        "grpo_flow_sde": _under(FlowSDE()),
        "grpo_dance_sde": _under(DanceSDE()),
        "grpo_cps": _under(CPS()),
        "grpo_precise": _under(Precise()),
        "grpo_dance_precise": _under(DancePrecise()),
        "grpo_precise_07": _under(Precise(eta=0.7)),
    },
    seeds=(0, 1, 2, 3, 4),
    study=sampler_study,
)
"""Each sampler at its own eta, and Precise at Flow-GRPO's: with `grpo_flow_sde` and the two of Dance-GRPO's schedule
that makes two transitions times two schedules."""
