"""Files of a run: written whole or not at all, refused in one line when damaged."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.records import (
    SCHEMA_VERSION,
    RecordError,
    RunRecord,
    find_runs,
    read_run,
    read_steps,
    read_table,
    write_bytes,
    write_json,
    write_run,
    write_table,
)
from tests.support.records import bytes_below
from tests.support.suites import tiny_run


@pytest.fixture
def record() -> RunRecord:
    return tiny_run(Path("out")).record()


def refuse(*words: Any, **named: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "folders" / "are made" / "file"
    write_bytes(path, b"old")
    write_bytes(path, b"new")
    assert bytes_below(tmp_path) == {"folders/are made/file": b"new"}


@pytest.mark.parametrize("where", ["replace", "fsync", "chmod"])
def test_the_old_file_stays_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    write_bytes(tmp_path / "file", b"old")
    monkeypatch.setattr(os, where, refuse)
    with pytest.raises(RecordError, match=r"cannot write .*file: expected a writable folder, found: No space left"):
        write_bytes(tmp_path / "file", b"new")
    assert bytes_below(tmp_path) == {"file": b"old"}, "and no temporary file is left"


def test_no_temporary_file_is_left_by_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*_: Any) -> None:
        raise KeyboardInterrupt

    write_bytes(tmp_path / "file", b"old")
    monkeypatch.setattr(os, "replace", stops)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "file", b"new")
    assert bytes_below(tmp_path) == {"file": b"old"}


@pytest.mark.parametrize("place", ["a file/run.json", "a file/deeper/run.json"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").write_text("precious")
    with pytest.raises(RecordError, match=r"cannot write .*run\.json: expected a writable folder, found: "):
        write_bytes(tmp_path / place, b"new")
    assert bytes_below(tmp_path) == {"a file": b"precious"}


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(RecordError, match="cannot write"):
        write_bytes(tmp_path / "run.json", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "run.json"]


def test_json_refuses_what_json_has_no_word_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        write_json(tmp_path / "file", {"a": float("nan")})
    assert bytes_below(tmp_path) == {}


def test_a_record_survives_the_disk(tmp_path: Path, record: RunRecord) -> None:
    write_run(tmp_path, record)
    assert read_run(tmp_path / "run.json") == record
    assert find_runs(tmp_path)[0].record == record


def damaged(record: RunRecord, **changes: Any) -> str:
    return json.dumps(record.model_dump(mode="json") | changes)


@pytest.mark.parametrize("version", [0, 2, SCHEMA_VERSION + 1, "1", None])
def test_another_schema_version_is_refused(tmp_path: Path, record: RunRecord, version: Any) -> None:
    (tmp_path / "run.json").write_text(damaged(record, schema_version=version))
    with pytest.raises(RecordError, match=f"run.json: expected schema_version {SCHEMA_VERSION}, found {version!r}"):
        read_run(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": "many"}, "field seed: .*found 'many'"),
        ({"status": "dnoe"}, "field status: .*found 'dnoe'"),
        ({"extra": 1}, "field extra: "),
        ({"benchmark": {}}, r"field benchmark\.name: Field required"),
    ],
)
def test_a_field_that_does_not_fit_is_named(
    tmp_path: Path, record: RunRecord, changes: dict[str, Any], says: str
) -> None:
    (tmp_path / "run.json").write_text(damaged(record, **changes))
    with pytest.raises(RecordError, match=f"run.json: {says}") as refused:
        read_run(tmp_path / "run.json")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b'{"schema_version": 1', b"\x00\xff\xfe", b"[1, 2]", b'"text"'])
def test_a_file_that_is_no_record_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RecordError, match=r"run\.json") as refused:
        read_run(tmp_path / "run.json")
    assert "\n" not in str(refused.value)
    assert (tmp_path / "run.json").read_bytes() == content


def test_missing_records_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"cannot read .*run\.json: No such file"):
        read_run(tmp_path / "run.json")
    with pytest.raises(RecordError, match=r"expected run\.json files below it, found none"):
        find_runs(tmp_path)
    with pytest.raises(RecordError, match="no such folder"):
        find_runs(tmp_path / "nowhere")


def test_tables_keep_columns_and_types_and_the_same_bytes(tmp_path: Path) -> None:
    columns: dict[str, np.ndarray] = {
        "step": np.array([1, 2], dtype=np.int64),
        "reward_a": np.array([0.5, np.nan], dtype=np.float32),
        "preference_0": np.array([1 / 3, 1.0]),
    }
    for name in ("one", "two"):
        write_table(tmp_path / name, columns)
    frame = read_table(tmp_path / "one")
    assert {name: frame[name].dtype.name for name in frame} == {
        "step": "int64",
        "reward_a": "float32",
        "preference_0": "float64",
    }
    for name, values in columns.items():
        np.testing.assert_array_equal(frame[name], values)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
def test_a_truncated_table_is_refused_in_one_line(tmp_path: Path, keep: int) -> None:
    write_table(tmp_path / "t.parquet", {"a": np.arange(1000)})
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:keep])
    with pytest.raises(RecordError, match=r"t\.parquet is damaged: expected a parquet file, found: ") as refused:
        read_table(tmp_path / "t.parquet")
    assert "\n" not in str(refused.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"cannot read .*t\.parquet: no such file"):
        read_table(tmp_path / "t.parquet")


def test_damaged_steps_are_refused(tmp_path: Path) -> None:
    (tmp_path / "steps.jsonl").write_text('{"step":1}\n{"step":')
    with pytest.raises(RecordError, match=r"steps\.jsonl is damaged: expected one JSON object a line"):
        read_steps(tmp_path / "steps.jsonl")
    with pytest.raises(RecordError, match="cannot read"):
        read_steps(tmp_path / "nothing.jsonl")
