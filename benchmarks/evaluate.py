"""The preference sweep: raw rewards of a model at every preference, prompt and sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.collect import noise_levels
from benchmarks.draws import KeyedDraws
from benchmarks.records import UsageError
from benchmarks.scoring import check_applies, score
from methods.base import Backbone
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Sweep:
    """What an evaluation found.

    Attributes:
        columns: The rows of `evaluations.parquet`, one per (point, prompt, sample).
        features: The same rows of `features.parquet`, where the benchmark has features.
        pictures: Samples [points, prompts, samples, ...] that its gallery keeps, where it has one.
        first_point: Number of the first point.
        preferences: What the points stand for [n][K].
    """

    columns: Columns
    features: Columns | None
    pictures: Tensor | None
    first_point: int
    preferences: tuple[tuple[float, ...], ...]


def evaluation_noise(benchmark: Benchmark, backbone: Backbone, seed: int) -> Tensor:
    """Return the initial noise [P, samples, ...]: fixed per prompt, apart from all noise of training."""
    draws = KeyedDraws(seed, range(len(benchmark.evaluated)), 0)
    return draws.normal("evaluation noise", benchmark.evaluation.samples, *backbone.latent_shape)


@torch.no_grad()
def sweep_samples(
    benchmark: Benchmark, backbone: Backbone, snapshot: str, preferences: Tensor | None, n_points: int, seed: int
) -> Tensor:
    """Return samples [n_points, P, samples, ...] of a snapshot by the Euler ODE.

    Args:
        benchmark: Gives prompts and protocol.
        backbone: The model.
        snapshot: Name of the weights to use.
        preferences: [n_points, K], or None to run the model without a preference.
        n_points: Rows of the sweep.
        seed: Seed of the run.
    """
    protocol = benchmark.evaluation
    noise = evaluation_noise(benchmark, backbone, seed)
    n_prompts = len(benchmark.evaluated)
    per_point = n_prompts * protocol.samples
    start = noise.flatten(0, 1).repeat(n_points, *[1] * (noise.ndim - 2))
    prompt_rows = torch.arange(n_prompts).repeat_interleave(protocol.samples).repeat(n_points)
    condition = backbone.encode(benchmark.evaluated)
    rows = None if preferences is None else preferences.to(start).repeat_interleave(per_point, 0)
    sigmas = noise_levels(backbone, protocol.steps, protocol.shift)
    pieces = []
    with backbone.snapshots.using(snapshot):
        for first in range(0, len(start), protocol.chunk):
            index = torch.arange(first, min(first + protocol.chunk, len(start)))
            part, wanted = condition.rows(prompt_rows[index]), None if rows is None else rows[index]

            def velocity(x: Tensor, sigma: Tensor, part=part, wanted=wanted) -> Tensor:  # type: ignore[no-untyped-def]
                return backbone.velocity(x, sigma, part, wanted)

            pieces.append(backbone.decode(denoise(velocity, ODE(), start[index], sigmas).clean))
    samples = torch.cat(pieces)
    return samples.reshape(n_points, n_prompts, protocol.samples, *samples.shape[1:])


def evaluate(
    benchmark: Benchmark,
    backbone: Backbone,
    snapshot: str,
    preferences: Sequence[Sequence[float]],
    seed: int,
    *,
    conditional: bool,
    step: int,
    first_point: int,
) -> Sweep:
    """Return what a sweep finds: raw rewards of every (point, prompt, sample), features and pictures.

    Args:
        benchmark: Gives prompts, rewards and protocol.
        backbone: The model.
        snapshot: Name of the weights to evaluate.
        preferences: What the points stand for [n][K].
        seed: Seed of the run.
        conditional: Whether the model gets the preference as an input.
        step: Gradient steps of the model, for the record.
        first_point: Number of the first point, for the record.

    Raises:
        RewardError: If a reward fails or applies to no prompt.
    """
    wanted = torch.tensor(preferences, dtype=torch.float64)
    n, k = wanted.shape
    samples = sweep_samples(benchmark, backbone, snapshot, wanted if conditional else None, n, seed)
    n_prompts, n_samples = samples.shape[1:3]
    flat = samples.flatten(0, 2)
    prompts = [prompt for prompt in benchmark.evaluated for _ in range(n_samples)] * n
    trained = score(benchmark.rewards, flat, prompts)
    check_applies(benchmark.rewards, trained)
    held_out = score(benchmark.held_out, flat, prompts)
    rows = _rows(n, n_prompts, n_samples, step, first_point)
    columns = {name: rows[name] for name in ("step", "point")}
    columns |= {f"preference_{i}": np.repeat(wanted[:, i].numpy(), n_prompts * n_samples) for i in range(k)}
    columns |= {name: rows[name] for name in ("prompt_id", "sample")}
    columns |= {f"reward_{r.name}": trained[:, i].numpy() for i, r in enumerate(benchmark.rewards)}
    columns |= {f"held_out_{r.name}": held_out[:, i].numpy() for i, r in enumerate(benchmark.held_out)}
    features = None if benchmark.features is None else rows | feature_columns(benchmark.features(flat))
    return Sweep(columns, features, _shown(benchmark, samples), first_point, tuple(map(tuple, wanted.tolist())))


def _rows(n_points: int, n_prompts: int, n_samples: int, step: int, first_point: int) -> Columns:
    per_point = n_prompts * n_samples
    return {
        "step": np.full(n_points * per_point, step, dtype=np.int64),
        "point": np.repeat(np.arange(first_point, first_point + n_points, dtype=np.int64), per_point),
        "prompt_id": np.tile(np.repeat(np.arange(n_prompts, dtype=np.int64), n_samples), n_points),
        "sample": np.tile(np.arange(n_samples, dtype=np.int64), n_points * n_prompts),
    }


def feature_columns(features: Tensor) -> Columns:
    """Return the columns `f_0`, `f_1`, ... of features [B, D], in half precision."""
    halves = features.to(torch.float16).numpy()
    return {f"f_{i}": halves[:, i] for i in range(halves.shape[1])}


def _shown(benchmark: Benchmark, samples: Tensor) -> Tensor | None:
    gallery = benchmark.gallery
    if gallery is None:
        return None
    index = torch.tensor([benchmark.evaluated.index(prompt) for prompt in gallery.prompts])
    return samples[:, index, : gallery.samples]


def check_reference_point(benchmark: Benchmark, base: Columns) -> None:
    """Check that the base model beats the reference point in every reward.

    Raises:
        UsageError: If it does not: no hypervolume under that point would mean anything.
    """
    for reward, worst in zip(benchmark.rewards, benchmark.reference_point, strict=True):
        found = float(np.nanmean(base[f"reward_{reward.name}"].astype(np.float64)))
        if not (found > worst if reward.higher_is_better else found < worst):
            raise UsageError(
                f"benchmark {benchmark.name}: reference_point must be worse than the base model in every reward, "
                f"found {worst:g} for {reward.name} where the base model has {found:.6g}"
            )
