"""What is run on the pretended device and again on the CPU; as a module, everything, in a process of its own.

    python -m tests.support.pretended_runs FOLDER OUT.json [CASES]

takes an empty folder and writes for each case the largest difference of its numbers, relative where they are above 1,
or how it failed.
"""

import json
import math
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.backbones.toy import ToyBackbone, ToySpec
from benchmarks.base import Benchmark, Budget, Evaluation
from benchmarks.checkpoints import load_tensors, save_tensors
from benchmarks.draws import KeyedDraws
from benchmarks.evaluate import evaluate
from benchmarks.execute import execute
from benchmarks.invariants import Probe, checks_at_end, checks_at_start
from benchmarks.records import EVALUATIONS_FILE, read_table
from benchmarks.rewards.log_density import BaseLogDensity
from benchmarks.run import Run
from benchmarks.train import Learner
from methods import METHODS, SAMPLERS
from methods.base import Method, Sampler, Step
from methods.crd import CenteredRewardDistillation
from methods.grpo import FlowGRPO
from methods.objectives.crd import CRD
from methods.objectives.grpo import GRPO, velocity_gain
from methods.pareto_slider import ParetoSlider
from methods.samplers.loop import denoise
from methods.samplers.schedules import shifted_sigmas
from methods.weighted_sum import WeightedSum
from methods.windows import RandomWindow
from tests.contracts.tiny import PROMPTS, tiny_benchmark
from tests.support import pretended
from tests.support.pretended_pictures import families, reward_cases, shown, tiny_sd3
from tests.support.pretended_rules import check_allowances, check_refusals

Numbers = dict[str, list[float]]
Case = Callable[[str], Numbers]
"""From the name of a device to numbers that must not depend on it."""


@dataclass(frozen=True)
class MovedToy:
    """A toy backbone on a device."""

    spec: ToySpec
    device: str

    def build(self, n_objectives: int, seed: int) -> ToyBackbone:
        built = self.spec.build(n_objectives, seed)
        like = torch.zeros((), dtype=built.mixture.means.dtype, device=self.device)
        return ToyBackbone(built.mixture.to(like), self.spec.prompts, built.residual.to(self.device))

    def describe(self) -> Mapping[str, Any]:
        return self.spec.describe()


def toy(device: str) -> Benchmark:
    """Return three prompts in the plane with three rewards, one of which applies to one prompt only."""
    benchmark = tiny_benchmark(3)
    spec = benchmark.backbone
    assert isinstance(spec, ToySpec)
    return replace(
        benchmark,
        backbone=MovedToy(spec, device),
        held_out=(BaseLogDensity(PROMPTS, spec.mixture()),),
        recipe=replace(benchmark.recipe, micro_batch=20, diagnostics_every=2),
        evaluation=Evaluation(((1.0, 0.0, 0.0), (0.2, 0.3, 0.5)), 2, steps=3, chunk=5),
    )


def of_step(step: Step) -> Numbers:
    """Return every number of a step's record."""
    found = {"weights": step.weights.tolist(), **{name: [value] for name, value in step.scalars.items()}}
    found |= {f"gramian {name}": gramian.flatten().tolist() for name, gramian in step.gramians.items()}
    return found | {name: value.double().flatten().tolist() for name, value in step.by_objective.items()}


def check_places(learner: Learner, device: str) -> None:
    """Check that weights and moments lie on the device, all else on the CPU."""
    for name, tensor in learner.state().items():
        wanted = "cpu" if name.startswith("weighting.") or name.endswith(".step") else device
        assert tensor.device.type == wanted, f"{name}: expected on {wanted}, found on {tensor.device}"
    assert learner.device.type == device


