"""How far pictures are from a reference set, and how much they differ from each other, in some feature space.

Both take features as plain arrays and know neither the pictures nor the network that saw them. Numbers are comparable
only within one feature space, and Frechet distances only at equal numbers of pictures (`frechet_at_size`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.front import Array, finite_matrix


class Moments(NamedTuple):
    """Mean [D] and unbiased covariance [D, D] of features."""

    mean: Array
    covariance: Array


class SubsetDistance(NamedTuple):
    """Mean and standard deviation (ddof 1, 0 for a single one) of a distance over `subsets` pairs of subsets."""

    mean: float
    deviation: float
    subsets: int


def moments(features: npt.ArrayLike, /) -> Moments:
    """Return mean and covariance of features [N, D], the covariance with N - 1 in the denominator.

    Raises:
        ValueError: If the features are not a finite matrix with two rows at least.

    Example:
        >>> found = moments([[0.0, 1.0], [2.0, 1.0]])
        >>> found.mean.tolist(), found.covariance.tolist()
        ([1.0, 1.0], [[2.0, 0.0], [0.0, 0.0]])
    """
    matrix = _samples(features, "features")
    mean = matrix.mean(axis=0)
    centered = matrix - mean
    return Moments(mean, centered.T @ centered / (len(matrix) - 1))


def frechet_from_moments(first: Moments, second: Moments, /) -> float:
    """Return the squared 2-Wasserstein distance between two Gaussians, in squared units of the features; >= 0.

    |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2)). The last trace is the sum of the singular values of
    C1^(1/2) C2^(1/2), which needs no square root of a matrix that is not symmetric and stays exact for singular
    covariances, as fewer samples than dimensions give.

    Args:
        first: Mean [D] and positive semidefinite covariance [D, D].
        second: Of the same D.

    Raises:
        ValueError: If shapes do not fit, a number is not finite, or a covariance is not symmetric and positive
            semidefinite up to rounding.

    Source:
        Dowson & Landau, "The Frechet distance between multivariate normal distributions", 1982;
        Heusel et al., "GANs trained by a two time-scale update rule", 2017, equation 6.

    Example:
        >>> frechet_from_moments(Moments([0.0], [[4.0]]), Moments([3.0], [[1.0]]))
        10.0
    """
    mean, root = _checked(first, "first")
    other_mean, other_root = _checked(second, "second")
    if mean.shape != other_mean.shape:
        raise ValueError(f"both must have the same dimensions, found {len(mean)} and {len(other_mean)}")
    shared = np.linalg.svd(root @ other_root, compute_uv=False).sum()
    spread = np.square(root).sum() + np.square(other_root).sum() - 2.0 * shared
    # Rounding may leave the spread of equal covariances a little below zero.
    return float(np.square(mean - other_mean).sum() + max(spread, 0.0))


def frechet_distance(a: npt.ArrayLike, b: npt.ArrayLike, /) -> float:
    """Return the Frechet distance between features a [N, D] and b [M, D], each summarized by a Gaussian; >= 0.

    It is biased upwards, roughly in proportion to 1/N + 1/M: two sets of N standard normal samples of the same
    distribution lie about 2 D / N + D (D + 1) / (2 N - 2) apart. Compare only numbers from equal N and M, or use
    `frechet_at_size`; below N = D the covariances are singular and the bias dominates.

    Raises:
        ValueError: If either is not a finite matrix with two rows at least, or the dimensions differ.

    Source:
        Heusel et al., "GANs trained by a two time-scale update rule", 2017, equation 6, on other features than
        Inception's.

    Example:
        >>> frechet_distance([[0.0], [2.0]], [[5.0], [7.0]])
        25.0
    """
    return frechet_from_moments(moments(_samples(a, "a")), moments(_samples(b, "b")))


def frechet_at_size(
    a: npt.ArrayLike, b: npt.ArrayLike, /, *, size: int, repeats: int = 10, seed: int = 0
) -> SubsetDistance:
    """Return the Frechet distance at a fixed number of samples, as a mean over random subsets of both.

    Numbers of one `size` carry the same bias whatever N and M were, so they can be compared; the distance of two
    halves of the reference set at that size is the floor that they can reach.

    Args:
        a: Features [N, D].
        b: Features [M, D].
        size: Rows of a subset, in [2, min(N, M)], drawn without replacement.
        repeats: Pairs of subsets, >= 1; one pair where both sets are taken whole.
        seed: Fixes the subsets.

    Raises:
        ValueError: If an input is no finite matrix of that many rows, or a count is out of range.

    Example:
        >>> frechet_at_size([[0.0], [2.0]], [[5.0], [7.0]], size=2)
        SubsetDistance(mean=25.0, deviation=0.0, subsets=1)
    """
    first, second = _samples(a, "a"), _samples(b, "b")
    if not 2 <= size <= min(len(first), len(second)):
        raise ValueError(f"size must lie in [2, {min(len(first), len(second))}], found {size}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, found {repeats}")
    if len(first) == len(second) == size:
        repeats = 1
    generator = np.random.default_rng(seed)
    found = [
        frechet_distance(
            generator.choice(first, size, replace=False, shuffle=False),
            generator.choice(second, size, replace=False, shuffle=False),
        )
        for _ in range(repeats)
    ]
    deviation = float(np.std(found, ddof=1)) if repeats > 1 else 0.0
    return SubsetDistance(float(np.mean(found)), deviation, repeats)


def diversity(features: npt.ArrayLike, groups: npt.ArrayLike, /) -> float:
    """Return the mean Euclidean distance between two samples of a group, averaged over groups; 0 if all are alike.

    Every group counts the same however many samples it has, and the number of samples brings no bias.

    Args:
        features: Features [N, D].
        groups: Group of each row [N], for example its prompt; each with two rows at least.

    Raises:
        ValueError: If the features are not a finite matrix, the lengths differ, or a group has a single row.

    Example:
        >>> diversity([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0], [1.0, 1.0]], ["a", "a", "b", "b"])
        3.0
    """
    matrix, labels = _samples(features, "features"), np.asarray(groups)
    if labels.shape != (len(matrix),):
        raise ValueError(f"groups must have shape [{len(matrix)}], one a row of features, found {list(labels.shape)}")
    names, group_of, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        raise ValueError(f"every group must have two rows at least, found one of {names[counts.argmin()].item()!r}")
    rows = np.split(matrix[np.argsort(group_of, kind="stable")], np.cumsum(counts)[:-1])
    # Imported here because it takes longer to load than all else that reading a run needs.
    from scipy.spatial.distance import pdist

    return float(np.mean([pdist(group).mean() for group in rows]))


def _samples(features: npt.ArrayLike, name: str) -> Array:
    matrix = finite_matrix(features, name)
    if len(matrix) < 2:
        raise ValueError(f"{name} must have two rows at least, found {len(matrix)}")
    return matrix


def _checked(given: Moments, name: str) -> tuple[Array, Array]:
    """Return the mean [D] and the symmetric root [D, D] of the covariance."""
    mean = np.asarray(given.mean, dtype=np.float64)
    covariance = finite_matrix(given.covariance, f"covariance of {name}")
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)) or not np.isfinite(mean).all():
        raise ValueError(
            f"{name} must have a finite mean [D] and a covariance [D, D], "
            f"found {list(mean.shape)} and {list(covariance.shape)}"
        )
    values, vectors = np.linalg.eigh(covariance)
    slack = 1e-8 * np.abs(covariance).max()
    if np.abs(covariance - covariance.T).max() > slack or values[0] < -slack * len(mean):
        raise ValueError(f"covariance of {name} must be symmetric and positive semidefinite, found least {values[0]:g}")
    root: Array = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return mean, root
