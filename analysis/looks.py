"""Color and marker of each method, the same in every picture and on every page of a report.

Nothing here draws, so that a page needs no matplotlib for them.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

# The first six are Okabe and Ito's; their yellow is too pale for points. The others were searched for, so that any two
# are told apart by readers with any kind of color blindness. Where there are more methods than colors the markers help,
# whose number shares no factor with that of the colors.
COLORS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1B1F6B", "#8B4513",
    "#9977FF", "#005533", "#FF1166", "#664466", "#DDBB77", "#6633BB",
)  # fmt: skip
SURE_COLORS = 8
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
OWN = (
    "pareto_slider", "marble", "crd", "weighted_sum", "fixed_weights", "gdpo", "grpo", "nft_single", "rewarded_soup",
    "smooth_tchebycheff", "sequential", "aggregated", "weighted_sum_raw",
)  # fmt: skip
"""The methods of this project, those that are compared most with the surest colors."""
DARKEST = 0.16
"""Least luminance of a color on a dark page, which leaves a contrast of 3.5 to its background."""
MIX_STEPS = 20


@dataclass(frozen=True)
class Look:
    """Color and marker of a method, the same in every picture of a report."""

    color: str
    marker: str


def assign_looks(methods: Iterable[str]) -> dict[str, Look]:
    """Return one look for each method, sorted by name.

    The methods of this project look the same in every report, whichever others stand beside them; further ones get
    what is free, by name.

    Example:
        >>> looks = assign_looks(["b", "marble", "a"])
        >>> looks["marble"] == assign_looks(["marble", "crd"])["marble"]
        True
        >>> looks["a"], looks["b"]
        (Look(color='#0072B2', marker='o'), Look(color='#009E73', marker='^'))
    """
    names = sorted(set(methods))
    places = {name: place for place, name in enumerate(OWN) if name in names}
    free = (place for place in itertools.count() if place not in places.values())
    further = {name: next(free) for name in names if name not in places}
    return {name: _look((places | further)[name]) for name in names}


def _look(place: int) -> Look:
    return Look(COLORS[place % len(COLORS)], MARKERS[place % len(MARKERS)])


def luminance(color: str) -> float:
    """Return how bright a color is, 0 for black and 1 for white.

    Args:
        color: `#rrggbb`.

    Source:
        Web Content Accessibility Guidelines 2.2, "relative luminance".

    Example:
        >>> luminance("#000000"), luminance("#ffffff"), round(luminance("#808080"), 3)
        (0.0, 1.0, 0.216)
    """
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _channels(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def on_dark(color: str) -> str:
    """Return a color as a dark page shows it: mixed with as little white as makes it bright enough to see.

    Args:
        color: `#rrggbb`.

    Example:
        >>> on_dark("#e69f00"), luminance(on_dark("#1B1F6B")) >= DARKEST
        ('#e69f00', True)
    """
    mixed = color
    for step in range(1, MIX_STEPS + 1):
        if luminance(mixed) >= DARKEST:
            break
        share = step / MIX_STEPS
        mixed = "#" + "".join(f"{round(255 * (value + share * (1.0 - value))):02x}" for value in _channels(color))
    return mixed


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[at : at + 2], 16) / 255.0 for at in (1, 3, 5))
    return red, green, blue
