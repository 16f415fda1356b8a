"""Folders of trained weights that ship with the project: their hashes, written and checked."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.records import UsageError, write_bytes

SUMS_FILE = "SHA256SUMS"
_PART = r"(?!\.\.?/|\.\.?$)[^/\\]+"
_LINE = re.compile(rf"([0-9a-f]{{64}})  ({_PART}(?:/{_PART})*)")


def listed_hashes(folder: Path) -> dict[str, str]:
    """Return SHA-256 by relative path as `SHA256SUMS` of a folder lists them, without reading the files.

    Raises:
        UsageError: If the list is missing, empty, or holds anything but lines of `sha256sum` on files below the folder.
    """
    path = folder / SUMS_FILE
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: expected a list of SHA-256 sums, found: {error}") from error
    matches = [_LINE.fullmatch(line) for line in lines]
    found = {match[2]: match[1] for match in matches if match is not None}
    if not lines or len(found) != len(lines):
        strange = next((line for line, match in zip(lines, matches, strict=True) if match is None), "an empty list")
        raise UsageError(f"{path} is damaged: expected one SHA-256, two spaces, a file name a line, found {strange!r}")
    return found


def check_hashes(folder: Path) -> None:
    """Check every file that `SHA256SUMS` of a folder lists.

    Raises:
        UsageError: If the list or a file is missing, or a file is not the listed one.
    """
    for name, expected in listed_hashes(folder).items():
        path = folder / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise UsageError(f"cannot read {path}: expected SHA-256 {expected}, found: {error.strerror}") from error
        if found != expected:
            raise UsageError(f"{path} is damaged: expected SHA-256 {expected}, found {found}")


def write_hashes(folder: Path, names: Sequence[str]) -> None:
    """Write `SHA256SUMS` of files of a folder, named by their relative paths, in the format of `sha256sum`.

    Raises:
        RecordError: If the folder cannot be written to.
    """
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    write_bytes(folder / SUMS_FILE, "".join(sums).encode())
