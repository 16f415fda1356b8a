"""The reward for signs: the edit distance against its definition, drawn signs, and the rules of rewards."""

import itertools
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.base import Reward, RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.text import SignText, edit_distance, text_score
from benchmarks.scoring import score
from benchmarks.tasks.shapes import glyphs as glyphs_module
from benchmarks.tasks.shapes.language import PromptError, Several, Sign, Thing, sentence
from benchmarks.tasks.shapes.render import Renderer

REWARD = SignText()
EXACT = SignText("text_exact", exact=True)
TEXTS = ("A", "7", "A7", "7A", "A7C", "17C", "XXX", "4")
SCENES = [*(Sign(text) for text in TEXTS), Several(Thing("red", "circle"), 2), Several(Thing("white", "square"), 1)]
PICTURES = Renderer()(SCENES, np.random.default_rng(0))
PROMPTS = [sentence(scene) for scene in SCENES]
SHORT = ["".join(text) for n in range(4) for text in itertools.product("A7X", repeat=n)]


@cache
def recursive_distance(first: str, second: str) -> int:
    if not first or not second:
        return len(first) + len(second)
    if first[0] == second[0]:
        return recursive_distance(first[1:], second[1:])
    ways = (first[1:], second[1:]), (first[1:], second), (first, second[1:])
    return 1 + min(recursive_distance(*way) for way in ways)


def test_the_edit_distance_is_that_of_its_recursive_definition() -> None:
    for first, second in itertools.product(SHORT, SHORT):
        assert edit_distance(first, second) == recursive_distance(first, second)


def test_only_exact_readings_score_one_and_no_score_is_negative() -> None:
    for read, asked in itertools.product(SHORT, SHORT[1:]):
        found = text_score(read, asked)
        assert 0 <= found <= 1
        assert (found == 1) == (read == asked)


@pytest.mark.parametrize("reward", [REWARD, EXACT], ids=lambda reward: reward.name)
def test_drawn_signs_score_one_and_other_prompts_nothing(reward: SignText) -> None:
    found = score([reward], PICTURES, PROMPTS)[:, 0]
    assert found[: len(TEXTS)].tolist() == [1.0] * len(TEXTS)
    assert found[len(TEXTS) :].isnan().all()


def test_other_texts_score_by_their_distance() -> None:
    pairs = list(itertools.product(range(len(TEXTS)), TEXTS))
    pictures, prompts = PICTURES[[shown for shown, _ in pairs]], [sentence(Sign(asked)) for _, asked in pairs]
    graded = [max(0.0, 1 - recursive_distance(TEXTS[shown], asked) / len(asked)) for shown, asked in pairs]
    torch.testing.assert_close(REWARD(pictures, prompts), torch.tensor(graded))
    assert EXACT(pictures, prompts).tolist() == [float(TEXTS[shown] == asked) for shown, asked in pairs]


def test_a_picture_without_a_sign_scores_zero() -> None:
    assert REWARD(PICTURES[len(TEXTS) :], [PROMPTS[0], PROMPTS[4]]).tolist() == [0.0, 0.0]


def test_what_is_no_picture_or_prompt_of_the_world_is_refused() -> None:
    with pytest.raises(RewardError, match=r"reward text: expected pictures \[B, 3, 32, 32\]"):
        REWARD(PICTURES[:, :, :16], PROMPTS)
    with pytest.raises(RewardError, match=r"reward text_exact: .* values from"):
        EXACT(2 * PICTURES, PROMPTS)
    with pytest.raises(PromptError, match="a sign that reads Q"):
        REWARD(PICTURES[:1], ["a sign that reads Q"])


def test_the_font_is_needed_only_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs_module, "font_path", lambda: Path("/nowhere/font.ttf"))
    reward = SignText()
    assert reward.describe()
    assert reward(PICTURES[-2:], PROMPTS[-2:]).isnan().all()
    with pytest.raises(UsageError, match=r"font of the signs: .* /nowhere/font.ttf"):
        reward(PICTURES, PROMPTS)


def test_the_reader_is_built_once_and_is_no_part_of_the_reward() -> None:
    used, fresh = SignText(), SignText()
    used(PICTURES[:1], PROMPTS[:1])
    assert used.reader is used.reader
    assert used == fresh
    assert hash(used) == hash(fresh)


def test_the_definition_is_data_and_tells_the_variants_apart() -> None:
    reward: Reward = REWARD
    described = [json.dumps(variant.describe(), sort_keys=True) for variant in (reward, EXACT)]
    assert described[0] != described[1]
    assert REWARD.unit != EXACT.unit
    assert REWARD.higher_is_better
    assert REWARD.range == EXACT.range == (0.0, 1.0)
