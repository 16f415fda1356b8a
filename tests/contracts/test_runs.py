"""A whole run of every method: cut anywhere and gone on with, its records are those of a run that was never cut."""

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import execute as executing
from benchmarks.base import Benchmark
from benchmarks.checkpoints import load_tensors, read_position
from benchmarks.evaluate import evaluate
from benchmarks.execute import execute
from benchmarks.planner import plan
from benchmarks.records import read_run, read_steps, read_table
from benchmarks.run import Run
from benchmarks.session import Session
from benchmarks.train import Learner
from methods import METHODS
from methods.base import Method
from methods.marble import Marble
from methods.rewarded_soup import RewardedSoup
from methods.snapshots import LinearDecay, SnapshotSchedule
from methods.weightings.min_norm import MinNormWeighting
from tests.support.records import bytes_below, measurements
from tests.support.suites import CutError, cut_off, tiny_benchmark

SWEEP = ((1.0, 0.0), (0.75, 0.25), (0.5, 0.5), (0.25, 0.75), (0.0, 1.0))
STEPS = 15
MARBLE = Marble(
    weighting=MinNormWeighting(every=3, uniform_end=0.2),
    updates=2,
    snapshots=SnapshotSchedule(sampling=LinearDecay(1, 0.1, 0.9)),
)
VARIANTS: dict[str, Method] = {
    **{name: kind() for name, kind in METHODS.items()},  # type: ignore[call-arg]
    "marble in two updates": MARBLE,
}


def benchmark(**recipe: Any) -> Benchmark:
    return tiny_benchmark(steps=STEPS, sweep=SWEEP, **{"checkpoint_seconds": 0.0, **recipe})


