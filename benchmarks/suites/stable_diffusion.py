"""Suites on Stable Diffusion 3.5 Medium: the papers' text-to-image experiments with the user's weights.

`sd35-five-rewards` is MARBLE's Table 1, `sd35-photo-sketch` ParetoSlider's slider, `sd35-ocr` and `sd35-geneval` CRD's
two tasks, `sd35-samplers` Precise's comparison. Settings are the papers' or those of their released codes; what they
leave open is a constant with its reason. `benchmarks.suites.papers` says where weights are looked for and how all of
it is changed. Prompts are of our own generators; the papers' lists are set with `--set benchmark.prompts=FILE` and
`--set benchmark.evaluation_prompts=FILE`.
"""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.backbones.checkpoints import SD3Spec
from benchmarks.backbones.lora import LoraSize
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe, Reward, Suite
from benchmarks.suites.papers import (
    AESTHETIC,
    AT_IDENTITY,
    CLIP_SCORE,
    EVALUATION_STEPS,
    GENEVAL,
    GENEVAL_EVALUATED,
    GENEVAL_PROMPTS,
    HPS,
    IMAGE_REWARD,
    LONG,
    MULTI_REWARD,
    OCR_EVALUATED,
    OCR_PROMPTS,
    PHOTO,
    PICK_SCORE,
    READING,
    RECIPE,
    SKETCH,
    SLIDER_ITERATIONS,
    SLIDER_METHODS,
    UNIFIED_JUDGE,
    box_of,
    gallery_of,
    interleaved,
    line_sweep,
    nft_cost,
)
from benchmarks.tasks import scene_prompts
from methods.base import Sampler
from methods.crd import CenteredRewardDistillation
from methods.gdpo import GDPOMethod
from methods.grpo import FlowGRPO
from methods.marble import Marble
from methods.nft_single import NFTSingle
from methods.objectives.grpo import GRPO
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from methods.preferences import lattice
from methods.samplers.cps import CPS
from methods.samplers.dance_precise import DancePrecise
from methods.samplers.dance_sde import DanceSDE
from methods.samplers.flow_sde import FlowSDE
from methods.samplers.precise import Precise
from methods.sequential import Sequential
from methods.snapshots import LinearDecay, SnapshotSchedule
from methods.weighted_sum import WeightedSum

SD35 = SD3Spec(path="stabilityai/stable-diffusion-3.5-medium", preference=AT_IDENTITY)
"""At 512 pixels without guidance, LoRA of rank 32 and alpha 64."""

FIVE_ITERATIONS = 1700
"""What DiffusionNFT's five-reward model took by its Table 1; MARBLE's number was not found."""
TASK_ITERATIONS = 1000
"""DiffusionNFT's order of magnitude for GenEval; CRD's numbers were not found."""
SAMPLER_ITERATIONS = 3000
"""Precise's curves at ten steps."""

PICTURES = scene_prompts.pictures(1024, test=False)
PICTURES_EVALUATED = scene_prompts.pictures(48, test=True)


def _benchmark(
    name: str, summary: str, rewards: tuple[Reward, ...], held_out: tuple[Reward, ...], prompts: tuple[str, ...],
    evaluated: tuple[str, ...], sweep: Sequence[tuple[float, ...]], recipe: Recipe, budget: int, samples: int = 1,
) -> Benchmark:  # fmt: skip
    return Benchmark(
        name=name,
        backbone=SD35,
        prompts=prompts,
        evaluation_prompts=evaluated,
        rewards=rewards,
        held_out=held_out,
        **box_of(rewards),
        budget=Budget(budget),
        recipe=recipe,
        evaluation=Evaluation(tuple(sweep), samples=samples, steps=EVALUATION_STEPS, shift=None, chunk=32),
        summary=summary,
        gallery=gallery_of(evaluated, samples),
    )


_MANY = replace(RECIPE, rollout_steps=LONG)
FIVE_REWARDS = _benchmark(
    "five-rewards",
    "K = 5: three preferences of all prompts, and two specialists of their own",
    (PICK_SCORE, HPS, CLIP_SCORE, READING, GENEVAL),
    (AESTHETIC, IMAGE_REWARD, UNIFIED_JUDGE),
    interleaved(PICTURES, OCR_PROMPTS[:1024], GENEVAL_PROMPTS),
    interleaved(PICTURES_EVALUATED[:16], OCR_EVALUATED[:16], GENEVAL_EVALUATED[:16]),
    # The corners, the middles between two, and the center.
    [*(tuple(row) for row in lattice(5, 2).tolist()), (0.2,) * 5],
    _MANY,
    FIVE_ITERATIONS * nft_cost(_MANY),
)
SD35_FIVE_REWARDS = Suite(
    name="sd35-five-rewards",
    benchmarks=(FIVE_REWARDS,),
    methods={
        "weighted_sum": replace(WeightedSum(), **MULTI_REWARD),
        "sequential": replace(Sequential(), **MULTI_REWARD),
        "specialist_pick_score": replace(NFTSingle(), reward=0, **MULTI_REWARD),
        "specialist_hps": replace(NFTSingle(), reward=1, **MULTI_REWARD),
        "specialist_clip_score": replace(NFTSingle(), reward=2, **MULTI_REWARD),
        "specialist_ocr": replace(NFTSingle(), reward=3, **MULTI_REWARD),
        "specialist_geneval": replace(NFTSingle(), reward=4, **MULTI_REWARD),
        "marble": replace(Marble(), **MULTI_REWARD),
        "gdpo": replace(GDPOMethod(), **MULTI_REWARD),
        "pareto_slider": replace(ParetoSlider(), **MULTI_REWARD),
    },
    conditions=MULTI_REWARD,
)
"""MARBLE's Table 1. There, sequential training follows DiffusionNFT's curriculum of unequal stages; here each reward
has an equal stage."""

