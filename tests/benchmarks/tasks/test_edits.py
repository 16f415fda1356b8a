"""Editing prompts and their source pictures: what is read, and each way in which it can be wrong."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.records import UsageError
from benchmarks.tasks.edits import Sources, split_edit

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cats").mkdir()
    Image.fromarray(PIXELS).save(tmp_path / "cats" / "one.png")
    return tmp_path


@pytest.mark.parametrize(
    ("prompt", "file", "instruction"),
    [
        ("a.png: make it red", "a.png", "make it red"),
        ("a b/c.d/e.png: write 'x.png: y'", "a b/c.d/e.png", "write 'x.png: y'"),
        ("a.png.png: two\nlines", "a.png.png", "two\nlines"),
        ("..a/...png: é", "..a/...png", "é"),
    ],
)
def test_a_prompt_is_a_file_and_an_instruction(prompt: str, file: str, instruction: str) -> None:
    assert split_edit(prompt) == (file, instruction)


BAD = ["", "make it red", "a.png", "a.png:red", "a.png:  ", "a.png:  red", ": red", ".png: red", "a.jpg: red",
       "/a.png: red", "../a.png: red", "a/../b.png: red", "./a.png: red", "a//b.png: red", "a\\b.png: red",
       "c:a.png: red", "a\n.png: red"]  # fmt: skip


@pytest.mark.parametrize("prompt", BAD)
def test_what_has_not_that_form_is_refused(prompt: str) -> None:
    with pytest.raises(UsageError, match=re.escape("editing prompt: expected 'FILE.png: instruction'")) as refused:
        split_edit(prompt)
    assert "\n" not in str(refused.value)


def test_the_picture_is_that_of_the_file(folder: Path) -> None:
    found = Sources(folder, size=(4, 6)).image("cats/one.png: make it red")
    assert (found.shape, found.dtype) == ((3, 4, 6), torch.float32)
    assert torch.equal(found, torch.from_numpy(PIXELS).permute(2, 0, 1).float() / 255)


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "LA"])
def test_opaque_pictures_of_other_kinds_are_read(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (2, 2), "white").convert(mode).save(tmp_path / "a.png")
    assert torch.equal(Sources(tmp_path).image("a.png: x"), torch.ones(3, 2, 2))


def test_transparency_and_sixteen_bits_are_refused(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (9, 9, 9, 254)).save(tmp_path / "a.png")
    Image.new("I;16", (2, 2), 9).save(tmp_path / "b.png")
    for file, mode in (("a.png", "RGBA"), ("b.png", "I;16")):
        with pytest.raises(UsageError, match=f"{file}: expected 8 bits a channel, no transparency, found mode {mode}"):
            Sources(tmp_path).image(f"{file}: x")


def test_a_picture_of_another_size_is_refused(folder: Path) -> None:
    says = "cats/one.png: expected 6 x 4 pixels (height x width), found 4 x 6"
    with pytest.raises(UsageError, match=re.escape(says)):
        Sources(folder, size=(6, 4)).image("cats/one.png: x")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.png: expected a PNG, found a file that is none or is damaged"):
        Sources(tmp_path).image("a.png: x")


def test_a_damaged_picture_is_refused(folder: Path) -> None:
    whole = (folder / "cats" / "one.png").read_bytes()
    # Behind the pixels come 16 bytes of checksum and end mark, without which they are still all there.
    for end in range(8, len(whole) - 20, 3):
        (folder / "cut.png").write_bytes(whole[:end])
        with pytest.raises(UsageError, match="expected a PNG, found a file that is none or is damaged"):
            Sources(folder).image("cut.png: x")


def test_a_picture_of_another_format_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png", format="JPEG")
    with pytest.raises(UsageError, match="expected a PNG, found a file that is none"):
        Sources(tmp_path).image("a.png: x")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.png: expected a PNG, found no such file"):
        Sources(tmp_path).image("a.png: x")
    with pytest.raises(UsageError, match=r"a\.png: expected a file, found: No such file or directory"):
        Sources(tmp_path).hashes(["a.png: x"])


def test_hashes_are_of_the_files_each_once(folder: Path) -> None:
    expected = hashlib.sha256((folder / "cats" / "one.png").read_bytes()).hexdigest()
    assert Sources(folder).hashes(["cats/one.png: x", "cats/one.png: y"]) == {"cats/one.png": expected}
