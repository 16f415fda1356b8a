"""Trained models back from disk: from the folder of a run, or from an exported model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.lora import NAME, LoraSize
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.checkpoints import FOLDER, load_tensors
from benchmarks.exports import (
    EXPORT_FILE,
    LORA_FILE,
    PREFERENCE_FILE,
    PREFERENCE_TENSORS,
    ExportRecord,
    PreferenceRecord,
    Spec,
    check_base,
    on_device,
    read_record,
    spec_of,
    with_sizes,
)
from benchmarks.planner import request_from_config, resolve
from benchmarks.records import RUN_FILE, RecordError, UsageError, read_run
from benchmarks.run import Run
from benchmarks.snapshots import NAMES
from methods.base import Backbone, Model


@dataclass(frozen=True)
class Restored:
    """A trained model of a run: the run, its folder, the backbone with the model's snapshots, the model's number."""

    run: Run
    folder: Path
    backbone: Backbone
    index: int

    @property
    def model(self) -> Model:
        """The training that made it."""
        return self.run.models[self.index]

    @property
    def conditional(self) -> bool:
        """Whether it takes a preference as an input."""
        return self.model.preference is None


@dataclass(frozen=True)
class Exported:
    """An exported model: what it says of itself, and a backbone whose current and evaluated weights are its own."""

    record: ExportRecord
    backbone: AdaptedBackbone


def restore(folder: Path, index: int = 0, device: str | None = None) -> Restored:
    """Return a trained model of a run.

    Args:
        folder: Folder of the run, wherever it has been moved.
        index: Number of the model, for methods that train several.
        device: Device of the checkpoint; None takes its own, or the CPU where that is not there.

    Raises:
        UsageError: If it is no run, its benchmark has changed since, there is no such model, or its weights were not
            kept or are not trained to their end.
    """
    path = folder / RUN_FILE
    if not path.exists():
        below = sorted(folder.rglob(RUN_FILE)) if folder.is_dir() else []
        hint = f"runs below it, such as {below[0].parent}" if below else "none"
        raise UsageError(f"{folder}: expected the folder of a run, with {RUN_FILE} in it, found {hint}")
    (run,) = resolve(request_from_config(path, str(folder)))
    if not 0 <= index < len(run.models):
        raise UsageError(f"--model: expected a number from 0 to {len(run.models) - 1}, found {index}")
    _check_kept(folder, index)
    backbone = on_device(run.benchmark.backbone, device).build(run.benchmark.n_objectives, run.seed)
    tensors = load_tensors(folder, f"model{index}")
    try:
        backbone.snapshots.load(tensors)
    except (KeyError, RuntimeError) as error:
        raise RecordError(f"{folder}: expected weights of this run's backbone, found others: {error}") from error
    return Restored(run, folder, backbone, index)


def check_snapshot(name: str) -> None:
    """Check that checkpoints hold weights of a name.

    Raises:
        UsageError: If they do not.
    """
    if name not in ("current", *NAMES):
        raise UsageError(f"--snapshot: expected one of current, {', '.join(NAMES)}, found {name!r}")


def _check_kept(folder: Path, index: int) -> None:
    if (folder / FOLDER / f"model{index}.safetensors").exists():
        return
    status, again = read_run(folder / RUN_FILE).status, f"flowfront run --config {folder / RUN_FILE}"
    if status == "done":
        raise UsageError(
            f"{folder}: expected checkpoints, found none, as in the reference results; train again: {again} --out DIR"
        )
    state = "failed" if status == "failed" else "was cut off"
    raise UsageError(f"{folder}: expected model {index} trained to its end, found a run that {state}; go on: {again}")


def open_export(
    folder: Path, base: str | None = None, sources: Path | None = None, device: str | None = None
) -> Exported:
    """Return an exported model on its base model, at the place it was trained at or at another one.

    Args:
        folder: The export.
        base: Folder or repository of the base model; None takes where it was.
        sources: Folder of the source pictures of editing prompts; None takes where they were.
        device: See `restore`.

    Raises:
        UsageError: If a file is missing or damaged, or the base model is not there or another one.
    """
    return load_export(
        spec_of(read_record(folder / EXPORT_FILE, ExportRecord).base, base, sources), folder, device=device
    )


def load_export(spec: Spec, folder: Path, device: str | None = None) -> Exported:
    """Return an exported model on a base model; the sizes of adapter and preference modules are the export's.

    Args:
        spec: The base model.
        folder: The export.
        device: See `restore`.

    Raises:
        UsageError: If a file is missing or damaged, or the base model is another one.
    """
    record = read_record(folder / EXPORT_FILE, ExportRecord)
    check_base(record.base, spec, str(folder))
    sidecar = read_record(folder / PREFERENCE_FILE, PreferenceRecord) if record.conditional else None
    lora = LoraSize(record.lora.rank, float(record.lora.rank))
    backbone = with_sizes(spec, lora, None if sidecar is None else _size(sidecar, folder), device).build(
        len(record.rewards), 0
    )
    network = backbone.network
    parameters = {_key(name): p for name, p in network.named_parameters() if p.requires_grad}
    found = _tensors(folder / LORA_FILE)
    if sidecar is not None:
        found |= {f"preference.{name}": tensor for name, tensor in _tensors(folder / PREFERENCE_TENSORS).items()}
    else:
        parameters = {name: p for name, p in parameters.items() if not name.startswith("preference.")}
    _fill(parameters, found, folder)
    for name in NAMES:
        if name != "reference":
            backbone.snapshots.blend(name, 0.0)
    return Exported(record, backbone)


def _size(record: PreferenceRecord, folder: Path) -> PreferenceSize:
    values: dict[str, Any] = dict(record.size)
    try:
        return PreferenceSize(**{**values, "hidden": int(values["hidden"]), "bands": int(values["bands"])})
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder / PREFERENCE_FILE}: size: {error}") from error


def _key(parameter: str) -> str:
    # Files of diffusers leave the adapter's name out.
    return parameter.replace(f".{NAME}.weight", ".weight")


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except SafetensorError as error:
        raise UsageError(f"{path} is damaged: expected safetensors, found: {error}") from error


@torch.no_grad()
def _fill(parameters: Mapping[str, torch.nn.Parameter], tensors: Mapping[str, Tensor], folder: Path) -> None:
    for name in sorted(parameters.keys() | tensors.keys()):
        wanted = list(parameters[name].shape) if name in parameters else "nothing"
        found = list(tensors[name].shape) if name in tensors else "nothing"
        if wanted != found:
            raise UsageError(f"{folder}: {name}: expected {wanted}, found {found}")
        if not bool(tensors[name].isfinite().all()):
            raise UsageError(f"{folder}: {name}: expected finite numbers, found others")
    for name, parameter in parameters.items():
        parameter.copy_(tensors[name])
