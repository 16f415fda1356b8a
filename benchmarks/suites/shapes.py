"""The image suite: a small SD3 on captioned scenes, with the papers' five rewards in miniature.

Training prompts come from the training split of the world, evaluation prompts from its test split: no combination of
count, color, shape and place, and no text of a sign, is in both.

Reference points and bounds come from a calibration (`benchmarks/calibrate.py`) that is recorded in
results/reference/shapes-calibration and frozen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.backbones.shapes import ShapesSpec
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe, Reward, Suite
from benchmarks.features import AlignmentFeatures
from benchmarks.pictures import Gallery
from benchmarks.rewards.alignment import Alignment
from benchmarks.rewards.colorfulness import Colorfulness
from benchmarks.rewards.composition import Composition
from benchmarks.rewards.compressibility import Compressibility
from benchmarks.rewards.second_detector import SecondDetector
from benchmarks.rewards.sharpness import Sharpness
from benchmarks.rewards.text import SignText
from benchmarks.tasks.shapes.language import sentence
from benchmarks.tasks.shapes.scenes import pick, split
from methods.base import Method
from methods.crd import CenteredRewardDistillation
from methods.fixed_weights import FixedWeights
from methods.gdpo import GDPOMethod
from methods.marble import Marble
from methods.nft_single import NFTSingle
from methods.objectives.crd import CRD
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from methods.preferences import lattice
from methods.snapshots import SnapshotSchedule, WarmupAverage
from methods.weighted_sum import WeightedSum

COMPOSITION, TEXT, ALIGNMENT = Composition(), SignText(), Alignment()
COLORFUL, PLAIN = Colorfulness(), Compressibility()
SHARPNESS, SECOND_DETECTOR = Sharpness(), SecondDetector()
"""Never trained on."""

RECIPE = Recipe(
    prompts_per_step=8, group_size=12, rollout_steps=10, micro_batch=96, diagnostics_every=10,
    checkpoint_seconds=60.0, evaluate_at=(),
)  # fmt: skip

STEP_COST = 8 * 12 * (10 + 4 * 3)
"""Velocity evaluations of a step: 96 rollouts of 10 steps, and 4 noise levels a rollout with 3 passes each."""


@dataclass(frozen=True)
class Box:
    """Reference point and bounds of a reward; the reference point is the worse bound."""

    low: float
    high: float


BOXES = {
    "five-rewards": {
        "composition": Box(0.0, 1.0),
        "text": Box(0.0, 1.0),
        "alignment": Box(-0.5, 1.0),
        "colourfulness": Box(0.0, 140.0),
        "compressibility": Box(-1.43, -0.49),
    },
    "plain-vs-colourful": {"compressibility": Box(-1.22, -0.95), "colourfulness": Box(37.0, 84.0)},
    "composition-only": {"composition": Box(0.0, 1.0)},
    "text-only": {"text": Box(0.0, 1.0)},
}
"""The two of one reward were not calibrated: theirs are the reward's range."""


def _prompts(kinds: Sequence[str], per_kind: int, *, test: bool) -> tuple[str, ...]:
    purpose = "evaluation prompts" if test else "training prompts"
    return tuple(sentence(scene) for kind in kinds for scene in pick(split(kind, test=test), per_kind, purpose))


