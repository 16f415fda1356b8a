"""The preference sweep: raw rewards of a model at every preference, prompt and sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.collect import device_of, noise_levels
from benchmarks.distributed import ALONE, Processes
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


def evaluation_noise(benchmark: Benchmark, backbone: Backbone, seed: int, prompts: Sequence[int]) -> Tensor:
    """Return the initial noise [P, samples, ...] of prompts: fixed for each, apart from all noise of training."""
    draws = KeyedDraws(seed, prompts, 0, device_of(backbone))
    return draws.normal("evaluation noise", benchmark.evaluation.samples, *backbone.latent_shape)


@torch.no_grad()
def sweep_chunks(
    benchmark: Benchmark, backbone: Backbone, snapshot: str, preferences: Tensor | None, n_points: int, seed: int,
    processes: Processes = ALONE,
) -> Iterator[tuple[Tensor, Tensor]]:  # fmt: skip
    """Yield samples [n, ...] of a snapshot by the Euler ODE, with their place [n] among all (point, prompt, sample).

    Args:
        benchmark: Gives prompts and protocol.
        backbone: The model.
        snapshot: Name of the weights to use.
        preferences: [n_points, K], or None to run the model without a preference.
        n_points: Rows of the sweep.
        seed: Seed of the run.
        processes: Each does its share of the prompts.
    """
    protocol, mine = benchmark.evaluation, processes.share(len(benchmark.evaluated))
    noise = evaluation_noise(benchmark, backbone, seed, mine)
    flat, per_point = noise.flatten(0, 1), len(mine) * protocol.samples
    condition = backbone.encode([benchmark.evaluated[i] for i in mine])
    wanted = None if preferences is None else preferences.to(flat)
    sigmas = noise_levels(backbone, protocol.steps, protocol.shift)
    places = torch.arange(n_points).unsqueeze(1) * len(benchmark.evaluated) * protocol.samples
    places = (places + mine.start * protocol.samples + torch.arange(per_point)).flatten()
    for index in torch.split(torch.arange(n_points * per_point, device=flat.device), protocol.chunk):
        row = index % per_point
        part = condition.rows(row // protocol.samples)
        rows = None if wanted is None else wanted[index // per_point]

        def velocity(x: Tensor, sigma: Tensor, part=part, rows=rows) -> Tensor:  # type: ignore[no-untyped-def]
            return backbone.velocity(x, sigma, part, rows)

        with backbone.snapshots.using(snapshot):
            samples = backbone.decode(denoise(velocity, ODE(), flat[row], sigmas).clean)
        yield places[index.cpu()], samples


def sweep_samples(
    benchmark: Benchmark, backbone: Backbone, snapshot: str, preferences: Tensor | None, n_points: int, seed: int
) -> Tensor:
    """Return all samples of a sweep [n_points, P, samples, ...]; see `sweep_chunks`."""
    chunks = sweep_chunks(benchmark, backbone, snapshot, preferences, n_points, seed)
    samples = torch.cat([part for _, part in chunks])
    n_prompts = len(benchmark.evaluated)
    return samples.reshape(n_points, n_prompts, benchmark.evaluation.samples, *samples.shape[1:])


@dataclass
class _Found:
    # What is kept of the samples of a sweep, row by row.
    places: list[Tensor] = field(default_factory=list)
    trained: list[Tensor] = field(default_factory=list)
    held_out: list[Tensor] = field(default_factory=list)
    features: list[Tensor] = field(default_factory=list)
    shown: list[Tensor] = field(default_factory=list)
    pictures: list[Tensor] = field(default_factory=list)


def _measure(benchmark: Benchmark, chunks: Iterator[tuple[Tensor, Tensor]], shown: Tensor) -> _Found:
    # Samples are scored as they come: pictures of a whole sweep may take more memory than the model.
    found, protocol = _Found(), benchmark.evaluation
    for places, samples in chunks:
        prompts = [benchmark.evaluated[i // protocol.samples % len(benchmark.evaluated)] for i in places.tolist()]
        found.places.append(places)
        found.trained.append(score(benchmark.rewards, samples, prompts))
        found.held_out.append(score(benchmark.held_out, samples, prompts))
        if benchmark.features is not None:
            found.features.append(benchmark.features(samples).cpu())
        kept = torch.isin(places, shown)
        found.shown.append(places[kept])
        found.pictures.append(samples[kept.to(samples.device)].cpu())
    return found


def _shown(benchmark: Benchmark, n_points: int) -> Tensor:
    # Places of the pictures that are kept, [points, prompts, samples].
    gallery, samples = benchmark.gallery, benchmark.evaluation.samples
    if gallery is None:
        return torch.empty(0, dtype=torch.int64)
    prompts = torch.tensor([benchmark.evaluated.index(prompt) for prompt in gallery.prompts])
    points = torch.arange(n_points).view(-1, 1, 1) * len(benchmark.evaluated)
    return (points + prompts.view(-1, 1)) * samples + torch.arange(min(gallery.samples, samples))


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
    processes: Processes = ALONE,
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
        processes: Each does its share of the prompts and returns the whole.

    Raises:
        RewardError: If a reward fails or applies to no prompt.
    """
    wanted = torch.tensor(preferences, dtype=torch.float64)
    n, k = wanted.shape
    shown = _shown(benchmark, n)
    chunks = sweep_chunks(benchmark, backbone, snapshot, wanted if conditional else None, n, seed, processes)
    with processes.together():
        found = _measure(benchmark, chunks, shown)
    order = processes.gather(torch.cat(found.places)).argsort()
    trained, held_out = (processes.gather(torch.cat(part))[order] for part in (found.trained, found.held_out))
    check_applies(benchmark.rewards, trained)
    n_prompts, n_samples = len(benchmark.evaluated), benchmark.evaluation.samples
    rows = _rows(n, n_prompts, n_samples, step, first_point)
    columns = {name: rows[name] for name in ("step", "point")}
    columns |= {f"preference_{i}": np.repeat(wanted[:, i].numpy(), n_prompts * n_samples) for i in range(k)}
    columns |= {name: rows[name] for name in ("prompt_id", "sample")}
    columns |= {f"reward_{r.name}": trained[:, i].numpy() for i, r in enumerate(benchmark.rewards)}
    columns |= {f"held_out_{r.name}": held_out[:, i].numpy() for i, r in enumerate(benchmark.held_out)}
    features = None
    if benchmark.features is not None:
        features = rows | feature_columns(processes.gather(torch.cat(found.features))[order])
    pictures = None
    if benchmark.gallery is not None:
        pictures = _in_order(processes, found, shown)
    return Sweep(columns, features, pictures, first_point, tuple(map(tuple, wanted.tolist())))


def _in_order(processes: Processes, found: _Found, shown: Tensor) -> Tensor:
    # The kept pictures [points, prompts, samples, ...].
    places, pictures = processes.gather(torch.cat(found.shown)), processes.gather(torch.cat(found.pictures))
    order = places.argsort()
    return pictures[order[torch.searchsorted(places[order], shown)]]


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
