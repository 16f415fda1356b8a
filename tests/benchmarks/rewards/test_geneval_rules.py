"""GenEval's rules on detections made by hand: thresholds, numbers, colors, places, and what must not matter."""

import itertools
import random
from dataclasses import replace

import pytest

from benchmarks.rewards.geneval_rules import GENEVAL_RULES, Box, Detection, Rules, correct, credit, directions
from benchmarks.tasks.geneval_prompts import RELATIONS, Expectation, Item, parse


def at(label: str, x: float, y: float, score: float = 0.95, size: float = 10) -> Detection:
    return Detection(label, score, (x - size / 2, y - size / 2, x + size / 2, y + size / 2))


def no_color(detection: Detection) -> str:
    raise AssertionError(f"asked for the color of {detection}")


def judged(prompt: str, *detections: Detection, colors: dict[Detection, str] | None = None) -> bool:
    return correct(parse(prompt), detections, no_color if colors is None else colors.__getitem__)


def test_the_published_thresholds() -> None:
    assert Rules(0.3, 0.9, 16, 0.1, 0.5) == GENEVAL_RULES


@pytest.mark.parametrize(("score", "single", "counted"), [(0.3, 0, 0), (0.31, 1, 0), (0.9, 1, 0), (0.91, 1, 1)])
def test_scores_must_lie_above_the_threshold_and_counting_has_its_own(score: float, single: int, counted: int) -> None:
    dogs = [at("dog", 10, 10, score), at("dog", 50, 10, score)]
    assert judged("a photo of a dog", dogs[0]) == bool(single)
    assert judged("a photo of two dogs", *dogs) == bool(counted)


def test_counting_wants_the_exact_number_and_the_others_at_least_one() -> None:
    dogs = [at("dog", 20 * i, 10) for i in range(6)]
    assert [n for n in range(7) if judged("a photo of three dogs", *dogs[:n])] == [3]
    assert [n for n in range(7) if judged("a photo of a dog", *dogs[:n])] == [1, 2, 3, 4, 5, 6]


def test_objects_beyond_the_most_do_not_count() -> None:
    dogs = [at("dog", 20 * i, 10) for i in range(5)]
    three = parse("a photo of three dogs")
    assert correct(three, dogs, no_color, replace(GENEVAL_RULES, max_objects=3))
    assert not correct(three, dogs, no_color)


def test_two_objects_must_both_be_there() -> None:
    dog, cat = at("dog", 0, 0), at("cat", 50, 0)
    assert judged("a photo of a dog and a cat", dog, cat)
    assert judged("a photo of a cat and a dog", dog, cat)
    assert not judged("a photo of a dog and a cat", dog, dog)
    assert not judged("a photo of a dog and a cat", cat)


def test_the_color_of_the_surest_object_counts() -> None:
    sure, unsure = at("vase", 0, 0, 0.8), at("vase", 50, 0, 0.5)
    colors = {sure: "red", unsure: "blue"}
    assert judged("a photo of a red vase", sure, unsure, colors=colors)
    assert not judged("a photo of a blue vase", sure, unsure, colors=colors)
    assert judged("a photo of a blue vase", unsure, colors=colors)


def test_each_object_must_have_its_own_color() -> None:
    dog, cat = at("dog", 0, 0), at("cat", 50, 0)
    prompt = "a photo of a white dog and a black cat"
    assert judged(prompt, dog, cat, colors={dog: "white", cat: "black"})
    assert not judged(prompt, dog, cat, colors={dog: "black", cat: "white"})
    assert not judged(prompt, dog, cat, colors={dog: "white", cat: "white"})


@pytest.mark.parametrize(
    ("relation", "place"), [("left of", (-40, 0)), ("right of", (40, 0)), ("above", (0, -40)), ("below", (0, 40))]
)
def test_the_first_object_stands_where_it_is_said_to(relation: str, place: tuple[float, float]) -> None:
    dog, cat = at("dog", *place), at("cat", 0, 0)
    assert judged(f"a photo of a dog {relation} a cat", dog, cat)
    for other in set(RELATIONS) - {relation}:
        assert not judged(f"a photo of a dog {other} a cat", dog, cat)
    opposite = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}[relation]
    assert judged(f"a photo of a cat {opposite} a dog", dog, cat)


def test_the_surest_of_a_class_are_compared() -> None:
    cat, left, right = at("cat", 0, 0), at("dog", -40, 0, 0.6), at("dog", 40, 0, 0.9)
    assert judged("a photo of a dog right of a cat", cat, left, right)
    assert not judged("a photo of a dog left of a cat", cat, left, right)


def test_an_offset_within_the_margin_is_none() -> None:
    # Both are 10 wide, so the margin is a tenth of 20; dx, dy above half the offset's length.
    box: Box = (0, 0, 10, 10)
    for offset, expected in ((0, set()), (2, set()), (3.9, set()), (4.1, {"right of"}), (-4.1, {"left of"})):
        assert directions((offset, 0, offset + 10, 10), box) == expected
        turned = {"right of": "below", "left of": "above"}
        assert directions((0, offset, 10, offset + 10), box) == {turned[name] for name in expected}


