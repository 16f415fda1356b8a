"""What is on disk, and what a command answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.records import read_steps


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def times_below(folder: Path) -> dict[str, int]:
    """Return when every file and folder below a folder was last written, in ns."""
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def steps_without_seconds(path: Path) -> list[dict[str, Any]]:
    """Return the rows of `steps.jsonl` without the only entry that no seed fixes."""
    return [{key: value for key, value in row.items() if key not in ("seconds", "timings")} for row in read_steps(path)]


MEASURED_FILES = ("evaluations.parquet", "gramians.parquet")


def measurements(folder: Path) -> dict[str, Any]:
    """Return everything in a run's folder that its settings and its seed determine."""
    found: dict[str, Any] = {name: (folder / name).read_bytes() for name in MEASURED_FILES}
    found |= {path.name: path.read_bytes() for path in sorted((folder / "checkpoints").glob("*.safetensors"))}
    found["steps"] = steps_without_seconds(folder / "steps.jsonl")
    record = json.loads((folder / "run.json").read_text())
    del record["commit"]  # whoever edits a tracked file while the tests run changes it
    for cost in (record["spent"], *record["checkpoints"]):
        cost.pop("seconds")
        cost.pop("peak_memory_bytes", None)
    return found | {"record": record}


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return the output as JSON."""
        return json.loads(self.out)

    def error_line(self) -> str:
        """Return the one line of a fault of the input, without its `error: `; fails if there is anything else."""
        assert self.code == 2, (self.code, self.err)
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: "), self.err
        return lines[0].removeprefix("error: ")


Command = Callable[..., Answer]
