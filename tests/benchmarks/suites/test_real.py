"""The suites on real checkpoints: their prompts, corners and costs, and that words put them on small ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.base import Benchmark
from benchmarks.execute import execute
from benchmarks.planner import Request, plan, request_from_config, resolve
from benchmarks.records import UsageError, find_runs, read_run, read_table
from benchmarks.suites import SUITES
from benchmarks.suites.papers import BOXES, nft_cost
from benchmarks.tasks.edit_scenes import write_scenes
from benchmarks.tasks.edits import split_edit
from benchmarks.tasks.geneval_prompts import PromptError, in_test, parse
from benchmarks.train import step_cost
from flowfront.show import catalog
from methods.nft_single import NFTSingle
from tests.support.checkpoints import save

NAMES = (
    "sd35-five-rewards",
    "sd35-photo-sketch",
    "sd35-ocr",
    "sd35-geneval",
    "sd35-samplers",
    "kontext-edit",
    "ltx2-video",
)
suites = pytest.mark.parametrize("name", NAMES)
SMALL = (
    "backbone.precision=float32", "backbone.device=cpu", "backbone.lora.rank=2", "backbone.preference.hidden=8",
    "recipe.prompts_per_step=2", "recipe.group_size=6", "recipe.rollout_steps=2", "recipe.threads=1", "budget.steps=1",
    "evaluation.samples=1", "evaluation.steps=2", "benchmark.n_prompts=6", "benchmark.n_evaluation_prompts=3",
)  # fmt: skip


def benchmark_of(name: str) -> Benchmark:
    return SUITES[name].benchmarks[0]


def channel(index: int, name: str) -> str:
    fields = {"index": index, "name": name}
    return json.dumps({"class": "tests.support.families:Channel", "fields": fields})


def small(name: str, folder: Path) -> tuple[str, ...]:
    """Changes that put a suite on a folder, with rewards that need no files."""
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "model_index.json").write_text("{}")
    benchmark = benchmark_of(name)
    rewards = [*benchmark.rewards, *benchmark.held_out]
    replaced = [f"{reward.name}={channel(k % 3, reward.name)}" for k, reward in enumerate(rewards)]
    return (f"backbone.path={model}", *SMALL, *replaced)


@suites
def test_prompts_of_training_and_evaluation_are_apart_and_enough(name: str) -> None:
    benchmark = benchmark_of(name)
    assert not set(benchmark.prompts) & set(benchmark.evaluated)
    assert len(benchmark.prompts) >= max(48, benchmark.recipe.prompts_per_step)
    for prompts, test in ((benchmark.prompts, False), (benchmark.evaluated, True)):
        for prompt in prompts:
            try:
                assert in_test(parse(prompt)) == test
            except PromptError:
                continue


@suites
def test_the_reference_point_lies_below_every_bound_and_every_range(name: str) -> None:
    benchmark = benchmark_of(name)
    for reward, worst, (low, high) in zip(benchmark.rewards, benchmark.reference_point, benchmark.bounds, strict=True):
        assert reward.higher_is_better
        assert worst <= low < high
        lowest, highest = reward.range
        if BOXES[reward.name].low == lowest:
            assert worst < lowest
        assert highest is None or low < highest


@suites
def test_the_budget_is_the_papers_iterations(name: str) -> None:
    benchmark = benchmark_of(name)
    if name == "sd35-samplers":
        costs = {step_cost(benchmark, method) for method in SUITES[name].methods.values()}
        assert costs == {benchmark.budget.velocity_evaluations / 3000}
    else:
        assert step_cost(benchmark, NFTSingle()) == nft_cost(benchmark.recipe)
        assert benchmark.budget.velocity_evaluations % nft_cost(benchmark.recipe) == 0


@suites
def test_nothing_is_trained_on_and_held_out_and_no_reward_is_called_like_a_method(name: str) -> None:
    benchmark = benchmark_of(name)
    rewards = [reward.name for reward in (*benchmark.rewards, *benchmark.held_out)]
    assert len(set(rewards)) == len(rewards)
    assert not set(rewards) & {*SUITES[name].methods, "backbone", "budget", "evaluation", "recipe", "benchmark"}


def test_the_five_rewards_have_a_specialist_each_in_their_order() -> None:
    suite, benchmark = SUITES["sd35-five-rewards"], benchmark_of("sd35-five-rewards")
    specialists = {name: method for name, method in suite.methods.items() if isinstance(method, NFTSingle)}
    assert [method.reward for method in specialists.values()] == [0, 1, 2, 3, 4]
    for name, method in specialists.items():
        assert benchmark.rewards[method.reward].name.startswith(name.removeprefix("specialist_"))


@suites
def test_a_suite_is_put_on_a_small_checkpoint_by_words_alone(name: str, tmp_path: Path) -> None:
    changes = small(name, tmp_path)
    runs = resolve(Request(name, (), (), (0,), changes, str(tmp_path / "out")))
    assert [run.method_name for run in runs] == list(SUITES[name].methods)
    benchmark = runs[0].benchmark
    assert benchmark.fingerprint != other_or_none(benchmark_of(name))
    assert (len(benchmark.prompts), len(benchmark.evaluated)) == (6, 3)
    assert {type(reward).__name__ for reward in (*benchmark.rewards, *benchmark.held_out)} == {"Channel"}
    assert benchmark.gallery is None or set(benchmark.gallery.prompts) <= set(benchmark.evaluated)
    assert {p.status for p in plan(runs)} == {"new"}
    for run in runs:
        assert all(run.steps_of(model) >= 1 for model in run.models)
        kept = run.record().changes
        assert kept == [text for text in changes if not text.startswith(("recipe.", "budget."))]


def other_or_none(benchmark: Benchmark) -> str | None:
    try:
        return benchmark.fingerprint
    except UsageError:
        return None


def test_files_that_are_not_there_are_named_with_the_way_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listed = catalog()["suites"]
    unknown = {name for name in listed for about in listed[name]["benchmarks"].values() if about["hash"] is None}
    # The others need files of the Hub alone, which are told by their names.
    assert unknown == {"sd35-five-rewards", "sd35-samplers", "sd35-ocr", "sd35-geneval"}
    run = resolve(Request("sd35-ocr", (), ("crd",), (0,), (), "out"))[0]
    with pytest.raises(UsageError) as refused:
        run.record()
    assert "reward hps_v2.1: cannot read models/hps_v2.1" in str(refused.value)
    assert "by --set hps_v2.1.FIELD=VALUE, or leave it out by --set 'benchmark.held_out=[...]'" in str(refused.value)


def test_source_pictures_are_named_once(tmp_path: Path) -> None:
    write_scenes(tmp_path / "mine", side=32)
    assert len((tmp_path / "mine" / "prompts.txt").read_text().splitlines()) == 360
    (tmp_path / "model").mkdir()
    changes = (f"backbone.path={tmp_path / 'model'}", f"backbone.sources={tmp_path / 'mine'}")
    benchmark: Any = resolve(Request("kontext-edit", (), ("pareto_slider",), (0,), changes, "out"))[0].benchmark
    assert benchmark.rewards[0].folder == tmp_path / "mine"
    assert benchmark.rewards[1].sources == benchmark.held_out[0].sources == tmp_path / "mine"
    for prompt in (*benchmark.prompts, *benchmark.evaluated):
        assert (tmp_path / "mine" / split_edit(prompt)[0]).is_file()


def test_a_run_on_a_small_checkpoint_is_recorded_and_repeated(tmp_path: Path) -> None:
    settings = save("sd3", tmp_path / "sd3")
    # Settings of the command line come after those of a file; lines are not searched for, which takes most of the time.
    changes = (
        f"@{settings}", "ocr.detect=false", "benchmark.held_out=[]", "recipe.group_size=2", "recipe.evaluate_at=[]",
        "budget.steps=1", "benchmark.n_evaluation_prompts=2",
    )  # fmt: skip
    request = Request("sd35-ocr", (), ("nft_single",), (0,), changes, str(tmp_path / "out"))
    run = resolve(request)[0]
    execute(run, lambda _: None)
    record = read_run(run.folder / "run.json")
    assert record.status == "done"
    assert "benchmark.n_prompts=8" in record.changes
    own = ["ocr.detect=false", "benchmark.held_out=[]", "benchmark.n_evaluation_prompts=2"]
    assert record.changes[-3:] == own
    rewards = read_table(run.folder / "evaluations.parquet")["reward_ocr"]
    assert rewards.between(0, 1).all()
    assert (run.folder / "samples" / "index.json").is_file()
    assert len(find_runs(tmp_path / "out")) == 1
    again = resolve(request_from_config(run.folder / "run.json", str(tmp_path / "out")))
    assert [(r.benchmark.fingerprint, r.settings()) for r in again] == [(run.benchmark.fingerprint, run.settings())]
    assert [p.status for p in plan(again)] == ["done"]
