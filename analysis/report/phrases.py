"""Numbers, lists and counts as people write them in a sentence."""

import math
from collections.abc import Sequence

from analysis.statistics import Interval

LIKE = 0.05
"""Costs that differ by less than this share count as alike."""
SIGNIFICANT = 4
MILLION, THOUSAND = 1e6, 1e3
UNITS = ((120.0, 1.0, "seconds"), (7200.0, 60.0, "minutes"), (math.inf, 3600.0, "hours"))
"""Below how many seconds a unit of time is used, its length and its name."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or the plural.

    Example:
        >>> counted(1, "seed"), counted(3, "seed"), counted(0, "run")
        ('1 seed', '3 seeds', '0 runs')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int | None = None) -> str:
    """Return names as a list in a sentence.

    Args:
        names: At least one.
        most: How many are named at most; of more, the rest is counted.

    Example:
        >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
        ('a', 'a and b', 'a, b and c', 'a, b and 2 others')
    """
    shown = list(names)
    if most is not None and len(shown) > most + 1:
        shown = [*shown[:most], f"{len(shown) - most} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def decimals_of(value: Interval) -> int:
    """Return how many digits behind the point are worth showing: two of the interval's half, four without one.

    Negative for whole tens, hundreds and so on. No number gets more than four digits in all.

    Example:
        >>> from analysis.statistics import interval
        >>> decimals_of(interval({0: 0.41, 1: 0.43})), decimals_of(interval({0: 40000.0, 1: 41000.0}))
        (2, -2)
        >>> decimals_of(interval({0: 34.964321}))
        2
    """
    half = value.half_width
    size = max(abs(value.mean), half or 0.0)
    if size == 0.0:
        return 0
    most = SIGNIFICANT - 1 - math.floor(math.log10(size))
    if half is None or half == 0.0:
        return most
    return min(1 - math.floor(math.log10(half)), most)


def fixed(value: float, decimals: int) -> str:
    """Return a number with so many digits behind the point, or rounded to tens and hundreds for negative ones.

    Example:
        >>> fixed(34.964, 2), fixed(40933.1, -1), fixed(-0.001, 2)
        ('34.96', '40,930', '0.00')
    """
    # Adding 0 makes a plain zero of a negative one.
    return f"{round(value, decimals) + 0.0:,.{max(decimals, 0)}f}"


def measured(value: Interval, *, unit: str = "", named: bool = False) -> str:
    """Return a mean with its interval, rounded to what the interval supports.

    Args:
        value: The number; without an interval it stands alone.
        unit: What follows the mean.
        named: Whether the interval is called one, for the first of a text.

    Example:
        >>> from analysis.statistics import interval
        >>> found = interval({0: 34.95, 1: 34.97, 2: 34.96})
        >>> measured(found, named=True), measured(interval({0: 0.5}))
        ('34.96 (95 % interval 34.94 to 34.98)', '0.5000')
    """
    decimals = decimals_of(value)
    mean = fixed(value.mean, decimals)
    if value.low is None or value.high is None:
        return mean + unit
    low, high = fixed(value.low, decimals), fixed(value.high, decimals)
    if low == high == mean:
        return mean + unit
    return f"{mean}{unit} ({'95 % interval ' if named else ''}{low} to {high})"


def scaled(value: Interval, factor: float) -> Interval:
    """Return an interval times a factor, such as 100 for shares in percent.

    Example:
        >>> from analysis.statistics import interval
        >>> scaled(interval({0: 0.25, 1: 0.25}), -100.0).mean
        -25.0
    """
    ends = [None if end is None else factor * end for end in (value.low, value.high)]
    low, high = ends if factor >= 0.0 else ends[::-1]
    return Interval(factor * value.mean, low, high, value.seeds, {s: factor * v for s, v in value.values.items()})


def amount(number: float) -> str:
    """Return a count of many things.

    Example:
        >>> amount(1_498_944), amount(40_960), amount(999_999), amount(4_032), amount(0)
        ('1.50 million', '41.0 thousand', '1.00 million', '4,032', '0')
    """
    if round(number / THOUSAND) >= THOUSAND:
        return f"{number / MILLION:,.{0 if number >= 100 * MILLION else 2}f} million"
    if number < 10 * THOUSAND:
        return f"{number:,.0f}"
    return f"{number / THOUSAND:.{0 if number >= 100 * THOUSAND else 1}f} thousand"


def amounts(low: float, high: float) -> str:
    """Return the range of a count, as one where both ends read alike.

    Example:
        >>> amounts(1_491_840, 1_499_520), amounts(5, 5)
        ('1.49 million to 1.50 million', '5')
    """
    ends = dict.fromkeys((amount(low), amount(high)))
    return " to ".join(ends)


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Example:
        >>> duration(4.84), duration(351.9), duration(7300.0), duration(0.0123)
        ('4.8 seconds', '5.9 minutes', '2.0 hours', '0.012 seconds')
    """
    return durations(seconds, seconds)


def durations(low: float, high: float) -> str:
    """Return a range of times in the unit that suits the longer one.

    Example:
        >>> durations(3.8, 6.6), durations(50.0, 400.0), durations(3.81, 3.84)
        ('3.8 to 6.6 seconds', '0.8 to 6.7 minutes', '3.8 seconds')
    """
    unit, name = next((u, n) for limit, u, n in UNITS if high < limit)
    numbers = [f"{seconds / unit:.2g}" if seconds < 1.0 else f"{seconds / unit:.1f}" for seconds in (low, high)]
    return f"{' to '.join(dict.fromkeys(numbers))} {name}"


def alike(numbers: Sequence[float]) -> bool:
    """Return whether costs differ by no more than one in twenty.

    Example:
        >>> alike([1.49, 1.50]), alike([1.0, 2.0]), alike([0.0, 0.0])
        (True, False, True)
    """
    return max(numbers) - min(numbers) <= LIKE * max(numbers)
