"""How fast methods train on a real family at full size, relative to the weighted sum, and where the time goes."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from benchmarks import environment
from benchmarks.backbones.adapted import PRECISIONS, Precision
from benchmarks.backbones.checkpoints import Checkpoint, FluxKontextSpec, LTX2Spec, SD3Spec
from benchmarks.backbones.published_sizes import SIZES
from benchmarks.backbones.random_weights import RandomWeightsSpec, count
from benchmarks.base import BackboneSpec, Benchmark, Budget, Evaluation, Recipe, Suite
from benchmarks.memory import available, check_memory
from benchmarks.memory_estimate import gib
from benchmarks.method_speed import BASE, EveryKth, check, compare, measure, plan
from benchmarks.peak_memory import gauge_for
from benchmarks.planner import find_method
from benchmarks.records import UsageError
from benchmarks.settings import nearest
from methods.base import Method

DEFAULT_METHODS = (BASE, "gdpo", "marble", "pareto_slider", "crd", "grpo")
SHAPES, VIDEOS = "shapes", "ltx2"


@dataclass(frozen=True, kw_only=True)
class SpeedRequest:
    """What is to be measured; see the verb `speed` for what each entry means.

    None stands for: the family's first size, the size's own side and frames, five rewards, a GPU where there is one.
    """

    family: str
    random_weights: bool = False
    path: str | None = None
    size: str | None = None
    side: int | None = None
    frames: int | None = None
    methods: tuple[str, ...] = ()
    rollout_steps: int = 10
    prompts: int = 4
    group: int = 12
    micro_batch: int = 8
    rewards: int | None = None
    rounds: int = 5
    device: str | None = None
    precision: str | None = None
    threads: int = 1
    checkpointing: bool = True

    def __post_init__(self) -> None:
        """Check names and ranges.

        Raises:
            UsageError: If one is unknown or out of range.
        """
        if self.family not in (*SIZES, SHAPES):
            raise UsageError(f"speed: no family {self.family!r}: {nearest(self.family, (*SIZES, SHAPES))}")
        for name in ("rollout_steps", "prompts", "micro_batch", "rounds", "threads", "rewards", "side", "frames"):
            value = vars(self)[name]
            if value is not None and value < 1:
                raise UsageError(f"--{name.replace('_', '-')}: expected at least 1, found {value}")
        if self.group < 2:
            raise UsageError(f"--group: expected at least 2 rollouts a prompt, found {self.group}")
        if self.precision is not None and self.precision not in PRECISIONS:
            raise UsageError(f"--precision: expected one of {', '.join(PRECISIONS)}, found {self.precision!r}")
        if self.family == SHAPES:
            self._check_shapes()
        elif self.frames is not None and self.family != VIDEOS:
            raise UsageError(f"--frames: expected none for {self.family}, which makes pictures, found {self.frames}")
        elif self.random_weights == (self.path is not None):
            raise UsageError(
                f"speed {self.family}: expected --random-weights, or --path FOLDER with a checkpoint, "
                f"found {'both' if self.random_weights else 'neither'}"
            )
        elif self.path is not None and self.size is not None:
            raise UsageError("--size: expected none with --path, whose checkpoint has its own")

    def _check_shapes(self) -> None:
        for name in ("path", "size", "side", "frames", "rewards", "precision"):
            if vars(self)[name] is not None:
                raise UsageError(f"speed shapes: expected no --{name}, for it is one model with its own rewards")
        if self.random_weights:
            raise UsageError("speed shapes: expected no --random-weights, for its weights ship with the project")


def device_for(wanted: str | None, family: str) -> str:
    """Return the device to measure on, by default a GPU where there is one; the image benchmark is for CPUs.

    Raises:
        UsageError: If it is not there.
    """
    if wanted is None:
        return "cuda" if torch.cuda.is_available() and family != SHAPES else "cpu"
    if wanted not in ("cpu", "cuda"):
        raise UsageError(f"--device: expected cpu or cuda, found {wanted!r}")
    if wanted == "cuda" and family == SHAPES:
        raise UsageError("speed shapes: expected --device cpu, found cuda")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: expected a GPU that torch can use, found none; --device cpu --size small runs")
    return wanted


def check_fits(spec: RandomWeightsSpec, n_objectives: int) -> None:
    """Check that weights, snapshots, gradients and the optimizer's state fit into memory; activations come on top.

    Raises:
        UsageError: If they do not, or samples of that size do not fit the model.
    """
    counts, free = count(spec), available(spec.device)
    frozen = (counts.transformer + counts.autoencoder) * spec.dtype.itemsize
    # Weights, four snapshots, a gradient, two moments; then K gradients and K more where they are contracted.
    trained = counts.lora * torch.float32.itemsize * (8 + 2 * n_objectives)
    if free is not None and frozen + trained > free:
        raise UsageError(
            f"speed {spec.family}: expected {gib(frozen + trained)} of memory on {spec.device} for weights and what is "
            f"trained, activations not counted, found {gib(free)}; a smaller --size may fit"
        )


def _methods(request: SpeedRequest, suite: Suite) -> dict[str, Method]:
    # A console script does not look into the working directory, where a user's own module lives.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return dict(find_method(name, suite) for name in dict.fromkeys((BASE, *(request.methods or DEFAULT_METHODS))))


def checkpoint(request: SpeedRequest, device: str, folder: Path) -> Checkpoint:
    """Return the spec of a checkpoint; embeddings and, where a family edits pictures, one of noise go into a folder."""
    given: dict[str, Any] = {
        "path": request.path, "device": device, "precision": request.precision or "bfloat16",
        "checkpointing": request.checkpointing, "cache": folder / "embeddings",
    }  # fmt: skip
    if request.side is not None:
        video = {"height": request.side, "width": request.side * 3 // 2 // 32 * 32}
        given |= video if request.family == VIDEOS else {"side": request.side}
    if request.frames is not None:
        given["frames"] = request.frames
    if request.family == "sd35":
        return SD3Spec(**given)
    if request.family == VIDEOS:
        return LTX2Spec(**given)
    from PIL import Image

    spec = FluxKontextSpec(**given, sources=folder / "sources")
    spec.sources.mkdir()
    Image.effect_noise((spec.side, spec.side), 64).convert("RGB").save(spec.sources / "source.png")
    return spec


def _random(request: SpeedRequest, device: str) -> RandomWeightsSpec:
    return RandomWeightsSpec(
        family=request.family, size=request.size, side=request.side, frames=request.frames, device=device,
        precision=cast(Precision, request.precision or "bfloat16"), checkpointing=request.checkpointing,
    )  # fmt: skip


def _recipe(request: SpeedRequest) -> dict[str, Any]:
    return {
        "prompts_per_step": request.prompts, "group_size": request.group, "rollout_steps": request.rollout_steps,
        "micro_batch": request.micro_batch, "diagnostics_every": 0, "threads": request.threads,
    }  # fmt: skip


def _benchmark(request: SpeedRequest, spec: BackboneSpec) -> Benchmark:
    k = request.rewards or 5
    return Benchmark(
        name=f"speed-{request.family}",
        backbone=spec,
        prompts=tuple(f"source.png: picture number {i}" for i in range(request.prompts)),
        rewards=tuple(EveryKth(i, k) for i in range(k)),
        reference_point=(-1e6,) * k,
        bounds=((0.0, 1.0),) * k,
        budget=Budget(10**12),
        recipe=Recipe(**_recipe(request)),
        evaluation=Evaluation(((1 / k,) * k,), 1),
        summary="costless rewards",
    )


@contextmanager
def _task(request: SpeedRequest, device: str) -> Iterator[tuple[Benchmark, Suite]]:
    # The benchmark, and the suite whose settings of methods hold for it.
    if request.family == SHAPES:
        from benchmarks.suites.shapes import FIVE_REWARDS
        from benchmarks.suites.shapes import SHAPES as IMAGES

        recipe = replace(FIVE_REWARDS.recipe, **_recipe(request))
        if request.prompts > len(FIVE_REWARDS.prompts):
            raise UsageError(f"--prompts: expected at most {len(FIVE_REWARDS.prompts)}, found {request.prompts}")
        yield replace(FIVE_REWARDS, recipe=recipe), IMAGES
        return
    plain = Suite("speed", ())
    with tempfile.TemporaryDirectory() as folder:
        spec = checkpoint(request, device, Path(folder)) if request.path else _random(request, device)
        yield _benchmark(request, spec), plain


def speed(request: SpeedRequest) -> dict[str, Any]:
    """Return speed, stages and memory of each method relative to the weighted sum, as JSON data.

    Raises:
        UsageError: If the request does not fit the model, the machine or a method.
    """
    device = device_for(request.device, request.family)
    torch.set_num_threads(request.threads)
    with _task(request, device) as (benchmark, suite):
        methods = _methods(request, suite)
        check(benchmark, methods)
        if isinstance(benchmark.backbone, RandomWeightsSpec):
            check_fits(benchmark.backbone, benchmark.n_objectives)
        for method in methods.values():
            check_memory(benchmark, method)
        planned = plan(methods, benchmark.n_objectives)
        try:
            costs = measure(benchmark, planned.kinds, request.rounds, device)
        except torch.OutOfMemoryError as error:
            raise UsageError(
                f"speed {request.family}: out of memory on the GPU; a smaller --micro-batch, --group, --prompts or "
                f"--side needs less"
            ) from error
        return {
            **_setting(request, benchmark, device),
            "models": {name: len(method.models(benchmark.n_objectives)) for name, method in methods.items()},
            "methods": compare(costs, planned.rows),
        }


def _setting(request: SpeedRequest, benchmark: Benchmark, device: str) -> dict[str, Any]:
    spec, gauge = benchmark.backbone, gauge_for(device)
    found: dict[str, Any] = {"family": request.family}
    if isinstance(spec, RandomWeightsSpec):
        counts = count(spec)
        found |= {
            "size": next(name for name, size in SIZES[spec.family].items() if size is spec.published),
            "weights": "random", "side": spec.pixels, "frames": spec.frames or spec.published.frames,
            "transformer_weights": counts.transformer, "lora_weights": counts.lora,
        }  # fmt: skip
    else:
        found |= {"weights": request.path or "shipped"}
    return found | {
        "precision": vars(spec)["precision"],
        "checkpointing": request.checkpointing and request.family != SHAPES,
        "device": environment.device(device),
        "threads": request.threads,
        "rewards": [reward.name for reward in benchmark.rewards],
        "rollout_steps": request.rollout_steps,
        "prompts": request.prompts,
        "group": request.group,
        "micro_batch": request.micro_batch,
        "rounds": request.rounds,
        "memory_is": None if gauge is None else gauge.kind,
    }