def test_the_direction_is_half_the_offsets_length_or_more() -> None:
    # Points have no size and so no margin: the cosine with the axis decides alone, at 60 degrees.
    point: Box = (0, 0, 0, 0)
    assert directions((1, 0, 1, 0), point) == {"right of"}
    assert directions((1, 1, 1, 1), point) == {"right of", "below"}
    assert directions((1, 1.7, 1, 1.7), point) == {"right of", "below"}
    assert directions((1, 1.8, 1, 1.8), point) == {"below"}
    assert directions(point, point) == set()


def random_boxes(generator: random.Random) -> Box:
    x, y = generator.uniform(0, 100), generator.uniform(0, 100)
    return x, y, x + generator.uniform(1, 40), y + generator.uniform(1, 40)


def test_places_turn_with_the_pictures_symmetries() -> None:
    generator = random.Random(0)
    opposite = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
    swapped = {"left of": "above", "above": "left of", "right of": "below", "below": "right of"}
    seen = set()
    for _ in range(500):
        a, b = random_boxes(generator), random_boxes(generator)
        found = directions(a, b)
        seen.add(frozenset(found))
        assert directions(b, a) == {opposite[name] for name in found}
        flipped = [(a[1], a[0], a[3], a[2]), (b[1], b[0], b[3], b[2])]
        assert directions(flipped[0], flipped[1]) == {swapped[name] for name in found}
        scaled = [tuple(4 * side + 64 for side in box) for box in (a, b)]
        assert directions(scaled[0], scaled[1]) == found
    assert len(seen) == 9  # nothing, four directions, four diagonals


PROMPTS = (
    "a photo of a dog", "a photo of a dog and a cat", "a photo of two dogs", "a photo of four dogs",
    "a photo of a red dog", "a photo of a dog left of a cat", "a photo of a dog below a cat",
    "a photo of a red dog and a white cat",
)  # fmt: skip


def random_scene(generator: random.Random) -> tuple[list[Detection], dict[Detection, str]]:
    found = [
        Detection(
            generator.choice(("dog", "dog", "cat", "car")),
            generator.choice((0.2, 0.5, 0.95, 0.95)) + generator.random() / 50,
            box,
        )
        for box in (random_boxes(generator) for _ in range(generator.randrange(10)))
    ]
    return found, {detection: generator.choice(("red", "white")) for detection in found}


def test_credit_is_one_where_and_only_where_all_is_right() -> None:
    generator = random.Random(1)
    verdicts: dict[str, set[bool]] = {prompt: set() for prompt in PROMPTS}
    partial = set()
    for prompt, _ in itertools.product(PROMPTS, range(400)):
        detections, colors = random_scene(generator)
        right = correct(parse(prompt), detections, colors.__getitem__)
        earned = credit(parse(prompt), detections, colors.__getitem__)
        assert 0 <= earned <= 1
        assert (earned == 1) == right, (prompt, detections)
        verdicts[prompt].add(right)
        partial.add(earned)
    assert all(found == {True, False} for found in verdicts.values()), verdicts
    assert {0.0, 0.25, 0.5, 0.75, 1.0} <= partial


def test_order_and_other_classes_never_matter() -> None:
    generator = random.Random(2)
    for prompt, _ in itertools.product(PROMPTS, range(60)):
        detections, colors = random_scene(generator)
        verdict = correct(parse(prompt), detections, colors.__getitem__)
        shuffled = generator.sample(detections, len(detections))
        assert correct(parse(prompt), shuffled, colors.__getitem__) == verdict
        clutter = [at("zebra", 5, 5), at("car", 50, 50)]
        assert correct(parse(prompt), [*clutter, *detections], colors.__getitem__) == verdict


@pytest.mark.parametrize(
    ("prompt", "labels", "colors", "expected"),
    [
        ("a photo of four dogs", "ddd", "rrr", 0.75),
        ("a photo of two dogs", "ddd", "rrr", 0.5),
        ("a photo of two dogs", "ddddd", "rrrrr", 0.0),
        ("a photo of a dog and a cat", "d", "r", 0.5),
        ("a photo of a red dog", "d", "w", 0.5),
        ("a photo of a red dog", "c", "r", 0.0),
        ("a photo of a red dog and a white cat", "dc", "rr", 0.75),
        ("a photo of a red dog and a white cat", "d", "w", 0.25),
        ("a photo of a dog left of a cat", "c", "r", 0.25),
        ("a photo of a dog right of a cat", "dc", "rr", 0.5),
    ],
)
def test_what_partly_right_pictures_earn(prompt: str, labels: str, colors: str, expected: float) -> None:
    names = {"d": "dog", "c": "cat", "r": "red", "w": "white"}
    detections = [at(names[label], 30 * i, 10) for i, label in enumerate(labels)]
    named = {detection: names[color] for detection, color in zip(detections, colors, strict=True)}
    assert credit(parse(prompt), detections, named.__getitem__) == expected


def test_an_expectation_is_all_that_is_read() -> None:
    asked = Expectation("two_object", (Item("dog"), Item("cat")))
    assert correct(asked, [at("dog", 0, 0), at("cat", 0, 0)], no_color)
