"""The hashes of shipped weights: one list, checked as `sha256sum` would."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.records import UsageError
from benchmarks.weights import SUMS_FILE, check_hashes, listed_hashes, write_hashes

NAMES = ("a.bin", "b c.json", "below/a..bin")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.bin").write_bytes(b"weights")
    (tmp_path / "b c.json").write_bytes(b"{}")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a..bin").write_bytes(b"more")
    write_hashes(tmp_path, NAMES)
    return tmp_path


def test_what_was_written_passes_and_is_listed_by_name(folder: Path) -> None:
    check_hashes(folder)
    expected = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES}
    assert listed_hashes(folder) == expected


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_the_list_is_one_of_sha256sum(folder: Path) -> None:
    assert subprocess.run(["sha256sum", "-c", SUMS_FILE], cwd=folder, capture_output=True, check=False).returncode == 0


def test_the_list_is_read_without_the_files(folder: Path) -> None:
    before = listed_hashes(folder)
    (folder / "a.bin").unlink()
    assert listed_hashes(folder) == before


def test_a_changed_file_is_named_with_both_hashes(folder: Path) -> None:
    expected = listed_hashes(folder)["a.bin"]
    (folder / "a.bin").write_bytes(b"Weights")
    found = hashlib.sha256(b"Weights").hexdigest()
    with pytest.raises(UsageError, match=f"a.bin is damaged: expected SHA-256 {expected}, found {found}"):
        check_hashes(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "b c.json").unlink()
    with pytest.raises(UsageError, match=r"cannot read .*b c\.json: expected SHA-256 .*No such file"):
        check_hashes(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found 'an empty list'"),
        (b"abc  a.bin\n", "found 'abc  a.bin'"),
        (b"0" * 64 + b"  ../a.bin\n", "found '0+  ../a.bin'"),
        (b"0" * 64 + b"  /etc/passwd\n", "found '0+  /etc/passwd'"),
        (b"0" * 64 + b"  below/../../a.bin\n", "is damaged"),
        (b"0" * 64 + b"  below/..\n", "is damaged"),
        (b"0" * 64 + b"  ./a.bin\n", "is damaged"),
        (b"0" * 64 + b"  below\\a.bin\n", "is damaged"),
        (b"\xff\xfe", "cannot read"),
        ((b"0" * 64 + b"  a.bin\n") * 2, "is damaged"),
    ],
)
def test_a_damaged_list_is_refused_in_one_line(folder: Path, content: bytes, message: str) -> None:
    (folder / SUMS_FILE).write_bytes(content)
    for function in (listed_hashes, check_hashes):
        with pytest.raises(UsageError, match=message) as caught:
            function(folder)
        assert "\n" not in str(caught.value)


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SHA256SUMS: expected a list of SHA-256 sums"):
        check_hashes(tmp_path)
