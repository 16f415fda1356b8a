"""P-values of many comparisons at once, adjusted so that chance alone seldom makes one of them small.

An adjusted p-value is compared with the same level as a single one. `holm` and `joint_sign_flips` keep the
probability of any false finding below that level, `benjamini_hochberg` the expected share of false ones among the
findings. Holm multiplies by the number of comparisons, which few pairs cannot afford: eight prompts never give less
than 0.0078, so seven comparisons of them are beyond 0.05 for good. Flipping the signs of a prompt in all comparisons
together needs no such factor, because it counts how often the largest of all of them is as large.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.front import Array

EXACT_PAIRS = 16
DRAWS = 20_000
CHUNK = 4096
ROUNDING = 1e-10


def holm(p_values: npt.ArrayLike) -> Array:
    """Return Holm's adjusted p-values [J].

    Args:
        p_values: P-values of J comparisons, in [0, 1]; nothing is assumed of how they depend on each other.

    Raises:
        ValueError: If one lies outside [0, 1].

    Source:
        Holm, "A simple sequentially rejective multiple test procedure", 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    values, order = _checked(p_values)
    factors = len(values) - np.arange(len(values))
    return _in_place(np.maximum.accumulate(np.minimum(1.0, factors * values[order])), order)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Array:
    """Return the adjusted p-values [J] that bound the expected share of false findings.

    Args:
        p_values: P-values of J comparisons, in [0, 1], independent or positively dependent.

    Raises:
        ValueError: If one lies outside [0, 1].

    Source:
        Benjamini and Hochberg, "Controlling the false discovery rate", 1995.

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.04, 0.04]
    """
    values, order = _checked(p_values)
    factors = len(values) / (1.0 + np.arange(len(values)))
    steps = np.minimum(1.0, factors * values[order])
    return _in_place(np.minimum.accumulate(steps[::-1])[::-1], order)


def joint_sign_flips(
    differences: Sequence[npt.ArrayLike],
    *,
    exact_pairs: int = EXACT_PAIRS,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> Array:
    """Return adjusted two-sided p-values [J] of J sign-flip tests whose signs flip together.

    Unit i (a seed, a prompt) of every comparison flips at once, which keeps how comparisons depend on each other, and
    is exact whether they do or not. What is compared is the sum of differences over the root of their sum of
    squares, so units of measurement do not matter.

    Args:
        differences: For each comparison its differences [n_j], finite; entry i is that of unit i, 0 where a
            comparison lacks it.
        exact_pairs: Up to how many units all sign patterns are counted.
        draws: How many patterns are drawn otherwise; the observed one is counted besides.
        generator: Draws them.

    Raises:
        ValueError: If a comparison has no difference, or one is not finite.

    Source:
        Westfall and Young, "Resampling-Based Multiple Testing", 1993, algorithm 2.8 (step-down, largest statistic).

    Example:
        >>> steady, mixed = [1.0, 1.1, 0.9, 1.0], [1.0, -1.0, 0.5, 0.0]
        >>> joint_sign_flips([steady, mixed], generator=np.random.default_rng(0)).tolist()
        [0.125, 1.0]
    """
    scaled = _scaled(differences)
    observed = np.abs(scaled.sum(axis=0))
    order = np.argsort(-observed, kind="stable")
    ranked = scaled[:, order]
    counts, patterns = np.zeros(len(observed)), 0
    for signs in _sign_patterns(len(scaled), exact_pairs, draws, generator):
        flipped = np.abs(signs @ ranked)
        # A comparison competes with those behind it in the order: what lies before is settled.
        largest = np.maximum.accumulate(flipped[:, ::-1], axis=1)[:, ::-1]
        counts += (largest >= observed[order] - ROUNDING).sum(axis=0)
        patterns += len(signs)
    return _in_place(np.maximum.accumulate(counts / patterns), order)


def _checked(p_values: npt.ArrayLike) -> tuple[Array, npt.NDArray[np.intp]]:
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError(f"p_values must lie in [0, 1], in one row, found {values.tolist()}")
    return values, np.argsort(values, kind="stable")


def _in_place(ranked: Array, order: npt.NDArray[np.intp]) -> Array:
    """Return values that are sorted by an order in the order before it."""
    answer = np.empty_like(ranked)
    answer[order] = ranked
    return answer


def _scaled(differences: Sequence[npt.ArrayLike]) -> Array:
    """Return the differences [units, J], each comparison over the root of its sum of squares."""
    rows = [np.asarray(row, dtype=np.float64) for row in differences]
    for index, row in enumerate(rows):
        if row.ndim != 1 or len(row) == 0 or not np.isfinite(row).all():
            raise ValueError(f"differences must be finite, at least one, in one row, found {row.tolist()} at {index}")
    matrix = np.zeros((max((len(row) for row in rows), default=0), len(rows)))
    for index, row in enumerate(rows):
        length = math.sqrt(float((row**2).sum()))
        matrix[: len(row), index] = row / length if length > 0.0 else 0.0
    return matrix


def _sign_patterns(n_units: int, exact_pairs: int, draws: int, generator: np.random.Generator) -> list[Array]:
    """Return chunks of sign patterns [m, units], the observed one first.

    A pattern and its opposite give the same distances from 0, so the first sign is kept where all are counted.
    """
    if n_units > exact_pairs:
        drawn: list[Array] = [np.ones((1, n_units))]
        for start in range(0, draws, CHUNK):
            signs = generator.integers(0, 2, size=(min(CHUNK, draws - start), n_units), dtype=np.int8)
            drawn.append(2.0 * signs.astype(np.float64) - 1.0)
        return drawn
    numbers = np.arange(2 ** max(n_units - 1, 0))
    bits = (numbers[:, None] >> np.arange(n_units)) & 1
    return np.array_split(1.0 - 2.0 * bits, math.ceil(len(bits) / CHUNK))
