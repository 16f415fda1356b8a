"""OCR: what a prompt asks for, how readings are scored, and the engine itself on rendered text."""

import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.ocr import OCR, asked_text, best_score, loosened
from benchmarks.rewards.text import edit_distance

FONT = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"


@cache
def recursive_distance(first: str, second: str) -> int:
    if not first or not second:
        return len(first) + len(second)
    if first[0] == second[0]:
        return recursive_distance(first[1:], second[1:])
    ways = (first[1:], second[1:]), (first[1:], second), (first, second[1:])
    return 1 + min(recursive_distance(*way) for way in ways)


def naive_score(lines: Sequence[str], asked: str) -> float:
    runs = ["".join(lines[a:b]) for a, b in itertools.combinations(range(len(lines) + 1), 2)]
    distances = [recursive_distance(run.lower().replace(" ", ""), asked.lower()) for run in runs]
    return max([0.0, *(1 - distance / len(asked) for distance in distances)])


def test_the_edit_distance_and_the_score_are_those_of_their_definitions() -> None:
    words = ["".join(text) for n in range(4) for text in itertools.product("ab ", repeat=n)]
    for first, second in itertools.product(words[:20], words):
        assert edit_distance(first, second) == recursive_distance(first, second)
    generator = np.random.default_rng(0)
    for _ in range(150):
        lines = ["".join(generator.choice(list("aBc "), generator.integers(1, 5))) for _ in range(3)]
        asked = "".join(generator.choice(list("abc"), 4))
        assert best_score(lines, asked) == pytest.approx(naive_score(lines, asked))


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ('a sign that says "OPEN"', "OPEN"),
        ("a sign that says “OPEN LATE”, photo", "OPEN LATE"),
        ('the words "ONE" and "TWO"', "ONE"),
        ('a sign that reads "A 7"', "A 7"),
        ("a sign that reads A7", "A7"),
        ("a board, which reads: No Entry.", "No Entry"),
        ("a girl reads a book", None),
        ("a man reading", None),
        ('an empty sign ""', None),
        ('a blank sign " "', None),
        ("it's a dog's bone", None),
        ("", None),
    ],
)
def test_what_a_prompt_asks_for(prompt: str, asked: str | None) -> None:
    assert asked_text(prompt) == asked


def test_case_and_space_count_only_where_they_are_asked_for() -> None:
    assert loosened(" Grand\tOPENING ") == "grandopening"
    assert best_score(["grandopening"], "GRAND OPENING") == 1
    assert best_score(["GRAND", "OPENING"], "GRAND OPENING", loose=False) == 1
    assert best_score(["GRANDOPENING"], "GRAND OPENING", loose=False) == pytest.approx(12 / 13)
    assert best_score(["grand opening"], "GRAND OPENING", loose=False) == pytest.approx(1 / 13)


def test_other_text_beside_it_costs_nothing_but_cannot_earn_anything() -> None:
    assert best_score(["menu", "tea and coffee", "FRESH", "BREAD", "since 1987"], "FRESH BREAD") == 1
    assert best_score(["menu", "tea"], "FRESH BREAD") < 0.4
    assert best_score(["FRESH", "x", "BREAD"], "FRESH BREAD") == pytest.approx(0.9)
    assert best_score(["x" * 100], "FRESH") == 0
    assert best_score([], "FRESH") == 0


@dataclass
class Canned:
    """Reads the same lines from every picture, and remembers what it saw."""

    lines: list[str]
    seen: list[np.ndarray]

    def __call__(self, picture: np.ndarray) -> list[str]:
        self.seen.append(picture)
        return self.lines


def with_engine(reward: OCR, lines: list[str]) -> Canned:
    vars(reward)["engine"] = Canned(lines, [])
    engine = reward.engine
    assert isinstance(engine, Canned)
    return engine


def test_prompts_without_a_text_are_not_read() -> None:
    reward = OCR()
    engine = with_engine(reward, ["GRANT"])
    drawn = torch.stack([torch.full((3, 8, 12), level) for level in (0.0, 0.5, 1.0)])
    found = reward(drawn, ['says "GRAND"', "a dog", 'says "GRANT"'])
    assert found[[0, 2]].tolist() == pytest.approx([0.8, 1.0])
    assert found[1].isnan()
    assert found.dtype == drawn.dtype
    assert [(picture.shape, picture.dtype, picture.max()) for picture in engine.seen] == [
        ((8, 12, 3), np.uint8, 0),
        ((8, 12, 3), np.uint8, 255),
    ]


def test_without_the_packages_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = torch.zeros(1, 3, 8, 8)
    for package in ("rapidocr", "onnxruntime"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            if package == "onnxruntime":
                pytest.importorskip("rapidocr")
            with pytest.raises(RewardError, match=r"reward ocr: expected .*pip install 'flowfront\[ocr\]'") as caught:
                OCR()(picture, ['says "OPEN"'])
            assert "\n" not in str(caught.value)
            # Where nothing is asked for, nothing is needed.
            assert OCR()(picture, ["a dog"]).isnan().all()


def test_the_definition_holds_every_setting() -> None:
    json.dumps(OCR().describe())
    assert OCR().describe() != OCR(loose=False).describe() != OCR(loose=False, detect=False).describe()


def written(lines: Sequence[str], width: int, height: int, size: int = 40) -> Tensor:
    picture = Image.new("RGB", (width, height), (235, 235, 225))
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(str(FONT), size)
    for i, line in enumerate(lines):
        draw.text((20, 12 + i * 1.4 * size), line, fill=(20, 30, 90), font=font)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def test_the_engine_reads_rendered_text() -> None:
    pytest.importorskip("rapidocr")
    # One letter of the prompt is not in the picture: the score is that of the exact reading.
    picture = written(["GRAND", "OPENING"], 256, 200)[None]
    assert OCR()(picture, ['a banner that says "GRAND OPENINGS"']).tolist() == pytest.approx([1 - 1 / 13])


def test_pictures_cropped_to_their_text_need_no_detection() -> None:
    pytest.importorskip("rapidocr")
    reward = OCR(detect=False)
    found = reward(written(["Fresh Bread 24"], 340, 64)[None], ['a board that says "Fresh Bread 24"'])
    assert found.tolist() == [1.0]
    assert reward(torch.ones(1, 3, 48, 96), ['a board that says "Fresh Bread 24"']).tolist() == [0.0]
