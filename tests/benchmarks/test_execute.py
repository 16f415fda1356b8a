"""A run from start to end: its records, and that cutting it anywhere changes no number of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import collect as collecting
from benchmarks.base import RewardError
from benchmarks.checkpoints import load_tensors, read_position
from benchmarks.execute import execute
from benchmarks.planner import plan
from benchmarks.records import RunRecord, UsageError, read_run, read_steps, read_table
from benchmarks.run import Run, stored_status
from benchmarks.train import Learner
from methods.base import Method, Rollout
from methods.grpo import FlowGRPO
from methods.objectives.grpo import GRPO
from methods.snapshots import Decay, LinearDecay, OnPolicy, SnapshotSchedule
from tests.support.records import bytes_below, measurements
from tests.support.suites import (
    FIRST,
    SWEEP,
    Fault,
    FaultyReward,
    tiny_benchmark,
    tiny_run,
)

OFTEN = tiny_benchmark(checkpoint_seconds=0.0)
NAMES = ("pareto_slider", "fixed_weights")
methods = pytest.mark.parametrize("name", NAMES)


@methods
def test_a_run_leaves_the_files_it_should_and_no_others(whole: Mapping[str, Run], name: str) -> None:
    models = {f"checkpoints/model{i}.safetensors" for i in range({"pareto_slider": 1, "fixed_weights": 2}[name])}
    assert set(bytes_below(whole[name].folder)) == models | {
        "run.json",
        "steps.jsonl",
        "evaluations.parquet",
        "gramians.parquet",
        "checkpoints/state.json",
    }


@methods
def test_the_record_says_what_was_done_and_what_it_cost(whole: Mapping[str, Run], name: str) -> None:
    run = whole[name]
    record = read_run(run.folder / "run.json")
    assert (record.status, record.error, record.suite, record.seed) == ("done", None, "tiny", 0)
    assert record.method.name == name
    assert record.method.settings["fields"]["anchor"] == 1e-3
    assert record.method.paper == run.method.paper
    assert record.benchmark.hash == run.benchmark.fingerprint
    assert record.budget == {"velocity_evaluations": 648}
    assert record.recipe["learning_rate"] == 3e-3
    assert record.recipe["evaluate_at"] == [1 / 3]
    assert record.models == {"pareto_slider": 1, "fixed_weights": 2}[name]
    assert record.spent.velocity_evaluations == run.velocity_evaluations == 648
    assert record.spent.reward_calls == 6 * 12
    assert record.spent.seconds > 0
    assert record.spent.peak_memory_bytes > 2**20
    assert {"python", "torch", "numpy", "flowfront"} <= set(record.versions)
    assert record.threads == 1
    assert "cpu" in record.device


@methods
def test_checkpoints_add_up_the_cost_of_all_models(whole: Mapping[str, Run], name: str) -> None:
    record = read_run(whole[name].folder / "run.json")
    found = [(point.step, point.velocity_evaluations, point.reward_calls) for point in record.checkpoints]
    assert (
        found
        == {
            "pareto_slider": [(0, 0, 0), (2, 216, 24), (6, 648, 72)],
            "fixed_weights": [(0, 0, 0), (2, 2 * 216, 2 * 24), (3, 2 * 324, 2 * 36)],
        }[name]
    )


@methods
def test_the_invariants_hold_and_are_those_of_the_method(whole: Mapping[str, Run], name: str) -> None:
    found = {entry.name: entry.passed for entry in read_run(whole[name].folder / "run.json").invariants}
    slider = {"slider_is_identity_at_start", "preference_changes_output"} if name == "pareto_slider" else set()
    assert set(found) == {"no_contrast_at_start", "contrast_after_training", "rewards_finite"} | slider
    assert all(found.values())


@pytest.mark.parametrize("old", [OnPolicy(), LinearDecay(start=75, rate=0.0075)])
def test_a_method_without_old_weights_is_not_asked_for_a_contrast(tmp_path: Path, old: Decay) -> None:
    # The second has none in its first 75 updates, and this run has six.
    run = tiny_run(tmp_path)
    run = replace(run, method=replace(run.method, snapshots=SnapshotSchedule(old=old)))
    assert "contrast_after_training" not in {entry.name for entry in execute(run).invariants}


def test_every_step_is_logged_once(whole: Mapping[str, Run]) -> None:
    steps = {name: read_steps(run.folder / "steps.jsonl") for name, run in whole.items()}
    assert [(row["model"], row["step"]) for row in steps["pareto_slider"]] == [(0, s) for s in range(1, 7)]
    assert [(row["model"], row["step"]) for row in steps["fixed_weights"]] == [
        (m, s) for m in (0, 1) for s in range(1, 4)
    ]
    for row in steps["fixed_weights"]:
        assert row["weights"] == {"first": 1.0 - row["model"], "second": float(row["model"])}
    for rows in steps.values():
        for row in rows:
            assert {"reward_first", "loss_second", "samples_first", "gradient_norm", "old_decay", "seconds"} <= set(row)
            assert ("cosine_first" in row) == (row["step"] % 2 == 1), "measured on every second step from the first on"


def test_sweeps_are_recorded_at_every_stop(whole: Mapping[str, Run]) -> None:
    frame = read_table(whole["pareto_slider"].folder / "evaluations.parquet")
    counts = frame.groupby(["step", "point"]).size().to_dict()
    assert counts == {(0, 0): 6} | {(step, point): 6 for step in (2, 6) for point in range(3)}
    for point, preference in enumerate(SWEEP):
        rows = frame[(frame["step"] == 6) & (frame["point"] == point)]
        assert set(rows["preference_0"]) == {preference[0]}

    frame = read_table(whole["fixed_weights"].folder / "evaluations.parquet")
    counts = frame.groupby(["step", "point"]).size().to_dict()
    assert counts == {(0, 0): 6} | {(step, point): 6 for step in (2, 3) for point in range(2)}
    last = frame[frame["step"] == 3]
    assert dict(zip(last["point"], last["preference_0"], strict=True)) == {0: 1.0, 1: 0.0}


def test_the_base_model_is_the_same_for_every_method(whole: Mapping[str, Run]) -> None:
    frames = [read_table(run.folder / "evaluations.parquet") for run in whole.values()]
    one, other = (frame[frame["step"] == 0].reset_index(drop=True) for frame in frames)
    assert one.equals(other)


@methods
def test_gramians_are_those_of_the_measured_steps(whole: Mapping[str, Run], name: str) -> None:
    frame = read_table(whole[name].folder / "gramians.parquet")
    numbers = ["g_0_0", "g_0_1", "g_1_0", "g_1_1", "u_0", "u_1", "u_u"]
    assert list(frame) == ["model", "step", "part", *numbers]
    layers = ("state", "noise_level", "prompt", "preference", "blocks.0", "blocks.1", "output")
    sigmas = ("0-0.25", "0.25-0.5", "0.5-0.75", "0.75-1")
    parts = ["all", *(f"layer:{layer}" for layer in layers), *(f"sigma:{sigma}" for sigma in sigmas)]
    measured = {"pareto_slider": [(0, 1), (0, 3), (0, 5)], "fixed_weights": [(m, s) for m in (0, 1) for s in (1, 3)]}
    found = list(zip(frame["model"], frame["step"], frame["part"], strict=True))
    assert found == [(*at, part) for at in measured[name] for part in parts]
    np.testing.assert_allclose(frame["g_0_1"], frame["g_1_0"], rtol=1e-12)
    whole_network = frame[frame["part"] == "all"]
    assert (whole_network[["g_0_0", "g_1_1", "u_u"]] > 0).all(axis=None)
    assert (frame["g_0_0"] * frame["g_1_1"] >= frame["g_0_1"] ** 2 * (1 - 1e-9)).all()
    assert (frame["g_0_0"] * frame["u_u"] >= frame["u_0"] ** 2 * (1 - 1e-9)).all()
    by_layer = frame[frame["part"].str.startswith("layer:")].groupby(["model", "step"], sort=False)[numbers].sum()
    np.testing.assert_allclose(by_layer.to_numpy(), whole_network[numbers].to_numpy(), rtol=1e-9)


def test_the_last_checkpoint_is_the_trained_model(whole: Mapping[str, Run]) -> None:
    run = whole["pareto_slider"]
    learner = Learner(run.benchmark, run.method, run.seed)
    for _ in range(6):
        learner.advance()
    found = load_tensors(run.folder, "model0")
    expected = learner.snapshots.state()
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("nan", "reward broken: expected a score for at least one prompt, found NaN everywhere"),
        ("inf", "reward broken: expected finite scores or NaN, found inf for prompt 'up'"),
        ("shape", r"reward broken: expected shape \(6,\), one score a sample, found \(6, 1\)"),
        ("refuses", "reward broken: expected a server"),
    ],
)
def test_a_failed_run_says_so_and_is_tried_again(tmp_path: Path, fault: Fault, says: str) -> None:
    run = tiny_run(tmp_path, benchmark=tiny_benchmark(rewards=(FIRST, FaultyReward(fault)), true_front=False))
    for _ in range(2):
        with pytest.raises(RewardError, match=says) as refused:
            execute(run)
        record = read_run(run.folder / "run.json")
        assert record.status == "failed"
        assert record.error == str(refused.value)
        assert plan([run])[0].status == "failed"


@dataclass(frozen=True)
class Fragile:
    """A reward that fails when told to, and otherwise scores."""

    fails: Callable[[], bool]
    name: str = "fragile"
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        if self.fails():
            raise RewardError("reward fragile: expected an answer, found none")
        return -samples.square().sum(1)

    def describe(self) -> Mapping[str, Any]:
        return {}


def fragile_run(out: Path, fails: Callable[[], bool], **recipe: Any) -> Run:
    benchmark = tiny_benchmark(rewards=(FIRST, Fragile(fails)), true_front=False, **recipe)
    return tiny_run(out, benchmark=benchmark)


@pytest.mark.parametrize("calls", [2, 3, 5])
def test_what_was_measured_before_a_failure_is_kept(tmp_path: Path, calls: int) -> None:
    # Calls: 1 the base model, 2 and 3 the first steps, 4 the sweep after step 2, 5 the third step.
    count = iter(range(1, 100))
    run = fragile_run(tmp_path, lambda: next(count) == calls)
    with pytest.raises(RewardError):
        execute(run)
    record = read_run(run.folder / "run.json")
    assert record.status == "failed"
    steps = {2: 0, 3: 1, 5: 2}[calls]
    evaluated = {2: [0], 3: [0], 5: [0, 2]}[calls]
    assert [point.step for point in record.checkpoints] == evaluated
    frame = read_table(run.folder / "evaluations.parquet")
    assert sorted(set(frame["step"])) == evaluated
    assert [row["step"] for row in read_steps(run.folder / "steps.jsonl")] == list(range(1, steps + 1))
    # The rollouts of the failed step are kept, with what they cost; its rewards are asked for again.
    assert record.spent.velocity_evaluations == steps * 108 + 12 * 3
    assert record.spent.reward_calls == steps * 12
    position = read_position(run.folder)
    assert (position.step if position else 0) == steps


def test_a_mended_run_goes_on_to_the_records_of_one_that_never_failed(tmp_path: Path) -> None:
    count = iter(range(1, 100))
    run = fragile_run(tmp_path / "failed", lambda: next(count) == 7, checkpoint_seconds=0.0)
    with pytest.raises(RewardError):
        execute(run)
    assert plan([run])[0].steps_done == 4
    execute(run)
    smooth = fragile_run(tmp_path / "smooth", lambda: False, checkpoint_seconds=0.0)
    execute(smooth)
    assert measurements(run.folder) == measurements(smooth.folder)


@pytest.mark.parametrize("method", [None, FlowGRPO(objective=GRPO(clip_range=0.2))])
def test_rollouts_whose_reward_failed_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Method | None
) -> None:
    made: list[int] = []
    roll_out = collecting._roll_out

    def counted(*given: Any) -> Rollout:
        made.append(1)
        return roll_out(*given)

    monkeypatch.setattr(collecting, "_roll_out", counted)
    count = iter(range(1, 100))
    runs = [
        fragile_run(tmp_path / "failed", lambda: next(count) in (3, 4, 6, 8)),
        fragile_run(tmp_path / "smooth", bool),
    ]
    failed, smooth = runs if method is None else [replace(run, method=method) for run in runs]
    execute(smooth)
    steps = len(made)
    made.clear()
    # Twice in the second step, in the sweep behind it, and in the third step.
    for _ in range(4):
        with pytest.raises(RewardError):
            execute(failed)
    execute(failed)
    assert len(made) == steps == smooth.total_steps
    assert measurements(failed.folder) == measurements(smooth.folder)


def test_a_diverged_run_fails_and_keeps_its_measurements(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, benchmark=tiny_benchmark(learning_rate=1e30))
    with pytest.raises(UsageError, match="expected a finite gradient, found norm"):
        execute(run)
    record = read_run(run.folder / "run.json")
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.startswith("benchmark tiny: expected a finite gradient")
    assert len(read_table(run.folder / "evaluations.parquet")) == 6


def test_a_reference_point_the_base_does_not_beat_stops_the_run_before_training(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, benchmark=tiny_benchmark(reference_point=(-0.5, -40.0)))
    ticks: list[int] = []
    with pytest.raises(UsageError, match="reference_point must be worse than the base model in every reward"):
        execute(run, ticks.append)
    assert ticks == []
    assert read_run(run.folder / "run.json").status == "failed"


CHANGES: dict[str, tuple[Callable[[Run], Run], str]] = {
    "recipe": (
        lambda run: replace(run, benchmark=tiny_benchmark(learning_rate=1.0)),
        r"recipe\.learning_rate = 1\.0\), found 0\.003",
    ),
    "budget": (
        lambda run: replace(run, benchmark=tiny_benchmark(steps=7)),
        r"budget\.velocity_evaluations = 756\), found 648",
    ),
    "benchmark": (
        lambda run: replace(run, benchmark=tiny_benchmark(reference_point=(-9.0, -40.0))),
        r"benchmark = \w+\), found \w+",
    ),
    "method": (
        lambda run: replace(run, method=replace(run.method, anchor=0.5)),
        r"method\.fields\.anchor = 0\.5\), found 0\.001",
    ),
    "part": (
        lambda run: replace(run, method=replace(run.method, snapshots=SnapshotSchedule(old=OnPolicy()))),
        r"method\.fields\.snapshots\.fields\.old\.class = methods\.snapshots:OnPolicy\), found methods",
    ),
}


@pytest.mark.parametrize(("other", "says"), CHANGES.values(), ids=CHANGES.keys())
def test_other_settings_are_refused_and_overwrite_nothing(
    tmp_path: Path, other: Callable[[Run], Run], says: str
) -> None:
    run = tiny_run(tmp_path)
    execute(run)
    before = bytes_below(run.folder)
    with pytest.raises(UsageError, match=rf"run\.json: expected the same settings as now \({says}") as refused:
        plan([other(run)])
    assert "\n" not in str(refused.value)
    assert bytes_below(run.folder) == before


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    run.folder.mkdir(parents=True)
    assert stored_status(run) == "new"
    (run.folder / "steps.jsonl").write_text("precious")
    with pytest.raises(UsageError, match=r"expected an empty folder or one with a run\.json, found other files"):
        stored_status(run)
    assert bytes_below(run.folder) == {"steps.jsonl": b"precious"}


@pytest.mark.parametrize(("status", "expected"), [("done", "done"), ("failed", "failed"), ("running", "running")])
def test_the_status_is_that_of_the_record(tmp_path: Path, status: str, expected: str) -> None:
    run = tiny_run(tmp_path)
    execute(run)
    path = run.folder / "run.json"
    content = json.loads(path.read_text()) | {"status": status}
    path.write_text(json.dumps(content))
    assert stored_status(run) == expected


def test_executing_a_finished_run_again_changes_no_measurement(whole: Mapping[str, Run], tmp_path: Path) -> None:
    run = tiny_run(tmp_path, benchmark=OFTEN)
    execute(run)
    ticks: list[int] = []
    record: RunRecord = execute(run, ticks.append)
    assert ticks == []
    assert record.status == "done"
    assert measurements(run.folder) == measurements(whole["pareto_slider"].folder)
