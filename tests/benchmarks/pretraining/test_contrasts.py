"""Scenes one change away: all kinds, all wrong, none outside the language."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.pretraining.contrasts import compatible, edits, meaning
from benchmarks.tasks.shapes.language import Pair, Scene, Several, Sign, Thing, parse, sentence
from benchmarks.tasks.shapes.scenes import KINDS, all_scenes, in_test, pick

SCENES = [scene for kind in KINDS for scene in pick(all_scenes(kind), 40, "contrasts")]
RED, BLUE = Thing("red", "circle"), Thing("blue", "square")


def both(scene: Scene) -> tuple[Pair, Pair]:
    """Return a pair and its mirror image, which says the same."""
    assert isinstance(scene, Pair)
    turned = {"left of": "right of", "right of": "left of", "above": "below", "below": "above", None: None}
    return scene, Pair(scene.second, scene.first, turned[scene.relation])


@pytest.mark.parametrize("scene", SCENES, ids=sentence)
def test_every_edit_is_a_sentence_of_the_world_that_is_wrong(scene: Scene) -> None:
    for change, others in edits(scene).items():
        assert others, change
        assert len(set(others)) == len(others)
        for other in others:
            assert parse(sentence(other)) == other
        assert not compatible([scene], others).any(), change


@pytest.mark.parametrize("scene", SCENES, ids=sentence)
def test_edits_can_be_undone_by_an_edit_of_the_same_kind(scene: Scene) -> None:
    for change, others in edits(scene).items():
        for other in others[:5]:
            assert scene in edits(other)[change], (change, other)


@pytest.mark.parametrize(
    ("scene", "change", "expected"),
    [
        (Several(RED, 3), "count", ["a red circle", "two red circles", "four red circles"]),
        (Several(RED, 1), "shape", ["a red square", "a red triangle"]),
        (Pair(RED, BLUE, None), "swap", ["a blue circle and a red square"]),
        (Pair(RED, BLUE, "above"), "swap", ["a blue circle above a red square"]),
        (Sign("A7"), "order", ["a sign that reads 7A"]),
        (Sign("A0A"), "order", ["a sign that reads AA0", "a sign that reads 0AA"]),
    ],
)
def test_edits_are_these(scene: Scene, change: str, expected: list[str]) -> None:
    assert sorted(map(sentence, edits(scene)[change])) == sorted(expected)


@pytest.mark.parametrize(
    ("scene", "kinds"),
    [
        (Pair(RED, BLUE, None), {"color", "shape", "swap"}),
        # Exchanging equal colors, or the colors of equal shapes that stand anywhere, changes nothing.
        (Pair(RED, Thing("red", "square"), "above"), {"color", "shape", "relation"}),
        (Pair(RED, Thing("blue", "circle"), None), {"color", "shape"}),
        (Pair(RED, Thing("blue", "circle"), "above"), {"color", "shape", "swap", "relation"}),
        (Sign("7"), {"character", "length"}),
        (Sign("777"), {"character", "length"}),
    ],
)
def test_kinds_without_an_edit_are_left_out(scene: Scene, kinds: set[str]) -> None:
    assert set(edits(scene)) == kinds


def test_compatibility_agrees_with_meanings_one_by_one() -> None:
    # Few things, so that many pairs share them.
    things = [RED, BLUE, Thing("red", "square")]
    scenes: list[Scene] = [
        Pair(first, second, relation)
        for first, second in itertools.permutations(things, 2)
        for relation in (None, "left of", "right of", "above", "below")
    ]
    scenes += [Several(RED, 1), Several(RED, 2), Sign("A"), Sign("AA")]
    found = compatible(scenes, scenes[::-1])

    def fits(first: Scene, second: Scene) -> bool:
        (content, place), (other, other_place) = meaning(first), meaning(second)
        return content == other and (place == other_place or None in (place, other_place))

    expected = [[fits(first, second) for second in scenes[::-1]] for first in scenes]
    assert found.tolist() == expected
    assert 0.02 < np.mean(expected) < 0.3


@pytest.mark.parametrize("of", [meaning, in_test])
def test_mirror_images_are_one_scene(of: Callable[[Scene], object]) -> None:
    for scene in SCENES:
        if isinstance(scene, Pair):
            first, second = both(scene)
            assert of(first) == of(second)
            assert compatible([first], [second]).all()


def test_no_scenes_give_an_empty_matrix() -> None:
    assert compatible([], [Sign("A")]).shape == (0, 1)
    assert compatible([Sign("A")], []).shape == (1, 0)
