"""Slow, obvious twins of the indicators in `analysis`, written from their definitions. More is better throughout."""

import itertools
import math
from fractions import Fraction

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


def hypervolume_by_slices(points: Array, reference_point: Array) -> Fraction:
    """Return the volume as a sum over slices of the last objective, in exact rational numbers; for some 8 points."""
    boxes = [[Fraction(float(x)) - Fraction(float(r)) for x, r in zip(p, reference_point, strict=True)] for p in points]
    return _sliced([box for box in boxes if min(box) > 0])


def _sliced(boxes: list[list[Fraction]]) -> Fraction:
    """Return the volume of boxes [N][K] that all start at 0."""
    if not boxes:
        return Fraction(0)
    if len(boxes[0]) == 1:
        return max(box[0] for box in boxes)
    total, floor = Fraction(0), Fraction(0)
    for height in sorted({box[-1] for box in boxes}):
        total += (height - floor) * _sliced([box[:-1] for box in boxes if box[-1] >= height])
        floor = height
    return total


def naive_coverage(first: Array, second: Array) -> float:
    """Return the share of the second set that a point of the first reaches in every objective."""
    reached = [any(all(a >= b for a, b in zip(p, q, strict=True)) for p in first) for q in second]
    return sum(reached) / len(reached)


def utility_over_lattice(points: Array, divisions: int) -> float:
    """Return the mean, over all weights that are multiples of 1 / divisions, of the best weighted sum."""
    n_objectives, best = points.shape[1], []
    for parts in itertools.product(range(divisions + 1), repeat=n_objectives - 1):
        rest = divisions - sum(parts)
        if rest >= 0:
            weights = [part / divisions for part in (*parts, rest)]
            best.append(max(math.fsum(w * x for w, x in zip(weights, point, strict=True)) for point in points.tolist()))
    return math.fsum(best) / len(best)
