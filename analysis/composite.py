"""One number for a model with many rewards: the mean of its z-scores among the models of a table."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.front import Array, finite_matrix

SPREAD_FLOOR = 1e-12


def composite(values: npt.ArrayLike, /) -> Array:
    """Return the mean over columns of the z-scores of each row, with the population deviation (ddof 0).

    It ranks the rows of one table among themselves: with other rows the same model gets another number. A column
    whose values are all equal tells no row from another and counts 0.

    Args:
        values: One row a model, one column a reward [N, K], more is better, N >= 1.

    Raises:
        ValueError: If the values are not a finite matrix or there is no row.

    Source:
        The Composite column of MARBLE (arXiv 2605.06507), Table 1.

    Example:
        >>> composite([[1.0, 5.0], [3.0, 5.0]]).tolist()
        [-0.5, 0.5]
    """
    matrix = finite_matrix(values, "values")
    if len(matrix) == 0:
        raise ValueError("values must have a row at least, found none")
    center, spread = _scale(matrix)
    means: Array = _scores(matrix, center, spread).mean(axis=1)
    return means


def composite_by_seed(values: Mapping[str, Mapping[int, Sequence[float] | Array]], /) -> dict[str, dict[int, float]]:
    """Return the composite of each seed of each method, whose mean is the composite of the table of means over seeds.

    All seeds share the deviations of that table. Where all methods have the same seeds, each seed is centered on its
    own, so that what a seed does to all methods alike widens no interval; else on the center of the table of means.

    Args:
        values: Reward vector [K] by seed by method, more is better; every method has a seed at least.

    Raises:
        ValueError: If the vectors do not have one length or are not finite.

    Example:
        >>> composite_by_seed({"a": {0: [1.0], 1: [3.0]}, "b": {0: [2.0], 1: [6.0]}})
        {'a': {0: -0.5, 1: -1.5}, 'b': {0: 0.5, 1: 1.5}}
    """
    tables = {
        name: finite_matrix(np.array([by_seed[seed] for seed in sorted(by_seed)]), f"values of {name}")
        for name, by_seed in values.items()
    }
    center, spread = _scale(np.array([table.mean(axis=0) for table in tables.values()]))
    if len({frozenset(by_seed) for by_seed in values.values()}) == 1:
        center = np.mean(list(tables.values()), axis=0)
    return {
        name: dict(zip(sorted(by_seed), _scores(tables[name], center, spread).mean(axis=1).tolist(), strict=True))
        for name, by_seed in values.items()
    }


def _scale(table: Array) -> tuple[Array, Array]:
    """Return mean and population deviation of each column; a constant column has deviation 0, without rounding."""
    center, spread = table.mean(axis=0), table.std(axis=0)
    return center, np.where(spread <= SPREAD_FLOOR * np.abs(table).max(axis=0), 0.0, spread)


def _scores(table: Array, center: Array, spread: Array) -> Array:
    return np.where(spread > 0, (table - center) / np.where(spread > 0, spread, 1.0), 0.0)
