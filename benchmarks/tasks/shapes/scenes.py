"""All scenes of the image world, split so that training and test share no combination."""

from collections.abc import Callable, Sequence
from itertools import product

from benchmarks.draws import derived_seed
from benchmarks.tasks.shapes.language import (
    CHARACTERS,
    COLORS,
    LONGEST_TEXT,
    RELATIONS,
    SHAPES,
    Pair,
    Scene,
    Several,
    Sign,
    Thing,
)

TEST_SHARE = 0.15
KINDS = ("several", "pair", "placed", "sign")


def _combination(scene: Scene) -> str:
    # What must not be shared: the same pair is one combination in either order and under either name of its place.
    match scene:
        case Sign(text):
            return f"sign {text}"
        case Several(thing, count):
            return f"{count} {thing}"
        case Pair(first, second, None):
            return f"and {sorted((str(first), str(second)))}"
        case Pair(first, second, relation):
            turned = {"right of": "left of", "below": "above"}
            if relation in turned:
                first, second, relation = second, first, turned[relation]
            return f"{first} {relation} {second}"


def in_test(scene: Scene) -> bool:
    """Return whether a scene belongs to the test split; its mirror image ("right of" for "left of") does as well."""
    return derived_seed("split", _combination(scene)) % 1000 < 1000 * TEST_SHARE


def all_scenes(kind: str) -> list[Scene]:
    """Return every scene of one of `KINDS`, in a fixed order.

    Raises:
        KeyError: If there is no such kind.

    Example:
        >>> {kind: len(all_scenes(kind)) for kind in KINDS}
        {'several': 72, 'pair': 306, 'placed': 1224, 'sign': 8420}
    """
    things = [Thing(color, shape) for color, shape in product(COLORS, SHAPES)]
    pairs = [(first, second) for first, second in product(things, things) if first != second]
    makers: dict[str, Callable[[], Sequence[Scene]]] = {
        "several": lambda: [Several(thing, count) for thing, count in product(things, range(1, 5))],
        "pair": lambda: [Pair(first, second, None) for first, second in pairs],
        "placed": lambda: [Pair(first, second, relation) for (first, second), relation in product(pairs, RELATIONS)],
        "sign": lambda: [
            Sign("".join(text)) for n in range(1, LONGEST_TEXT + 1) for text in product(CHARACTERS, repeat=n)
        ],
    }
    return list(makers[kind]())


def split(kind: str, *, test: bool) -> list[Scene]:
    """Return the scenes of a kind that belong to the test or the training split."""
    return [scene for scene in all_scenes(kind) if in_test(scene) == test]


def pick(scenes: Sequence[Scene], n: int, purpose: str) -> list[Scene]:
    """Return n scenes, the same ones on every machine, spread over the list by a keyed hash.

    Raises:
        ValueError: If there are fewer.
    """
    if n > len(scenes):
        raise ValueError(f"n must be at most {len(scenes)}, the number of scenes, found {n}")
    return sorted(scenes, key=lambda scene: derived_seed(purpose, str(scene)))[:n]
