"""GenEval's sentences: written and read back without exception, split without leaks, drawn alike everywhere."""

from itertools import islice, product

import pytest

from benchmarks.tasks.geneval_prompts import (
    CLASSES,
    COLORS,
    RELATIONS,
    TASKS,
    TEST_SHARE,
    Expectation,
    Item,
    PromptError,
    expectations,
    in_test,
    parse,
    prompts,
    sentence,
)

COLORED = [Item(label, color=color) for label, color in product(CLASSES[1:], COLORS)]


def test_the_world_is_that_of_the_source() -> None:
    assert len(set(CLASSES)) == 80
    assert (len(COLORS), "gray" in COLORS) == (10, False)
    # The order is COCO's; a detector's class numbers are read by it.
    places = {"person": 0, "stop sign": 11, "dog": 16, "computer mouse": 64, "tv remote": 65, "toothbrush": 79}
    assert {label: CLASSES.index(label) for label in places} == places


@pytest.mark.parametrize("task", TASKS[:5])
def test_every_sentence_is_read_back(task: str) -> None:
    for expectation in expectations(task):
        assert parse(sentence(expectation)) == expectation
        assert expectation.task == task


def test_every_colored_thing_is_read_back_on_either_side() -> None:
    # All pairs are half a million; each side goes through all of its own with changing partners.
    count = 0
    for i, first in enumerate(COLORED):
        for second in (COLORED[(i * 37 + 101 * k) % len(COLORED)] for k in range(12)):
            if first.label == second.label or first.color == second.color:
                continue
            for pair in ((first, second), (second, first)):
                asked = Expectation("color_attr", pair)
                assert parse(sentence(asked)) == asked
                count += 1
    assert count > 15_000
    assert all(found.task == "color_attr" for found in islice(expectations("color_attr"), 1000))


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        # From the published prompts.
        ("a photo of a bench", Expectation("single_object", (Item("bench"),))),
        ("a photo of a tie and a broccoli", Expectation("two_object", (Item("tie"), Item("broccoli")))),
        ("a photo of three pizzas", Expectation("counting", (Item("pizza", 3),))),
        ("a photo of a purple pizza", Expectation("colors", (Item("pizza", color="purple"),))),
        ("a photo of a vase right of a horse", Expectation("position", (Item("vase"), Item("horse")), "right of")),
        (
            "a photo of a purple tennis racket and a black sink",
            Expectation("color_attr", (Item("tennis racket", color="purple"), Item("sink", color="black"))),
        ),
        # The words that mean two things.
        ("a photo of an orange", Expectation("single_object", (Item("orange"),))),
        ("a photo of an orange orange", Expectation("colors", (Item("orange", color="orange"),))),
        ("a photo of two oranges", Expectation("counting", (Item("orange", 2),))),
        ("a photo of four scissorses", Expectation("counting", (Item("scissors", 4),))),
        ("a photo of two vases", Expectation("counting", (Item("vase", 2),))),
    ],
)
def test_what_sentences_ask_for(prompt: str, expected: Expectation) -> None:
    assert parse(prompt) == expected
    assert sentence(expected) == prompt


@pytest.mark.parametrize(
    "prompt",
    [
        "", "a dog", "a photo of", "a photo of dog", "a photo of an dog", "a photo of a unicorn", "A photo of a dog",
        "a photo of a dog.", "a photo of five dogs", "a photo of two dog", "a photo of one dog", "a photo of a dog and",
        "a photo of a dog and a dog", "a photo of a gray dog", "a photo of a red person",
        "a photo of a red dog and a cat",
        "a photo of a red dog and a red cat", "a photo of a dog behind a cat",
        "a photo of a red dog left of a blue cat",
        "a photo of two dogs and a cat", "a photo of a dog left of a cat and a bird", 'a sign that says "OPEN"',
    ],
)  # fmt: skip
def test_other_sentences_are_refused_in_one_line(prompt: str) -> None:
    with pytest.raises(PromptError, match="expected a sentence of GenEval") as caught:
        parse(prompt)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("task", TASKS)
def test_drawn_prompts_are_distinct_and_of_their_task_and_split(task: str) -> None:
    for test, n in ((False, 60), (True, 5)):
        drawn = prompts(task, n, test=test)
        assert len(set(drawn)) == n
        assert all(parse(prompt).task == task and in_test(parse(prompt)) == test for prompt in drawn)
        assert prompts(task, n - 3, test=test) == drawn[: n - 3]


def test_the_draws_do_not_change() -> None:
    assert [prompts(task, 1, test=False)[0] for task in TASKS] == GOLDEN


def test_all_of_a_small_task_can_be_drawn_and_no_more() -> None:
    sizes = {}
    for test in (False, True):
        sizes[test] = sum(in_test(expectation) == test for expectation in expectations("single_object"))
        assert len(prompts("single_object", sizes[test], test=test)) == sizes[test]
        with pytest.raises(ValueError, match=f"n must be at most {sizes[test]}, .* found {sizes[test] + 1}"):
            prompts("single_object", sizes[test] + 1, test=test)
    assert sum(sizes.values()) == 80


def test_the_test_split_is_a_tenth_and_keeps_mirror_images_together() -> None:
    found = list(islice(expectations("two_object"), 2000))
    assert sum(map(in_test, found)) / len(found) == pytest.approx(TEST_SHARE, abs=0.03)
    turned = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
    for expectation in found[::7]:
        first, second = expectation.items
        assert in_test(expectation) == in_test(Expectation("two_object", (second, first)))
        for relation in RELATIONS:
            placed = Expectation("position", (first, second), relation)
            assert in_test(placed) == in_test(Expectation("position", (second, first), turned[relation]))


GOLDEN = [
    "a photo of a skateboard",
    "a photo of an airplane and a toothbrush",
    "a photo of two surfboards",
    "a photo of a red toaster",
    "a photo of a handbag above a baseball glove",
    "a photo of a white teddy bear and an orange baseball glove",
]