@contextmanager
def precisely() -> Iterator[None]:
    """Run the block in double precision, where differences of 1e-9 are faults and not roundings."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def trained(
    benchmark: Callable[[str], Benchmark], method: Method, folder: Path, device: str, *, resumes: bool = True
) -> Numbers:
    """Train two steps and evaluate; on the device also save between them and go on with another learner."""
    task = benchmark(device)
    model = method.models(task.n_objectives)[-1]
    learner = Learner(task, model.method, 0)
    conditional = model.preference is None
    probe = Probe(task, learner.bare, 0)
    found: Numbers = {check.name: [check.value] for check in checks_at_start(probe, conditional=conditional)}
    found |= {f"step 0: {name}": numbers for name, numbers in of_step(learner.advance()).items()}
    save_tensors(folder, device, learner.state())
    second = of_step(learner.advance())
    found |= {f"step 1: {name}": numbers for name, numbers in second.items()}
    check_places(learner, device)
    if resumes and device != "cpu":
        resumed = Learner(task, model.method, 0)
        resumed.load(load_tensors(folder, device), 1, 0.0, {"velocity_evaluations": 0, "reward_calls": 0})
        assert str(of_step(resumed.advance())) == str(second), "resumed training differs"
        check_places(resumed, device)
    wanted = task.evaluation.preferences if conditional else task.evaluation.preferences[:1]
    sweep = evaluate(task, learner.bare, "evaluation", wanted, 0, conditional=conditional, step=2, first_point=0)
    tables = sweep.columns | (sweep.features or {})
    found |= {name: column.astype(np.float64).tolist() for name, column in tables.items()}
    if sweep.pictures is not None:
        found["pictures"] = sweep.pictures.flatten().tolist()
    ended = checks_at_end(probe, sweep.columns, conditional=conditional, on_policy=False)
    return found | {check.name: [check.value] for check in ended}


def executed(method: Method, folder: Path, device: str) -> Numbers:
    """Do a whole run of the toy and return what its tables hold."""
    task = toy(device)
    task = replace(task, budget=Budget(800), reference_point=(-1000.0,) * 3)
    run = Run("pretended", task, "method", method, 0, folder / device)
    record = execute(run)
    assert record.status == "done"
    columns = read_table(run.folder / EVALUATIONS_FILE)
    found = {name: np.asarray(column, dtype=np.float64).tolist() for name, column in columns.items()}
    return found | {check.name: [check.value] for check in record.invariants}


def methods_of_the_toy() -> dict[str, Method]:
    """Return every named method and settings of them that take other paths."""
    found: dict[str, Method] = {name: replace(kind(), anchor=1e-3) for name, kind in METHODS.items()}
    guarded = GRPO(guard=True, pick="random", shared_start=True, window=RandomWindow(size=2))
    found |= {"grpo guarded": FlowGRPO(objective=guarded), "two updates": WeightedSum(updates=2)}
    for loss, tau in (("bce", 0.5), ("nca", None), ("mse", 0.0)):
        objective = CRD(loss=loss, tau=tau, guidance=2.0, anchor_by="reward")  # type: ignore[arg-type]
        found[f"crd {loss}"] = CenteredRewardDistillation(objective=objective, anchor=1e-3)
    return found


def rolled_out(kind: type[Sampler], device: str) -> Numbers:
    """Return a rollout of a sampler from fixed noise, under a velocity that is linear, and its steps' gains."""
    draws = KeyedDraws(0, range(3), 0, device)
    sigmas = shifted_sigmas(5, 3.0)
    noise = draws.normal("start", 4)
    found = denoise(
        lambda x, sigma: x * sigma[:, None], kind(), noise, sigmas, lambda i: draws.normal(f"step {i}", 4),
        noisy=torch.tensor([True, True, False, True, True]), keep_path=True,
    )  # fmt: skip
    levels = sigmas.to(device)
    gains = velocity_gain(kind(), levels[:-1], levels[1:])
    parts = {"clean": found.clean, "path": found.path, "means": found.means, "stds": found.stds, "gains": gains}
    for name, part in parts.items():
        assert part is not None
        assert part.device.type == device, f"{name}: found on {part.device}"
    return {name: part.flatten().tolist() for name, part in parts.items() if part is not None}


