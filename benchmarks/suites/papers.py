"""What the suites on real checkpoints share: where weights lie, how the papers train, which corners are worst.

Weights are the user's, so every place here is a default that `--set` changes (see `benchmarks.changes`), as in
`--set backbone.path=/models/sd3.5 --set hps_v2.1.model=/models/hps`. Names of repositories are loaded from the
Hugging Face Hub; what the Hub does not have in a form that this project loads is looked for below `models/`:

    models/hps_v2.1                  HPS v2.1 as benchmarks.rewards.open_clip converts it
    models/aesthetic.safetensors     the head of LAION's aesthetic predictor, see benchmarks.rewards.aesthetic
    models/image-reward/bin/python   an environment of its own with the package image-reward

Reference points and bounds are not calibrated. Where a reward has a lowest value, the reference point lies a little
below it; else it is a value that no model in the literature comes near. A run refuses a reference point that its base
model does not beat. Calibrated ones are set by `--set benchmark.reference_point=[...] --set benchmark.bounds=[...]`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from benchmarks.backbones.preference import PreferenceSize
from benchmarks.base import Recipe, Reward
from benchmarks.environment import ROOT
from benchmarks.pictures import Gallery
from benchmarks.rewards.aesthetic import Aesthetic
from benchmarks.rewards.clip_score import ClipScore
from benchmarks.rewards.geneval import GenEval
from benchmarks.rewards.hps import HPSv21
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.judge import JudgeReward
from benchmarks.rewards.ocr import OCR
from benchmarks.rewards.pick_score import PHOTOREALISM, PickScore
from benchmarks.rewards.rubrics import style_rubric
from benchmarks.tasks import geneval_prompts, ocr_prompts
from methods.advantages import GDPO
from methods.base import Method
from methods.fixed_weights import FixedWeights
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from methods.preferences import lattice
from methods.weighted_sum_raw import WeightedSumRaw

MODELS = Path("models")
JUDGE_URL = "http://localhost:8000/v1"
"""Any server of OpenAI's chat completions, as vllm starts one; `--set sketch.base_url=...` names another."""
JUDGE = "Qwen/Qwen2.5-VL-7B-Instruct"
"""The judge of ParetoSlider's released code."""
QUALITY_RUBRIC = (
    "You are shown a picture to score. It was made for this text: {prompt}\n"
    "Score how good an answer to the text the picture is: whether all that the text asks for is there and right, "
    "whether bodies, objects and light are plausible, and how well it is made.\n"
    "Score with one digit: 0 means useless; {top} means nothing could be better; the digits between are equal steps. "
    "Write the digit first and nothing else."
)
"""What stands in for UnifiedReward: the same judge with a rubric of our own. Its scores are not UnifiedReward's;
`--set unified_judge={"class": ...}` puts UnifiedReward itself on a server."""

PICK_SCORE, CLIP_SCORE = PickScore(), ClipScore()
HPS = HPSv21(MODELS / "hps_v2.1", scale=1.0)
READING, GENEVAL = OCR(), GenEval()
AESTHETIC = Aesthetic(MODELS / "aesthetic.safetensors")
IMAGE_REWARD = IsolatedReward(
    python=str(MODELS / "image-reward" / "bin" / "python"),
    factory="benchmarks.rewards.image_reward_worker:ImageRewardScore",
    name="image_reward",
    version="1.0",
    unit="standardized preference",
    folder=ROOT,
)
UNIFIED_JUDGE = JudgeReward(JUDGE_URL, JUDGE, QUALITY_RUBRIC, "unified_judge")
PHOTO = PickScore(scale=1 / 26, prefix=PHOTOREALISM, name="photorealism")
SKETCH = JudgeReward(
    JUDGE_URL, JUDGE, style_rubric("a hand-drawn pencil sketch, lines on paper without color"), "sketch"
)


AT_IDENTITY = PreferenceSize(projector_std=0.0, embedding_std=0.0)
"""Preference modules that change nothing before training, so that every method starts from the same model; the
released code's start near it. `--set backbone.preference.embedding_std=1e-3` is its setting of one of the two."""


@dataclass(frozen=True)
class Box:
    """Reference point and bounds of a reward."""

    worst: float
    low: float
    high: float


UNIT = Box(-0.01, 0.0, 1.0)
"""Of rewards in [0, 1]."""
BOXES: dict[str, Box] = {
    # The lowest of the papers' tables is 20.51, of the base model without guidance (DiffusionNFT, Table 1).
    "pick_score": Box(15.0, 16.0, 25.0),
    "photorealism": Box(15 / 26, 16 / 26, 25 / 26),
    "pick_score_mean_frame": Box(15.0, 16.0, 25.0),
    # Cosines: 0 is a picture that has nothing to do with the prompt.
    "clip_score": Box(0.0, 0.0, 0.4),
    "hps_v2.1": Box(0.0, 0.0, 0.45),
    "ocr": UNIT,
    "geneval": UNIT,
    "sketch": UNIT,
    "edit_success": UNIT,
    # Structural similarity is about 0 for unrelated pictures; that of the negative is no result worth measuring from.
    "preservation": Box(-0.1, 0.0, 1.0),
    # A fifth of the range between neighboring frames is a flicker.
    "motion": Box(-0.01, 0.0, 0.2),
}

