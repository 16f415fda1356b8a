"""The language of the image world: scenes as data, the English sentences that describe them, and the way back.

    several   one to four things alike          "three blue squares", "a red circle"
    pair      two things, with or without place "a red circle and a blue square", "a red circle left of a blue square"
    sign      one to three characters           "a sign that reads A7"

A sentence is a sequence of `words`: English words, and every character of a sign on its own. What is not in the
vocabulary, or says nothing the world can show, is a `PromptError`.
"""

from dataclasses import dataclass

from benchmarks.records import UsageError

COLORS: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.10, 0.12),
    "green": (0.10, 0.62, 0.18),
    "blue": (0.12, 0.25, 0.86),
    "yellow": (0.96, 0.86, 0.10),
    "purple": (0.58, 0.12, 0.70),
    "white": (0.98, 0.98, 0.98),
}
"""Names and RGB values in [0, 1] of the things' colors."""

SHAPES = ("circle", "square", "triangle")
COUNTS = ("one", "two", "three", "four")
RELATIONS = ("left of", "right of", "above", "below")
CHARACTERS = "ACEFHKLPTX0123456789"
"""Characters of signs: those that stay apart at nine pixels of width."""
LONGEST_TEXT = 3

_RELATION_WORDS = ("left", "right", "of", "above", "below")
_PLAIN_WORDS = ("a", "and", "sign", "that", "reads", *COUNTS, *_RELATION_WORDS, *COLORS, *SHAPES)
VOCABULARY: tuple[str, ...] = (*_PLAIN_WORDS, *(f"{shape}s" for shape in SHAPES), *CHARACTERS)
"""Every word a sentence may hold. Characters of signs are upper case, words lower case: "a" is not "A"."""


class PromptError(UsageError):
    """A prompt outside the language of the world."""


@dataclass(frozen=True)
class Thing:
    """A colored shape."""

    color: str
    shape: str


@dataclass(frozen=True)
class Several:
    """`count` (1-4) things alike."""

    thing: Thing
    count: int


@dataclass(frozen=True)
class Pair:
    """Two different things; `relation` is where the first stands seen from the second, None for anywhere."""

    first: Thing
    second: Thing
    relation: str | None


@dataclass(frozen=True)
class Sign:
    """A plate with one to three characters."""

    text: str


Scene = Several | Pair | Sign


def sentence(scene: Scene) -> str:
    """Return the English description of a scene.

    Example:
        >>> sentence(Several(Thing("red", "circle"), 2)), sentence(Sign("A7"))
        ('two red circles', 'a sign that reads A7')
        >>> sentence(Pair(Thing("blue", "square"), Thing("white", "triangle"), "left of"))
        'a blue square left of a white triangle'
    """
    match scene:
        case Sign(text):
            return f"a sign that reads {text}"
        case Several(thing, 1):
            return f"a {thing.color} {thing.shape}"
        case Several(thing, count):
            return f"{COUNTS[count - 1]} {thing.color} {thing.shape}s"
        case Pair(first, second, relation):
            return f"a {first.color} {first.shape} {relation or 'and'} a {second.color} {second.shape}"


def words(prompt: str) -> tuple[str, ...]:
    """Return the words of a prompt, the characters of a sign one by one.

    Raises:
        PromptError: If a word is not in the vocabulary.

    Example:
        >>> words("a sign that reads A7")
        ('a', 'sign', 'that', 'reads', 'A', '7')
    """
    found: list[str] = []
    for word in prompt.split():
        # Only the text of a sign is upper case or digits, and it is spelled.
        parts = list(word) if word not in VOCABULARY and set(word) <= set(CHARACTERS) else [word]
        for part in parts:
            if part not in VOCABULARY:
                raise PromptError(
                    f"prompt {prompt!r}: expected words of the image world "
                    f"({', '.join(_PLAIN_WORDS)}, plurals of the shapes, signs of {CHARACTERS}), found {part!r}"
                )
        found += parts
    return tuple(found)


def parse(prompt: str) -> Scene:
    """Return the scene a prompt describes.

    Raises:
        PromptError: If a word is unknown or the words describe no scene of this world.

    Example:
        >>> parse("one red circle") == parse("a red circle")
        True
        >>> parse("a red circle and a blue square").relation is None
        True
    """
    found = words(prompt)
    scene = _sign(found) or _several(found) or _pair(found)
    if scene is None:
        raise PromptError(
            f"prompt {prompt!r}: expected one to four things alike, two different things with or without a relation "
            f"({', '.join(RELATIONS)}), or a sign of one to {LONGEST_TEXT} characters, found another sentence"
        )
    return scene


def _sign(found: tuple[str, ...]) -> Sign | None:
    head, text = found[:4], "".join(found[4:])
    spelled = all(len(part) == 1 and part in CHARACTERS for part in found[4:])
    fits = head == ("a", "sign", "that", "reads") and spelled and 1 <= len(text) <= LONGEST_TEXT
    return Sign(text) if fits else None


def _several(found: tuple[str, ...]) -> Several | None:
    if len(found) != 3 or found[1] not in COLORS:
        return None
    count = 1 if found[0] == "a" else COUNTS.index(found[0]) + 1 if found[0] in COUNTS else 0
    shape = found[2].removesuffix("s")
    if not count or shape not in SHAPES or (found[2] == shape) != (count == 1):
        return None
    return Several(Thing(found[1], shape), count)


def _pair(found: tuple[str, ...]) -> Pair | None:
    first, middle, second = _several(found[:3]), " ".join(found[3:-3]), _several(found[-3:])
    if first is None or second is None or first.count != 1 or second.count != 1 or first == second:
        return None
    if middle not in (*RELATIONS, "and") or len(found) < 7:
        return None
    return Pair(first.thing, second.thing, None if middle == "and" else middle)