def _benchmark(
    name: str, summary: str, rewards: tuple[Reward, ...], held_out: tuple[Reward, ...], kinds: Sequence[str],
    sweep: Sequence[tuple[float, ...]], steps: int, learning_rate: float,
) -> Benchmark:  # fmt: skip
    boxes = [BOXES[name][reward.name] for reward in rewards]
    evaluated = _prompts(kinds, 24 // len(kinds) if len(kinds) > 1 else 12, test=True)
    shown = tuple(evaluated[i * len(evaluated) // 6] for i in range(6))
    return Benchmark(
        name=name,
        backbone=ShapesSpec(),
        prompts=_prompts(kinds, 48 // len(kinds), test=False),
        evaluation_prompts=evaluated,
        rewards=rewards,
        # The second detector judges objects; where there are none, it would apply to no prompt.
        held_out=(*held_out, SHARPNESS, *((SECOND_DETECTOR,) if kinds != ("sign",) else ())),
        reference_point=tuple(box.low for box in boxes),
        bounds=tuple((box.low, box.high) for box in boxes),
        budget=Budget(steps * STEP_COST),
        recipe=replace(RECIPE, learning_rate=learning_rate),
        evaluation=Evaluation(preferences=tuple(sweep), samples=8, steps=10, chunk=96),
        summary=summary,
        features=AlignmentFeatures(),
        gallery=Gallery(shown, 2),
    )


OBJECTS = ("several", "pair", "placed")
ALL = (*OBJECTS, "sign")


def _sweep(n_objectives: int) -> tuple[tuple[float, ...], ...]:
    # K = 2: eleven points. K = 5: the corners, the middles between two, and the center.
    rows = lattice(n_objectives, 10 if n_objectives == 2 else 2).tolist()
    center = [] if n_objectives == 2 else [[1 / n_objectives] * n_objectives]
    return tuple(tuple(row) for row in [*rows, *center])


FIVE_REWARDS = _benchmark(
    "five-rewards",
    "K = 5: composition and text are specialists of their prompts, alignment, colourfulness, compressibility of all",
    (COMPOSITION, TEXT, ALIGNMENT, COLORFUL, PLAIN),
    (),
    ALL,
    _sweep(5),
    steps=50,
    learning_rate=1e-3,
)
PLAIN_VS_COLOURFUL = _benchmark(
    "plain-vs-colourful",
    "K = 2: few bytes against many colors",
    (PLAIN, COLORFUL),
    (COMPOSITION, TEXT, ALIGNMENT),
    ALL,
    _sweep(2),
    steps=40,
    learning_rate=3e-4,
)
COMPOSITION_ONLY = _benchmark(
    "composition-only",
    "K = 1: count, color, shape and place; what else changes is watched",
    (COMPOSITION,),
    (ALIGNMENT, COLORFUL, PLAIN),
    OBJECTS,
    ((1.0,),),
    steps=50,
    learning_rate=1e-3,
)
TEXT_ONLY = _benchmark(
    "text-only",
    "K = 1: the text of signs; what else changes is watched",
    (TEXT,),
    (ALIGNMENT, COLORFUL, PLAIN),
    ("sign",),
    ((1.0,),),
    steps=50,
    learning_rate=1e-3,
)

_OBJECTIVE = NFT(sigma_fraction=0.4)
_AVERAGE = WarmupAverage(0.9)
_CONDITIONS: dict[str, Any] = {
    "objective": _OBJECTIVE,
    "anchor": 0.3,
    "snapshots": SnapshotSchedule(evaluation=_AVERAGE),
}
"""What differs from the papers' defaults, for all methods alike: four of the ten noise levels a rollout, which more
than halves the time of a step, and an anchor under which pictures keep showing their prompts. With 0.01, 40 steps of
the slider at the same learning rate leave patches of color and nothing of the prompt; with 2 hardly anything moves."""


def _crd() -> Method:
    method = CenteredRewardDistillation()
    snapshots = replace(method.snapshots, evaluation=_AVERAGE)
    return replace(method, objective=CRD(sigma_fraction=0.4), snapshots=snapshots)


SHAPES = Suite(
    name="shapes",
    benchmarks=(FIVE_REWARDS, PLAIN_VS_COLOURFUL, COMPOSITION_ONLY, TEXT_ONLY),
    methods={
        "pareto_slider": replace(ParetoSlider(), slots=2, **_CONDITIONS),
        "fixed_weights": replace(FixedWeights(), **_CONDITIONS),
        "weighted_sum": replace(WeightedSum(), **_CONDITIONS),
        "gdpo": replace(GDPOMethod(), **_CONDITIONS),
        "marble": replace(Marble(), **_CONDITIONS),
        "crd": _crd(),
        "nft_single": replace(NFTSingle(), **_CONDITIONS),
    },
    only={
        **dict.fromkeys(
            ("five-rewards", "plain-vs-colourful"),
            ("pareto_slider", "fixed_weights", "weighted_sum", "gdpo", "marble", "crd"),
        ),
        **dict.fromkeys(("composition-only", "text-only"), ("nft_single", "crd")),
    },
    conditions=_CONDITIONS,
)

_FEW = replace(
    PLAIN_VS_COLOURFUL.evaluation, preferences=tuple(tuple(row) for row in lattice(2, 4).tolist()), samples=3
)

SHAPES_SHORT = Suite(
    name="shapes-short",
    benchmarks=(replace(PLAIN_VS_COLOURFUL, budget=Budget(8 * STEP_COST), evaluation=_FEW),),
    methods={name: SHAPES.methods[name] for name in ("pareto_slider", "weighted_sum")},
    seeds=(0,),
    conditions=_CONDITIONS,
)
"""The first look at pictures: two methods, one seed, few steps and samples; too short for a verdict."""
