"""The cache of prompt embeddings: each prompt once, whatever the process; damaged files and other origins are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.backbones.adapted import Embeddings
from benchmarks.backbones.embeddings import CachedText
from benchmarks.records import UsageError


@dataclass(frozen=True)
class Lengths(Embeddings):
    """The length of a prompt, as tokens and as a number."""

    tokens: Tensor
    number: Tensor


class Encoder:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode(self, prompts: Sequence[str]) -> Lengths:
        self.asked.append(list(prompts))
        found = torch.tensor([float(len(prompt)) for prompt in prompts])
        return Lengths(found[:, None].expand(-1, 3), found.to(torch.bfloat16))


def cached(folder: Path, encoder: Encoder, origin: str = "model", **also: object) -> CachedText:
    return CachedText(Lengths, lambda: encoder, folder, {"checkpoint": origin}, **also)  # type: ignore[arg-type]


def test_each_prompt_is_encoded_once_in_all_processes(tmp_path: Path) -> None:
    first, second = Encoder(), Encoder()
    found = cached(tmp_path, first).encode(["aa", "", "aa", "b"])
    assert isinstance(found, Lengths)
    assert found.tokens[:, 0].tolist() == found.number.tolist() == [2, 0, 2, 1]
    assert found.number.dtype == torch.bfloat16
    assert first.asked == [["aa", "", "b"]]
    again = cached(tmp_path, second).encode(["b", "ccc", "aa"])
    assert isinstance(again, Lengths)
    assert again.number.tolist() == [1, 3, 2]
    assert second.asked == [["ccc"]]


def test_encoders_are_loaded_at_the_first_miss_and_once(tmp_path: Path) -> None:
    loads: list[int] = []
    encoder = Encoder()

    def load() -> Encoder:
        loads.append(1)
        return encoder

    text = CachedText(Lengths, load, tmp_path, {})
    assert not loads
    text.encode(["a"])
    text.encode(["bb", "a"])
    assert len(loads) == 1
    CachedText(Lengths, load, tmp_path, {}).encode(["a", "bb"])
    assert len(loads) == 1


def test_another_origin_or_another_file_behind_a_prompt_is_another_entry(tmp_path: Path) -> None:
    encoder, version = Encoder(), {"a": "1"}
    for text in (
        cached(tmp_path, encoder),
        cached(tmp_path, encoder, "other model"),
        cached(tmp_path, encoder, also=version.__getitem__),
    ):
        text.encode(["a"])
    assert encoder.asked == [["a"]] * 3
    version["a"] = "2"
    text.encode(["a"])
    assert encoder.asked == [["a"]] * 4


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no safetensors", "is damaged: expected embeddings"), (None, "expected embeddings of Lengths, found")],
)
def test_damaged_and_foreign_files_are_one_line(content: bytes | None, words: str, tmp_path: Path) -> None:
    from safetensors.torch import save

    text = cached(tmp_path, Encoder())
    text.encode(["a"])
    text.path("a").write_bytes(save({"other": torch.zeros(1)}) if content is None else content)
    with pytest.raises(UsageError, match=words):
        text.encode(["a"])
