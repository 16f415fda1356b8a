"""Runs as if they had been trained: records and checkpoints whose weights are random and large enough to be seen."""

from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe, Suite
from benchmarks.checkpoints import save_tensors
from benchmarks.records import write_run
from benchmarks.run import Run
from benchmarks.suites.shapes import SHAPES, SHAPES_SHORT
from methods.base import Method
from methods.fixed_weights import FixedWeights
from methods.pareto_slider import ParetoSlider
from methods.weighted_sum import WeightedSum
from tests.support.families import Channel, prompts_of
from tests.support.suites import tiny_run

SUITE_MODULE = """
from pathlib import PosixPath

from benchmarks.backbones.checkpoints import FluxKontextSpec, LTX2Spec, SD3Spec
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize
from tests.support.trained import family_suite

SUITE = family_suite({spec!r})
"""
"""A module outside of the project, whose suite the records name as `trained_suite:SUITE`."""

METHODS: dict[str, Method] = {
    "pareto_slider": ParetoSlider(), "weighted_sum": WeightedSum(), "fixed_weights": FixedWeights(n_models=3),
}  # fmt: skip


def family_benchmark(spec: Checkpoint) -> Benchmark:
    """Return a benchmark on a small checkpoint, for two channels of color."""
    return Benchmark(
        name=spec.family,
        backbone=spec,
        prompts=prompts_of(spec.family),
        rewards=(Channel(0, "red"), Channel(2, "blue")),
        reference_point=(-1.0, -1.0),
        bounds=((0.0, 1.0), (0.0, 1.0)),
        budget=Budget(10_000),
        recipe=Recipe(prompts_per_step=2, group_size=2, rollout_steps=4, shift=None),
        evaluation=Evaluation(preferences=((1.0, 0.0), (0.0, 1.0)), samples=1, steps=3, shift=None),
        summary="two channels of color",
    )


def family_suite(spec: Checkpoint) -> Suite:
    """Return a suite on a small checkpoint."""
    return Suite("trained", (family_benchmark(spec),), METHODS, (0,))


def family_run(spec: Checkpoint, out: Path, method: str) -> Run:
    """Return a run on a small checkpoint, of the suite in `SUITE_MODULE`."""
    return Run("trained", family_benchmark(spec), method, METHODS[method], 0, out, "trained_suite:SUITE")


def toy_run(out: Path) -> Run:
    """Return a run whose samples are points, of the suite in the tests' `outside_suites.py`."""
    return replace(tiny_run(out), suite_origin="outside_suites:TINY")


def shapes_run(out: Path, method: str = "pareto_slider") -> Run:
    """Return a run of the image suite."""
    return Run("shapes-short", SHAPES_SHORT.benchmarks[0], method, SHAPES.methods[method], 0, out)


@torch.no_grad()
def store(run: Run, scale: float = 0.05) -> Path:
    """Write the records and the checkpoints of a run that was never trained, and return its folder.

    The evaluated weights of every model are those at the start plus normal numbers times `scale`, different ones each.
    """
    start = run.benchmark.backbone.build(run.benchmark.n_objectives, run.seed).snapshots.state()
    for index in range(len(run.models)):
        generator, tensors = torch.Generator().manual_seed(index), dict(start)
        for name, tensor in start.items():
            if name.startswith("evaluation."):
                tensors[name] = tensor + scale * torch.randn(tensor.shape, generator=generator)
        save_tensors(run.folder, f"model{index}", tensors)
    record = run.record()
    write_run(run.folder, record.model_copy(update={"status": "done"}))
    return run.folder
