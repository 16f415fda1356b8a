"""The point of least norm in the convex hull of K gradients, exactly, from their Gramian."""

import numpy as np
import scipy.optimize
import torch
from torch import Tensor

NO_GRADIENT = 1e-12
"""Gradients whose norm is below this share of the longest one count as zero."""

MOST_STEPS = 1000
"""Steps of non-negative least squares, which takes about K; badly scaled gradients need some more."""


def has_gradient(gramian: Tensor) -> Tensor:
    """Return which objectives [K] have a gradient at all, from a Gramian [K, K].

    Example:
        >>> has_gradient(torch.tensor([[1.0, 0.0], [0.0, 0.0]])).tolist()
        [True, False]
    """
    squares = gramian.diagonal()
    return (squares > 0) & (squares > NO_GRADIENT**2 * squares.max())


def cosine_matrix(gramian: Tensor) -> Tensor:
    """Return the Gramian [K, K] of the gradients scaled to unit length; a zero gradient stays zero."""
    norms = gramian.diagonal().sqrt()
    inverse = torch.where(has_gradient(gramian), 1 / norms, 0.0)
    return gramian * inverse[:, None] * inverse[None, :]


def min_norm_weights(gramian: Tensor) -> Tensor:
    """Return alpha [K] on the simplex that minimizes |sum_k alpha_k g_k|^2 = alpha^T G alpha, in float64.

    With G = F F^T the non-negative least squares problem min |F^T x|^2 + (sum x - 1)^2 over x >= 0 has its solution
    on the ray of alpha: for x = t alpha the best t leaves |F^T alpha|^2 / (1 + |F^T alpha|^2), which grows with
    |F^T alpha|^2. Non-negative least squares ends after finitely many exact steps, where iterations that stop at a
    tolerance are far off for gradients of different length.

    Zero gradients would be the minimum themselves and teach nothing: they are left out, with weight 0. If all are
    zero the weights are equal.

    Args:
        gramian: Inner products of the gradients [K, K], finite.

    Raises:
        ValueError: If the Gramian is not a finite square matrix.

    Source: the min-norm problem of MGDA (Desideri 2012), which MARBLE (arXiv 2605.06507) solves for unit gradients.

    Example:
        >>> min_norm_weights(torch.tensor([[1.0, -1.0], [-1.0, 4.0]])).tolist()  # doctest: +ELLIPSIS
        [0.714..., 0.285...]
    """
    k = len(gramian)
    if gramian.shape != (k, k) or not bool(gramian.isfinite().all()):
        raise ValueError(f"min-norm weights need a finite square Gramian, found {gramian.tolist()}")
    matrix = gramian.double()
    present = has_gradient(matrix)
    alpha = torch.zeros(k, dtype=torch.float64, device=gramian.device)
    if not bool(present.any()):
        return alpha + 1 / k
    inner = matrix[present][:, present].cpu().numpy()
    alpha[present] = torch.from_numpy(_on_simplex(inner / inner.diagonal().max())).to(alpha)
    return alpha


def _on_simplex(gramian: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(gramian)
    factor = vectors * np.sqrt(np.maximum(values, 0.0))
    rows = np.vstack([factor.T, np.ones(len(gramian))])
    target = np.append(np.zeros(len(gramian)), 1.0)
    found: np.ndarray = np.asarray(scipy.optimize.nnls(rows, target, maxiter=MOST_STEPS)[0], dtype=np.float64)
    total = float(found.sum())
    alpha: np.ndarray = np.divide(found, total)
    return alpha


def optimality_gap(gramian: Tensor, alpha: Tensor) -> float:
    """Return (|d|^2 - min_k <d, g_k>) / max_k |g_k|^2 for d = sum_k alpha_k g_k, over the gradients that are not zero.

    It bounds by how much alpha^T G alpha could still fall: at the min-norm point <d, g_k> >= |d|^2 for all k and the
    gap is 0, so that no gradient has a negative inner product with d.

    Example:
        >>> optimality_gap(torch.eye(2), torch.tensor([0.5, 0.5])), optimality_gap(torch.eye(2), torch.tensor([1.0, 0]))
        (0.0, 1.0)
    """
    wide, weights = gramian.double(), alpha.double()
    present = has_gradient(wide)
    if not bool(present.any()):
        return 0.0
    inner = wide @ weights
    gap = weights @ inner - inner[present].min()
    return max(0.0, float(gap / wide.diagonal().max()))
