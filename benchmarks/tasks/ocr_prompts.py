"""Prompts that ask for a written text: signs, banners, book covers, with texts of one to three words of our own.

    'a photo of a shop sign that says "FRESH BREAD"'

Training and test share no text, and a test text is no part of a training text or the other way round.
"""

from itertools import product

from benchmarks.draws import derived_seed

SCENES = (
    "a photo of a shop sign that says",
    "a photo of a banner across a street that says",
    "a photo of a wooden board by a path that says",
    "a photo of a neon sign at night that says",
    "a photo of a chalkboard in front of a cafe that says",
    "a photo of a T-shirt with the words",
    "a photo of a coffee mug with the words",
    "a photo of a cake with icing that spells",
    "a photo of a road sign that says",
    "a photo of a cardboard box labeled",
    "a photo of a street wall painted with the words",
    "a photo of a station display that shows",
    "a photo of a paper note on a fridge that says",
    "a photo of a license plate that says",
    "the cover of a novel with the title",
    "the cover of a magazine with the headline",
    "a movie poster with the title",
    "a vintage postcard with the greeting",
    "a concert ticket with the words",
    "a screenshot of a phone with the message",
    "a watercolor of a harbor with a boat named",
    "a cartoon of a robot that holds a card with the words",
    "a drawing of a medal with the engraving",
    "an embroidered badge with the words",
)
"""What a text is written on."""

FIRST_WORDS = (
    "FRESH", "GOLDEN", "QUIET", "SUNNY", "LITTLE", "HAPPY", "BRAVE", "CRISPY", "SECRET", "LUCKY", "WILD", "SILVER",
    "NORTH", "WINTER", "PURPLE", "COZY", "RAPID", "GENTLE", "HIDDEN", "ROYAL", "SALTY", "VIVID", "WOODEN", "YOUNG",
)  # fmt: skip
SECOND_WORDS = (
    "BREAD", "GARDEN", "HARBOR", "COFFEE", "MARKET", "KITCHEN", "PLANET", "RIVER", "LIBRARY", "TRAVEL", "MUSIC",
    "PIRATE", "BAKERY", "CASTLE", "DRAGON", "FOREST", "GALAXY", "ISLAND", "JOURNEY", "LANTERN", "MIRROR", "OCTOBER",
    "PEPPER", "QUARTZ", "ROCKET", "SUMMIT", "TEMPLE", "VIOLIN", "WINDOW", "ZEBRA", "BRIDGE", "COMPASS",
)  # fmt: skip
LAST_WORDS = ("TODAY", "CLUB", "AHEAD", "FOREVER", "24", "HOUSE")
TEST_SHARE = 0.15


def texts(*, test: bool) -> list[str]:
    """Return every text of one, two and three words in the test or the training split, in a fixed order.

    The second word decides on the split: it is in every text.

    Example:
        >>> len(texts(test=False)) + len(texts(test=True)) == 32 * (1 + 24 + 24 * 6)
        True
    """
    found = []
    for second in SECOND_WORDS:
        if (derived_seed("ocr split", second) % 1000 < 1000 * TEST_SHARE) == test:
            found += [second, *(f"{first} {second}" for first in FIRST_WORDS)]
            found += [f"{first} {second} {last}" for first, last in product(FIRST_WORDS, LAST_WORDS)]
    return found


def prompts(n: int, *, test: bool) -> tuple[str, ...]:
    """Return n prompts with as many texts of the test or the training split, the same ones on every machine.

    Fewer prompts are the first ones of more.

    Raises:
        ValueError: If the split has fewer texts.

    Example:
        >>> prompts(2, test=True) == prompts(5, test=True)[:2]
        True
    """
    known = texts(test=test)
    if n > len(known):
        raise ValueError(f"n must be at most {len(known)}, the number of texts in the split, found {n}")
    ranked = sorted(known, key=lambda text: derived_seed("ocr prompts", text))
    return tuple(f'{SCENES[derived_seed("ocr scene", text) % len(SCENES)]} "{text}"' for text in ranked[:n])
