"""The files of a run: their names, their schema, how they are written and read.

A run lives in `<out>/<suite>/<benchmark>/<method>/seed<k>/` and holds raw measurements only; everything derived
(hypervolume, ranks, tables) is computed by `analysis` from them. Nothing here imports torch, so a report can be
made on a machine that has none. Every file is written under a temporary name, flushed to disk and renamed: a
reader sees the old file or the new one, never half of one.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

SCHEMA_VERSION = 1
RUN_FILE = "run.json"
STEPS_FILE = "steps.jsonl"
EVALUATIONS_FILE = "evaluations.parquet"
GRAMIANS_FILE = "gramians.parquet"
FEATURES_FILE = "features.parquet"
REAL_FEATURES_FILE = "real_features.parquet"
BATCH_ROWS = 1 << 17

Columns = Mapping[str, npt.NDArray[Any]]
"""Equally long columns of a table by name."""

_Kind = TypeVar("_Kind", bound=BaseModel)
# Names become folders and files: none may lead out of its folder or break a line.
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0.0)]


class UsageError(ValueError):
    """A fault of the input that the user can mend; its text is one line and the command ends with exit code 2."""


class RecordError(UsageError):
    """A record that is missing, damaged, of another schema, or that must not be mixed with the others."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RewardRecord(_Model):
    """What a reward column means. `range` is (lowest, highest) possible value, None where unbounded."""

    name: Name
    unit: str
    higher_is_better: bool
    range: tuple[float | None, float | None]


class FrontRecord(_Model):
    """Points of a known true front: rewards `points` [N][K] reached at `preferences` [N][K]."""

    preferences: list[list[float]]
    points: list[list[float]]


class BenchmarkRecord(_Model):
    """What a result must share with another to be compared with it.

    `hash` covers the definition of the benchmark (backbone, prompts, rewards, reference point, bounds, evaluation
    protocol); `bounds` are [K] pairs (low, high) that normalize rewards; the true front and its hypervolume under
    `reference_point` are None where unknown, `true_hypervolume_error` is the numerical error of that number.
    """

    name: Name
    hash: str
    rewards: list[RewardRecord]
    held_out: list[RewardRecord] = []
    reference_point: list[float]
    bounds: list[tuple[float, float]]
    true_front: FrontRecord | None = None
    true_hypervolume: float | None = None
    true_hypervolume_error: float | None = None


class MethodRecord(_Model):
    """The method's name on the command line, its class as `module:Class`, and every field with its value."""

    name: Name
    paper: str
    settings: dict[str, Any]


class CostRecord(_Model):
    """What a run has spent on training, all its models together.

    `velocity_evaluations` counts latents passed through the backbone (rollouts and losses, without evaluation),
    `reward_calls` counts samples scored, `seconds` is wall time, `peak_memory_bytes` the largest resident size.
    """

    velocity_evaluations: Count
    reward_calls: Count
    seconds: Seconds
    peak_memory_bytes: Count


class CheckpointRecord(_Model):
    """One evaluated state: the gradient steps of each model, and what all models together had cost."""

    step: Count
    velocity_evaluations: Count
    reward_calls: Count
    seconds: Seconds


class InvariantRecord(_Model):
    """A run-time check: what was measured, what it must satisfy, and whether it did."""

    name: str
    passed: bool
    value: float
    requirement: str


class RunRecord(_Model):
    """The content of `run.json`.

    `suite_origin` is the `module:NAME` of a suite that is not built in; `changes` are the texts NAME.FIELD=VALUE, in
    order, that made the suite's benchmark this one.
    """

    schema_version: int
    status: Literal["running", "done", "failed"]
    error: str | None = None
    suite: Name
    suite_origin: str | None = None
    changes: list[str] = []
    benchmark: BenchmarkRecord
    method: MethodRecord
    seed: Count
    models: Annotated[int, Field(ge=1)]
    budget: dict[str, Any]
    recipe: dict[str, Any]
    spent: CostRecord
    checkpoints: list[CheckpointRecord] = []
    invariants: list[InvariantRecord] = []
    versions: dict[str, str]
    commit: str | None
    device: str
    threads: int
    compiled: bool = False
    processes: int = 1


@dataclass(frozen=True)
class StoredRun:
    """A run found on disk: its folder and the content of its `run.json`."""

    folder: Path
    record: RunRecord


