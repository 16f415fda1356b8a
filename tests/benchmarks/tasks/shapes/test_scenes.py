"""Training and test share no combination, on any machine."""

import pytest

from benchmarks.tasks.shapes.language import COLORS, SHAPES, Pair, Several, Sign, Thing, sentence
from benchmarks.tasks.shapes.scenes import KINDS, TEST_SHARE, all_scenes, in_test, pick, split


@pytest.mark.parametrize("kind", KINDS)
def test_the_splits_divide_all_scenes(kind: str) -> None:
    train, test = split(kind, test=False), split(kind, test=True)
    assert not set(train) & set(test)
    assert set(train) | set(test) == set(all_scenes(kind))
    assert len(test) / len(all_scenes(kind)) == pytest.approx(TEST_SHARE, abs=0.1)


def test_all_sentences_are_distinct() -> None:
    sentences = [sentence(scene) for kind in KINDS for scene in all_scenes(kind)]
    assert len(set(sentences)) == len(sentences)


def test_the_same_picture_under_another_sentence_is_in_the_same_split() -> None:
    opposite = {"left of": "right of", "right of": "left of", "above": "below", "below": "above", None: None}
    for kind in ("pair", "placed"):
        for scene in all_scenes(kind):
            assert isinstance(scene, Pair)
            assert in_test(scene) == in_test(Pair(scene.second, scene.first, opposite[scene.relation]))


def test_training_has_every_color_shape_and_count_and_test_nothing_new_alone() -> None:
    train = [scene for scene in split("several", test=False) if isinstance(scene, Several)]
    assert {scene.thing.color for scene in train} == set(COLORS)
    assert {scene.thing.shape for scene in train} == set(SHAPES)
    assert {scene.count for scene in train} == {1, 2, 3, 4}
    for kind in ("pair", "placed"):
        for test in (False, True):
            assert {scene.first for scene in split(kind, test=test) if isinstance(scene, Pair)} == {
                Thing(color, shape) for color in COLORS for shape in SHAPES
            }


def test_the_split_is_the_same_on_every_machine() -> None:
    # Golden: the split is part of the definition of the benchmarks, and of what the shipped weights were trained on.
    assert [len(split(kind, test=True)) for kind in KINDS] == [13, 66, 172, 1248]
    assert in_test(Sign("A7")) is False
    assert in_test(Several(Thing("red", "circle"), 2)) is True


def test_picked_scenes_are_distinct_repeatable_and_spread() -> None:
    scenes = split("sign", test=False)
    some = pick(scenes, 50, "one")
    assert some == pick(scenes, 50, "one") != pick(scenes, 50, "another")
    assert len(set(some)) == 50
    assert some[:20] == pick(scenes, 20, "one")
    assert len({scene.text[0] for scene in some if isinstance(scene, Sign)}) > 10
    with pytest.raises(ValueError, match="at most 59"):
        pick(split("several", test=False), 60, "one")