RECIPE = Recipe(
    prompts_per_step=48,
    group_size=24,
    rollout_steps=10,
    shift=None,
    learning_rate=3e-4,
    weight_decay=1e-4,
    clip_norm=1.0,
    micro_batch=24,
    diagnostics_every=10,
    checkpoint_seconds=600.0,
    evaluate_at=(0.2, 0.5),
    threads=8,
)
"""DiffusionNFT's, ParetoSlider's and CRD's released codes alike: 48 prompts with 24 rollouts each, AdamW at 3e-4. The
rest is ours: a micro-batch that holds a group, because CRD compares within it, and when is measured and saved."""
SHORT, LONG = 10, 25
"""Rollout steps: DiffusionNFT's head-to-head comparisons and CRD; the multi-reward presets of DiffusionNFT and
ParetoSlider."""
SLIDER_ITERATIONS = 31
"""ParetoSlider's preset."""
EVALUATION_STEPS = 40
"""Euler steps of an evaluation, without guidance, as all of them measure."""

MULTI_REWARD: dict[str, Any] = {"objective": NFT(beta=0.1)}
"""Beta of the multi-reward presets of DiffusionNFT and ParetoSlider."""
SLIDER_METHODS: dict[str, Method] = {
    "pareto_slider": replace(ParetoSlider(), **MULTI_REWARD),
    "single_loss": replace(ParetoSlider(), advantages=GDPO(), **MULTI_REWARD),
    "fixed_weights": replace(FixedWeights(), budget_per_model=1.0, **MULTI_REWARD),
    "weighted_sum_raw": replace(WeightedSumRaw(), budget_per_model=1.0, **MULTI_REWARD),
}
"""The slider, its single-loss mode, and models of fixed trade-offs, each trained as long as the slider: on normalized
advantages, and on raw rewards, which is DiffusionNFT's plain recipe. All have one anchor, where the released presets
of slider and single-loss mode differ a hundredfold in it."""


def nft_cost(recipe: Recipe) -> int:
    """Return the velocity evaluations of a step of DiffusionNFT with its anchor.

    The rollouts, and at all noise levels but one the trained, the old and the reference velocity.

    Example:
        >>> nft_cost(RECIPE) == 48 * 24 * (10 + 9 * 3)
        True
    """
    steps = recipe.rollout_steps
    return recipe.prompts_per_step * recipe.group_size * (steps + (steps - 1) * 3)


def box_of(rewards: Sequence[Reward]) -> dict[str, Any]:
    """Return the fields `reference_point` and `bounds` of a benchmark with these rewards."""
    boxes = [BOXES[reward.name] for reward in rewards]
    return {
        "reference_point": tuple(box.worst for box in boxes),
        "bounds": tuple((box.low, box.high) for box in boxes),
    }


def line_sweep(divisions: int) -> tuple[tuple[float, ...], ...]:
    """Return evenly spread preferences between two rewards, from the first alone to the second alone.

    Example:
        >>> line_sweep(2)
        ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0))
    """
    return tuple(tuple(row) for row in lattice(2, divisions).tolist())


def interleaved(*parts: Sequence[str]) -> tuple[str, ...]:
    """Return all prompts, one of each part in turn, so that the first few have some of each.

    Example:
        >>> interleaved(("a", "b", "c"), ("x",))
        ('a', 'x', 'b', 'c')
    """
    return tuple(prompt for prompt in chain(*zip_longest(*parts)) if prompt is not None)


def geneval_mix(counts: Mapping[str, int], *, test: bool) -> tuple[str, ...]:
    """Return GenEval prompts of our own, so many of each task, one task in turn."""
    return interleaved(*(geneval_prompts.prompts(task, n, test=test) for task, n in counts.items()))


def gallery_of(evaluated: Sequence[str], samples: int = 1) -> Gallery:
    """Return six of the prompts, evenly spread."""
    return Gallery(tuple(evaluated[i * len(evaluated) // 6] for i in range(6)), samples)


GENEVAL_TRAINING: dict[str, int] = {task: 64 if task == "single_object" else 192 for task in geneval_prompts.TASKS}
"""As many of each task as all but the first have; the papers' training sets have thousands."""
GENEVAL_TEST: dict[str, int] = {task: 8 if task == "single_object" else 20 for task in geneval_prompts.TASKS}
GENEVAL_PROMPTS = geneval_mix(GENEVAL_TRAINING, test=False)
GENEVAL_EVALUATED = geneval_mix(GENEVAL_TEST, test=True)
OCR_PROMPTS = ocr_prompts.prompts(2048, test=False)
OCR_EVALUATED = ocr_prompts.prompts(108, test=True)
"""Evaluated are as many as of GenEval: a measurement of minutes between the papers' of hours."""
