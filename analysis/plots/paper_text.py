"""The type of figures for print: sizes, how much room words take, and how names, numbers and rewards are written."""

import textwrap
import unicodedata
from collections.abc import Sequence

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from benchmarks.records import RewardRecord

FAMILY = ("STIXGeneral", "DejaVu Sans")
LABEL, SMALL = 8.0, 7.0
"""Sizes of type [points]: of the labels, of ticks and legends."""
LAYOUT_DPI = 300
POINTS = 72.0
LINE_HEIGHT = 1.2
"""Of a line of text, in sizes of its type."""
MINUS, NOTHING = "\N{MINUS SIGN}", "\N{EN DASH}"


def text_width(text: str, size: float) -> float:
    """Return how long a line of text is [inches].

    Args:
        text: One line.
        size: Of its type [points].
    """
    properties = FontProperties(family=list(FAMILY), size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, properties, False)
    return float(width) / POINTS


def line_height(size: float) -> float:
    """Return how high a line of text is [inches].

    Example:
        >>> round(line_height(7.5), 3)
        0.125
    """
    return LINE_HEIGHT * size / POINTS


def fitting(choices: Sequence[str], room: float, size: float = LABEL) -> str:
    """Return the first of some texts that fits, else the last one cut with an ellipsis.

    Args:
        choices: Texts of one line, the best first.
        room: Its length, at most [inches].
        size: Of its type [points].
    """
    for text in choices:
        if text_width(text, size) <= room:
            return text
    last = choices[-1]
    # What fits on average and a little more, from where the cut moves to what fits.
    kept = min(len(last), int(1.3 * len(last) * room / text_width(last, size)) + 1)
    while kept > 1 and text_width(last[:kept] + "…", size) > room:
        kept -= 1
    return last[:kept] + "…"


def reward_labels(rewards: Sequence[RewardRecord], room: float) -> list[str]:
    """Return labels of the rewards' axes: name, unit where there is room for all units, and which way is better.

    Args:
        rewards: The rewards.
        room: Length of the shortest axis [inches].
    """
    arrows = [" ↑" if reward.higher_is_better else " ↓" for reward in rewards]
    units = [f" [{reward.unit}]" if reward.unit else "" for reward in rewards]
    parts = list(zip([printable(reward.name) for reward in rewards], units, arrows, strict=True))
    whole = ["".join(part) for part in parts]
    if all(text_width(label, LABEL) <= room for label in whole):
        return whole
    return [fitting([name], room - text_width(arrow, LABEL)) + arrow for name, _, arrow in parts]


def number(value: float, digits: int) -> str:
    """Return a number with so many significant digits and a minus sign as long as a plus sign.

    Example:
        >>> number(-5.1234, 3)
        '\u22125.12'
    """
    return f"{value:.{digits}g}".replace("-", MINUS)


def printable(text: str) -> str:
    r"""Return a text on one line without the characters that only steer a terminal or the direction of writing.

    Example:
        >>> printable("a red\n circle\x00")
        'a red circle'
    """
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return "".join(c for c in " ".join(spaced.split()) if not unicodedata.category(c).startswith("C"))


def folded(text: str, room: float, lines: int) -> str:
    """Return a printable text in lines of small type that fit, cut with an ellipsis if they would be too many.

    Args:
        text: Any text.
        room: Length of a line [inches].
        lines: How many, at most.
    """
    whole = printable(text)
    width = text_width(whole, SMALL)
    if width <= room:
        return whole
    # Lines of as many characters as fit on average; the shorter for one that is too long after all.
    characters = int(len(whole) * room / width)
    while True:
        found = textwrap.wrap(whole, max(characters, 2), max_lines=lines, placeholder="…")
        if characters <= 2 or all(text_width(line, SMALL) <= room for line in found):
            return "\n".join(found)
        characters -= 1


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return places that are at least a gap apart, as near to the given ones as can be, in the same order.

    Args:
        places: Numbers in any order.
        gap: The least distance between two.

    Source:
        Least squares under an order, by pooling neighbors that violate it: Ayer et al., "An empirical distribution
        function for sampling with incomplete information", 1955.

    Example:
        >>> spread([5.0, 1.0, 1.0], 1.0)
        [5.0, 0.5, 1.5]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    pools: list[list[float]] = []
    for rank, index in enumerate(order):
        pools.append([places[index] - rank * gap])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    ranked = [_mean(pool) for pool in pools for _ in pool]
    found = [0.0] * len(places)
    for rank, index in enumerate(order):
        found[index] = ranked[rank] + rank * gap
    return found


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
