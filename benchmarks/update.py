"""One update of the weights: which losses are added up with which weights, and which gradients are measured besides."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.distributed import ALONE, Processes
from methods.advantages import GroupNormalized
from methods.base import Backbone, Batch, Method, Points, State, Terms
from methods.gradients import ObjectiveGradients, layer_group, objective_losses, sample_shares, weighted_loss

SIGMA_EDGES = (0.25, 0.5, 0.75)
"""Inner edges of the noise levels' bins in which gradients are compared."""


@dataclass(frozen=True)
class Losses:
    """The losses of an update, row by row of the batch.

    `advantages` [B, J] and `shares` [B, J] of each sample in each loss's mean; the first K columns are what is trained
    on, the last K what is measured: the same ones unless the method mixes rewards, whose gradients would all be equal.
    `weights` [B, K] is what the weighting answered, None where it needs the gradients first. `rollouts` is how many
    rows the update learns from, of all processes.
    """

    advantages: Tensor
    shares: Tensor
    weights: Tensor | None
    n_objectives: int
    rollouts: int

    def part(self, rows: slice, device: torch.device) -> "Losses":
        """Return the losses of some rows, those of one process, on its device."""
        weights = None if self.weights is None else self.weights[rows].to(device)
        return replace(
            self, advantages=self.advantages[rows].to(device), shares=self.shares[rows].to(device), weights=weights
        )


@dataclass
class Accumulated:
    """What the backward passes over all points of an update left besides `.grad`.

    `losses` [K], named `metrics`, and the inner products [bins, J, bins, J] by group of parameters, None where no
    gradient was measured.
    """

    losses: Tensor
    metrics: dict[str, float]
    products: dict[str, Tensor] | None


def losses_of(method: Method, batch: Batch, state: State, rows: Tensor | None, *, measure: bool) -> Losses:
    """Return the losses of an update on some rows of the batch [n] (None = all); advantages are over the whole batch.

    Args:
        method: Gives weighting and advantages.
        batch: The batch of the step.
        state: The weighting's state.
        rows: The rows that the update learns from.
        measure: Whether the gradient of each reward is to be measured.
    """
    k = batch.n_objectives
    weights = method.weighting.weights(batch, state)
    weights = None if weights is None else weights.expand(batch.rewards.shape)
    rewards = batch.rewards
    if rows is not None:
        outside = torch.ones(len(rewards), dtype=torch.bool).index_fill_(0, rows, False)
        rewards = rewards.masked_fill(outside[:, None], torch.nan)
    advantages = method.advantages(batch.rewards, batch.groups, weights)
    shares = sample_shares(rewards, mixed=method.advantages.mixes)
    if measure and method.advantages.mixes:
        own = GroupNormalized()(batch.rewards, batch.groups)
        advantages = torch.cat((advantages, own), 1)
        shares = torch.cat((shares, sample_shares(rewards)), 1)
    return Losses(advantages, shares, weights, k, len(rewards) if rows is None else len(rows))


def micro_batches(points: Points, size: int | None) -> Iterator[Points]:
    """Yield the points in parts of at most `size` (None = all at once), but never less than one set of them."""
    n = len(points)
    if size is None or size >= n:
        yield points
        return
    lengths = [1] * n
    if points.sets is not None:
        lengths = torch.unique_consecutive(points.sets, return_counts=True)[1].tolist()
    first = last = 0
    for length in lengths:
        if last > first and last + length - first > size:
            yield points.rows(torch.arange(first, last))
            first = last
        last += length
    yield points.rows(torch.arange(first, last))


def measured_rows(terms: Terms, shares: Tensor, weights: Tensor | None, n_objectives: int) -> Tensor:
    """Return the coefficients [n, K (+ 1), M] of the K measured losses and, for known weights, of the update itself.

    Args:
        terms: Terms of n points with J losses.
        shares: Share of each point in each loss's mean [n, J].
        weights: Weights [n, K], or None.
        n_objectives: K.
    """
    shared = shares.unsqueeze(2) * terms.coefficients
    rows = shared[:, -n_objectives:]
    if weights is None:
        return rows
    update = (weights.unsqueeze(2) * shared[:, :n_objectives]).sum(1, keepdim=True)
    return torch.cat((rows, update), 1)