PHOTO_SKETCH = _benchmark(
    "photo-sketch",
    "K = 2: looks like a photograph against looks like a sketch",
    (PHOTO, SKETCH),
    (PICK_SCORE, CLIP_SCORE),
    PICTURES,
    PICTURES_EVALUATED[:32],
    line_sweep(10),
    _MANY,
    SLIDER_ITERATIONS * nft_cost(_MANY),
    samples=2,
)
SD35_PHOTO_SKETCH = Suite("sd35-photo-sketch", (PHOTO_SKETCH,), SLIDER_METHODS, conditions=MULTI_REWARD)
"""ParetoSlider's text-to-image pair. It starts from a LoRA of unknown origin there, and from the base model here."""

_UNSEEN = (PICK_SCORE, CLIP_SCORE, HPS, AESTHETIC)
"""Preferences that no one trains on: where they fall, a reward was hacked."""
OCR_ONLY = _benchmark(
    "ocr",
    "K = 1: the text a prompt asks for; preferences are watched",
    (READING,),
    _UNSEEN,
    OCR_PROMPTS,
    OCR_EVALUATED,
    ((1.0,),),
    RECIPE,
    TASK_ITERATIONS * nft_cost(RECIPE),
)
GENEVAL_ONLY = _benchmark(
    "geneval",
    "K = 1: objects, counts, colors and places; preferences are watched",
    (GENEVAL,),
    _UNSEEN,
    GENEVAL_PROMPTS,
    GENEVAL_EVALUATED,
    ((1.0,),),
    RECIPE,
    TASK_ITERATIONS * nft_cost(RECIPE),
)
SD35_OCR = Suite(
    name="sd35-ocr",
    benchmarks=(OCR_ONLY,),
    methods={
        "crd": CenteredRewardDistillation(),
        # DiffusionNFT's preset for this reward: two updates a step, and old weights that follow later and slower.
        "nft_single": replace(
            NFTSingle(),
            objective=NFT(beta=0.1),
            updates=2,
            snapshots=SnapshotSchedule(old=LinearDecay(75, 0.0075, 0.999)),
        ),
        "grpo": FlowGRPO(),
    },
)
"""CRD's first task. Flow-GRPO rolls out under guidance 4.5 there; here nothing does, for a comparison at one cost."""
SD35_GENEVAL = Suite(
    name="sd35-geneval",
    benchmarks=(GENEVAL_ONLY,),
    methods={"crd": CenteredRewardDistillation(), "nft_single": NFTSingle(), "grpo": FlowGRPO()},
)
"""CRD's second task; its schedules were not found, so those of the first one stand."""

_SAMPLER_RECIPE = replace(
    RECIPE, prompts_per_step=32, group_size=8, learning_rate=8e-5, evaluate_at=tuple(k / 10 for k in range(1, 10))
)
THREE_PREFERENCES = replace(
    _benchmark(
        "three-preferences",
        "K = 3: PickScore, CLIPScore and HPS v2.1 with equal weights",
        (PICK_SCORE, CLIP_SCORE, HPS),
        (AESTHETIC,),
        PICTURES,
        PICTURES_EVALUATED,
        ((1 / 3,) * 3,),
        _SAMPLER_RECIPE,
        # Without an anchor: the rollouts, and the trained velocity at all steps but the last.
        SAMPLER_ITERATIONS * 32 * 8 * (10 + 9),
        samples=2,
    ),
    backbone=replace(SD35, lora=LoraSize(16, 16.0)),
)


def _under(sampler: Sampler) -> FlowGRPO:
    return FlowGRPO(objective=GRPO(clip_range=4e-6, guard=True), anchor=0.0, sampler=sampler)


SD35_SAMPLERS = Suite(
    name="sd35-samplers",
    benchmarks=(THREE_PREFERENCES,),
    methods={
        "grpo_flow_sde": _under(FlowSDE()),
        "grpo_dance_sde": _under(DanceSDE()),
        "grpo_cps": _under(CPS()),
        "grpo_precise": _under(Precise()),
        "grpo_dance_precise": _under(DancePrecise()),
    },
)
"""Precise's comparison with the settings of its released code, which are those for FLUX.2; those for Stable Diffusion
were not found. It adds rewards standardized over the batch before it normalizes within groups; here each has its own
advantage, over the batch's deviation. It evaluates with the training sampler; here all are by the Euler ODE."""
