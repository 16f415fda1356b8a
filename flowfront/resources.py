"""What the runs of a plan take: how a step is shared by GPUs, and memory, as data and as lines of text."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.base import Benchmark
from benchmarks.memory import lacking, memory_lines
from benchmarks.memory_estimate import GIB, MemoryEstimate, estimate
from benchmarks.parallel_plan import Share, share_lines, share_of
from benchmarks.planner import Planned
from benchmarks.records import UsageError
from methods.base import Method


def resources(planned: Sequence[Planned], gpus: int | None = None, limit: float | None = None) -> list[dict[str, Any]]:
    """Return what each run takes, as JSON data; seeds take alike.

    Args:
        planned: The runs.
        gpus: Processes that do a run together; None says nothing of how they share it.
        limit: Memory of one of them in GiB; None compares with nothing.

    Returns:
        For each run: "parallel" where `gpus` is given, "memory" where the backbone is a checkpoint, and with a limit
        and all parts known "lacking", a line or null.

    Raises:
        UsageError: If that many GPUs cannot share a run, or a number is out of range.
    """
    if gpus is not None and gpus < 1:
        raise UsageError(f"--gpus: expected at least 1, found {gpus}")
    if limit is not None and not 0 < limit < float("inf"):
        raise UsageError(f"--memory: expected a positive number of GiB, found {limit}")
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for p in planned:
        key = (p.run.benchmark.name, p.run.method_name)
        if key not in found:
            found[key] = _of_run(p.run.benchmark, p.run.models[0].method, gpus, limit)
    return [found[p.run.benchmark.name, p.run.method_name] for p in planned]


def _of_run(benchmark: Benchmark, method: Method, gpus: int | None, limit: float | None) -> dict[str, Any]:
    n = gpus or 1
    row: dict[str, Any] = {} if gpus is None else {"parallel": asdict(share_of(benchmark, method, n))}
    if not isinstance(benchmark.backbone, Checkpoint):
        return row
    try:
        memory = estimate(benchmark, method, n)
    except UsageError as error:
        # A plan may be made where the files are not.
        return {**row, "memory_unknown": str(error)}
    assert memory is not None
    row["memory"] = memory.record()
    if limit is not None and not memory.unknown:
        row["lacking"] = lacking(memory, benchmark, method, n, int(limit * GIB))
    return row


def resource_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what runs take as lines, once for all seeds of a method on a benchmark.

    Args:
        rows: What `resources` returned, with "benchmark" and "method" beside.
    """
    lines = []
    for name, row in {f"{row['benchmark']}, {row['method']}": row for row in rows}.items():
        found = [] if "parallel" not in row else share_lines(Share(**row["parallel"]))
        if "memory_unknown" in row:
            found.append(f"memory: unknown: {row['memory_unknown']}")
        if "memory" in row:
            about = row["memory"]
            kept = ("device", "always", "phases", "unknown", "not_counted")
            found += memory_lines(MemoryEstimate(**{key: about[key] for key in kept}))
        if row.get("lacking") is not None:
            found.append(f"too much: {row['lacking']}")
        if found:
            lines += [name, *(f"  {line}" for line in found)]
    return lines
