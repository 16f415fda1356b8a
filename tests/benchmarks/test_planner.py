"""From words to runs: names, changes, seeds, and what each run still needs."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.execute import execute
from benchmarks.planner import Request, find_method, find_suite, plan, request_from_config, resolve
from benchmarks.records import UsageError, read_run, write_run
from benchmarks.suites.toy import TOY
from methods.pareto_slider import ParetoSlider
from methods.samplers.ode import ODE
from tests.support.records import bytes_below, measurements
from tests.support.suites import tiny_suite

MODULE = """
from dataclasses import dataclass

from methods.fixed_weights import FixedWeights
from tests.support.suites import tiny_suite

SUITE = tiny_suite()


@dataclass(frozen=True, kw_only=True)
class MyOwnMethod(FixedWeights):
    n_models: int = 1


@dataclass(frozen=True, kw_only=True)
class NeedsMore(FixedWeights):
    more: int
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "planned_outside.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("planned_outside", None)


def request(**changes: Any) -> Request:
    return replace(Request("planned_outside:SUITE", (), (), None, (), "out"), **changes)


def names(found: Request) -> list[tuple[str, str, int]]:
    return [(run.benchmark.name, run.method_name, run.seed) for run in resolve(found)]


def test_runs_come_seed_by_seed() -> None:
    found = names(Request("toy", ("two-targets", "scales"), ("fixed_weights", "pareto_slider"), (4, 2), (), "out"))
    assert found == [
        (benchmark, method, seed)
        for seed in (4, 2)
        for benchmark in ("two-targets", "scales")
        for method in ("fixed_weights", "pareto_slider")
    ]


def test_by_default_everything_of_the_suite_is_run() -> None:
    found = names(Request("toy", (), (), None, (), "out"))
    assert len(found) == len(TOY.benchmarks) * len(TOY.methods) * len(TOY.seeds)
    assert {benchmark for benchmark, _, _ in found} == {benchmark.name for benchmark in TOY.benchmarks}


@pytest.mark.parametrize("change", [{"benchmarks": ("tiny", "tiny")}, {"methods": ("fixed_weights", "fixed_weights")}])
def test_a_name_given_twice_is_run_once(change: dict[str, Any]) -> None:
    found = names(request(**change))
    assert len(set(found)) == len(found)
    folders = [run.folder for run in resolve(request(**change))]
    assert len(set(folders)) == len(folders)


def test_a_method_has_the_settings_of_the_suite() -> None:
    run = resolve(request(methods=("pareto_slider",)))[0]
    assert run.method == tiny_suite().methods["pareto_slider"]
    assert run.method != ParetoSlider()
    assert find_method("weighted_sum_raw", tiny_suite())[1].anchor == 1e-4, "its own defaults where the suite has none"


def test_outside_suites_and_methods_are_found_in_the_working_directory() -> None:
    run = resolve(request(methods=("planned_outside:MyOwnMethod",)))[0]
    assert (run.suite, run.suite_origin, run.method_name) == ("tiny", "planned_outside:SUITE", "my_own_method")
    assert run.folder == Path("out/tiny/tiny/my_own_method/seed0")


def test_a_suite_of_the_project_has_no_origin() -> None:
    assert resolve(Request("toy", (), (), (0,), (), "out"))[0].suite_origin is None


