"""The image suite: its prompts, its specialists, its cost, and a real step of each kind of method on it."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.base import Benchmark
from benchmarks.calibrate import calibrate
from benchmarks.execute import execute
from benchmarks.planner import Request, resolve
from benchmarks.records import read_table
from benchmarks.run import Run
from benchmarks.scoring import score
from benchmarks.suites.shapes import FIVE_REWARDS, PLAIN_VS_COLOURFUL, SHAPES, SHAPES_SHORT, STEP_COST
from benchmarks.tasks.shapes.language import Sign, parse
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import in_test
from benchmarks.train import step_cost
from methods.base import Method
from methods.objectives.nft import NFT

REFERENCE = Path(__file__).resolve().parents[3] / "results" / "reference"
benchmarks = pytest.mark.parametrize("benchmark", SHAPES.benchmarks, ids=lambda benchmark: benchmark.name)
methods = pytest.mark.parametrize("name", SHAPES.methods)


@benchmarks
def test_training_and_evaluation_prompts_share_no_combination(benchmark: Benchmark) -> None:
    assert not any(in_test(parse(prompt)) for prompt in benchmark.prompts)
    assert all(in_test(parse(prompt)) for prompt in benchmark.evaluated)
    assert len(benchmark.prompts) == 48
    assert len(benchmark.evaluated) in (12, 24)
    assert benchmark.gallery is not None
    assert len(benchmark.gallery.prompts) == 6


@benchmarks
def test_no_reward_is_trained_on_and_held_out(benchmark: Benchmark) -> None:
    trained = {reward.name for reward in benchmark.rewards}
    held_out = {reward.name for reward in benchmark.held_out}
    assert not trained & held_out
    assert "sharpness" in held_out


@benchmarks
def test_every_reward_applies_to_some_evaluated_prompt(benchmark: Benchmark) -> None:
    pictures = torch.rand(len(benchmark.evaluated), 3, 32, 32, generator=torch.Generator().manual_seed(0))
    scores = score((*benchmark.rewards, *benchmark.held_out), pictures, benchmark.evaluated)
    assert bool(scores.isfinite().any(0).all())


@pytest.mark.parametrize("benchmark", [FIVE_REWARDS, PLAIN_VS_COLOURFUL], ids=lambda benchmark: benchmark.name)
def test_the_box_is_what_the_recorded_calibration_found(benchmark: Benchmark) -> None:
    found = calibrate(REFERENCE / "shapes-calibration" / "shapes")[benchmark.name]["rewards"]
    assert list(found) == [reward.name for reward in benchmark.rewards]
    assert [tuple(row["bounds"]) for row in found.values()] == list(benchmark.bounds)
    assert tuple(row["reference_point"] for row in found.values()) == benchmark.reference_point


def test_composition_and_text_apply_to_their_own_prompts_only() -> None:
    prompts = FIVE_REWARDS.evaluated
    signs = torch.tensor([isinstance(parse(prompt), Sign) for prompt in prompts])
    pictures = torch.rand(len(prompts), 3, 32, 32, generator=torch.Generator().manual_seed(0))
    scores = score(FIVE_REWARDS.rewards, pictures, prompts)
    assert scores[:, 0].isfinite().tolist() == (~signs).tolist()
    assert scores[:, 1].isfinite().tolist() == signs.tolist()
    assert bool(scores[:, 2:].isfinite().all())
    assert 0 < int(signs.sum()) < len(prompts)


def test_real_renderings_score_what_the_sentences_ask_for() -> None:
    import numpy as np

    prompts = FIVE_REWARDS.evaluated
    pictures = Renderer()([parse(prompt) for prompt in prompts], np.random.default_rng(0))
    scores = score(FIVE_REWARDS.rewards, pictures, prompts)
    assert float(scores[:, 0].nanmean()) >= 0.97
    assert float(scores[:, 1].nanmean()) >= 0.95
    shuffled = score(FIVE_REWARDS.rewards, pictures, [*prompts[1:], prompts[0]])
    assert float(shuffled[:, 0].nanmean()) < 0.7
    assert float(scores[:, 2].mean()) > float(shuffled[:, 2].mean()) + 0.2


@benchmarks
def test_the_box_is_in_the_rewards_range(benchmark: Benchmark) -> None:
    for reward, worst, (low, high) in zip(benchmark.rewards, benchmark.reference_point, benchmark.bounds, strict=True):
        lowest, highest = (-math.inf if reward.range[0] is None else reward.range[0]), reward.range[1]
        assert lowest <= low < high <= (math.inf if highest is None else highest)
        assert worst == (low if reward.higher_is_better else high)


@methods
def test_the_stated_cost_of_a_step_is_that_of_every_method_on_nft(name: str) -> None:
    method: Method = SHAPES.methods[name]
    if isinstance(method.objective, NFT):
        assert step_cost(PLAIN_VS_COLOURFUL, method) == STEP_COST
    else:
        # CRD pays for the guided anchor.
        assert step_cost(PLAIN_VS_COLOURFUL, method) == 96 * (10 + 4 * 4)


def test_each_benchmark_has_its_methods_unless_others_are_named() -> None:
    def named(benchmark: str, *methods: str) -> list[str]:
        request = Request("shapes", (benchmark,), methods, (0,), (), "results")
        return [run.method_name for run in resolve(request)]

    assert named("text-only") == ["crd", "nft_single"]
    assert "nft_single" not in named("five-rewards")
    assert {"weighted_sum", "gdpo", "marble", "crd", "pareto_slider", "fixed_weights"} == set(named("five-rewards"))
    assert named("five-rewards", "nft_single") == ["nft_single"]


def test_the_short_suite_is_a_cheaper_plain_vs_colourful() -> None:
    (short,) = SHAPES_SHORT.benchmarks
    assert short.prompts == PLAIN_VS_COLOURFUL.prompts
    assert short.reference_point == PLAIN_VS_COLOURFUL.reference_point
    assert short.budget.velocity_evaluations < PLAIN_VS_COLOURFUL.budget.velocity_evaluations / 3


@pytest.mark.parametrize("name", ["pareto_slider", "marble", "gdpo", "crd"])
def test_a_real_step_on_five_rewards(name: str, tmp_path: Path) -> None:
    recipe = replace(FIVE_REWARDS.recipe, prompts_per_step=4, group_size=4, rollout_steps=3, diagnostics_every=1)
    picked = (FIVE_REWARDS.evaluated[0], FIVE_REWARDS.evaluated[-1])
    method = SHAPES.methods[name]
    first = replace(
        FIVE_REWARDS,
        recipe=recipe,
        # Two of objects and two of signs, so that every reward has a sample.
        prompts=(*FIVE_REWARDS.prompts[:2], *FIVE_REWARDS.prompts[-2:]),
        evaluation_prompts=picked,
        evaluation=replace(FIVE_REWARDS.evaluation, preferences=((0.2,) * 5,), samples=2, steps=2),
        gallery=replace(FIVE_REWARDS.gallery, prompts=picked) if FIVE_REWARDS.gallery else None,
        reference_point=(-1.0, -1.0, -1.0, -1.0, -9.0),
    )
    cost = step_cost(first, method) * len(method.models(5))
    record = execute(
        Run(
            "shapes", replace(first, budget=replace(first.budget, velocity_evaluations=cost)), name, method, 0, tmp_path
        )
    )
    assert record.status == "done"
    folder = tmp_path / "shapes" / "five-rewards" / name / "seed0"
    rows = read_table(folder / "evaluations.parquet")
    assert rows["reward_composition"].isna().sum() == rows["reward_text"].isna().sum() == len(rows) / 2
    assert (folder / "samples" / "index.json").exists()
    assert len(read_table(folder / "gramians.parquet")) > 0


def test_naming_the_suites_imports_no_model_library() -> None:
    program = (
        "import sys, benchmarks.suites; print([m for m in ('diffusers', 'peft', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
