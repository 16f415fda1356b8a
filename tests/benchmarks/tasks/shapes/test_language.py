"""Sentences and scenes say the same, and what is outside the language is one clear line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.records import UsageError
from benchmarks.tasks.shapes.language import (
    CHARACTERS,
    COLORS,
    RELATIONS,
    SHAPES,
    VOCABULARY,
    Pair,
    PromptError,
    Scene,
    Several,
    Sign,
    Thing,
    parse,
    sentence,
    words,
)

THINGS = st.builds(Thing, st.sampled_from(sorted(COLORS)), st.sampled_from(SHAPES))
SCENES: st.SearchStrategy[Scene] = st.one_of(
    st.builds(Several, THINGS, st.integers(1, 4)),
    st.builds(Pair, THINGS, THINGS, st.sampled_from([None, *RELATIONS])).filter(lambda pair: pair.first != pair.second),
    st.builds(Sign, st.text(CHARACTERS, min_size=1, max_size=3)),
)


@given(SCENES)
def test_a_sentence_is_read_as_the_scene_it_was_made_from(scene: Scene) -> None:
    assert parse(sentence(scene)) == scene


@given(SCENES)
def test_every_word_of_a_sentence_is_in_the_vocabulary_and_signs_are_spelled(scene: Scene) -> None:
    found = words(sentence(scene))
    assert set(found) <= set(VOCABULARY)
    if isinstance(scene, Sign):
        assert "".join(found[4:]) == scene.text


def test_the_vocabulary_has_no_word_twice() -> None:
    assert len(set(VOCABULARY)) == len(VOCABULARY)


@pytest.mark.parametrize(
    "prompt",
    [
        "a red circle",
        "one red circle",
        "four white squares",
        "a red circle and a blue square",
        "a blue square right of a white triangle",
        "a sign that reads A7X",
    ],
)
def test_plain_sentences_are_read(prompt: str) -> None:
    assert isinstance(parse(prompt), (Several, Pair, Sign))


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a pink circle", "pink"),
        ("a photo of a cat", "photo"),
        ("a sign that reads a7", "a7"),
        ("a sign that reads B", "B"),
        ("A red circle left of a $x$", "$x$"),
        ("a red circle,", "circle,"),
    ],
)
def test_an_unknown_word_is_named_in_one_line(prompt: str, found: str) -> None:
    with pytest.raises(PromptError, match="expected words of the image world") as caught:
        parse(prompt)
    assert repr(found) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UsageError)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "red",
        "two red circle",
        "a red circles",
        "red two circles",
        "a red circle and a red circle",
        "two red circles and a blue square",
        "a red circle left a blue square",
        "a red circle of left a blue square",
        "a sign that reads",
        "a sign that reads A7XX",
        "a sign that reads red",
        "a red circle and a blue square and a white square",
    ],
)
def test_known_words_that_describe_no_scene_are_refused(prompt: str) -> None:
    with pytest.raises(PromptError, match="found another sentence"):
        parse(prompt)
