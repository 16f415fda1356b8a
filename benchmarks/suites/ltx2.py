"""`ltx2-video`: LTX-2 between how good its frames look and how much moves.

ParetoSlider has a slider on LTX-2; which rewards it slides between, and its settings, were not found. The pair and the
sizes here are ours: small enough that a step's videos fit into the memory of one GPU. That nothing but flicker is
rewarded shows in the temporal consistency, which is held out.
"""

from dataclasses import replace

from benchmarks.backbones.checkpoints import LTX2Spec
from benchmarks.base import Benchmark, Budget, Evaluation, Suite
from benchmarks.rewards.video import FrameWise, MotionAmount, TemporalConsistency
from benchmarks.suites.papers import (
    AT_IDENTITY,
    EVALUATION_STEPS,
    MULTI_REWARD,
    PICK_SCORE,
    RECIPE,
    SHORT,
    SLIDER_ITERATIONS,
    SLIDER_METHODS,
    box_of,
    line_sweep,
    nft_cost,
)
from benchmarks.tasks import scene_prompts

_RECIPE = replace(RECIPE, prompts_per_step=8, group_size=12, rollout_steps=SHORT, micro_batch=12)
_REWARDS = (FrameWise(PICK_SCORE, frames=5), MotionAmount())

LOOKS_OR_MOTION = Benchmark(
    name="looks-or-motion",
    backbone=LTX2Spec(
        path="Lightricks/LTX-2",
        preference=AT_IDENTITY,
        height=256,
        width=384,
        frames=25,
        cross_timestep=False,
        decode_batch=1,
    ),
    prompts=scene_prompts.videos(256, test=False),
    evaluation_prompts=scene_prompts.videos(8, test=True),
    rewards=_REWARDS,
    held_out=(TemporalConsistency(),),
    **box_of(_REWARDS),
    budget=Budget(SLIDER_ITERATIONS * nft_cost(_RECIPE)),
    recipe=_RECIPE,
    evaluation=Evaluation(line_sweep(4), samples=1, steps=EVALUATION_STEPS, shift=None, chunk=4),
    summary="K = 2: frames that look good against motion",
)

LTX2_VIDEO = Suite(
    "ltx2-video",
    (LOOKS_OR_MOTION,),
    SLIDER_METHODS,
    conditions=MULTI_REWARD,
)
