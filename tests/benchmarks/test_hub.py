"""Sources of models: names and folders, what tells them apart, and lines that say what to do."""

import json
import logging
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from diffusers.utils import logging as diffusers_logging
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError
from transformers.utils import logging as transformers_logging

from benchmarks.hub import BLOCK, BLOCKS, check_source, explained, identity, named_on_hub, sampled_sha256
from benchmarks.records import UsageError


class Answer:
    """What the Hub's errors want to know of a reply."""

    headers: ClassVar[dict[str, str]] = {}
    request = None
    status_code = 403


def of_hub(kind: type[Exception]) -> Exception:
    return kind("a paragraph", response=Answer()) if kind is not LocalEntryNotFoundError else kind("a paragraph")


def test_a_folder_of_that_name_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_on_hub("owner/name")
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert not named_on_hub("owner/name")
    check_source("owner/name")


@pytest.mark.parametrize("source", ["nowhere", "./nowhere/else", "/no/such", "a/b/c", Path("no/where")])
def test_what_is_neither_folder_nor_name_is_refused(source: str | Path) -> None:
    with pytest.raises(UsageError, match="expected a folder or owner/name of a repository, found neither"):
        check_source(source)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (GatedRepoError, "it is gated; accept its licence"),
        (RepositoryNotFoundError, "no such repository, or a private one"),
        (LocalEntryNotFoundError, "huggingface.co cannot be reached and no copy is cached"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_faults_of_the_hub_say_what_to_do(kind: type[Exception], words: str, wrapped: bool) -> None:
    def fail() -> None:
        if not wrapped:
            raise of_hub(kind)
        try:
            raise of_hub(kind)
        except Exception:  # a library that puts it into words of its own
            raise OSError("something went wrong") from None

    with pytest.raises(UsageError, match=f"^cannot load owner/name: {words}") as caught, explained("owner/name"):
        fail()
    assert "\n" not in str(caught.value)


def test_other_faults_keep_the_first_line_of_their_message() -> None:
    with pytest.raises(UsageError, match=r"^cannot load here: broken$"), explained("here"):
        raise ValueError("broken.\nand much more")
    with pytest.raises(UsageError, match=r"^cannot load here: KeyError"), explained("here"):
        raise KeyError
    with pytest.raises(UsageError, match=r"^ours$"), explained("here"):
        raise UsageError("ours")


def test_libraries_are_quiet_meanwhile_and_as_before_afterwards() -> None:
    before = diffusers_logging.get_verbosity(), transformers_logging.get_verbosity()
    dtype = torch.get_default_dtype()

    def fail() -> None:
        assert diffusers_logging.get_verbosity() == transformers_logging.get_verbosity() == logging.CRITICAL
        assert not transformers_logging.is_progress_bar_enabled()
        torch.set_default_dtype(torch.float16)
        raise ValueError("broken")

    with pytest.raises(UsageError), explained("here"):
        fail()
    assert torch.get_default_dtype() == dtype
    assert (diffusers_logging.get_verbosity(), transformers_logging.get_verbosity()) == before
    assert transformers_logging.is_progress_bar_enabled()


def test_a_folder_is_told_by_its_files_and_not_by_its_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "part").mkdir(parents=True)
        (tmp_path / name / "part" / "model.safetensors").write_bytes(b"weights")
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "README.md").write_text(name)
    first = identity(tmp_path / "one")
    assert identity(tmp_path / "two") == first
    assert set(first["files"]) == {"config.json", "part/model.safetensors"}
    json.dumps(first)
    (tmp_path / "two" / "part" / "model.safetensors").write_bytes(b"Weights")
    assert identity(tmp_path / "two") != first
    assert identity("owner/name", "abc") == {"repository": "owner/name", "revision": "abc"}


def test_large_files_are_told_by_their_size_ends_and_middle(tmp_path: Path) -> None:
    path, size = tmp_path / "large", 3 * BLOCK * BLOCKS
    content = bytearray(size)
    path.write_bytes(content)
    plain = sampled_sha256(path)
    for place in (0, BLOCK - 1, size - BLOCK, size - 1, (size - BLOCK) * 7 // (BLOCKS - 1)):
        changed = bytearray(content)
        changed[place] = 1
        path.write_bytes(changed)
        assert sampled_sha256(path) != plain, place
    # Between the blocks nothing is read.
    changed = bytearray(content)
    changed[BLOCK + 1] = 1
    path.write_bytes(changed)
    assert sampled_sha256(path) == plain
