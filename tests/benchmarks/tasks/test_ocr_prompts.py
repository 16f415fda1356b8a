"""Prompts that ask for texts: the OCR reward finds the text again, and no text leaks into the test."""

import pytest

from benchmarks.rewards.ocr import asked_text
from benchmarks.tasks.ocr_prompts import FIRST_WORDS, LAST_WORDS, SCENES, SECOND_WORDS, prompts, texts


def test_words_and_scenes_are_distinct() -> None:
    for words in (FIRST_WORDS, SECOND_WORDS, LAST_WORDS, SCENES):
        assert len(set(words)) == len(words)
    assert not set(FIRST_WORDS) & set(SECOND_WORDS)


def test_the_reward_finds_the_text_again() -> None:
    for test in (False, True):
        drawn = prompts(len(texts(test=test)), test=test)
        assert sorted(map(str, map(asked_text, drawn))) == sorted(texts(test=test))
        assert len({asked_text(prompt) for prompt in drawn}) == len(drawn)


def test_training_and_test_share_no_text_and_no_part_of_one() -> None:
    train, test = texts(test=False), texts(test=True)
    assert not set(train) & set(test)
    middles = [{text.split()[min(1, len(text.split()) - 1)] for text in found} for found in (train, test)]
    assert not middles[0] & middles[1]
    assert not any(word in text.split() for word in middles[1] for text in train)
    assert 0.05 < len(test) / (len(train) + len(test)) < 0.3


def test_draws_are_spread_over_scenes_and_lengths() -> None:
    drawn = prompts(400, test=False)
    assert {prompt.split(' "')[0] for prompt in drawn} == set(SCENES)
    assert {len(str(asked_text(prompt)).split()) for prompt in drawn} == {1, 2, 3}
    assert prompts(40, test=False) == drawn[:40]


def test_more_than_there_are_is_refused() -> None:
    most = len(texts(test=True))
    with pytest.raises(ValueError, match=f"n must be at most {most}"):
        prompts(most + 1, test=True)
