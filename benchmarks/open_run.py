"""What a process holds while it makes a run: the lock on its folder, and its open step log."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from benchmarks.records import RecordError


class FolderLock:
    """Keeps a second process from writing the same run; it ends with `release` or with the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            RecordError: If another process has it, or the folder cannot be written to.
        """
        self._path = folder / ".lock"
        self._file = self._locked(folder)
        # Whoever held it may have removed the file after it was opened here: then the next one would lock another.
        while not self._is_there():
            self._file.close()
            self._file = self._locked(folder)

    def _locked(self, folder: Path) -> IO[str]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = self._path.open("w")
        except OSError as error:
            raise RecordError(f"cannot write {folder}: expected a writable folder, found: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise RecordError(f"{folder}: expected to be alone, found another process that writes this run") from error
        return file

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the lock back."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def check_steps(path: Path, offset: int) -> None:
    """Raise RecordError if a `steps.jsonl` is shorter than the `offset` [bytes] to which a run had got."""
    length = path.stat().st_size if path.exists() else 0
    if length < offset:
        raise RecordError(f"{path} is damaged: expected at least {offset} bytes, found {length}")


class StepLog:
    """Append-only writer of `steps.jsonl`; `offset` is where a resumed run cuts the file before it goes on."""

    def __init__(self, path: Path, offset: int) -> None:
        """Open the file and drop what was written behind `offset` [bytes] by a run that was cut off.

        Raises:
            RecordError: If the file is shorter than that or cannot be opened.
        """
        check_steps(path, offset)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("r+b" if path.exists() else "w+b")
        except OSError as error:
            raise RecordError(f"cannot write {path}: {error.strerror}") from error
        self._file.truncate(offset)
        self._file.seek(offset)

    def append(self, row: Mapping[str, Any]) -> None:
        """Append one object; it reaches the disk at the next `sync` at the latest."""
        self._file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")

    def sync(self) -> int:
        """Flush to disk and return the length of the file in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Flush and close the file."""
        self.sync()
        self._file.close()
