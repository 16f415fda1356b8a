"""Is this installation sound: versions, device, and the run-time invariants on a few real steps."""

from pathlib import Path
from typing import Any

import torch

from benchmarks import environment
from benchmarks.base import Benchmark
from benchmarks.evaluate import evaluate
from benchmarks.invariants import Probe, checks_at_end, checks_at_start
from benchmarks.suites import SUITES
from benchmarks.train import Learner

STEPS = 3


def examine() -> dict[str, Any]:
    """Return versions, device, where the packages are, and the invariants of a short training on each toy benchmark."""
    suite = SUITES["toy"]
    torch.set_num_threads(1)
    checks = {benchmark.name: _invariants(benchmark) for benchmark in suite.benchmarks}
    return {
        "versions": environment.versions(),
        "device": environment.device(),
        "cuda": torch.cuda.is_available(),
        "commit": environment.commit(),
        "checkout": str(Path(environment.ROOT)),
        "invariants": checks,
        "passed": all(check["passed"] for found in checks.values() for check in found),
    }


def _invariants(benchmark: Benchmark) -> list[dict[str, Any]]:
    learner = Learner(benchmark, SUITES["toy"].methods["pareto_slider"], seed=0)
    probe = Probe(benchmark, learner.bare, seed=0)
    found = checks_at_start(probe, conditional=True)
    for _ in range(STEPS):
        learner.advance()
    sweep = evaluate(
        benchmark,
        learner.bare,
        "evaluation",
        benchmark.evaluation.preferences[:1],
        0,
        conditional=True,
        step=STEPS,
        first_point=0,
    )
    found += checks_at_end(probe, sweep.columns, conditional=True, on_policy=False)
    return [check.model_dump(mode="json") for check in found]


def lines(findings: dict[str, Any]) -> list[str]:
    """Return the findings as lines."""
    out = [f"{name:<12} {version}" for name, version in findings["versions"].items()]
    out += [f"{name:<12} {findings[name]}" for name in ("device", "cuda", "commit", "checkout")]
    for benchmark, checks in findings["invariants"].items():
        for check in checks:
            mark = "ok    " if check["passed"] else "FAILED"
            out.append(f"{mark} {benchmark}: {check['name']} {check['value']:.3g}, must be {check['requirement']}")
    out.append("all checks passed" if findings["passed"] else "some checks FAILED")
    return out
