"""Time and memory of a whole report against the number of evaluated samples.

`python -m benchmarks.report_scale` writes synthetic records of runs with 50,020 rows each, reports on them in a process
of its own, and says how long that took and how much memory it had. Only seconds depend on the machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.records import (
    EVALUATIONS_FILE,
    SCHEMA_VERSION,
    BenchmarkRecord,
    CheckpointRecord,
    CostRecord,
    InvariantRecord,
    MethodRecord,
    RewardRecord,
    RunRecord,
    run_folder,
    write_run,
    write_table,
)

METHODS, OBJECTIVES = 10, (2, 3)
POINTS, PROMPTS, SAMPLES = 20, 244, 5
STEPS = (0, 100, 500)
ROWS = (1 + (len(STEPS) - 1) * POINTS) * PROMPTS * SAMPLES
"""Of a run: the base model has one point, the other checkpoints have `POINTS`."""
RUNS_PER_SEED = METHODS * len(OBJECTIVES)


@dataclass(frozen=True)
class Measured:
    """What a report on so many runs took; `peak_bytes` is of the largest process."""

    runs: int
    rows: int
    seconds: float
    peak_bytes: int


def _benchmark(n_objectives: int) -> BenchmarkRecord:
    def reward(name: str) -> RewardRecord:
        return RewardRecord(name=name, unit="", higher_is_better=True, range=(None, None))

    return BenchmarkRecord(
        name=f"rewards-{n_objectives}",
        hash=f"synthetic-{n_objectives}",
        rewards=[reward(f"r{k}") for k in range(n_objectives)],
        held_out=[reward("held")],
        reference_point=[-1.0] * n_objectives,
        bounds=[(-1.0, 1.0)] * n_objectives,
    )


def _rows(n_objectives: int, method: int, seed: int) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of one run [`ROWS`]: rewards follow the preference, the more the higher the method's number.

    Args:
        n_objectives: K.
        method: Number of the method, in [0, `METHODS`).
        seed: Of the run.
    """
    draw = np.random.default_rng([n_objectives, method, seed])
    preferences = np.random.default_rng(n_objectives).dirichlet(np.ones(n_objectives), POINTS)
    center = np.full((1, n_objectives), 1.0 / n_objectives)
    blocks = []
    for step in STEPS:
        asked = center if step == 0 else preferences
        each, count = PROMPTS * SAMPLES, len(asked) * PROMPTS * SAMPLES
        reach = 0.4 + 0.5 * step / STEPS[-1] * (method + 1) / METHODS
        means = reach * np.sqrt(asked) + 0.01 * draw.standard_normal(asked.shape)
        block: dict[str, npt.NDArray[Any]] = {
            "step": np.full(count, step),
            "point": np.repeat(np.arange(len(asked)), each),
            "prompt_id": np.tile(np.repeat(np.arange(PROMPTS), SAMPLES), len(asked)),
            "sample": np.tile(np.arange(SAMPLES), len(asked) * PROMPTS),
            "held_out_held": draw.standard_normal(count).astype(np.float32),
        }
        for k in range(n_objectives):
            block[f"preference_{k}"] = np.repeat(asked[:, k], each)
            block[f"reward_r{k}"] = (np.repeat(means[:, k], each) + 0.1 * draw.standard_normal(count)).astype(
                np.float32
            )
        blocks.append(block)
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _record(n_objectives: int, method: int, seed: int) -> RunRecord:
    checkpoints = [
        CheckpointRecord(step=step, velocity_evaluations=1000 * step, reward_calls=100 * step, seconds=0.1 * step)
        for step in STEPS
    ]
    last = checkpoints[-1]
    spent = CostRecord(
        velocity_evaluations=last.velocity_evaluations, reward_calls=last.reward_calls, seconds=last.seconds,
        peak_memory_bytes=1,
    )  # fmt: skip
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        status="done",
        suite="scale",
        benchmark=_benchmark(n_objectives),
        method=MethodRecord(name=f"method_{method}", paper="", settings={}),
        seed=seed,
        models=1,
        budget={},
        recipe={},
        spent=spent,
        checkpoints=checkpoints,
        invariants=[InvariantRecord(name="synthetic", passed=True, value=0.0, requirement="0")],
        versions={},
        commit=None,
        device="cpu",
        threads=1,
    )


def write_runs(out: Path, seeds: Sequence[int]) -> None:
    """Write synthetic finished runs: ten methods on two benchmarks, one run of each for every seed."""
    for seed in seeds:
        for n_objectives in OBJECTIVES:
            for method in range(METHODS):
                record = _record(n_objectives, method, seed)
                folder = run_folder(out, record.suite, record.benchmark.name, record.method.name, seed)
                write_table(folder / EVALUATIONS_FILE, _rows(n_objectives, method, seed))
                write_run(folder, record)


def measure(folder: Path, runs: int) -> Measured:
    """Report on the records below a folder, in a fresh process, and return what that took.

    Raises:
        RuntimeError: If the report fails.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "flowfront", "report", str(folder), "--json"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        # Not `wait`: only this call says how much memory this one process and its children had.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"the report failed: {output.read().decode()[-400:]}")
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(runs, runs * ROWS, time.perf_counter() - started, usage.ru_maxrss * unit)


def _line(one: Measured) -> str:
    memory = f"{one.peak_bytes / 2**20:6.0f} MiB"
    return f"{one.runs:4d} runs  {one.rows / 1e6:6.2f} M rows  {one.seconds:6.1f} s  {memory}"


def _sizes(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"expected whole numbers above 0, separated by commas, found {text!r}")
    return sorted(map(int, parts))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_scale", description=__doc__)
    parser.add_argument(
        "--seeds", type=_sizes, default="1,2,5,10", help="seeds of each size; a seed is 20 runs, a million rows"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found: list[Measured] = []
    with tempfile.TemporaryDirectory() as name:
        out, written = Path(name), 0
        for size in arguments.seeds:
            write_runs(out, range(written, size))
            written = size
            found.append(measure(out, size * RUNS_PER_SEED))
            if not arguments.json:
                print(_line(found[-1]))
    if arguments.json:
        print(json.dumps([asdict(one) for one in found], indent=1))


if __name__ == "__main__":
    main()
