"""What a record says of the machine."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import environment


def test_versions_are_those_in_use() -> None:
    found = environment.versions()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["torch"] == torch.__version__
    assert found["numpy"] == np.__version__


def test_a_package_that_is_not_there_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PACKAGES", ("no-such-package",))
    assert environment.versions()["no-such-package"] == "not installed"


def test_memory_is_in_bytes_and_never_falls() -> None:
    before = environment.peak_memory()
    assert before > 50 * 2**20
    block = np.ones(4 * 2**20)
    assert environment.peak_memory() >= before
    del block


def git(head: str, status: str) -> Any:
    def answers(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, 0, stdout=head if "rev-parse" in words else status)

    return answers


def test_the_commit_is_marked_where_files_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", git("abc\n", ""))
    assert environment.commit() == "abc"
    monkeypatch.setattr(subprocess, "run", git("abc\n", " M file\n"))
    assert environment.commit() == "abc+"


@pytest.mark.parametrize("error", [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")])
def test_there_may_be_no_git(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fails)
    assert environment.commit() is None


def test_the_device_is_named() -> None:
    assert environment.device().startswith("cpu (")
