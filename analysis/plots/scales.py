"""Scales of axes, the round numbers along them, and how these are written."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from analysis.front import Array

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
MOST_DECIMALS, LARGEST = 4, 1e5
FEW_DIGITS, ALL_DIGITS = 3, 16
"""Decimals of a number written with its exponent: at the least, and those that tell any two numbers apart."""
PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Scale:
    """What the two ends of an axis stand for; `high` may be the smaller one, so that the axis runs backwards."""

    low: float
    high: float
    log: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """The smaller and the greater end."""
        return min(self.low, self.high), max(self.low, self.high)

    def share(self, values: npt.ArrayLike) -> Array:
        """Return where values stand, 0 at the lower end of the axis and 1 at the upper one.

        Example:
            >>> Scale(0.0, 4.0).share([1.0, 4.0]).tolist(), Scale(1.0, 100.0, log=True).share([10.0]).tolist()
            ([0.25, 1.0], [0.5])
        """
        low, high, at = self.low, self.high, np.asarray(values, dtype=np.float64)
        if self.log:
            return np.asarray(np.log(at / low) / np.log(high / low))
        return np.asarray((at - low) / (high - low))

    @classmethod
    def around(
        cls, values: npt.ArrayLike, *, room: float = 0.06, backwards: bool = False, log: bool = False
    ) -> "Scale":
        """Return a scale that holds all finite values with some room at both ends.

        Args:
            values: Numbers, at least one of them finite; above 0 on a logarithmic scale.
            room: Share of the range that is added at each end.
            backwards: Whether the axis runs from the greatest to the least.
            log: Whether factors are drawn alike instead of differences.
        """
        known = np.asarray(values, dtype=np.float64)
        known = known[np.isfinite(known)]
        low, high = float(known.min()), float(known.max())
        if log:
            more = max((high / low) ** room, 1.05)
            low, high = low / more, high * more
        else:
            # A single value gets a panel around it, and rounding no more of one than its digits.
            more = room * (high - low) if high - low > 1e-9 * max(abs(low), abs(high)) else max(0.05 * abs(low), 1e-9)
            low, high = low - more, high + more
        return cls(high, low, log) if backwards else cls(low, high, log)


def linear_ticks(low: float, high: float, count: int, *, whole: bool = False) -> Array:
    """Return round numbers between two ends, evenly spaced, about `count` of them.

    Args:
        low: One end.
        high: The other, above it.
        count: Most intervals between two of them.
        whole: Whether they must be whole numbers.

    Example:
        >>> linear_ticks(0.13, 1.02, 4).tolist()
        [0.25, 0.5, 0.75, 1.0]
    """
    locator = MaxNLocator(nbins=count, steps=STEPS, integer=whole, min_n_ticks=1)
    found = np.asarray(locator.tick_values(low, high), dtype=np.float64)
    slack = 1e-9 * (high - low)
    kept: Array = found[(found >= low - slack) & (found <= high + slack)]
    return kept


def log_ticks(low: float, high: float, count: int) -> Array:
    """Return numbers for a logarithmic axis: 1, 2 and 5 times powers of ten, of many the powers alone.

    Ends less than a factor of three apart get evenly spaced numbers.

    Args:
        low: Lower end, positive.
        high: Upper end.
        count: Most ticks.

    Example:
        >>> log_ticks(0.3, 12.0, 6).tolist(), log_ticks(1.0, 1e5, 4).tolist()
        ([0.5, 1.0, 2.0, 5.0, 10.0], [1.0, 100.0, 10000.0])
    """
    if high < 3.0 * low:
        return linear_ticks(low, high, max(2, count - 1))
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    fine = np.sort(np.concatenate([factor * 10.0**powers for factor in (1.0, 2.0, 5.0)]))
    fine = fine[(fine >= low) & (fine <= high)]
    if len(fine) <= count:
        return np.asarray(fine)
    decades = 10.0**powers
    decades = decades[(decades >= low) & (decades <= high)]
    return np.asarray(decades[:: -(-len(decades) // count)])


def tick_texts(ticks: npt.ArrayLike) -> list[str]:
    """Return numbers as they stand beside an axis, with as many decimals as tell them apart.

    Example:
        >>> tick_texts([0.0, 0.5, 1.0]), tick_texts([0.0, 250.0]), tick_texts([0.0, 2e6])
        (['0.0', '0.5', '1.0'], ['0', '250'], ['0', '2e6'])
        >>> tick_texts([100_000.0, 100_010.0])
        ['1e5', '1.0001e5']
    """
    numbers = np.asarray(ticks, dtype=np.float64)
    decimals = _decimals(numbers)
    if decimals is None or float(np.abs(numbers).max(initial=0.0)) >= LARGEST:
        texts = _scientific(numbers)
    else:
        texts = [f"{number:.{decimals}f}" for number in numbers]
    return [text.replace("-", "\N{MINUS SIGN}") for text in texts]


def _decimals(numbers: Array) -> int | None:
    """Return the least number of decimals that shows all numbers as they are, None if they would be too many."""
    slack = 1e-6 * float(np.abs(np.diff(np.sort(numbers))).min(initial=1.0))
    for decimals in range(MOST_DECIMALS + 1):
        if (np.abs(numbers - np.round(numbers, decimals)) <= slack).all():
            return decimals
    return None


def _scientific(numbers: Array) -> list[str]:
    """Return numbers with their exponents, in as few digits as tell them apart."""
    texts: list[str] = []
    for decimals in range(FEW_DIGITS, ALL_DIGITS + 1):
        texts = [_with_exponent(number, decimals) for number in numbers.tolist()]
        if len({*texts}) == len({*numbers.tolist()}):
            break
    return texts


def _with_exponent(number: float, decimals: int) -> str:
    mantissa, _, exponent = f"{number:.{decimals}e}".partition("e")
    return "0" if number == 0.0 else f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def short_number(number: float) -> str:
    """Return a number in few letters.

    Example:
        >>> [short_number(number) for number in (0.5, 42.0, 2500.0, 1.5e6)]
        ['0.5', '42', '2.5k', '1.5M']
    """
    for size, prefix in PREFIXES:
        if abs(number) >= size:
            return f"{number / size:g}{prefix}"
    return f"{number:g}"


def ticks_of(scale: Scale, count: int) -> Array:
    """Return round numbers along a scale, about `count` of them."""
    return log_ticks(*scale.ends, count) if scale.log else linear_ticks(*scale.ends, count)
