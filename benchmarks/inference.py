"""Samples of a trained model, whether it lies in the folder of a run or was exported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.collect import device_of, noise_levels
from benchmarks.draws import KeyedDraws, derived_seed
from benchmarks.exports import EXPORT_FILE, exportable
from benchmarks.records import UsageError
from benchmarks.restored import Exported, Restored, check_snapshot, open_export, restore
from methods.base import Backbone, Condition
from methods.preferences import check_preference
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE

AT_ONCE = 8
"""Samples that pass through the model together."""

Preference = tuple[float, ...]


@dataclass(frozen=True)
class Trained:
    """A model to make samples with.

    Attributes:
        backbone: The model.
        snapshot: Name of the weights to use.
        rewards: Names of the K rewards that it was trained for.
        weights: The weights [K] that it was trained for; None where it takes a preference instead.
        steps: Steps of the sampler by default, those that its results were measured with.
        shift: Shift of the grid of noise levels; None takes the model's own levels.
        frame_rate: Frames a second of videos; None for pictures.
        title: What it is, in a line.
        prompt: A prompt that it was measured on.
    """

    backbone: Backbone
    snapshot: str
    rewards: tuple[str, ...]
    weights: Preference | None
    steps: int
    shift: float | None
    frame_rate: float | None
    title: str
    prompt: str

    @property
    def conditional(self) -> bool:
        """Whether the model takes a preference."""
        return self.weights is None

    @property
    def even(self) -> Preference:
        """The preference that favors no reward."""
        return (1 / len(self.rewards),) * len(self.rewards)


def open_trained(
    folder: Path, index: int = 0, snapshot: str = "evaluation", base: str | None = None, sources: Path | None = None,
    device: str | None = None,
) -> Trained:  # fmt: skip
    """Return the model of a run's folder or of an export.

    Args:
        folder: Either.
        index: Number of the model, for runs that train several.
        snapshot: Name of the weights, for runs.
        base: Base model of an export; None takes where it was.
        sources: Source pictures of an export for edits; None takes where they were.
        device: Of torch; None takes the checkpoint's own, or the CPU where that is not there.

    Raises:
        UsageError: If it is neither or cannot be read, or its samples are no pictures.
    """
    if (folder / EXPORT_FILE).exists():
        return of_export(open_export(folder, base, sources, device))
    if base is not None or sources is not None:
        raise UsageError("--base and --sources: expected with an exported model only; a run says where its own are")
    check_snapshot(snapshot)
    return of_run(restore(folder, index, device), snapshot)


def of_run(restored: Restored, snapshot: str = "evaluation") -> Trained:
    """Return a model of a run, sampled as its results were.

    Raises:
        UsageError: If its samples are no pictures.
    """
    run, model = restored.run, restored.model
    spec = exportable(run.benchmark.backbone, f"{run.suite}/{run.benchmark.name}")
    several = f", model {restored.index} of {len(run.models)}" if len(run.models) > 1 else ""
    return Trained(
        backbone=restored.backbone,
        snapshot=snapshot,
        rewards=tuple(reward.name for reward in run.benchmark.rewards),
        weights=None if model.preference is None else tuple(model.preference),
        steps=run.benchmark.evaluation.steps,
        shift=run.benchmark.evaluation.shift,
        frame_rate=_frame_rate(vars(spec)),
        title=f"{run.method_name} on {run.suite}/{run.benchmark.name}, seed {run.seed}{several}",
        prompt=run.benchmark.evaluated[0],
    )


def of_export(exported: Exported) -> Trained:
    """Return an exported model, sampled as its results were."""
    record = exported.record
    return Trained(
        backbone=exported.backbone,
        snapshot="evaluation",
        rewards=tuple(record.rewards),
        weights=None if record.weights is None else tuple(record.weights),
        steps=record.sampling.steps,
        shift=record.sampling.shift,
        frame_rate=_frame_rate(record.base.settings),
        title=f"{record.method} on {record.suite}/{record.benchmark}, seed {record.seed}, exported",
        prompt=record.prompt,
    )


def _frame_rate(settings: Mapping[str, object]) -> float | None:
    found = settings.get("frame_rate")
    return float(found) if isinstance(found, int | float) else None


def check_wanted(trained: Trained, preferences: Sequence[Preference], name: str = "preference") -> None:
    """Check preferences for a model.

    Args:
        trained: The model.
        preferences: Any number of preferences; none asks for the even one, or for a model without.
        name: What they are called in error lines.

    Raises:
        UsageError: If the model takes none, or one is not on the simplex of its rewards.
    """
    if trained.weights is not None and preferences:
        given = ", ".join(f"{w:.3g} {r}" for w, r in zip(trained.weights, trained.rewards, strict=True))
        raise UsageError(f"{name}: expected none, for this model was trained for {given} alone and takes none")
    for preference in preferences:
        try:
            check_preference(preference, len(trained.rewards), name)
        except ValueError as error:
            raise UsageError(f"{error}; the rewards are {', '.join(trained.rewards)}") from error


@torch.no_grad()
def sample(
    trained: Trained, prompts: Sequence[str], preferences: Sequence[Preference] = (), seed: int = 0, count: int = 1,
    steps: int | None = None,
) -> Tensor:  # fmt: skip
    """Return samples [V, P, count, ...] by the Euler ODE: V preferences, P prompts.

    Noise depends on the seed, the prompt's text and the number of the sample alone, so every preference meets the same.

    Args:
        trained: The model.
        prompts: Texts.
        preferences: What is asked for [V][K]; none asks for the even one where the model takes one, and V is 1.
        seed: Seed of the noise.
        count: Samples of each prompt at each preference.
        steps: Steps of the sampler; None takes the number that results were measured with.

    Raises:
        UsageError: If a preference, a prompt or a number does not fit the model.
    """
    check_wanted(trained, preferences)
    levels = trained.steps if steps is None else steps
    for name, value in {"count": count, "steps": levels, "prompts": len(prompts)}.items():
        if value < 1:
            raise UsageError(f"{name}: expected at least 1, found {value}")
    backbone = trained.backbone
    device = device_of(backbone)
    numbers = [derived_seed("prompt", prompt) for prompt in prompts]
    noise = torch.stack(
        [KeyedDraws(seed, numbers, i, device).normal("shown samples", *backbone.latent_shape) for i in range(count)],
        dim=1,
    )
    wanted: list[Preference | None] = [*preferences] or [trained.even if trained.conditional else None]
    condition = backbone.encode(list(prompts))
    sigmas = _sigmas(trained, levels)
    rows = torch.arange(len(prompts), device=device).repeat_interleave(count)
    start = noise.flatten(0, 1)
    with backbone.snapshots.using(trained.snapshot):
        found = [
            _denoised(backbone, start[index], condition.rows(rows[index]), preference, sigmas)
            for preference in wanted
            for index in torch.split(torch.arange(len(start), device=device), AT_ONCE)
        ]
    samples = torch.cat(found).cpu()
    return samples.reshape(len(wanted), len(prompts), count, *samples.shape[1:])


def _sigmas(trained: Trained, steps: int) -> Tensor:
    # Some schedules divide by zero where they have one step only.
    with np.errstate(all="ignore"):
        sigmas = noise_levels(trained.backbone, steps, trained.shift)
    if not bool(sigmas.isfinite().all()):
        raise UsageError(f"steps: expected a number that this model has noise levels for, found {steps}")
    return sigmas


def _denoised(
    backbone: Backbone, noise: Tensor, condition: Condition, preference: Preference | None, sigmas: Tensor
) -> Tensor:
    rows = None if preference is None else torch.tensor([preference] * len(noise)).to(noise)

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        return backbone.velocity(x, sigma, condition, rows)

    return backbone.decode(denoise(velocity, ODE(), noise, sigmas).clean)
