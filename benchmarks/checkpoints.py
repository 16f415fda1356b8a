"""Resumable states of a run: `checkpoints/state.json` and the tensors it names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from benchmarks.records import RecordError, write_bytes, write_json

FOLDER = "checkpoints"


class EvaluatedModel(BaseModel):
    """One evaluation of one model: its step and what this model had cost then."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: int
    step: int
    velocity_evaluations: int
    reward_calls: int
    seconds: float


class Position(BaseModel):
    """How far a run is: the model in training, its step and cost, what is evaluated, how much of each file counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: int
    step: int
    seconds: float
    velocity_evaluations: int
    reward_calls: int
    steps_offset: int
    tensors: str | None
    gramians: int
    evaluated: list[EvaluatedModel]
    invariants: list[dict[str, Any]]


def save_tensors(folder: Path, name: str, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to `checkpoints/<name>.safetensors`, atomically."""
    copies = {key: tensor.detach().contiguous().clone() for key, tensor in tensors.items()}
    write_bytes(folder / FOLDER / f"{name}.safetensors", save(copies))


def load_tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """Read what `save_tensors` wrote.

    Raises:
        RecordError: If the file is missing or damaged.
    """
    path = folder / FOLDER / f"{name}.safetensors"
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    except SafetensorError as error:
        raise RecordError(f"{path} is damaged: expected safetensors, found: {error}") from error


def save_position(folder: Path, position: Position, tensors: Mapping[str, Tensor] | None) -> None:
    """Write a position; its tensors first, so that `state.json` never names a file that is not there."""
    if tensors is not None:
        assert position.tensors is not None
        save_tensors(folder, position.tensors, tensors)
    write_json(folder / FOLDER / "state.json", position.model_dump(mode="json"))
    for path in (folder / FOLDER).glob("resume-*.safetensors"):
        if path.stem != position.tensors:
            path.unlink()


def read_position(folder: Path) -> Position | None:
    """Return the position of a run that was cut off, or None if it had not got to its first one.

    Raises:
        RecordError: If `state.json` is damaged.
    """
    path = folder / FOLDER / "state.json"
    if not path.exists():
        return None
    try:
        return Position.model_validate(json.loads(path.read_text()))
    except (ValueError, ValidationError) as error:
        raise RecordError(
            f"{path} is damaged: expected the state of a run, found: {str(error).splitlines()[0]}"
        ) from error
