"""How much memory a training will take, told from a checkpoint's files before anything of it is loaded.

An estimate is rough: activations are counted as `benchmarks.backbones.geometry` says; what the libraries of a GPU, its
allocator's gaps and the models of rewards take is not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from benchmarks.backbones.adapted import Embeddings
from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.backbones.counting import Numbers, numbers_of
from benchmarks.backbones.embeddings import CachedText
from benchmarks.backbones.geometry import geometry_of
from benchmarks.base import Benchmark
from benchmarks.parallel_plan import Share, points_of_prompt, share_of
from benchmarks.snapshots import NAMES
from benchmarks.update import SIGMA_EDGES
from methods.base import Method

GIB = 2**30
FLOAT32 = 4
TRAINED_COPIES = 1 + 1 + 2 + len(NAMES)
"""Of trained weights: themselves, their gradient, the two averages of Adam, and the snapshots."""

Parts = Mapping[str, int]
"""Bytes by part."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on the device of one process.

    Attributes:
        device: Where, such as "cuda".
        always: What stays all the time, by part.
        phases: What "encoding", "rollouts", "decoding", "losses" and "evaluation" take besides, by part.
        unknown: Parts whose size cannot be told here, for their files are not on this machine.
        not_counted: Names of rewards, whose models are not counted.
    """

    device: str
    always: Parts
    phases: Mapping[str, Parts]
    unknown: tuple[str, ...] = ()
    not_counted: tuple[str, ...] = ()

    @property
    def peak(self) -> str:
        """The phase that takes most."""
        return max(self.phases, key=lambda phase: sum(self.phases[phase].values()))

    @property
    def parts(self) -> Parts:
        """What there is at the peak, by part, largest first."""
        found = {name: size for name, size in {**self.always, **self.phases[self.peak]}.items() if size}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def total(self) -> int:
        """Bytes at the peak.

        Example:
            >>> found = MemoryEstimate("cpu", {"weights": 5}, {"rollouts": {"latents": 2}, "losses": {"points": 3}})
            >>> found.peak, found.total, found.parts
            ('losses', 8, {'weights': 5, 'points': 3})
        """
        return sum(self.parts.values())

    def record(self) -> dict[str, Any]:
        """Return the estimate as JSON data."""
        return {
            "device": self.device, "bytes": self.total, "peak": self.peak, "parts": dict(self.parts),
            "always": dict(self.always), "phases": {name: dict(parts) for name, parts in self.phases.items()},
            "unknown": list(self.unknown), "not_counted": list(self.not_counted),
        }  # fmt: skip


def estimate(benchmark: Benchmark, method: Method, n_processes: int = 1) -> MemoryEstimate | None:
    """Return what one of N processes needs to train a method on a benchmark; None where the backbone is no checkpoint.

    Raises:
        UsageError: If N processes cannot share the prompts, or the checkpoint's path is neither folder nor name.
    """
    spec = benchmark.backbone
    if not isinstance(spec, Checkpoint):
        return None
    shared = share_of(benchmark, method, n_processes)
    return estimated(needed_numbers(benchmark, spec, method), benchmark, spec, method, shared)


def needed_numbers(benchmark: Benchmark, spec: Checkpoint, method: Method) -> Numbers:
    """Return the numbers of what is loaded: text encoders count only where embeddings are missing."""
    found = numbers_of(spec, benchmark.n_objectives)
    texts = {spec.text_of(prompt) for prompt in (*benchmark.prompts, *benchmark.evaluated)}
    if _guided(spec) or (method.objective.guided and method.anchor > 0):
        texts.add("")

    def refuse() -> Any:
        raise AssertionError("nothing is encoded here")

    cache = CachedText(Embeddings, refuse, spec.cache.expanduser(), spec.origin())
    # Encoders are never loaded where all embeddings are there.
    return replace(found, text=0) if all(cache.path(text).exists() for text in texts) else found


def estimated(
    numbers: Numbers, benchmark: Benchmark, spec: Checkpoint, method: Method, shared: Share
) -> MemoryEstimate:
    """Return the estimate for numbers that are known already; see `estimate`."""
    size, counted = 2 if spec.precision == "bfloat16" else FLOAT32, vars(numbers)
    known = {name: counted[name] or 0 for name in ("transformer", "trained", "vae", "text")}
    unknown = [name for name in known if counted[name] is None]
    visiting = {"text encoders": known["text"] * size}
    always = {
        "transformer": known["transformer"] * size,
        "trained weights, gradient, Adam, snapshots": known["trained"] * FLOAT32 * TRAINED_COPIES,
        "copies of trained weights in bfloat16": known["trained"] * size if size == 2 else 0,
    }
    decoder = {"VAE": known["vae"] * size}
    if not spec.offload:
        always, visiting = always | visiting, {}
    # On a CPU it is where it waits.
    if not spec.offload or torch.device(spec.device).type == "cpu":
        always, decoder = always | decoder, {}
    try:
        phases = _phases(numbers, benchmark, spec, method, shared, size)
    except (KeyError, TypeError):
        unknown.append("activations")
        phases = {}
    phases["encoding"] = {}
    for phase, parts in (("encoding", visiting), ("decoding", decoder), ("evaluation", decoder)):
        if phase in phases:
            phases[phase] |= parts
    rewards = tuple(reward.name for reward in (*benchmark.rewards, *benchmark.held_out))
    return MemoryEstimate(spec.device, always, phases, tuple(unknown), rewards)


def _guided(spec: Checkpoint) -> bool:
    return bool(vars(spec).get("guidance", 1.0) > 1)


def _phases(
    numbers: Numbers, benchmark: Benchmark, spec: Checkpoint, method: Method, shared: Share, size: int
) -> dict[str, dict[str, int]]:
    # What is on the device at once besides weights: all latents of a step, with the embeddings of their prompts. They
    # pass the network `batch` at a time.
    one = geometry_of(spec, numbers.configs)
    if one is None:
        raise KeyError(spec.family)
    recipe, protocol = benchmark.recipe, benchmark.evaluation
    states = 2 * recipe.rollout_steps + 2 if points_of_prompt(benchmark, method).keeps_path else 1
    latents = {"latents": shared.rollouts * one.latent * FLOAT32 * states}
    rollouts = latents | {"embeddings": (shared.prompts + min(shared.rollouts, spec.batch)) * one.embedding * size}
    n_points = shared.points * shared.updates
    graphs = 2 if _guided(spec) else 1
    kept, peak = (f(checkpointing=spec.checkpointing) for f in (one.kept, one.backward))
    evaluated = -(-len(benchmark.evaluated) // shared.processes) * protocol.samples * len(protocol.preferences)
    rows = min(protocol.chunk, evaluated)
    return {
        "rollouts": {**rollouts, "forward pass": int(min(shared.rollouts, spec.batch) * one.forward * size)},
        "decoding": {**rollouts, **_decoded(spec, shared.rollouts, one.sample, one.decoding, size)},
        "losses": {
            "latents": latents["latents"] + 2 * n_points * one.latent * FLOAT32,
            "embeddings": (shared.prompts + shared.micro_batch) * one.embedding * size,
            "activations": int(shared.micro_batch * (peak + (graphs - 1) * kept) * size),
            "gradient sums": _gradient_sums(benchmark, method) * (numbers.trained or 0) * FLOAT32,
        },
        "evaluation": {
            "latents": evaluated * one.latent * FLOAT32,
            "embeddings": rows * one.embedding * size,
            **max(
                {"forward pass": int(min(rows, spec.batch) * one.forward * size)},
                _decoded(spec, rows, one.sample, one.decoding, size),
                key=lambda parts: sum(parts.values()),
            ),
        },
    }  # fmt: skip


def _decoded(spec: Checkpoint, rows: int, sample: int, decoding: float, size: int) -> dict[str, int]:
    return {"samples": rows * sample * FLOAT32, "decoder": int(min(rows, spec.decode_batch) * decoding * size)}


def _gradient_sums(benchmark: Benchmark, method: Method) -> int:
    # Sums of the trained weights' size that `ObjectiveGradients` keeps: a loss and a bin of noise levels each.
    k, solved = benchmark.n_objectives, method.weighting.needs_gradients
    if benchmark.recipe.diagnostics_every:
        return (k + (not solved)) * (len(SIGMA_EDGES) + 1)
    return k if solved else 0


def gib(size: int) -> str:
    """Return a number of bytes in words.

    Example:
        >>> gib(3 * 2**29), gib(2**20)
        ('1.5 GiB', '0.00098 GiB')
    """
    return f"{size / GIB:.{1 if size >= GIB else 2}{'f' if size >= GIB else 'g'}} GiB"


def named(parts: Parts) -> str:
    """Return parts in words.

    Example:
        >>> named({"transformer": 2**31, "VAE": 2**29})
        'transformer 2.0 GiB, VAE 0.5 GiB'
    """
    return ", ".join(f"{name} {gib(size)}" for name, size in parts.items())
