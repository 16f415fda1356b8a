"""Points and distributions on the simplex of preferences: rows [K], non-negative, summing to 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import torch
from torch import Generator, Tensor

TOLERANCE = 1e-6


def check_preference(preference: Sequence[float], n_objectives: int, name: str = "preference") -> None:
    """Check that a preference lies on the simplex of K objectives.

    Raises:
        ValueError: If it has another length, a negative or non-finite entry, or does not sum to 1.

    Example:
        >>> check_preference((0.7, 0.6), 2)
        Traceback (most recent call last):
            ...
        ValueError: preference must be non-negative and sum to 1, found [0.7, 0.6] summing to 1.3
    """
    values = [float(value) for value in preference]
    if len(values) != n_objectives:
        raise ValueError(f"{name} must have {n_objectives} entries, one a reward, found {len(values)}: {values}")
    if not np.isfinite(values).all() or min(values) < 0 or abs(sum(values) - 1) > TOLERANCE:
        raise ValueError(f"{name} must be non-negative and sum to 1, found {values} summing to {sum(values):.6g}")


def lattice(n_objectives: int, divisions: int) -> np.ndarray:
    """Return every preference whose entries are multiples of 1 / divisions.

    The order starts at the first objective's corner and ends at the last one's.

    Args:
        n_objectives: K >= 1.
        divisions: H >= 1.

    Returns:
        Preferences [C(H + K - 1, K - 1), K], float64.

    Source: Das and Dennis (1998), the simplex-lattice design.

    Example:
        >>> lattice(2, 2).tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
        >>> lattice(3, 10).shape
        (66, 3)
    """
    if n_objectives < 1 or divisions < 1:
        raise ValueError(f"lattice needs n_objectives >= 1 and divisions >= 1, found {n_objectives} and {divisions}")
    rows = []
    for bars in combinations(range(divisions + n_objectives - 1), n_objectives - 1):
        edges = (-1, *bars, divisions + n_objectives - 1)
        rows.append([edges[i + 1] - edges[i] - 1 for i in range(n_objectives)])
    return np.asarray(rows[::-1], dtype=np.float64) / divisions


def coarsest_lattice(n_objectives: int, at_least: int) -> np.ndarray:
    """Return the lattice with the fewest points that has at least `at_least` of them [n, K].

    Example:
        >>> coarsest_lattice(2, 5)[:, 0].tolist(), len(coarsest_lattice(3, 5)), len(coarsest_lattice(5, 5))
        ([1.0, 0.75, 0.5, 0.25, 0.0], 6, 5)
    """
    if at_least > 1 and n_objectives == 1:
        raise ValueError(f"one objective has a single preference, found a wish for {at_least}")
    divisions = 1
    while comb(divisions + n_objectives - 1, n_objectives - 1) < at_least:
        divisions += 1
    return lattice(n_objectives, divisions)


def trade_offs(n_objectives: int, at_least: int) -> np.ndarray:
    """Return the preferences that separate models are trained for: a coarse lattice and the balanced one [n, K].

    A coarse lattice of three or more objectives lacks its center, which anybody who trains several models would train
    first; it is added there.

    Example:
        >>> [len(trade_offs(k, 5)) for k in (2, 3, 5)], trade_offs(3, 1)[-1].round(3).tolist()
        ([5, 7, 6], [0.333, 0.333, 0.333])
    """
    points = coarsest_lattice(n_objectives, at_least)
    center = np.full((1, n_objectives), 1 / n_objectives)
    if n_objectives < 3 or np.isclose(points, center).all(1).any():
        return points
    return np.concatenate((points, center))


def _on_simplex(uniform: np.ndarray) -> np.ndarray:
    # Normalized exponentials are Dirichlet(1, ..., 1); the floor keeps a row of zeros apart from 0 / 0.
    draws = np.maximum(-np.log1p(-uniform), np.finfo(np.float64).tiny)
    return np.asarray(draws / draws.sum(1, keepdims=True))


@dataclass(frozen=True)
class FixedPreference:
    """The same preference every time."""

    preference: tuple[float, ...]

    def draw(self, generator: Generator, n: int, n_objectives: int) -> Tensor:
        """Return the preference n times [n, K]; the generator is left alone."""
        check_preference(self.preference, n_objectives)
        return torch.tensor(self.preference).expand(n, n_objectives)


@dataclass(frozen=True)
class Dirichlet:
    """Dirichlet(c, ..., c); concentration 1 is uniform on the simplex, below 1 favors corners.

    Draws depend on the seed of the generator, not on how much of it has been used: give every draw a fresh one.
    """

    concentration: float = 1.0

    def __post_init__(self) -> None:
        """Check the range."""
        if not self.concentration > 0:
            raise ValueError(f"concentration must be > 0, found {self.concentration}")

    def draw(self, generator: Generator, n: int, n_objectives: int) -> Tensor:
        """Return n preferences [n, K], float32."""
        # torch offers no public gamma sampler that takes a generator, so numpy draws from the same seed.
        numpy_generator = np.random.default_rng(generator.initial_seed())
        rows = numpy_generator.dirichlet([self.concentration] * n_objectives, n)
        return torch.from_numpy(rows).float()


@dataclass(frozen=True)
class CornerMix:
    """The mix of corners, edges and the interior that ParetoSlider trains on.

    K = 2: a corner with probability `corners`, else uniform. K >= 3: a vertex with probability `vertices`, the edge of
    a random pair (uniform on it, all other entries exactly 0) with probability `edges`, else uniform on the simplex.
    K = 1: always (1).

    Source: ParetoSlider (arXiv 2604.20816), released code, "slots > 1" path: 10 % corners for K = 2; 50/35/15 for
    K >= 3. The paper's text says uniform; the code is followed.
    """

    corners: float = 0.1
    vertices: float = 0.5
    edges: float = 0.35

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.corners <= 1 or min(self.vertices, self.edges) < 0 or self.vertices + self.edges > 1:
            raise ValueError(f"CornerMix needs probabilities with vertices + edges <= 1, found {self}")

    def draw(self, generator: Generator, n: int, n_objectives: int) -> Tensor:
        """Return n preferences [n, K], float32."""
        # One call for all numbers of a draw, then numpy: the arrays are tiny and drawn anew for every prompt and step.
        uniform = torch.rand(n, 2 * n_objectives + 1, generator=generator, dtype=torch.float64).numpy()
        kind = uniform[:, -1]
        if n_objectives == 2:
            first = np.where(kind < self.corners, kind < self.corners / 2, uniform[:, 0])
            return torch.from_numpy(np.stack((first, 1 - first), axis=1)).float()
        rows = _on_simplex(uniform[:, :n_objectives])
        rank = uniform[:, n_objectives:-1].argsort(1).argsort(1)
        on_edge, on_vertex = kind < self.vertices + self.edges, kind < self.vertices
        rows[(on_edge[:, None] & (rank > 1)) | (on_vertex[:, None] & (rank > 0))] = 0.0
        return torch.from_numpy(rows / rows.sum(1, keepdims=True)).float()
