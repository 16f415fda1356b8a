"""How good the untrained models of a suite are: rewards, held-out rewards, drift, diversity, and time a sample."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from analysis.drift import diversity, frechet_distance
from analysis.statistics import Interval, interval
from benchmarks.base import Benchmark
from benchmarks.changes import changed_benchmarks, expanded
from benchmarks.evaluate import Columns, evaluate, feature_columns
from benchmarks.planner import chosen_benchmarks, find_suite


def measure(
    suite: str, benchmarks: Sequence[str], seeds: Sequence[int], threads: int, changes: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return what the base model of each benchmark reaches on its evaluation prompts, as JSON data.

    Args:
        suite: Name, or `module:NAME`.
        benchmarks: Names; none for all.
        seeds: One evaluation each, with noise of its own.
        threads: Threads of torch.
        changes: `name.field=value` texts that change the benchmarks; see `benchmarks.changes`.

    Raises:
        UsageError: If a name is unknown, a change does not fit or a reward fails.
    """
    torch.set_num_threads(threads)
    chosen = chosen_benchmarks(find_suite(suite), benchmarks)
    changed = changed_benchmarks(chosen, expanded(changes), {}) if changes else []
    return [_measured(benchmark, seeds) for benchmark in ([found.benchmark for found in changed] or chosen)]


def _measured(benchmark: Benchmark, seeds: Sequence[int]) -> dict[str, Any]:
    found: dict[str, dict[int, float]] = {}
    seconds = 0.0
    protocol = benchmark.evaluation
    samples = len(benchmark.evaluated) * protocol.samples
    backbone = benchmark.backbone.build(benchmark.n_objectives, 0)
    neutral = (1 / benchmark.n_objectives,) * benchmark.n_objectives
    for seed in seeds:
        began = time.perf_counter()
        sweep = evaluate(benchmark, backbone, "reference", [neutral], seed, conditional=False, step=0, first_point=0)
        seconds += time.perf_counter() - began
        values = {
            name: float(np.nanmean(column)) for name, column in sweep.columns.items() if _is_measured(name, column)
        }
        if benchmark.features is not None and sweep.features is not None:
            real, _ = benchmark.features.real(benchmark.evaluated)
            ours = _matrix(sweep.features)
            values["frechet"] = frechet_distance(ours, _matrix(feature_columns(real)))
            values["diversity"] = diversity(ours, sweep.features["prompt_id"])
        for name, value in values.items():
            found.setdefault(name, {})[seed] = value
    return {
        "benchmark": benchmark.name,
        "seeds": list(seeds),
        "prompts": len(benchmark.evaluated),
        "samples": samples,
        "steps": protocol.steps,
        "quantities": {name: _as_json(interval(values)) for name, values in found.items()},
        "seconds_a_sample": seconds / len(seeds) / samples,
        "threads": torch.get_num_threads(),
    }


def _is_measured(name: str, column: Any) -> bool:
    # A reward may apply to none of the prompts.
    return name.startswith(("reward_", "held_out_")) and bool(np.isfinite(column).any())


def _matrix(columns: Columns) -> Any:
    return torch.stack(
        [torch.from_numpy(values) for name, values in columns.items() if name.startswith("f_")], 1
    ).numpy()


def _as_json(found: Interval) -> dict[str, Any]:
    return {"mean": found.mean, "low": found.low, "high": found.high}


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the measurements as lines of text."""
    out = []
    for row in rows:
        out.append(
            f"{row['benchmark']}: base model, {row['prompts']} prompts x {row['samples'] // row['prompts']} samples, "
            f"{row['steps']} steps, {len(row['seeds'])} seeds, {1000 * row['seconds_a_sample']:.1f} ms a sample with "
            f"{row['threads']} threads (rewards and features included)"
        )
        for name, value in row["quantities"].items():
            spread = "" if value["low"] is None else f"  [{value['low']:.4f}, {value['high']:.4f}]"
            out.append(f"  {name:<28} {value['mean']:>10.4f}{spread}")
    return out
