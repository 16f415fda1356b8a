"""Bounds follow the stated rule from the points of finished runs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.calibrate import calibrate, widened
from benchmarks.execute import execute
from benchmarks.records import EVALUATIONS_FILE, UsageError, read_run, read_table, write_run
from benchmarks.run import Run
from tests.support.suites import tiny_benchmark, tiny_methods


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.43, -1.12), (12.0, 97.3), (0.301, 0.302)])
def test_bounds_leave_half_the_distance_on_both_sides_and_not_much_more(low: float, high: float) -> None:
    bottom, top = widened(low, high, (None, None))
    room = 0.5 * (high - low)
    assert bottom <= low - room + 1e-9
    assert top >= high + room - 1e-9
    assert top - bottom <= (high - low) * 2.5


def test_bounds_stay_within_the_rewards_range() -> None:
    assert widened(0.05, 0.95, (0.0, 1.0)) == (0.0, 1.0)
    assert widened(-0.9, -0.1, (None, 0.0))[1] == 0.0


def test_points_that_do_not_differ_are_refused() -> None:
    with pytest.raises(UsageError, match="points that differ"):
        widened(0.5, 0.5, (None, None))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = Run("tiny", tiny_benchmark(), "fixed_weights", tiny_methods()["fixed_weights"], 7, tmp_path)
    execute(run)
    return run.folder


def test_the_range_is_that_of_the_points_means(folder: Path) -> None:
    found = calibrate(folder)[read_run(folder / "run.json").benchmark.name]
    frame = read_table(folder / EVALUATIONS_FILE)
    for name, row in found["rewards"].items():
        # A naive twin: loop over the points.
        means = [
            float(np.nanmean(frame[(frame["step"] == step) & (frame["point"] == point)][f"reward_{name}"]))
            for step, point in {(int(s), int(p)) for s, p in zip(frame["step"], frame["point"], strict=True)}
        ]
        assert row["lowest"] == pytest.approx(min(means))
        assert row["highest"] == pytest.approx(max(means))
        assert row["reference_point"] == row["bounds"][0] < min(means)
    assert found["runs"] == [{"method": "fixed_weights", "seed": 7, "commit": read_run(folder / "run.json").commit}]


def test_an_unfinished_run_is_refused(folder: Path) -> None:
    record = read_run(folder / "run.json")
    write_run(folder, record.model_copy(update={"status": "running"}))
    with pytest.raises(UsageError, match="expected a finished run, found status running"):
        calibrate(folder)


def test_the_command_prints_json_and_ends_with_2_on_bad_input(folder: Path, tmp_path: Path) -> None:
    def call(path: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "benchmarks.calibrate", str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert set(json.loads(call(folder).stdout)) == {read_run(folder / "run.json").benchmark.name}
    bad = call(tmp_path / "nowhere")
    assert bad.returncode == 2
    assert bad.stderr.startswith("error: no such folder")
    assert bad.stderr.count("\n") == 1