def test_changes_reach_methods_recipe_and_budget() -> None:
    changes = (
        "pareto_slider.objective.beta=0.25",
        "recipe.group_size=12",
        "recipe.evaluate_at=[0.5,1.0]",
        "recipe.micro_batch=8",
        "budget.velocity_evaluations=2160",
        'pareto_slider.sampler={"class":"methods.samplers.ode:ODE","fields":{}}',
    )
    slider, fixed = resolve(request(changes=changes))
    assert isinstance(slider.method, ParetoSlider)
    assert slider.method.sampler == ODE()
    assert slider.method == replace(
        tiny_suite().methods["pareto_slider"],
        sampler=ODE(),
        objective=replace(ParetoSlider().objective, beta=0.25),  # type: ignore[type-var]
    )
    assert fixed.method == tiny_suite().methods["fixed_weights"]
    for run in (slider, fixed):
        assert run.benchmark.recipe.group_size == 12
        assert run.benchmark.recipe.evaluate_at == (0.5, 1.0)
        assert run.benchmark.recipe.micro_batch == 8
        assert run.total_steps == 2160 // 216
    assert slider.benchmark.fingerprint == tiny_suite().benchmarks[0].fingerprint


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Request("toi", (), (), None, (), "out"), "no suite 'toi': expected one of toy"),
        (request(benchmarks=("tinny",)), "no benchmark 'tinny' in suite tiny: expected one of tiny"),
        (request(methods=("slider",)), "no method 'slider': expected one of pareto_slider, "),
        (request(methods=("planned_outside:SUITE",)), "expected a subclass of methods.base.Method, found Suite"),
        (request(methods=("planned_outside:NeedsMore",)), "expected defaults for every field, found: "),
        (request(methods=("planned_outside:Nothing",)), "no Nothing in it"),
        (request(suite="planned_outside:MyOwnMethod"), "expected a benchmarks.base.Suite, found "),
        (request(suite="nowhere_at_all:SUITE"), "cannot import nowhere_at_all"),
        (request(changes=("pareto_slider.anchor",)), "--set: expected name.field=value, found 'pareto_slider.anchor'"),
        (request(changes=("=1",)), "--set: expected name.field=value"),
        (request(changes=("slider.anchor=1",)), "--set: no 'slider' in this run: expected one of pareto_slider, "),
        (request(methods=("fixed_weights",), changes=("pareto_slider.anchor=1",)), "--set: no 'pareto_slider' in this"),
        (request(changes=("recipe.groupsize=1",)), "recipe has no field 'groupsize': expected one of group_size, "),
        (request(changes=("budget.step=1",)), "budget has no field 'step': expected one of velocity_evaluations"),
        (request(changes=("recipe.group_size=7",)), "pareto_slider on tiny: slots must divide the group size"),
        (
            request(changes=("fixed_weights.weights=[0.2,0.3,0.5]",)),
            "on tiny: weights must have 2 entries, ",
        ),
        (request(changes=("fixed_weights.weights=[0.7,0.6]",)), "must be non-negative and sum to 1, found [0.7, 0.6]"),
        (
            request(changes=("budget.velocity_evaluations=100",)),
            "expected a budget of at least 108 velocity",
        ),
        (request(changes=("recipe.prompts_per_step=4",)), "expected prompts_per_step in 1..3, found 4"),
        (request(changes=("recipe.learning_rate=-1",)), "learning_rate must be positive"),
        (request(changes=("recipe.learning_rate=nan",)), "learning_rate must be positive"),
        (request(changes=("recipe.rollout_steps=0",)), "rollout_steps must be at least 1"),
        (request(changes=("recipe.threads=0",)), "threads must be at least 1"),
        (request(changes=("recipe.micro_batch=0",)), "micro_batch must be at least 1"),
        (request(changes=("recipe.shift=0",)), "shift must be positive"),
        (request(changes=("recipe.betas=[2,3]",)), "betas must be in [0, 1)"),
        (request(changes=("recipe.weight_decay=-1",)), "weight_decay must be finite and not negative"),
        (request(changes=("recipe.clip_norm=-1",)), "clip_norm must be positive"),
        (request(changes=("recipe.evaluate_at=[0]",)), "evaluate_at must hold shares in (0, 1]"),
        (request(changes=("recipe.evaluate_at=[1.5]",)), "evaluate_at must hold shares in (0, 1]"),
    ],
    ids=str,
)
def test_words_that_lead_to_no_run_are_refused_in_one_line(found: Request, says: str, tmp_path: Path) -> None:
    before = bytes_below(tmp_path)
    with pytest.raises(UsageError) as refused:
        resolve(found)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert {name: content for name, content in bytes_below(tmp_path).items() if "__pycache__" not in name} == before


def test_planning_writes_nothing(tmp_path: Path) -> None:
    assert {planned.status for planned in plan(resolve(request()))} == {"new"}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["pareto_slider", "my_own_method"])
def test_a_record_is_repeated_exactly(tmp_path: Path, name: str) -> None:
    method = {"pareto_slider": name, "my_own_method": "planned_outside:MyOwnMethod"}[name]
    changes = ("recipe.group_size=12", f"{name}.anchor=0.25", "recipe.evaluate_at=[0.5]", "recipe.learning_rate=0.01")
    run = resolve(request(methods=(method,), seeds=(3,), changes=changes))[0]
    execute(run)
    again = resolve(request_from_config(run.folder / "run.json", "again"))
    assert len(again) == 1
    assert again[0] == replace(run, out=Path("again"))
    execute(again[0])
    assert measurements(again[0].folder) == measurements(run.folder)


