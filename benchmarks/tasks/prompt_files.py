"""Prompts from the user's files, or from a file of a dataset on the Hugging Face Hub.

prompts.txt                    one prompt a line
prompts.json                   a list of texts, or of objects with a "prompt" or a "caption"
prompts.jsonl                  one of these a line
prompts.csv, prompts.parquet   a column named prompt or caption
hub:owner/name/data/test.parquet, hub:owner/name@revision/prompts.txt
"""

import csv
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.records import UsageError

HUB = "hub:"
COLUMNS = ("prompt", "caption")
_ON_HUB = re.compile(r"hub:([^/@\s]+/[^/@\s]+)(?:@([^/\s]+))?/(\S.*)")


def read_prompts(source: str | Path) -> tuple[str, ...]:
    """Return the distinct prompts of a file in its order, without what is blank.

    Args:
        source: Path of a file, by its ending one of those above, or `hub:owner/name[@revision]/path`.

    Raises:
        UsageError: If the file is missing, is no UTF-8, is not what its ending says, or has no prompts.
    """
    path = _downloaded(str(source)) if str(source).startswith(HUB) else Path(source)
    where = f"prompts {source}"
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{where}: expected a file ending in {', '.join(READERS)}, found {path.name!r}")
    try:
        found = [text.strip() for text in reader(path, where)]
    except FileNotFoundError as error:
        raise UsageError(f"{where}: expected a file, found none") from error
    except OSError as error:
        raise UsageError(f"{where}: expected a file, found: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{where}: expected UTF-8, found the byte {error.object[error.start]:#04x}") from error
    prompts = tuple(dict.fromkeys(text for text in found if text))
    if not prompts:
        raise UsageError(f"{where}: expected at least one prompt, found none")
    return prompts


def _downloaded(source: str) -> Path:
    from huggingface_hub import hf_hub_download

    from benchmarks.hub import explained

    match = _ON_HUB.fullmatch(source)
    if match is None:
        raise UsageError(f"prompts {source}: expected hub:owner/name/path of a dataset's file, found another form")
    repository, revision, path = match.groups()
    with explained(f"prompts {source}"):
        return Path(hf_hub_download(repository, path, repo_type="dataset", revision=revision))


def _from_text(path: Path, _: str) -> Iterable[str]:
    return path.read_text("utf-8-sig").splitlines()


def _from_json(path: Path, where: str) -> Iterable[str]:
    entries = _parsed(path.read_text("utf-8-sig"), where)
    if not isinstance(entries, list):
        raise UsageError(f"{where}: expected a list, found {type(entries).__name__}")
    return [_text(entry, f"{where}, entry {i}") for i, entry in enumerate(entries)]


def _from_json_lines(path: Path, where: str) -> Iterable[str]:
    # Not `splitlines`: JSON allows characters within texts that it takes for ends of lines.
    lines = enumerate(path.read_text("utf-8-sig").split("\n"), 1)
    spoken = ((f"{where}, line {i}", line) for i, line in lines if line.strip())
    return [_text(_parsed(line, place), place) for place, line in spoken]


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where}: expected JSON, found: {error}") from error


def _text(entry: Any, where: str) -> str:
    value = entry.get(_column(list(entry), where)) if isinstance(entry, dict) else entry
    if not isinstance(value, str):
        raise UsageError(f'{where}: expected a text or an object with a "prompt", found {value!r:.60}')
    return value


def _column(names: Iterable[Any], where: str) -> str:
    known = list(names)
    found = next((name for name in COLUMNS if name in known), None)
    if found is None:
        raise UsageError(
            f"{where}: expected prompt or caption among the names, found {', '.join(map(str, known))!r:.80}"
        )
    return found


def _from_csv(path: Path, where: str) -> Iterable[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        try:
            column = _column(rows.fieldnames or (), where)
            return [row[column] or "" for row in rows]
        except csv.Error as error:
            raise UsageError(f"{where}: expected a table, found: {error}") from error


def _from_parquet(path: Path, where: str) -> Iterable[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        column = _column(pq.read_schema(path).names, where)
        values = pq.read_table(path, columns=[column], use_threads=False).column(0).to_pylist()
    except pa.ArrowException as error:
        raise UsageError(f"{where}: expected a parquet file, found: {str(error).splitlines()[0]}") from error
    return [_text("" if value is None else value, where) for value in values]


READERS: dict[str, Callable[[Path, str], Iterable[str]]] = {
    ".txt": _from_text,
    ".json": _from_json,
    ".jsonl": _from_json_lines,
    ".csv": _from_csv,
    ".parquet": _from_parquet,
}
