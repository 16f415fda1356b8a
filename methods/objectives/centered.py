"""Centered reward distillation as arithmetic on numbers: implicit rewards, centering weights, losses and slopes.

N points fall into sets within which everything is centered; J columns (rewards) are treated each on its own, over the
points where it `applies` [N, J]. Sets are numbered below N in any order [N]. No network is known here, and nothing has
a gradient but `implicit_reward`.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from methods.objectives.nft import self_normalized

Loss = Literal["mse", "bce", "nca"]
"""Squared error, cross-entropy of the two centered rewards' logistic functions, or self-normalized ratios (InfoNCA)."""


def implicit_reward(velocity: Tensor, contrast: Tensor, target: Tensor, *, adaptive: bool) -> Tensor:
    """Return the estimate [N] of log p / p_contrast, up to a factor: how much better the velocity fits its target.

    With E = mean(e^2) of an error e, it is E_contrast - E_velocity; if `adaptive` each E is divided by its own mean|e|,
    a constant for the gradient.

    Args:
        velocity: Velocity in training [N, ...].
        contrast: Velocity it is compared with at the same inputs [N, ...].
        target: noise - clean [N, ...].
        adaptive: Whether to self-normalize.

    Source: the port of CRD (arXiv 2603.14128) in Flow-Factory, without a weight of the noise level.

    Example:
        >>> ours, old, target = torch.tensor([[-0.4, 2.2]]), torch.tensor([[0.0, 2.0]]), torch.tensor([[-0.5, 2.5]])
        >>> [round(implicit_reward(ours, old, target, adaptive=a).item(), 6) for a in (False, True)]
        [0.2, 0.25]
    """
    errors = (contrast - target, velocity - target)
    theirs, ours = (self_normalized(e) if adaptive else e.flatten(1).square().mean(1) for e in errors)
    return theirs - ours


def set_sum(values: Tensor, sets: Tensor) -> Tensor:
    """Return for every row the sum over its set, [N, J].

    Example:
        >>> set_sum(torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([0, 0, 1])).flatten().tolist()
        [3.0, 3.0, 4.0]
    """
    return torch.zeros_like(values).index_add_(0, sets, values)[sets]


def weighted_mean(values: Tensor, masses: Tensor, sets: Tensor) -> Tensor:
    """Return for every row the mean of `values` over its set, weighted by `masses`, [N, J]; NaN where none has a mass.

    Example:
        >>> weighted_mean(torch.tensor([[1.0], [3.0]]), torch.tensor([[3.0], [1.0]]), torch.tensor([0, 0])).tolist()
        [[1.5], [1.5]]
    """
    return set_sum(masses * values, sets) / set_sum(masses, sets)


def _logits(scores: Tensor, pool: Tensor, sets: Tensor) -> Tensor:
    # Scores minus the largest of the set's pool, so that one of them is 0; -inf outside the pool.
    inside = scores.masked_fill(~pool, -math.inf)
    index = sets.unsqueeze(1).expand_as(inside)
    peak = torch.full_like(inside, -math.inf).scatter_reduce(0, index, inside, "amax")[sets]
    return (inside - peak).masked_fill(~pool, -math.inf)


def centering_masses(
    targets: Tensor, advantages: Tensor, applies: Tensor, sets: Tensor, tau: float | None
) -> tuple[Tensor, ...]:
    """Return the centering weights of each direction, [N, J] each and zero where a column does not apply.

    Divided by their sum over the set they are the weights w of the specification; as they are, the largest is 1, and
    equal ones are exactly equal.

    Args:
        targets: What the implicit reward is to match [N, J].
        advantages: Their sign parts the pools of tau = 0 [N, J].
        applies: [N, J].
        sets: [N].
        tau: None for one direction with uniform weights. Positive for two, softmax(targets / tau) and
            softmax(-targets / tau). 0 for two, softmax(targets) over the positive and over the negative advantages;
            a pool without members becomes uniform over the set.

    Source: the port of CRD in Flow-Factory, but for tau = 0, where the port looks at the sign of targets in [0, 1],
    which leaves its second pool empty.
    """
    if tau is None:
        return (applies.to(targets),)
    if tau > 0:
        return tuple(_logits(sign * targets / tau, applies, sets).exp() for sign in (1, -1))
    pools = (applies & (advantages > 0), applies & (advantages < 0))
    chosen = (_logits(targets, pool, sets).exp() for pool in pools)
    return tuple(torch.where(set_sum(masses, sets) > 0, masses, applies.to(masses)) for masses in chosen)


