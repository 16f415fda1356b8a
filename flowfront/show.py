"""What there is and what would be done, as data and as lines of text."""

from collections.abc import Sequence
from typing import Any

from benchmarks.base import Benchmark
from benchmarks.planner import Planned
from benchmarks.records import UsageError
from benchmarks.suites import SUITES
from flowfront.resources import resource_lines, resources
from methods import METHODS, OBJECTIVES, SAMPLERS, WEIGHTINGS


def catalog() -> dict[str, Any]:
    """Return suites, benchmarks and methods as JSON data."""
    suites = {
        suite.name: {
            "seeds": list(suite.seeds),
            "methods": list(suite.methods),
            "benchmarks": {
                benchmark.name: {
                    "summary": benchmark.summary,
                    "rewards": [reward.name for reward in benchmark.rewards],
                    "prompts": len(benchmark.prompts),
                    "velocity_evaluations": benchmark.budget.velocity_evaluations,
                    "hash": _fingerprint(benchmark),
                }
                for benchmark in suite.benchmarks
            },
        }
        for suite in SUITES.values()
    }
    methods = {name: {"paper": kind.paper, "summary": _first_line(kind)} for name, kind in METHODS.items()}
    parts = {"objectives": list(OBJECTIVES), "weightings": list(WEIGHTINGS), "samplers": list(SAMPLERS)}
    return {"suites": suites, "methods": methods, **parts}


def _fingerprint(benchmark: Benchmark) -> str | None:
    # What a benchmark is made of may be files that are not here, and these are named on the command line.
    try:
        return benchmark.fingerprint
    except UsageError:
        return None


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def catalog_lines(content: dict[str, Any]) -> list[str]:
    """Return the catalog as lines."""
    lines = []
    width = max(len(name) for suite in content["suites"].values() for name in suite["benchmarks"])
    for name, suite in content["suites"].items():
        lines.append(f"suite {name} (seeds {', '.join(map(str, suite['seeds']))})")
        for benchmark, about in suite["benchmarks"].items():
            lines.append(f"  {benchmark:<{width}} {about['summary']}")
        lines.append(f"  methods by default: {', '.join(suite['methods'])}")
    lines.append("methods")
    lines += [
        f"  {name:<18} {about['summary']}\n  {'':<18} {about['paper']}" for name, about in content["methods"].items()
    ]
    lines += [f"{part}: {', '.join(content[part])}" for part in ("objectives", "weightings", "samplers")]
    return lines


def plan_rows(planned: Sequence[Planned], gpus: int | None = None, memory: float | None = None) -> list[dict[str, Any]]:
    """Return the plan as JSON data, one object a run, with what it takes; see `flowfront.resources.resources`."""
    return [
        {
            "benchmark": p.run.benchmark.name,
            "method": p.run.method_name,
            "seed": p.run.seed,
            "models": len(p.run.models),
            "steps": p.run.total_steps,
            "velocity_evaluations": p.run.velocity_evaluations,
            "steps_done": p.run.total_steps if p.status == "done" else p.steps_done,
            "status": p.status,
            "folder": str(p.run.folder),
            **taken,
        }
        for p, taken in zip(planned, resources(planned, gpus, memory), strict=True)
    ]


def plan_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the plan as lines."""
    names = {"new": "to do", "running": "go on", "failed": "try again", "done": "done"}
    lines = [f"{'benchmark':<16} {'method':<20} {'seed':>4} {'models':>6} {'steps':>7} {'done':>7}  state"]
    lines += [
        f"{row['benchmark']:<16} {row['method']:<20} {row['seed']:>4} {row['models']:>6} "
        f"{row['steps']:>7} {row['steps_done']:>7}  {names[row['status']]}"
        for row in rows
    ]
    left = sum(row["steps"] - row["steps_done"] for row in rows)
    lines.append(f"{len(rows)} runs, {sum(row['status'] != 'done' for row in rows)} of them to do, {left} steps left")
    return lines + resource_lines(rows)
