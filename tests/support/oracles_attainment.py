"""Slow, obvious twins of attainment surfaces and their differences, written from their definitions."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def naive_attained(sets: Sequence[Array], place: Array) -> int:
    """Return how many sets have a point at least as good as a place [K] in every reward."""
    return sum(any(all(point >= place) for point in points) for points in sets)


def naive_surface(sets: Sequence[Array], level: int) -> Array:
    """Return the best places that `level` sets attain, among all combinations of their coordinates, sorted."""
    points = np.concatenate(sets)
    combinations = np.array(list(itertools.product(*(np.unique(column) for column in points.T))))
    attained = combinations[[naive_attained(sets, place) >= level for place in combinations]]
    beaten = [((attained >= one).all(axis=1) & (attained > one).any(axis=1)).any() for one in attained]
    kept: Array = attained[~np.array(beaten)]
    return kept[np.lexsort(kept.T[::-1])]


def naive_gains(first: Sequence[Array], second: Sequence[Array], corner: Array) -> tuple[float, float]:
    """Return the volume above a corner times how much more often each method attains it, cell by cell."""
    points = np.concatenate([*first, *second, corner[None, :]])
    edges = [np.unique(np.maximum(column, low)) for column, low in zip(points.T, corner, strict=True)]
    gains = [0.0, 0.0]
    for cell in itertools.product(*(range(len(edge) - 1) for edge in edges)):
        upper = np.array([edge[i + 1] for edge, i in zip(edges, cell, strict=True)])
        lower = np.array([edge[i] for edge, i in zip(edges, cell, strict=True)])
        share = naive_attained(first, upper) / len(first) - naive_attained(second, upper) / len(second)
        gains[0 if share > 0 else 1] += abs(share) * float((upper - lower).prod())
    return gains[0], gains[1]
