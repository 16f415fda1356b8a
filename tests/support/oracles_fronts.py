"""Slow, obvious twins of the indicators in `analysis`, written from their definitions. More is better throughout."""

import itertools

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def naive_non_dominated(points: Array) -> list[bool]:
    """Return by pairwise comparison which points [N, K] stay; of equal points the first."""
    kept = []
    for i, point in enumerate(points):
        dominated = any((other >= point).all() and (other > point).any() for other in points)
        repeated = any((points[j] == point).all() for j in range(i))
        kept.append(not dominated and not repeated)
    return kept


def hypervolume_by_inclusion_exclusion(points: Array, reference_point: Array) -> float:
    """Return the volume of a union of boxes as an alternating sum over all subsets; for some 12 points at most."""
    total = 0.0
    for size in range(1, len(points) + 1):
        for subset in itertools.combinations(points, size):
            edges = np.maximum(np.min(subset, axis=0) - reference_point, 0.0)
            total += (-1.0) ** (size + 1) * float(edges.prod())
    return total


def hypervolume_by_cells(points: Array, reference_point: Array) -> float:
    """Return the volume as a sum over the cells of the grid that the coordinates of the points cut."""
    n_objectives = points.shape[1]
    floors = np.vstack([np.maximum(points, reference_point), reference_point])
    edges = [np.unique(floors[:, k]) for k in range(n_objectives)]
    total = 0.0
    for cell in itertools.product(*(range(len(edge) - 1) for edge in edges)):
        upper = np.array([edges[k][i + 1] for k, i in enumerate(cell)])
        if (points >= upper).all(axis=1).any():
            total += float(np.prod([edges[k][i + 1] - edges[k][i] for k, i in enumerate(cell)]))
    return total


def naive_additive_epsilon(points: Array, reference_set: Array) -> float:
    """Return the shift that lets some point reach each target in every objective."""
    return max(min(float((target - point).max()) for point in points) for target in reference_set)


def naive_igd_plus(points: Array, reference_set: Array) -> float:
    """Return the mean over targets of the least Euclidean length of what a point lacks."""
    lengths = [
        min(float(np.linalg.norm(np.maximum(target - point, 0.0))) for point in points) for target in reference_set
    ]
    return sum(lengths) / len(lengths)


def naive_expected_utility(points: Array, draws: int, generator: np.random.Generator) -> float:
    """Return a Monte Carlo mean over uniform weights of the best weighted sum; its error falls with sqrt(draws)."""
    weights = generator.dirichlet(np.ones(points.shape[1]), size=draws)
    return float(np.mean([max(weight @ point for point in points) for weight in weights]))
