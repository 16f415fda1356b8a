"""From terms to gradients: one scalar loss for given weights, or the K gradients and their Gramian."""

from collections.abc import Sequence

import torch
from torch import Tensor

from methods.base import Terms


def sample_shares(rewards: Tensor, *, mixed: bool = False) -> Tensor:
    """Return each sample's share in the K losses: 1 / n_k where reward k applies, else 0.

    A loss is the mean over the samples to which its reward applies, so a rare reward is not diluted. A reward that
    applies to no sample of the batch gets zero shares and takes no part in the step.

    Args:
        rewards: [B, K], NaN = does not apply.
        mixed: The K advantages of a sample are one mix of its rewards. There is one loss then, the mean over the
            samples to which any reward applies, and every column holds it.

    Returns:
        [B, K]; columns sum to 1 (or 0).

    Example:
        >>> sample_shares(torch.tensor([[1.0, float("nan")], [2.0, 5.0]])).tolist()
        [[0.5, 0.0], [0.5, 1.0]]
    """
    applies = rewards.isfinite()
    applies = (applies.any(1, keepdim=True).expand(rewards.shape) if mixed else applies).to(rewards.dtype)
    return applies / applies.sum(0).clamp_min(1)


def weighted_loss(terms: Terms, weights: Tensor, anchor: float, n_points: int) -> Tensor:
    """Return the scalar whose gradient is the update for known weights: one backward pass whatever K is.

    Args:
        terms: Terms of N points (a micro-batch).
        weights: Weight of loss k at each point, already including its share in the mean, [N, K].
        anchor: Weight of the anchor.
        n_points: Points of the whole step, so that micro-batches add up to the mean of the anchor.
    """
    collapsed = (weights.unsqueeze(2) * terms.coefficients).sum(1)
    loss = (collapsed * terms.branches).sum()
    return loss if terms.anchor is None else loss + anchor * terms.anchor.sum() / n_points


def flat_gradient(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Return the gradient of a scalar as one vector [P]; the graph is kept, unused parameters give zeros."""
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    pairs = zip(gradients, parameters, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])


def objective_losses(terms: Terms, shares: Tensor) -> Tensor:
    """Return the K losses over these points [K]; exact where a loss is linear in its branches, as NFT's is.

    For the others it is their linearization at the present weights, which has the same gradient.

    Args:
        terms: Terms of N points.
        shares: Share of each point in each loss's mean, [N, K].
    """
    return (shares * (terms.coefficients * terms.branches.unsqueeze(1)).sum(2)).sum(0)


def objective_gradients(terms: Terms, shares: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Return the gradients of the K losses over these points, [K, P], by one backward pass a loss.

    Args:
        terms: Terms of N points.
        shares: Share of each point in each loss's mean, [N, K].
        parameters: Trainable parameters, P numbers in all.
    """
    return torch.stack([flat_gradient(loss, parameters) for loss in objective_losses(terms, shares)])


def gramian(gradients: Tensor) -> Tensor:
    """Return the inner products [K, K] of gradients [K, P], accumulated in float64."""
    wide = gradients.double()
    return wide @ wide.T


def cosines(update: Tensor, gradients: Tensor) -> Tensor:
    """Return the cosine of an update [P] with each of the gradients [K, P]; NaN where one of them is zero.

    Example:
        >>> cosines(torch.tensor([1.0, 0.0]), torch.tensor([[2.0, 0.0], [0.0, 1.0]])).tolist()
        [1.0, 0.0]
    """
    wide, direction = gradients.double(), update.double()
    lengths = torch.linalg.vector_norm(wide, dim=1) * torch.linalg.vector_norm(direction)
    return torch.div(torch.mv(wide, direction), lengths)


def assign_gradient(gradient: Tensor, parameters: Sequence[torch.nn.Parameter]) -> None:
    """Add a flat gradient [P] to `.grad` of the parameters."""
    offset = 0
    for parameter in parameters:
        piece = gradient[offset : offset + parameter.numel()].view_as(parameter)
        parameter.grad = piece.clone() if parameter.grad is None else parameter.grad + piece
        offset += parameter.numel()
