"""Whether a training fits into memory, before anything is loaded, and what helps where it does not."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.base import Benchmark
from benchmarks.memory_estimate import MemoryEstimate, estimate, estimated, gib, named, needed_numbers
from benchmarks.parallel_plan import share_of
from benchmarks.records import UsageError
from methods.base import Method

WORTH = 0.99
"""A switch that leaves more than this share of the memory does not help."""


def available(device: str) -> int | None:
    """Return the bytes that are free on a device, None where that cannot be told (macOS, a GPU that is not there)."""
    if torch.device(device).type == "cuda":
        # What torch keeps for itself after an earlier training is free, too.
        gc.collect()
        torch.cuda.empty_cache()
        return int(torch.cuda.mem_get_info(torch.device(device))[0]) if torch.cuda.is_available() else None
    meminfo = Path("/proc/meminfo")
    if torch.device(device).type != "cpu" or not meminfo.exists():
        return None
    rows = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    return int(rows["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in rows else None


def check_memory(benchmark: Benchmark, method: Method, n_processes: int = 1) -> MemoryEstimate | None:
    """Check that a training fits on its device as it is now, before anything is loaded.

    Processes on a CPU share its memory; each of those on GPUs has one of its own.

    Args:
        benchmark: What is trained on; nothing is checked where its backbone is no checkpoint.
        method: The method of the model.
        n_processes: Processes that train it together.

    Returns:
        The estimate, None where the backbone is no checkpoint.

    Raises:
        UsageError: If it does not fit, or `estimate` fails.
    """
    found = estimate(benchmark, method, n_processes)
    free = None if found is None else available(found.device)
    if found is None or free is None:
        return found
    if torch.device(found.device).type == "cpu":
        free //= n_processes
    line = lacking(found, benchmark, method, n_processes, free)
    if line is not None:
        raise UsageError(f"benchmark {benchmark.name}: {line}")
    return found


def lacking(found: MemoryEstimate, benchmark: Benchmark, method: Method, n_processes: int, limit: int) -> str | None:
    """Return one line on what is needed, what there is and what helps, or None where the estimate is within a limit.

    Args:
        found: The estimate of the benchmark and method.
        benchmark: The benchmark.
        method: The method.
        n_processes: Processes that train it together.
        limit: Bytes a process may take.
    """
    if found.total <= limit:
        return None
    helps = [
        f"{switch} ({gib(smaller.total)})"
        for switch, smaller in _switches(found, benchmark, method, n_processes, limit)
    ]
    return (
        f"a process needs about {gib(found.total)} on {found.device} ({named(found.parts)}), found {gib(limit)}; "
        f"what helps: {', '.join(helps) or 'nothing that can be switched'}"
    )


def _switches(
    found: MemoryEstimate, benchmark: Benchmark, method: Method, n_processes: int, limit: int
) -> Iterator[tuple[str, MemoryEstimate]]:
    # Each alone, where it helps, with what is then needed.
    spec = benchmark.backbone
    assert isinstance(spec, Checkpoint)
    numbers, shared = needed_numbers(benchmark, spec, method), share_of(benchmark, method, n_processes)
    changes: dict[str, Any] = {"checkpointing": True, "precision": "bfloat16", "offload": True}
    if "side" in vars(spec):
        changes["side"] = vars(spec)["side"] // 2
    for name, value in changes.items():
        smaller = estimated(numbers, benchmark, replace(spec, **{name: value}), method, shared)
        if smaller.total < WORTH * found.total:
            yield f"backbone.{name}={str(value).lower()}", smaller
    for batch in _halved(spec.batch):
        smaller = estimated(numbers, benchmark, replace(spec, batch=batch), method, shared)
        if smaller.total < WORTH * found.total and (smaller.peak != found.peak or smaller.total <= limit):
            yield f"backbone.batch={batch}", smaller
            break
    for micro_batch in _halved(shared.micro_batch):
        smaller = estimated(numbers, benchmark, spec, method, replace(shared, micro_batch=micro_batch))
        if smaller.total < WORTH * found.total and (smaller.total <= limit or micro_batch == 1):
            yield f"recipe.micro_batch={micro_batch}", smaller
            break
    for chunk in _halved(benchmark.evaluation.chunk):
        changed = replace(benchmark, evaluation=replace(benchmark.evaluation, chunk=chunk))
        smaller = estimated(numbers, changed, spec, method, shared)
        if smaller.total < WORTH * found.total and (smaller.peak != "evaluation" or smaller.total <= limit):
            yield f"evaluation.chunk={chunk}", smaller
            break


def _halved(number: int) -> Iterator[int]:
    while number > 1:
        number //= 2
        yield number


def memory_lines(found: MemoryEstimate) -> list[str]:
    """Return an estimate as lines.

    Example:
        >>> memory_lines(MemoryEstimate("cuda", {"VAE": 2**29}, {"losses": {"points": 2**31}}, (), ("clip",)))
        ['memory: about 2.5 GiB on cuda at the peak, losses: points 2.0 GiB, VAE 0.5 GiB; not counted: models of clip']
    """
    lines = []
    if found.unknown:
        lines.append(f"memory: unknown for {', '.join(found.unknown)}, whose files are not on this machine")
    if found.total:
        where = f"on {found.device} at the peak, {found.peak}"
        without = f"; not counted: models of {', '.join(found.not_counted)}" if found.not_counted else ""
        lines.append(f"memory: about {gib(found.total)} {where}: {named(found.parts)}{without}")
    return lines
