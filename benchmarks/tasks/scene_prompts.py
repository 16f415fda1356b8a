"""Plain prompts of our own for pictures and videos: somebody or something at a place, in some light or in motion.

    'a gray heron by a frozen lake, in the first light of the morning'
    'a gray heron runs across a frozen lake'

They stand in for a user's own prompts. Training and test share no pair of subject and place.
"""

from collections.abc import Sequence
from itertools import product

from benchmarks.draws import derived_seed

SUBJECTS = (
    "a gray heron", "a red fox", "a brown horse", "a black cat", "a white goat", "an old sheepdog", "a small elephant",
    "a spotted calf", "a tall fisherman", "a woman in a green coat", "a boy with a kite", "a girl in rain boots",
    "a street musician", "a baker with a tray", "a dancer in a red dress", "a hiker with a backpack",
    "a postman with a bag", "a grandmother with a cane", "a robot of dented tin", "a knight in dull armor",
)  # fmt: skip
PLACES = (
    "a frozen lake", "a sandy beach", "a market square", "a harbor wall", "a wheat field", "a mossy forest path",
    "a snowy hillside", "a rope bridge", "a quiet railway platform", "a rooftop garden", "a cobbled street",
    "a dusty desert road", "a flooded meadow", "a library hall", "a lighthouse stair", "a pumpkin patch",
)  # fmt: skip
LIGHTS = (
    "in the first light of the morning", "at noon under a clear sky", "in thick fog", "at dusk with long shadows",
    "in light rain", "under a full moon", "during a snowfall", "in the last sun after a storm",
)  # fmt: skip
MOTIONS = (
    "runs across", "walks slowly over", "jumps up and down on", "turns around on", "limps along", "dances on",
    "sneaks over", "rolls over on", "hops backwards over", "sits down on",
)  # fmt: skip
TEST_SHARE = 0.15


def pictures(n: int, *, test: bool) -> tuple[str, ...]:
    """Return n distinct prompts of the test or the training split, the same ones on every machine.

    Fewer prompts are the first ones of more.

    Raises:
        ValueError: If the split has fewer.

    Example:
        >>> pictures(2, test=True) == pictures(5, test=True)[:2]
        True
    """
    return _first(n, [f"{subject} by {place}, {light}" for subject, place in _pairs(test) for light in LIGHTS])


def videos(n: int, *, test: bool) -> tuple[str, ...]:
    """Return n distinct prompts with a motion of the test or the training split; see `pictures`.

    Raises:
        ValueError: If the split has fewer.
    """
    return _first(n, [f"{subject} {motion} {place}" for subject, place in _pairs(test) for motion in MOTIONS])


def _pairs(test: bool) -> list[tuple[str, str]]:
    return [
        (subject, place)
        for subject, place in product(SUBJECTS, PLACES)
        if (derived_seed("scene split", subject, place) % 1000 < 1000 * TEST_SHARE) == test
    ]


def _first(n: int, known: Sequence[str]) -> tuple[str, ...]:
    if n > len(known):
        raise ValueError(f"n must be at most {len(known)}, the number of prompts in the split, found {n}")
    return tuple(sorted(known, key=lambda text: derived_seed("scene prompts", text))[:n])
