"""`kontext-edit`: FLUX.1 Kontext between keeping the source picture and carrying out the instruction.

The pair is ParetoSlider's; which measures it takes, and how long it trains, was not found. Here preservation is the
structural similarity to the source, and success is judged. The literature's preservation, mean(1 - LPIPS, SSIM), is set
by `--set preservation={"class": "benchmarks.rewards.mean:Mean", "fields": {"parts": [...]}}`; see there.

Sources and prompts are written by `python -m benchmarks.tasks.edit_scenes edit_scenes`. Others are set by
`--set backbone.sources=DIR --set benchmark.prompts=FILE --set benchmark.evaluation_prompts=FILE`, with prompts
"FILE.png: instruction" on PNG pictures of 512 x 512 pixels; the rewards follow to that folder.
"""

from dataclasses import replace
from pathlib import Path

from benchmarks.backbones.checkpoints import FluxKontextSpec
from benchmarks.base import Benchmark, Budget, Evaluation, Suite
from benchmarks.rewards.judge import JudgeReward
from benchmarks.rewards.preservation import Preservation
from benchmarks.rewards.rubrics import EDIT_SUCCESS_RUBRIC, SOURCE_PRESERVATION_RUBRIC
from benchmarks.suites.papers import (
    AT_IDENTITY,
    EVALUATION_STEPS,
    JUDGE,
    JUDGE_URL,
    LONG,
    MULTI_REWARD,
    RECIPE,
    SLIDER_ITERATIONS,
    SLIDER_METHODS,
    box_of,
    gallery_of,
    line_sweep,
    nft_cost,
)
from benchmarks.tasks import edit_scenes

SOURCES = Path("edit_scenes")
HIGHEST_DIGIT = 9
"""ParetoSlider's server scores edits from 0 to 9."""

PRESERVATION = Preservation(SOURCES)
SUCCESS = JudgeReward(JUDGE_URL, JUDGE, EDIT_SUCCESS_RUBRIC, "edit_success", top=HIGHEST_DIGIT, sources=SOURCES)
KEPT = JudgeReward(
    JUDGE_URL, JUDGE, SOURCE_PRESERVATION_RUBRIC, "judged_preservation", top=HIGHEST_DIGIT, sources=SOURCES
)
"""Never trained on: does the judge see the same preservation?"""

_RECIPE = replace(RECIPE, rollout_steps=LONG)
_REWARDS = (PRESERVATION, SUCCESS)
_EVALUATED = edit_scenes.prompts(test=True)[:48]

PRESERVE_OR_EDIT = Benchmark(
    name="preserve-or-edit",
    backbone=FluxKontextSpec(path="black-forest-labs/FLUX.1-Kontext-dev", sources=SOURCES, preference=AT_IDENTITY),
    prompts=edit_scenes.prompts(test=False),
    evaluation_prompts=_EVALUATED,
    rewards=_REWARDS,
    held_out=(KEPT,),
    **box_of(_REWARDS),
    budget=Budget(SLIDER_ITERATIONS * nft_cost(_RECIPE)),
    recipe=_RECIPE,
    evaluation=Evaluation(line_sweep(10), samples=1, steps=EVALUATION_STEPS, shift=None, chunk=16),
    summary="K = 2: keep the source picture against carry out the instruction",
    gallery=gallery_of(_EVALUATED),
)

KONTEXT_EDIT = Suite(
    "kontext-edit",
    (PRESERVE_OR_EDIT,),
    SLIDER_METHODS,
    conditions=MULTI_REWARD,
)
"""With the settings of ParetoSlider's text-to-image preset, for want of others."""
