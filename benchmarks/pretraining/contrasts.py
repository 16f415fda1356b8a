"""Scenes one change away from another: the wrong captions that a reward of alignment must not take for right ones."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import numpy.typing as npt

from benchmarks.tasks.shapes.language import (
    CHARACTERS,
    COLORS,
    COUNTS,
    LONGEST_TEXT,
    RELATIONS,
    SHAPES,
    Pair,
    Scene,
    Several,
    Sign,
    Thing,
)

_TURNED = {"right of": "left of", "below": "above"}


def meaning(scene: Scene) -> tuple[Hashable, Hashable]:
    """Return what is in a picture of the scene, and how it is placed (None where the sentence leaves it open).

    Example:
        >>> red, blue = Thing("red", "circle"), Thing("blue", "square")
        >>> meaning(Pair(red, blue, "right of")) == meaning(Pair(blue, red, "left of"))
        True
    """
    if not isinstance(scene, Pair):
        return scene, "alone"
    first, second, relation = scene.first, scene.second, scene.relation
    if relation in _TURNED:
        first, second, relation = second, first, _TURNED[relation]
    return frozenset((first, second)), None if relation is None else (relation, first)


def compatible(first: Sequence[Scene], second: Sequence[Scene]) -> npt.NDArray[np.bool_]:
    """Return whether one picture may show both scenes, [N, M] for N first and M second ones.

    Two red things side by side are also two things anywhere, so such captions are no negatives of each other.

    Example:
        >>> red, blue = Thing("red", "circle"), Thing("blue", "square")
        >>> pairs = [Pair(red, blue, relation) for relation in (None, "above", "below")]
        >>> compatible(pairs[1:], pairs).tolist()
        [[True, True, False], [True, False, True]]
    """
    (things, places), (other_things, other_places) = _numbers([map(meaning, first), map(meaning, second)])
    same_place = (places[:, None] == other_places) | (places[:, None] < 0) | (other_places < 0)
    answer: npt.NDArray[np.bool_] = (things[:, None] == other_things) & same_place
    return answer


def _numbers(
    meanings: Sequence[Iterator[tuple[Hashable, Hashable]]],
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Number things and places, the same ones alike; an open place is -1."""
    of: dict[Hashable, int] = {}
    numbered = []
    for side in meanings:
        rows = [(of.setdefault(thing, len(of)), _place(place, of)) for thing, place in side]
        things, places = np.array(rows, dtype=np.int64).reshape(-1, 2).T
        numbered.append((things, places))
    return numbered


def _place(place: Hashable, of: dict[Hashable, int]) -> int:
    return -1 if place is None else of.setdefault(place, len(of))


def edits(scene: Scene) -> dict[str, list[Scene]]:
    """Return by kind of change the scenes one change away, each incompatible with this one; no kind is empty.

    Changes are of the `count`, `color` or `shape` of a thing, a `swap` of the colors of two things, their
    `relation`, one `character` of a sign, the `order` of its characters, and its `length` by one character.

    Example:
        >>> {kind: len(scenes) for kind, scenes in edits(Several(Thing("red", "circle"), 2)).items()}
        {'count': 3, 'color': 5, 'shape': 2}
        >>> pair = Pair(Thing("red", "circle"), Thing("blue", "circle"), "above")
        >>> {kind: len(scenes) for kind, scenes in edits(pair).items()}
        {'color': 8, 'shape': 4, 'swap': 1, 'relation': 3}
        >>> {kind: len(scenes) for kind, scenes in edits(Sign("A7")).items()}
        {'character': 38, 'order': 1, 'length': 60}
    """
    match scene:
        case Several(thing, count):
            found: dict[str, list[Scene]] = {
                "count": [Several(thing, n) for n in range(1, len(COUNTS) + 1) if n != count],
                "color": [Several(other, count) for other in _recolored(thing)],
                "shape": [Several(other, count) for other in _reshaped(thing)],
            }
        case Pair():
            found = _pair_edits(scene)
        case Sign(text):
            found = {kind: [Sign(t) for t in dict.fromkeys(texts)] for kind, texts in _text_edits(text).items()}
    return {kind: scenes for kind, scenes in found.items() if scenes}


def _recolored(thing: Thing) -> list[Thing]:
    return [Thing(color, thing.shape) for color in COLORS if color != thing.color]


def _reshaped(thing: Thing) -> list[Thing]:
    return [Thing(thing.color, shape) for shape in SHAPES if shape != thing.shape]


def _pair_edits(pair: Pair) -> dict[str, list[Scene]]:
    first, second = pair.first, pair.second
    candidates = {
        "color": [replace(pair, first=t) for t in _recolored(first)]
        + [replace(pair, second=t) for t in _recolored(second)],
        "shape": [replace(pair, first=t) for t in _reshaped(first)]
        + [replace(pair, second=t) for t in _reshaped(second)],
        "swap": [Pair(Thing(second.color, first.shape), Thing(first.color, second.shape), pair.relation)],
        "relation": [replace(pair, relation=r) for r in RELATIONS if r != pair.relation and pair.relation],
    }
    # The world has no pair of two things alike; a swap of equal colors or of equal shapes may change nothing.
    same = meaning(pair)
    return {
        kind: [other for other in pairs if other.first != other.second and meaning(other) != same]
        for kind, pairs in candidates.items()
    }


def _text_edits(text: str) -> dict[str, list[str]]:
    n = len(text)
    changed = [text[:i] + c + text[i + 1 :] for i in range(n) for c in CHARACTERS if c != text[i]]
    shorter = [text[:i] + text[i + 1 :] for i in range(n) if n > 1]
    longer = [text[:i] + c + text[i:] for i in range(n + 1) for c in CHARACTERS if n < LONGEST_TEXT]
    return {
        "character": changed,
        "order": [t for t in map("".join, permutations(text)) if t != text],
        "length": shorter + longer,
    }
