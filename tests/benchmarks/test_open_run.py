"""A run is written by one process, and its log goes on where it was cut off."""

import fcntl
from pathlib import Path
from typing import IO

import pytest

from benchmarks.open_run import FolderLock, StepLog
from benchmarks.records import RecordError, read_steps
from tests.support.records import bytes_below


def test_a_run_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "seed0")
    with pytest.raises(RecordError, match=r"seed0: expected to be alone, found another process that writes this run"):
        FolderLock(tmp_path / "seed0")
    lock.release()
    again = FolderLock(tmp_path / "seed0")
    again.release()
    assert list((tmp_path / "seed0").iterdir()) == []


def test_steps_are_appended_behind_the_offset(tmp_path: Path) -> None:
    path = tmp_path / "new" / "steps.jsonl"
    log = StepLog(path, 0)
    log.append({"step": 1})
    offset = log.sync()
    log.append({"step": 2, "half": "written by a run that was cut off"})
    log.close()
    again = StepLog(path, offset)
    again.append({"step": 2})
    again.close()
    assert read_steps(path) == [{"step": 1}, {"step": 2}]


@pytest.mark.parametrize("length", [0, 5])
def test_a_log_shorter_than_its_offset_is_refused_and_left_alone(tmp_path: Path, length: int) -> None:
    path = tmp_path / "steps.jsonl"
    path.write_bytes(b'{"step":1}\n'[:length])
    with pytest.raises(RecordError, match=f"steps.jsonl is damaged: expected at least 11 bytes, found {length}"):
        StepLog(path, 11)
    assert path.stat().st_size == length


def test_a_missing_log_is_refused_where_one_is_expected(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="expected at least 11 bytes, found 0"):
        StepLog(tmp_path / "steps.jsonl", 11)
    assert bytes_below(tmp_path) == {}


def test_a_log_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "steps.jsonl").mkdir()
    with pytest.raises(RecordError, match=r"cannot write .*steps\.jsonl: Is a directory"):
        StepLog(tmp_path / "steps.jsonl", 0)


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, calls = fcntl.flock, []

    def removing(file: IO[str], flags: int) -> None:
        # As if its holder let go between opening and locking.
        if not calls:
            (tmp_path / ".lock").unlink()
        calls.append(flags)
        locked(file, flags)

    monkeypatch.setattr("benchmarks.open_run.fcntl.flock", removing)
    lock = FolderLock(tmp_path)
    assert len(calls) == 2
    with pytest.raises(RecordError, match="expected to be alone"):
        FolderLock(tmp_path)
    lock.release()
