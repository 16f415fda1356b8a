"""Two processes that a launcher started do what one does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.distributed import ALONE, Processes, launched
from benchmarks.execute import execute
from benchmarks.records import UsageError, read_run, read_steps, read_table
from tests.support.parallel import short_runs

ROOT = Path(__file__).resolve().parents[2]
BEGUN = "marble"


def launch(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Let torch's launcher start two processes of a module."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    return subprocess.run(
        [*launcher, *arguments], check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
    )


class CutError(Exception):
    """Stands for the end of a process."""


def cut_at(step: int) -> Callable[[int], None]:
    def tick(done: int) -> None:
        if done == step:
            raise CutError

    return tick


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The records of every method of the toy suite from one process and from two; one run was begun by one process."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    for run in short_runs(one):
        execute(run)
    begun = next(run for run in short_runs(two) if run.method_name == BEGUN)
    with pytest.raises(CutError):
        execute(begun, cut_at(2))
    assert len(read_steps(begun.folder / "steps.jsonl")) == 2 < begun.total_steps
    done = launch("tests.support.parallel", str(two))
    assert done.returncode == 0, done.stderr
    return one, two


def methods_of(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "toy" / "specialists").iterdir())


def test_every_method_ran_in_both(both: tuple[Path, Path]) -> None:
    assert methods_of(both[0]) == methods_of(both[1])
    assert {"marble", "crd", "grpo", "pareto_slider", "rewarded_soup", "gdpo"} <= set(methods_of(both[1]))


def test_rewards_and_costs_are_those_of_one_process(both: tuple[Path, Path]) -> None:
    for name in methods_of(both[0]):
        one, two = (out / "toy" / "specialists" / name / "seed0" for out in both)
        alone, together = read_run(one / "run.json"), read_run(two / "run.json")
        assert (alone.processes, together.processes) == (1, 2)
        for a, b in zip(alone.checkpoints, together.checkpoints, strict=True):
            assert (a.step, a.velocity_evaluations, a.reward_calls) == (b.step, b.velocity_evaluations, b.reward_calls)
        expected, found = read_table(one / "evaluations.parquet"), read_table(two / "evaluations.parquet")
        assert list(expected.columns) == list(found.columns)
        for column in expected.columns:
            np.testing.assert_allclose(
                found[column], expected[column], rtol=1e-5, atol=1e-5, err_msg=f"{name} {column}"
            )


def numbers(row: dict[str, Any]) -> dict[str, float]:
    found = {}
    for key, value in row.items():
        if isinstance(value, dict) and key != "timings":
            found |= {f"{key}.{name}": part for name, part in value.items()}
        elif key not in ("seconds", "timings"):
            found[key] = value
    return {key: np.nan if value is None else value for key, value in found.items()}


def test_every_step_is_that_of_one_process(both: tuple[Path, Path]) -> None:
    for name in methods_of(both[0]):
        one, two = (read_steps(out / "toy" / "specialists" / name / "seed0" / "steps.jsonl") for out in both)
        assert len(one) == len(two) > 0
        for expected, found in zip(map(numbers, one), map(numbers, two), strict=True):
            assert expected.keys() == found.keys()
            for key, value in expected.items():
                # What counts clipped samples may change by one of them where an advantage lies at the clip.
                np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5, err_msg=f"{name} {key}")


def test_gramians_are_those_of_one_process(both: tuple[Path, Path]) -> None:
    for name in methods_of(both[0]):
        one, two = (read_table(out / "toy" / "specialists" / name / "seed0" / "gramians.parquet") for out in both)
        assert list(one["part"]) == list(two["part"])
        for column in one.columns.drop("part"):
            scale = np.abs(one[column]).max()
            np.testing.assert_allclose(two[column], one[column], rtol=1e-4, atol=1e-5 * scale, err_msg=name)


def test_a_fault_of_the_input_ends_both_with_one_line(tmp_path: Path) -> None:
    run = [
        "flowfront",
        "run",
        "toy",
        "--benchmark",
        "two-targets",
        "--method",
        "weighted_sum",
        "--seeds",
        "1",
        "--out",
        str(tmp_path),
    ]
    done = launch(*run, "--set", "recipe.prompts_per_step=3")
    assert done.returncode != 0
    line = "benchmark two-targets: 2 processes cannot share 3 prompts a step evenly"
    # The line is the run's, and the first process speaks for both.
    assert [line in said for said in done.stderr.splitlines()].count(True) == 1
    assert "test_distributed" not in done.stderr
    jobs = launch(*run, "--jobs", "2")
    assert "--jobs: expected none where a launcher started 2 processes, found 2" in jobs.stderr


def test_shares_cover_all_once() -> None:
    for size in range(1, 6):
        parts = [list(Processes(rank, size).share(13)) for rank in range(size)]
        assert [i for part in parts for i in part] == list(range(13))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_launcher_that_says_half_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(UsageError, match="found no RANK"), launched():
        pass


def test_without_a_launcher_a_process_is_alone() -> None:
    with launched() as processes:
        assert processes == ALONE
