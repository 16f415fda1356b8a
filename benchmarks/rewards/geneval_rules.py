"""GenEval's rules: whether detected objects are what a prompt asks for. Detections are data; no network is here.

Source:
    Ghosh et al. 2023, "GenEval" (arXiv 2310.11513), and the thresholds of its published evaluation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot

from benchmarks.tasks.geneval_prompts import Expectation, Item

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels, y downwards."""


@dataclass(frozen=True)
class Rules:
    """Thresholds of the rules.

    Attributes:
        score: Objects must be detected with a score above this one, in [0, 1].
        counting_score: The same for prompts that ask for a number: a second look at one thing is then no second thing.
        max_objects: Of each class so many objects count, the surest ones.
        margin: Offset of two centers that is no offset yet, as a share of the sum of both objects' sizes along it.
        direction: Least cosine of the offset, margin taken off, with a direction that it is said to be in.
    """

    score: float = 0.3
    counting_score: float = 0.9
    max_objects: int = 16
    margin: float = 0.1
    direction: float = 0.5


GENEVAL_RULES = Rules()


@dataclass(frozen=True)
class Detection:
    """An object found in a picture: its class, a score in [0, 1], and its box."""

    label: str
    score: float
    box: Box


ColorOf = Callable[[Detection], str]
"""Names the color of a detected object; it is asked only about objects whose color matters."""


def directions(box: Box, other: Box, rules: Rules = GENEVAL_RULES) -> set[str]:
    """Return where a box stands seen from another one: none, one or two of left of, right of, above, below.

    The offset of the centers, shortened along each axis by the margin, over its full length: where a component is
    beyond 1/2 of either sign, that is a direction. A diagonal has two.

    Example:
        >>> directions((0, 0, 10, 10), (30, 0, 40, 10)), directions((0, 0, 10, 10), (1, 1, 11, 11))
        ({'left of'}, set())
        >>> sorted(directions((0, 0, 10, 10), (30, 30, 40, 40)))
        ['above', 'left of']
    """
    offsets, shortened = [], []
    for low, high in ((0, 2), (1, 3)):
        offset = (box[low] + box[high] - other[low] - other[high]) / 2
        sizes = abs(box[high] - box[low]) + abs(other[high] - other[low])
        rest = max(abs(offset) - rules.margin * sizes, 0.0)
        offsets.append(offset)
        shortened.append(rest if offset > 0 else -rest)
    # Less than a thousandth of a pixel is rounding.
    if max(map(abs, shortened)) < 1e-3:
        return set()
    dx, dy = (part / hypot(*offsets) for part in shortened)
    cases = {"left of": -dx, "right of": dx, "above": -dy, "below": dy}
    return {name for name, along in cases.items() if along > rules.direction}


def kept(expectation: Expectation, detections: Sequence[Detection], rules: Rules) -> dict[str, list[Detection]]:
    """Return the detections that count for a prompt, by the classes it names, the surest first."""
    least = rules.counting_score if expectation.task == "counting" else rules.score
    found = sorted((d for d in detections if d.score > least), key=lambda d: -d.score)
    labels = {item.label for item in expectation.items}
    return {label: [d for d in found if d.label == label][: rules.max_objects] for label in labels}


def correct(
    expectation: Expectation, detections: Sequence[Detection], color_of: ColorOf, rules: Rules = GENEVAL_RULES
) -> bool:
    """Return whether a picture shows what its prompt asks for.

    Every item must be there at least as often as asked, and for counting not more often. Colors and places are judged
    on the surest objects of a class, as many as are asked for. Other objects never matter.

    Args:
        expectation: What the prompt asks for.
        detections: What was found in the picture, in any order.
        color_of: Names colors.
        rules: Thresholds.

    Example:
        >>> dogs = [Detection("dog", 0.95, (0, 0, 9, 9)), Detection("dog", 0.5, (20, 0, 29, 9))]
        >>> two, one = Expectation("counting", (Item("dog", 2),)), Expectation("single_object", (Item("dog"),))
        >>> [correct(asked, dogs, lambda dog: "brown") for asked in (two, one)]
        [False, True]
    """
    objects = kept(expectation, detections, rules)
    if any(len(objects[item.label]) < item.count for item in expectation.items):
        return False
    if expectation.task == "counting":
        (item,) = expectation.items
        return len(objects[item.label]) == item.count
    return all(_colored(item, objects, color_of) for item in expectation.items) and _placed(expectation, objects, rules)


def _colored(item: Item, objects: dict[str, list[Detection]], color_of: ColorOf) -> bool:
    return item.color is None or all(color_of(d) == item.color for d in objects[item.label][: item.count])


def _placed(expectation: Expectation, objects: dict[str, list[Detection]], rules: Rules) -> bool:
    if expectation.relation is None:
        return True
    first, second = (objects[item.label][0] for item in expectation.items)
    return expectation.relation in directions(first.box, second.box, rules)


def credit(
    expectation: Expectation, detections: Sequence[Detection], color_of: ColorOf, rules: Rules = GENEVAL_RULES
) -> float:
    """Return how far a picture shows what its prompt asks for, in [0, 1]; 1 if and only if it is `correct`.

    The mean over the items of: the share of the asked objects that are there, for counting max(0, 1 - |found - asked|
    / asked); and of color and place, where they are asked for, half of an item's share is for being there and half for
    the right color, or for both standing in the right place.

    Source:
        Flow-GRPO (Liu et al. 2025) grades GenEval for training: 1 - |found - asked| / asked for counts, and part of the
        reward where the objects are there and color or position is wrong. How large a part is not said; half is ours.

    Example:
        >>> dogs = [Detection("dog", 0.95, (0, 0, 9, 9)), Detection("dog", 0.5, (20, 0, 29, 9))]
        >>> credit(Expectation("counting", (Item("dog", 2),)), dogs, lambda dog: "brown")
        0.5
        >>> red = Expectation("color_attr", (Item("dog", color="red"), Item("cat", color="white")))
        >>> credit(red, dogs, lambda dog: "red"), credit(red, dogs, lambda dog: "brown")
        (0.5, 0.25)
    """
    objects = kept(expectation, detections, rules)
    numbers = {item: len(objects[item.label]) for item in expectation.items}
    if expectation.task == "counting":
        ((item, number),) = numbers.items()
        return max(0.0, 1 - abs(number - item.count) / item.count)
    there = {item: min(1.0, number / item.count) for item, number in numbers.items()}
    presence = sum(there.values()) / len(there)
    if expectation.relation is not None:
        right = min(there.values()) == 1 and _placed(expectation, objects, rules)
        return (presence + right) / 2
    earned = [
        share if item.color is None else share * (1 + _colored(item, objects, color_of)) / 2
        for item, share in there.items()
    ]
    return sum(earned) / len(earned)