def run_of(name: str, out: Path, **recipe: Any) -> Run:
    return Run("tiny", benchmark(**recipe), name.replace(" ", "_"), VARIANTS[name], 0, out)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Finished runs by the name of their method, each made when it is first asked for; read only."""

    @functools.cache
    def made(name: str) -> Run:
        run = run_of(name, tmp_path_factory.mktemp("whole"))
        execute(run)
        return run

    return made


def whole_of(finished: Any, name: str) -> Run:
    if name == "aggregated":
        pytest.importorskip("torchjd")
    run: Run = finished(name)
    return run


def assert_same_records(run: Run, whole: Run) -> None:
    found, expected = measurements(run.folder), measurements(whole.folder)
    for measured in (found, expected):
        measured["record"]["recipe"].pop("checkpoint_seconds")
    for name in ("evaluations.parquet", "gramians.parquet"):
        assert found[name] == expected[name], name
    assert found == expected
    assert set(bytes_below(run.folder)) == set(bytes_below(whole.folder))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_run_cut_twice_goes_on_to_the_same_records(tmp_path: Path, finished: Any, name: str) -> None:
    whole = whole_of(finished, name)
    run = run_of(name, tmp_path)
    assert read_run(whole.folder / "run.json").status == "done"
    total = run.total_steps
    cuts = (total // 3, 2 * total // 3 + 1)
    for at in cuts:
        cut_off(run, at)
        assert plan([run])[0].steps_done == at
    ticks: list[int] = []
    execute(run, ticks.append)
    assert ticks == list(range(cuts[1] + 1, total + 1))
    assert_same_records(run, whole)


@pytest.mark.parametrize("name", ["marble in two updates", "crd", "fixed_weights", "rewarded_soup"])
def test_a_run_cut_at_its_last_step_without_a_recent_state_does_it_again(
    tmp_path: Path, finished: Any, name: str
) -> None:
    whole = whole_of(finished, name)
    run = run_of(name, tmp_path, checkpoint_seconds=1e9)
    cut_off(run, run.total_steps - 1)
    assert plan([run])[0].steps_done < run.total_steps - 1
    execute(run)
    assert_same_records(run, whole)


@pytest.mark.parametrize("name", VARIANTS)
def test_all_that_is_recorded_is_finite(finished: Any, name: str) -> None:
    run = whole_of(finished, name)
    for index in range(len(run.models)):
        assert all(bool(t.isfinite().all()) for t in load_tensors(run.folder, f"model{index}").values())
    frame = read_table(run.folder / "evaluations.parquet")
    assert bool(np.isfinite(frame.select_dtypes("number").to_numpy()).all())
    gramians = read_table(run.folder / "gramians.parquet")
    assert bool(np.isfinite(gramians.select_dtypes("number").to_numpy()).all())
    rows = read_steps(run.folder / "steps.jsonl")
    assert len(rows) == run.total_steps
    for row in rows:
        numbers = [v for name, v in row.items() if not name.startswith("cosine")]
        assert None not in numbers
    record = read_run(run.folder / "run.json")
    assert all(entry.passed for entry in record.invariants), record.invariants
    assert record.spent.velocity_evaluations == run.velocity_evaluations
    assert record.spent.velocity_evaluations <= run.benchmark.budget.velocity_evaluations


def test_the_record_of_marble_says_when_it_solved(finished: Any) -> None:
    rows = read_steps(whole_of(finished, "marble").folder / "steps.jsonl")
    assert [row["solved"] for row in rows] == [1.0 if n % 10 == 0 else 0.0 for n in range(STEPS)]
    for row in rows:
        assert set(row["alpha"]) == {"first", "second"}
        assert sum(row["alpha"].values()) == pytest.approx(1, rel=1e-9)
        assert 0 <= row["solver_gap"] < 1e-9
        assert row["fallbacks"] == 0


def test_stages_of_a_sequential_run_cover_the_whole_training(finished: Any) -> None:
    rows = read_steps(whole_of(finished, "sequential").folder / "steps.jsonl")
    assert [row["weights"]["first"] for row in rows] == [1.0] * 8 + [0.0] * 7


def test_two_updates_a_step_are_counted_by_schedules_and_weighting(finished: Any) -> None:
    run = whole_of(finished, "marble in two updates")
    state = Learner(run.benchmark, run.method, 0)
    n_updates = 2 * run.total_steps
    assert int(state.weighting_state["uniform_from"]) == round(0.8 * n_updates)
    rows = read_steps(run.folder / "steps.jsonl")
    assert rows[-1]["old_decay"] == pytest.approx(0.001 * n_updates)
    solves = [any(n % 3 == 0 and n < round(0.8 * n_updates) for n in (2 * s, 2 * s + 1)) for s in range(len(rows))]
    assert [row["solved"] for row in rows] == solves


def mixed_evaluation(run: Run, weights: tuple[float, ...]) -> Mapping[str, Any]:
    """The evaluation of averaged weights, by hand."""
    learner = Learner(run.benchmark, run.models[0].method, 0)
    state = dict(learner.snapshots.state())
    parts = [load_tensors(run.folder, f"model{index}") for index in range(len(run.models))]
    for name in [name for name in state if name.startswith("current.")]:
        source = name.replace("current", "evaluation")
        mixed = [w * part[source] for w, part in zip(weights, parts, strict=True)]
        state[name] = torch.stack(mixed).sum(0)
    learner.snapshots.load(state)
    sweep = evaluate(run.benchmark, learner.bare, "current", [weights], 0, conditional=False, step=0, first_point=0)
    return sweep.columns


def test_a_soup_is_evaluated_at_its_models_and_between_them(finished: Any) -> None:
    run = whole_of(finished, "rewarded_soup")
    frame = read_table(run.folder / "evaluations.parquet")
    last = frame[frame["step"] == frame["step"].max()]
    found = last.groupby("point")[["preference_0", "preference_1"]].first()
    assert found.to_numpy().tolist() == [[1.0, 0.0], [0.0, 1.0], *map(list, SWEEP[1:4])]
    for point, preference in enumerate(found.to_numpy().tolist()):
        rows = last[last["point"] == point]
        expected = mixed_evaluation(run, tuple(preference))
        for name in ("reward_first", "reward_second"):
            np.testing.assert_allclose(rows[name], expected[name], rtol=1e-4, atol=1e-5)
    record = read_run(run.folder / "run.json")
    assert [point.step for point in record.checkpoints] == [0, 7]
    assert record.models == 2


class Stops:
    """A function that runs some number of times and then stops the process."""

    def __init__(self, function: Any, allowed: int) -> None:
        self.function, self.allowed = function, allowed

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        self.allowed -= 1
        if self.allowed < 0:
            raise CutError
        return self.function(*arguments, **keywords)


@pytest.mark.parametrize("allowed", [3, 4, 5])
def test_a_soup_cut_between_its_interpolations_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Any, allowed: int
) -> None:
    # Evaluations: the base, the two models, then three interpolations.
    run = run_of("rewarded_soup", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(executing, "evaluate", Stops(evaluate, allowed))
        with pytest.raises(CutError):
            execute(run)
    position = read_position(run.folder)
    assert position is not None
    assert position.model == 2
    planned = plan([run])[0]
    assert (planned.status, planned.steps_left) == ("running", 0)
    execute(run)
    assert_same_records(run, whole_of(finished, "rewarded_soup"))


def test_a_soup_cut_before_its_interpolations_are_saved_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Any
) -> None:
    run, save = run_of("rewarded_soup", tmp_path), Session.save

    def stops(session: Session, model: int, learner: Learner | None) -> None:
        if model == 3:
            raise CutError
        save(session, model, learner)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "save", stops)
        with pytest.raises(CutError):
            execute(run)
    execute(run)
    assert_same_records(run, whole_of(finished, "rewarded_soup"))


def test_a_finished_soup_is_not_evaluated_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Any) -> None:
    run = run_of("rewarded_soup", tmp_path)
    execute(run)
    monkeypatch.setattr(executing, "evaluate", Stops(evaluate, 0))
    assert execute(run).status == "done"
    assert_same_records(run, whole_of(finished, "rewarded_soup"))


def test_a_soup_over_a_sweep_of_corners_has_no_interpolations(tmp_path: Path) -> None:
    corners = tiny_benchmark(steps=4, sweep=((1.0, 0.0), (0.0, 1.0)))
    run = Run("tiny", corners, "rewarded_soup", RewardedSoup(), 0, tmp_path)
    assert execute(run).status == "done"
    assert sorted(set(read_table(run.folder / "evaluations.parquet")["point"])) == [0, 1]
    assert execute(replace(run)).status == "done"
