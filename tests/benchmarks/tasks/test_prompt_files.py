"""Prompt files of every kind say the same; what is no prompt file is refused in one line."""

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest

from benchmarks.records import UsageError, write_table
from benchmarks.tasks.prompt_files import read_prompts

GIVEN = ["a red fox", "", "  a blüe car ", "a red fox", "two\u2028lines"]
EXPECTED = ("a red fox", "a blüe car", "two\u2028lines")


def written(path: Path) -> Path:
    match path.suffix:
        case ".json":
            path.write_text(json.dumps([GIVEN[0], *({"prompt": text, "id": 1} for text in GIVEN[1:])]))
        case ".jsonl":
            lines = [json.dumps({"caption": text}, ensure_ascii=False) for text in GIVEN]
            path.write_text("\n".join(lines) + "\n\n")
        case ".csv":
            path.write_text('\ufeffid,caption\n1,a red fox\n2,\n3,"  a blüe car "\n4,a red fox\n5,two\u2028lines\n')
        case ".parquet":
            write_table(path, {"id": np.arange(5), "prompt": np.array([GIVEN[0], None, *GIVEN[2:]], dtype=object)})
    return path


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_every_kind_gives_distinct_prompts_in_order(ending: str, tmp_path: Path) -> None:
    assert read_prompts(written(tmp_path / f"prompts.{ending}")) == EXPECTED


def test_lines_of_text_are_prompts(tmp_path: Path) -> None:
    path = tmp_path / "PROMPTS.TXT"
    path.write_bytes("\ufeffa red fox\r\n\r\n  a blüe car \r\na red fox\r\n".encode())
    assert read_prompts(path) == EXPECTED[:2]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("p.txt", b"\n \n", "expected at least one prompt, found none"),
        ("p.txt", b"caf\xe9", "expected UTF-8, found the byte 0xe9"),
        ("p.doc", b"a", "expected a file ending in .txt, .json, .jsonl, .csv, .parquet, found 'p.doc'"),
        ("p.json", b"{", "expected JSON, found: "),
        ("p.json", b'{"prompt": "a"}', "expected a list, found dict"),
        ("p.json", b'["a", 3]', 'entry 1: expected a text or an object with a "prompt", found 3'),
        ("p.jsonl", b'"a"\n{"text": "b"}', "line 2: expected prompt or caption among the names, found 'text'"),
        ("p.csv", b"id,text\n1,a\n", "expected prompt or caption among the names, found 'id, text'"),
        ("p.csv", b"", "expected prompt or caption among the names"),
        ("p.parquet", b"PAR1", "expected a parquet file, found: "),
    ],
)
def test_what_is_no_prompt_file_is_refused_in_one_line(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as refused:
        read_prompts(tmp_path / name)
    assert str(refused.value).startswith(f"prompts {tmp_path / name}")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_numbers_are_no_prompts(tmp_path: Path) -> None:
    write_table(tmp_path / "p.parquet", {"prompt": np.arange(2)})
    with pytest.raises(UsageError, match="expected a text or an object"):
        read_prompts(tmp_path / "p.parquet")


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(UsageError, match="expected a file, found: Is a directory"):
        read_prompts(tmp_path / "folder.txt")
    with pytest.raises(UsageError, match="expected a file, found none"):
        read_prompts(tmp_path / "missing.csv")


def test_a_file_of_a_dataset_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def download(repository: str, path: str, *, repo_type: str, revision: str | None) -> str:
        asked.append((repository, path, repo_type, revision))
        return str(written(tmp_path / "prompts.json"))

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert read_prompts("hub:owner/name/data/prompts.json") == EXPECTED
    assert read_prompts("hub:owner/name@v1/prompts.json") == EXPECTED
    assert asked == [
        ("owner/name", "data/prompts.json", "dataset", None),
        ("owner/name", "prompts.json", "dataset", "v1"),
    ]


def test_what_the_hub_does_not_give_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: Any, **__: Any) -> str:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(UsageError, match=r"prompts hub:owner/name/p\.txt: huggingface\.co cannot be reached"):
        read_prompts("hub:owner/name/p.txt")
    with pytest.raises(UsageError, match="expected hub:owner/name/path"):
        read_prompts("hub:owner/p.txt")