def test_a_record_of_another_benchmark_is_not_repeated(tmp_path: Path) -> None:
    run = resolve(request(methods=("fixed_weights",)))[0]
    execute(run)
    path = run.folder / "run.json"
    here = run.benchmark.fingerprint
    path.write_text(path.read_text().replace(here, "0" * 64))
    with pytest.raises(
        UsageError, match=rf"expected benchmark tiny with hash {here[:12]}, as defined here, found 0{{12}}"
    ):
        request_from_config(path, "again")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"tiny"', '"tinny"', "no benchmark 'tinny' in suite tiny"),
        ('"n_models": 2', '"n_model": 2', "has no field 'n_model', expected one of n_models, "),
        ('"group_size": 6', '"groupsize": 6', "unexpected keyword argument 'groupsize'"),
        ('"anchor": 0.001', '"anchor": -1', "anchor must be finite and >= 0, found -1"),
        ("methods.fixed_weights:FixedWeights", "methods.fixed_weights:FixedWeight", "expected one of FixedWeights, "),
        ("methods.fixed_weights:FixedWeights", "methods.nowhere:FixedWeights", "cannot import methods.nowhere"),
    ],
)
def test_a_record_that_was_edited_wrongly_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    run = resolve(request(methods=("fixed_weights",)))[0]
    execute(run)
    path = run.folder / "run.json"
    assert old in path.read_text()
    text = path.read_text()
    path.write_text(text.replace(f'"name": {old}', f'"name": {new}') if old == '"tiny"' else text.replace(old, new))
    with pytest.raises(UsageError) as refused:
        resolve(request_from_config(path, "again"))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_find_suite_gives_the_suites_of_the_project() -> None:
    assert find_suite("toy") is TOY


def test_the_record_names_the_origin_of_its_suite() -> None:
    run = resolve(request(methods=("fixed_weights",)))[0]
    execute(run)
    assert read_run(run.folder / "run.json").suite_origin == "planned_outside:SUITE"


def test_a_method_from_outside_meets_the_conditions_of_the_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside_conditions.py").write_text(
        "from dataclasses import dataclass, field\n"
        "from methods.base import Weighting\n"
        "from methods.nft_method import NFTMethod\n"
        "from methods.weightings.fixed import FixedWeighting\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Plain(NFTMethod):\n"
        "    paper = 'none'\n"
        "    weighting: Weighting = field(default_factory=FixedWeighting)\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Loose(Plain):\n"
        "    anchor: float = 0.0\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    conditions = TOY.conditions
    _, plain = find_method("outside_conditions:Plain", TOY)
    _, loose = find_method("outside_conditions:Loose", TOY)
    assert (plain.anchor, plain.snapshots) == (conditions["anchor"], conditions["snapshots"])
    assert (loose.anchor, loose.snapshots) == (0.0, conditions["snapshots"])
    for name, method in TOY.methods.items():
        if name in ("crd", "grpo"):  # anchor and old weights of their own; what is evaluated is averaged alike
            assert method.snapshots.evaluation == conditions["snapshots"].evaluation
        else:
            assert (method.anchor, method.snapshots) == (conditions["anchor"], conditions["snapshots"])


def test_two_methods_of_one_name_are_refused() -> None:
    request = Request("toy", (), ("fixed_weights", "methods.fixed_weights:FixedWeights"), (0,), (), "out")
    with pytest.raises(UsageError, match=r"expected another name than fixed_weights, which is taken in this run"):
        resolve(request)


def test_a_config_repeats_the_changes_of_its_benchmark(tmp_path: Path) -> None:
    prompts = tmp_path / "mine.json"
    prompts.write_text('["east", "north"]')
    changes = ("benchmark.evaluation_prompts=mine.json", "evaluation.samples=3", "pareto_slider.anchor=0.5")
    run = resolve(request(changes=changes, methods=("pareto_slider",), seeds=(0,)))[0]
    assert run.benchmark.evaluated == ("east", "north")
    record = run.record()
    assert record.changes == list(changes[:2])
    write_run(run.folder, record)
    again = resolve(request_from_config(run.folder / "run.json", "out"))
    assert [(r.settings(), r.changes) for r in again] == [(run.settings(), run.changes)]
    prompts.write_text('["east", "west"]')
    with pytest.raises(UsageError, match="expected benchmark tiny with hash"):
        request_from_config(run.folder / "run.json", "out")
    prompts.unlink()
    with pytest.raises(UsageError, match=r"^prompts mine\.json: expected a file, found none$"):
        request_from_config(run.folder / "run.json", "out")


def test_records_from_before_changes_were_recorded_are_read(tmp_path: Path) -> None:
    run = resolve(request(methods=("pareto_slider",), seeds=(0,)))[0]
    write_run(run.folder, run.record())
    path = run.folder / "run.json"
    content = json.loads(path.read_text())
    assert content.pop("changes") == []
    path.write_text(json.dumps(content))
    assert read_run(path).changes == []
    assert request_from_config(path, "out").changes == ()