def toy_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Yield the cases of the toy backbone."""
    for name, method in methods_of_the_toy().items():
        yield f"toy/{name}", precisely()(partial(trained, toy, method, folder / f"toy {name}"))
    for name, kind in SAMPLERS.items():
        yield f"samplers/{name}", precisely()(partial(rolled_out, kind))
    for name in ("rewarded_soup", "pareto_slider"):
        yield f"execute/{name}", precisely()(partial(executed, METHODS[name](), folder / f"execute {name}"))


def astray(folder: Path, device: str) -> Numbers:
    """Check that training fails on the device, and there alone, if noise stays on the CPU."""
    draws, moved = KeyedDraws, KeyedDraws._stack
    draws._stack = lambda self, pieces: torch.stack(pieces)  # type: ignore[method-assign]
    try:
        with nullcontext() if device == "cpu" else pretended.refused("same device", "noise on the CPU"):
            trained(toy, WeightedSum(), folder, device)
    finally:
        draws._stack = moved  # type: ignore[method-assign]
    return {"failed": [0.0]}


def checked(check: Callable[[], None], device: str) -> Numbers:
    """Return nothing but that a check of the device itself has passed."""
    check()
    return {"passed": [1.0]}


def own_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Yield what shows that the device would tell."""
    yield "own/refusals", partial(checked, check_refusals)
    yield "own/allowances", partial(checked, check_allowances)
    yield "own/noise on the CPU", partial(astray, folder / "astray")


def picture_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Yield the cases of the families' small checkpoints, and of rewards."""
    for name, kind in METHODS.items():
        method = replace(kind(), anchor=1e-3)
        yield f"sd3/{name}", precisely()(partial(trained, tiny_sd3, method, folder / f"sd3 {name}"))
    yield "sample/sd3", precisely()(partial(shown, folder / "shown"))
    for family, benchmark in families(folder / "families").items():
        case = partial(trained, benchmark, ParetoSlider(slots=1), folder / f"{family} run", resumes=False)
        yield f"checkpoints/{family}", case
    yield from reward_cases(folder / "rewards")


def differences(expected: Numbers, found: Numbers) -> dict[str, float]:
    """Return the largest difference of each list of numbers, relative where they are above 1; infinite for lengths."""
    assert expected.keys() == found.keys(), expected.keys() ^ found.keys()
    largest = {}
    for name, numbers in expected.items():
        pairs = list(zip(numbers, found[name], strict=True))
        apart = [abs(a - b) / max(1.0, abs(a)) for a, b in pairs if not (math.isnan(a) and math.isnan(b))]
        largest[name] = max(apart, default=0.0)
    return largest


def outcome(case: Case) -> dict[str, Any]:
    """Return the largest difference between both devices, and whose it is, or the failure."""
    begun = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, found = case("cpu"), case(pretended.NAME)
        apart = differences(expected, found)
        worst = max(apart, key=lambda name: apart[name])
    except Exception:  # whatever it is, the test shows it
        return {"error": traceback.format_exc()}
    numbers, seconds = sum(map(len, expected.values())), time.process_time() - begun
    return {"difference": apart[worst], "of": worst, "numbers": numbers, "seconds": seconds}


def main(arguments: Sequence[str]) -> int:
    """Run all cases, or those whose names begin with one of the further arguments."""
    folder, out, wanted = Path(arguments[0]), Path(arguments[1]), arguments[2:]
    # Nothing of an earlier run may be taken for this one's.
    out.unlink(missing_ok=True)
    torch.set_num_threads(1)
    kept = pretended.install()
    fault = pretended.fault()
    found: dict[str, Any] = {} if fault is None else {"unavailable": fault}
    cases = chain(own_cases(folder), toy_cases(folder), picture_cases(folder)) if fault is None else ()
    for name, case in cases:
        if not wanted or any(name.startswith(part) for part in wanted):
            found[name] = outcome(case)
    out.write_text(json.dumps(found, indent=1))
    del kept
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