def regression(
    implicit: Tensor, targets: Tensor, directions: Sequence[Tensor], sets: Tensor, beta: float, *, bce: bool
) -> tuple[Tensor, Tensor]:
    """Return losses [N, J] and their slopes by the implicit reward [N, J], averaged over the directions.

    With both sides centered by the same weights, and the weighted means constants for the gradient, the loss of a point
    is (beta l - R)^2, or, with `bce`, the cross-entropy of sigmoid(beta l) for the probability sigmoid(R).

    Args:
        implicit: Implicit rewards [N, 1].
        targets: Rewards to match [N, J].
        directions: Centering masses [N, J], as many as there are directions.
        sets: [N].
        beta: Scale of the implicit reward.
        bce: Cross-entropy instead of squared error.

    Example:
        >>> ours, target = torch.tensor([[0.5], [-0.5]]), torch.tensor([[1.0], [0.0]])
        >>> regression(ours, target, [torch.ones(2, 1)], torch.tensor([0, 0]), 1.0, bce=False)[0].flatten().tolist()
        [0.0, 0.0]
        >>> regression(ours, target, [torch.ones(2, 1)], torch.tensor([0, 0]), 2.0, bce=False)[1].flatten().tolist()
        [2.0, -2.0]
    """
    values = implicit.expand_as(targets)
    losses, slopes = torch.zeros_like(targets), torch.zeros_like(targets)
    for masses in directions:
        own = beta * (values - weighted_mean(values, masses, sets))
        wanted = targets - weighted_mean(targets, masses, sets)
        if bce:
            losses += functional.softplus(own) - wanted.sigmoid() * own
            slopes += beta * (own.sigmoid() - wanted.sigmoid())
        else:
            losses += (own - wanted).square()
            slopes += 2 * beta * (own - wanted)
    return losses / len(directions), slopes / len(directions)


def ratio_matching(
    implicit: Tensor, targets: Tensor, applies: Tensor, sets: Tensor, beta: float
) -> tuple[Tensor, Tensor]:
    """Return losses [N, J] and slopes [N, J] of InfoNCA: q = softmax(l) is to match p = softmax(R / beta) in each set.

    The loss of a set is -sum_i p_i log q_i, its slope by l_i is q_i - p_i; constants in l or R cancel. A set with m
    points gives them m times its summands, so that the mean over its points is the loss, as for the other losses.

    Source: CRD, the ratio-based special case, re-derived; the paper's own form is not known.

    Example:
        >>> everywhere, one = torch.ones(2, 1, dtype=torch.bool), torch.zeros(2, dtype=torch.long)
        >>> losses, slopes = ratio_matching(torch.zeros(2, 1), torch.tensor([[0.0], [0.0]]), everywhere, one, 1.0)
        >>> round(losses.mean().item(), 6), slopes.flatten().tolist()
        (0.693147, [0.0, 0.0])
    """
    ours = _logits(implicit.expand_as(targets), applies, sets)
    total = set_sum(ours.exp(), sets)
    wanted = _logits(targets / beta, applies, sets).exp()
    wanted = wanted / set_sum(wanted, sets)
    count = set_sum(applies.to(targets), sets)
    return -count * wanted * (ours - total.log()), count * (ours.exp() / total - wanted)


def centered_losses(
    implicit: Tensor,
    targets: Tensor,
    advantages: Tensor,
    applies: Tensor,
    sets: Tensor,
    *,
    beta: float,
    tau: float | None,
    loss: Loss,
) -> tuple[Tensor, Tensor]:
    """Return losses [N, J] and their slopes by the implicit reward [N, J]; both 0 where a column does not apply.

    The mean over a set's points with the column is that set's loss, and the slopes' is its gradient.

    Args:
        implicit: Implicit rewards [N, 1].
        targets: Rewards to match [N, J]; what stands where a column does not apply, NaN also, is not looked at.
        advantages: As for `centering_masses` [N, J].
        applies: [N, J].
        sets: [N].
        beta: Scale of the implicit reward, > 0.
        tau: As for `centering_masses`; "nca" has no use for it.
        loss: Which loss.
    """
    wanted = targets.masked_fill(~applies, 0)
    if loss == "nca":
        losses, slopes = ratio_matching(implicit, wanted, applies, sets, beta)
    else:
        directions = centering_masses(wanted, advantages, applies, sets, tau)
        losses, slopes = regression(implicit, wanted, directions, sets, beta, bce=loss == "bce")
    return losses.masked_fill(~applies, 0), slopes.masked_fill(~applies, 0)