def run_folder(out: Path, suite: str, benchmark: str, method: str, seed: int) -> Path:
    """Return the folder of a run.

    Example:
        >>> run_folder(Path("results"), "toy", "two-targets", "pareto_slider", 0).as_posix()
        'results/toy/two-targets/pareto_slider/seed0'
    """
    return out / suite / benchmark / method / f"seed{seed}"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all (temporary name, fsync, rename).

    Raises:
        RecordError: If the folder cannot be written to.
    """
    write_files({path: content})


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together: a disk that has no room for all of them keeps the old ones.

    Each is written whole under a temporary name, and only then are all renamed.

    Raises:
        RecordError: If a folder cannot be written to.
    """
    staged: list[tuple[str, Path]] = []
    path = Path()
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            staged.append((temporary, path))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
        for temporary, path in staged:
            os.replace(temporary, path)
    except OSError as error:
        raise RecordError(f"cannot write {path}: expected a writable folder, found: {error.strerror}") from error
    finally:
        # Also where the process was interrupted: nothing half written stays behind.
        for temporary, _ in staged:
            Path(temporary).unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object atomically, keys in the given order, NaN refused."""
    write_bytes(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def write_run(folder: Path, record: RunRecord) -> None:
    """Write `run.json` of a run."""
    write_json(folder / RUN_FILE, record.model_dump(mode="json"))


def read_run(path: Path) -> RunRecord:
    """Read a `run.json`.

    Raises:
        RecordError: If the file is missing, is not JSON, has another schema version or lacks a field.
    """
    content = read_json(path)
    found = content.get("schema_version") if isinstance(content, dict) else None
    if found != SCHEMA_VERSION:
        raise RecordError(f"{path}: expected schema_version {SCHEMA_VERSION}, found {found!r}")
    return validated(path, RunRecord, content)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        RecordError: If it is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # JSON can say half of a UTF-16 pair, which no file and no terminal can show as text.
        return json.loads(json.dumps(content, ensure_ascii=False).encode(errors="replace"))
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is damaged: expected a JSON object, found: {error}") from error


def validated(path: Path, kind: type[_Kind], content: Any) -> _Kind:
    """Return the content of a file as a model.

    Raises:
        RecordError: If it does not fit; the line names the first field.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecordError(f"{path}: field {where}: {first['msg']}, found {first['input']!r:.80}") from error


def find_runs(folder: Path) -> list[StoredRun]:
    """Return every run at or below a folder, sorted by path.

    Raises:
        RecordError: If the folder does not exist, holds no run, or a `run.json` in it cannot be read.
    """
    if not folder.is_dir():
        raise RecordError(f"no such folder: {folder} (expected the output folder of `flowfront run`)")
    paths = sorted(folder.rglob(RUN_FILE))
    if not paths:
        raise RecordError(f"{folder}: expected run.json files below it, found none")
    return [StoredRun(path.parent, read_run(path)) for path in paths]


def write_table(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write equally long columns as a parquet file, atomically; the same columns give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), sink, compression="zstd")
    write_bytes(path, sink.getvalue().to_pybytes())


@contextmanager
def _parquet(path: Path) -> "Iterator[pq.ParquetFile]":
    """Open a parquet file; whatever is wrong with it becomes one line."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            yield file
    except FileNotFoundError as error:
        raise RecordError(f"cannot read {path}: no such file") from error
    except (OSError, pa.ArrowException) as error:
        raise RecordError(f"{path} is damaged: expected a parquet file, found: {str(error).splitlines()[0]}") from error


def read_table(path: Path) -> "pd.DataFrame":
    """Read a parquet file of a run as a frame.

    Raises:
        RecordError: If it is missing or damaged.
    """
    with _parquet(path) as file:
        frame: pd.DataFrame = file.read(use_threads=False).to_pandas()
    return frame


def read_columns(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read a parquet file of a run as columns of numpy, without loading pandas; missing numbers become NaN.

    Raises:
        RecordError: If it is missing or damaged.
    """
    with _parquet(path) as file:
        table = file.read(use_threads=False).combine_chunks()
        return {name: _values(table, name) for name in table.column_names}


def column_batches(path: Path, rows: int = BATCH_ROWS) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Read the same in batches of at most so many rows, so that memory does not grow with the file.

    A file without rows gives one batch of empty columns.

    Raises:
        RecordError: If it is missing or damaged, also behind the first batches.
    """
    import pyarrow as pa

    with _parquet(path) as file:
        for batch in file.iter_batches(rows, use_threads=False):
            table = pa.Table.from_batches([batch])
            yield {name: _values(table, name) for name in table.column_names}
        if file.metadata.num_rows == 0:
            yield {name: np.zeros(0) for name in file.schema_arrow.names}


def _values(table: "pa.Table", name: str) -> npt.NDArray[Any]:
    import pyarrow as pa

    column = table.column(name)
    chunks = column.chunks
    numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if numeric and column.null_count == 0 and len(chunks) == 1:
        # Not `to_numpy`, which loads pandas: as long as everything else that reading a run takes.
        return np.from_dlpack(chunks[0])
    values = column.to_pylist()
    if numeric:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.array(values, dtype=bool if pa.types.is_boolean(column.type) and None not in values else object)


def reward_columns(rewards: Iterable[RewardRecord], prefix: str = "reward") -> list[str]:
    """Return the column names of rewards in `evaluations.parquet`."""
    return [f"{prefix}_{reward.name}" for reward in rewards]


def read_steps(path: Path) -> list[dict[str, Any]]:
    """Read `steps.jsonl` as a list of objects.

    Raises:
        RecordError: If the file is missing or a complete line of it is not a JSON object.
    """
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is damaged: expected one JSON object a line, found: {error}") from error
