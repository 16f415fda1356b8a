"""Prompts of GenEval's six tasks from a generator of our own, what each of them asks for as data, and the way back.

    single_object   "a photo of a bench"                          the object is there
    two_object      "a photo of a bench and a sports ball"        both are there
    counting        "a photo of three clocks"                     two to four of them, and no more
    colors          "a photo of a purple pizza"
    position        "a photo of a bird below a skateboard"        left of, right of, above, below
    color_attr      "a photo of a white dog and a blue vase"      each in its color

The sentences are those of the source, so that its published prompts can be read too; which ones are drawn is ours.

Source:
    Ghosh et al. 2023, "GenEval" (arXiv 2310.11513), with its published prompts. Like there, counts are 2 to 4, persons
    are never colored, and gray is no color: colors are judged on a gray background.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from benchmarks.draws import derived_seed
from benchmarks.records import UsageError

CLASSES: tuple[str, ...] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich",
    "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed",
    "dining table", "toilet", "tv", "laptop", "computer mouse", "tv remote", "computer keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear",
    "hair drier", "toothbrush",
)  # fmt: skip
"""The 80 classes of COCO in the order of its detectors, under the names GenEval gives them."""

COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
RELATIONS = ("left of", "right of", "above", "below")
COUNTS = {"two": 2, "three": 3, "four": 4}
TASKS = ("single_object", "two_object", "counting", "colors", "position", "color_attr")
TEST_SHARE = 0.1
_OPENING = "a photo of "


class PromptError(UsageError):
    """A prompt that is no sentence of GenEval."""


@dataclass(frozen=True)
class Item:
    """Some objects of a class: how many, and in which color, None for any."""

    label: str
    count: int = 1
    color: str | None = None


@dataclass(frozen=True)
class Expectation:
    """What a prompt asks for.

    Attributes:
        task: One of `TASKS`.
        items: One or two, in the order of the sentence.
        relation: Where the first stands seen from the second, None for anywhere.
    """

    task: str
    items: tuple[Item, ...]
    relation: str | None = None


def sentence(expectation: Expectation) -> str:
    """Return the prompt that asks for an expectation.

    Example:
        >>> sentence(Expectation("counting", (Item("bus", 3),)))
        'a photo of three buses'
        >>> sentence(Expectation("position", (Item("orange"), Item("tv")), "left of"))
        'a photo of an orange left of a tv'
        >>> sentence(Expectation("color_attr", (Item("orange", color="orange"), Item("dog", color="red"))))
        'a photo of an orange orange and a red dog'
    """
    words = [_named(item) for item in expectation.items]
    return _OPENING + f" {expectation.relation or 'and'} ".join(words)


def _named(item: Item) -> str:
    if item.count > 1:
        word = next(word for word, count in COUNTS.items() if count == item.count)
        return f"{word} {_plural(item.label)}"
    name = item.label if item.color is None else f"{item.color} {item.label}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _plural(label: str) -> str:
    return f"{label}es" if label.endswith("s") else f"{label}s"


def parse(prompt: str) -> Expectation:
    """Return what a prompt asks for; the inverse of `sentence`.

    Raises:
        PromptError: If the prompt is no sentence of GenEval.

    Example:
        >>> parse("a photo of three buses")
        Expectation(task='counting', items=(Item(label='bus', count=3, color=None),), relation=None)
    """
    found = _parsed(prompt)
    if found is None or sentence(found) != prompt:
        raise PromptError(
            f"prompt {prompt!r}: expected a sentence of GenEval, as 'a photo of a red bench' or 'a photo of two dogs', "
            "found another"
        )
    return found


def _parsed(prompt: str) -> Expectation | None:
    if not prompt.startswith(_OPENING):
        return None
    text = prompt.removeprefix(_OPENING)
    split = re.fullmatch(rf"(.+) (and|{'|'.join(RELATIONS)}) (.+)", text)
    items = [_item(part) for part in ((split[1], split[3]) if split else (text,))]
    relation = None if split is None or split[2] == "and" else split[2]
    return _expectation([item for item in items if item is not None], relation) if None not in items else None


def _item(text: str) -> Item | None:
    first, _, rest = text.partition(" ")
    if first in COUNTS:
        label = next((label for label in CLASSES if _plural(label) == rest), None)
        return None if label is None else Item(label, COUNTS[first])
    if rest in CLASSES:
        return Item(rest)
    color, _, label = rest.partition(" ")
    return Item(label, color=color) if color in COLORS and label in CLASSES[1:] else None


def _expectation(items: Sequence[Item], relation: str | None) -> Expectation | None:
    task = _task_of_one(items[0]) if len(items) == 1 else _task_of_two(items[0], items[1], relation)
    return None if task is None else Expectation(task, tuple(items), relation)


def _task_of_one(item: Item) -> str:
    if item.count > 1:
        return "counting"
    return "single_object" if item.color is None else "colors"


def _task_of_two(first: Item, second: Item, relation: str | None) -> str | None:
    if first.label == second.label or first.count * second.count > 1:
        return None
    if first.color is None and second.color is None:
        return "two_object" if relation is None else "position"
    bound = None not in (first.color, second.color) and first.color != second.color
    return "color_attr" if bound and relation is None else None


def _axes(task: str) -> tuple[Sequence[Item], Sequence[Item], Sequence[str | None]]:
    # A task is a choice of one thing of each axis; None stands for a second item or a relation that is not there.
    plain = [Item(label) for label in CLASSES]
    colored = [Item(label, color=color) for label, color in product(CLASSES[1:], COLORS)]
    counted = [Item(label, count) for label, count in product(CLASSES, COUNTS.values())]
    return {
        "single_object": (plain, [], [None]),
        "two_object": (plain, plain, [None]),
        "counting": (counted, [], [None]),
        "colors": (colored, [], [None]),
        "position": (plain, plain, RELATIONS),
        "color_attr": (colored, colored, [None]),
    }[task]


def expectations(task: str) -> Iterator[Expectation]:
    """Yield every expectation of a task, in a fixed order.

    Raises:
        KeyError: If there is no such task.

    Example:
        >>> {task: sum(1 for _ in expectations(task)) for task in TASKS[:5]}
        {'single_object': 80, 'two_object': 6320, 'counting': 240, 'colors': 790, 'position': 25280}
    """
    firsts, seconds, relations = _axes(task)
    second_or_none: list[Item | None] = [*seconds] or [None]
    for first, second, relation in product(firsts, second_or_none, relations):
        found = _expectation([first] if second is None else [first, second], relation)
        if found is not None:
            yield found


def _combination(expectation: Expectation) -> str:
    # What training and test must not share: the same things in either order, and under either name of their place.
    items = sorted(map(str, expectation.items))
    axis = {"left of": "beside", "right of": "beside", "above": "over", "below": "over"}
    return f"{expectation.task} {items} {axis.get(expectation.relation or '', '')}"


def in_test(expectation: Expectation) -> bool:
    """Return whether an expectation belongs to the test split, a tenth of each task; its mirror image does as well."""
    return derived_seed("geneval split", _combination(expectation)) % 1000 < 1000 * TEST_SHARE


def prompts(task: str, n: int, *, test: bool) -> tuple[str, ...]:
    """Return n distinct prompts of a task from the test or the training split, the same ones on every machine.

    Fewer prompts are the first ones of more.

    Raises:
        KeyError: If there is no such task.
        ValueError: If the split has fewer.

    Example:
        >>> prompts("counting", 3, test=False) == prompts("counting", 9, test=False)[:3]
        True
    """
    firsts, seconds, relations = _axes(task)
    found: dict[str, None] = {}
    # So many draws find every single one, up to a chance of about exp(-40); half a million are never listed.
    for draw in range(40 * len(firsts) * max(1, len(seconds)) * len(relations)):
        if len(found) == n:
            break
        number = derived_seed("geneval prompts", task, draw)
        number, i = divmod(number, len(firsts))
        number, j = divmod(number, max(1, len(seconds)))
        items = [firsts[i], seconds[j]] if seconds else [firsts[i]]
        expectation = _expectation(items, relations[number % len(relations)])
        if expectation is not None and in_test(expectation) == test:
            found[sentence(expectation)] = None
    if len(found) < n:
        raise ValueError(f"n must be at most {len(found)}, the number of prompts of {task} in the split, found {n}")
    return tuple(found)