def accumulate(
    backbone: Backbone, gradients: ObjectiveGradients, method: Method, batch: Batch, points: Points, losses: Losses,
    micro_batch: int | None, processes: Processes = ALONE, *, measure: bool,
) -> Accumulated:  # fmt: skip
    """Run all backward passes of an update and add the weighted losses (for known weights) and the anchor to `.grad`.

    Rollouts give equally many points, so a point's share is its rollout's over their number. Batch, points and losses
    are those of this process; what is returned, and `.grad`, are sums over all processes.
    """
    k, weights = losses.n_objectives, losses.weights
    watched = measure or weights is None
    n_points = len(points) * processes.size
    batch = replace(batch, counted=losses.shares > 0)
    found = Accumulated(losses.shares.new_zeros(k), {}, None)
    if watched:
        gradients.reset(k + (weights is not None), len(SIGMA_EDGES) + 1 if measure else 1)
    for part in micro_batches(points, micro_batch):
        rows = part.rollout
        shares = losses.shares[rows] * (losses.rollouts / n_points)
        wanted = None if weights is None else weights[rows]

        def terms_of(part: Points = part, rows: Tensor = rows) -> Terms:
            return method.objective.terms(backbone, batch, part, losses.advantages[rows], anchored=method.anchor > 0)

        if watched:
            with gradients.watching(len(part)):
                terms = terms_of()
                bins = torch.bucketize(part.sigma, part.sigma.new_tensor(SIGMA_EDGES)) if measure else None
                again = weights is not None or terms.anchor is not None
                gradients.add(terms.branches, measured_rows(terms, shares, wanted, k), bins, keep=again)
                _backward(terms, shares[:, :k], wanted, method.anchor, n_points)
        else:
            terms = terms_of()
            _backward(terms, shares[:, :k], wanted, method.anchor, n_points)
        found.losses += objective_losses(terms, shares[:, :k])
        for name, value in terms.metrics.items():
            found.metrics[name] = found.metrics.get(name, 0.0) + float(value) * len(part) / n_points
    if processes.size > 1:
        _reduce(found, backbone.parameters(), processes)
    if watched:
        gradients.reduce(processes.add_up)
        found.products = {name: product.cpu() for name, product in gradients.products(layer_group).items()}
    return found


def _reduce(found: Accumulated, parameters: Sequence[torch.nn.Parameter], processes: Processes) -> None:
    # One message for all gradients. Which parameters have one is the same everywhere.
    present = [p for p in parameters if p.grad is not None]
    if present:
        flat = torch.cat([p.grad.flatten() for p in present if p.grad is not None])
        processes.add_up(flat)
        for parameter, part in zip(present, torch.split(flat, [p.numel() for p in present]), strict=True):
            parameter.grad = part.view_as(parameter)
    numbers = torch.tensor([*found.losses.tolist(), *found.metrics.values()], dtype=torch.float64)
    processes.add_up(numbers)
    k = len(found.losses)
    found.losses = numbers[:k].to(found.losses)
    found.metrics = dict(zip(found.metrics, numbers[k:].tolist(), strict=True))


def _backward(terms: Terms, shares: Tensor, weights: Tensor | None, anchor: float, n_points: int) -> None:
    if weights is not None:
        weighted_loss(terms, weights * shares, anchor, n_points).backward()  # type: ignore[no-untyped-call]
    elif terms.anchor is not None:
        (anchor * terms.anchor.sum() / n_points).backward()  # type: ignore[no-untyped-call]


def gramian_of(products: Mapping[str, Tensor]) -> Tensor:
    """Return the Gramian [J, J] of whole gradients from their products [bins, J, bins, J] by group."""
    return torch.stack(list(products.values())).sum(0).sum((0, 2))


def parts_of(products: Mapping[str, Tensor], weights: Tensor | None) -> dict[str, Tensor]:
    """Return the Gramians [K+1, K+1] of a measurement by part, the last row and column being the update.

    Args:
        products: Inner products [bins, J, bins, J] by group of parameters, J = K + 1, or K where the update's weights
            were solved for.
        weights: Those weights [K], or None.

    Returns:
        "all", "layer:<group>" and "sigma:<low>-<high>".
    """
    edges = (0.0, *SIGMA_EDGES, 1.0)
    total = torch.stack(list(products.values())).sum(0)
    parts = {"all": total.sum((0, 2))}
    parts |= {f"layer:{group}": product.sum((0, 2)) for group, product in products.items()}
    parts |= {f"sigma:{edges[b]:g}-{edges[b + 1]:g}": total[b, :, b] for b in range(len(total))}
    if weights is None:
        return parts
    wide = weights.to(total)
    lift = torch.cat((torch.eye(len(wide)).to(wide), wide[None]))
    return {name: lift @ gramian @ lift.T for name, gramian in parts.items()}
