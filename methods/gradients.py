"""From terms to gradients: one scalar loss for given weights, or the K gradients and their Gramian."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from methods.base import Terms
from methods.linear_rows import contract_bias, contract_weight, observed


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
    collapsed = (weights.unsqueeze(2) * terms.coefficients[:, : weights.shape[1]]).sum(1)
    loss = (collapsed * terms.branches).sum()
    return loss if terms.anchor is None else loss + anchor * terms.anchor.sum() / n_points


def objective_losses(terms: Terms, shares: Tensor) -> Tensor:
    """Return the K losses over these points [K].

    Args:
        terms: Terms of N points.
        shares: Share of each point in each loss's mean, [N, K].
    """
    return (shares * terms.losses[:, : shares.shape[1]]).sum(0)


class ObjectiveGradients:
    """The gradients of J losses of the same points, from one backward pass a branch however many losses there are.

    A loss reaches the network only through the branches of `methods.base.Terms`, with constant coefficients:
    gradient of loss j = sum_i sum_m coefficients[i, j, m] * gradient of branches[i, m]. In linear layers the sum over
    points is taken with J rows of weights in one backward pass of each branch (see `methods.linear_rows`). Trainable
    parameters outside linear layers take one backward pass a loss; they are listed in `general`, and a warning names
    them when they are first met. A point must reach the network on its own: no layer may mix the points of a batch.

    Gradients add up over calls of `add` (micro-batches, noise levels). In data-parallel training call `reduce` before
    anything is read, so that the products are those of the sums.

    Example:
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> gradients = ObjectiveGradients(layer)
        >>> gradients.reset(2)
        >>> with gradients.watching(3):
        ...     branches = layer(torch.ones(3, 2))
        ...     gradients.add(branches, torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 4.0]]).unsqueeze(2))
        >>> gradients.flat().tolist()
        [[3.0, 3.0], [4.0, 4.0]]
    """

    def __init__(self, network: nn.Module) -> None:
        """Find the trainable parameters of a network and which of them belong to linear layers."""
        named = dict(network.named_parameters())
        self.parameters: dict[str, nn.Parameter] = {name: p for name, p in named.items() if p.requires_grad}
        names = {id(parameter): name for name, parameter in self.parameters.items()}
        # Subclasses may use their weight in other ways than calling the layer.
        layers = [module for module in network.modules() if type(module) is nn.Linear]
        self._layers = {
            layer: (names.get(id(layer.weight)), names.get(id(layer.bias)))
            for layer in layers
            if id(layer.weight) in names or id(layer.bias) in names
        }
        linear = {name for pair in self._layers.values() for name in pair if name is not None}
        self.general: set[str] = set()
        self._become_general(set(self.parameters) - linear)
        self._sums: dict[str, Tensor] = {}
        self._used: set[str] = set()
        self._rows: Tensor | None = None
        self._bins: list[Tensor | None] = [None]
        self._masks: Tensor | None = None

    def _become_general(self, names: set[str]) -> None:
        new = sorted(names - self.general)
        self.general |= names
        if new:
            warnings.warn(
                f"{', '.join(new)}: not in a linear layer that is fed one row a sample, "
                "so their gradients take one backward pass a loss",
                stacklevel=3,
            )

    def reset(self, n_losses: int, n_bins: int = 1) -> None:
        """Begin anew, for J losses, each in `n_bins` parts."""
        self._used = set()
        self._sums = {
            name: p.new_zeros(n_bins, n_losses, *p.shape, dtype=torch.promote_types(p.dtype, torch.float32))
            for name, p in self.parameters.items()
        }

    @contextmanager
    def watching(self, n_points: int) -> Iterator[None]:
        """Run the block in which N points pass the network with a gradient, and in which `add` is called."""

        def refuse(layer: nn.Linear) -> None:
            self._become_general({name for name in self._layers[layer] if name is not None})

        for layer in self._layers:
            layer.forward = observed(layer, self._take, refuse, n_points)  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            for layer in self._layers:
                del layer.forward

    def _take(self, layer: nn.Linear, x: Tensor, delta: Tensor) -> bool:
        if self._rows is None:
            return False
        names = self._layers[layer]
        weight, bias = (name if name is not None and name not in self.general else None for name in names)
        self._used |= {name for name in names if name is not None}
        if x.ndim > 2:
            # With several tokens a sample rows cost little: each bin has its own, zero for the points of other bins.
            masks = None if self._masks is None else self._masks.unsqueeze(2)
            rows = self._rows if masks is None else (masks * self._rows.unsqueeze(1)).flatten(1)
            self._collect(weight, bias, slice(0, len(self._bins)), rows, x, delta)
            return True
        for b, index in enumerate(self._bins):
            if index is None:
                self._collect(weight, bias, slice(b, b + 1), self._rows, x, delta)
            elif len(index):
                self._collect(weight, bias, slice(b, b + 1), self._rows[index], x[index], delta[index])
        return True

    def _collect(
        self, weight: str | None, bias: str | None, bins: slice, rows: Tensor, x: Tensor, delta: Tensor
    ) -> None:
        # Adds to the sums of some bins; rows [N, bins * J], or with J = 1 for all losses alike.
        for name in (weight, bias):
            if name is not None:
                sums = self._sums[name][bins]
                given = rows.to(sums)
                found = contract_weight(x, delta, given) if name == weight else contract_bias(delta, given)
                sums += found.reshape(len(sums), -1, *sums.shape[2:])

    def add(self, branches: Tensor, coefficients: Tensor, bins: Tensor | None = None, *, keep: bool = False) -> None:
        """Add the gradients of N points, by M backward passes.

        Args:
            branches: [N, M], with a gradient.
            coefficients: Weight of each branch in each loss [N, J, M].
            bins: The part [N] of each loss that a point counts to; None where there is one part.
            keep: Keep the graph, for another backward pass.

        Raises:
            ValueError: If a linear layer's weight is used outside its layer, where it cannot be followed.
        """
        n_bins = next(iter(self._sums.values())).shape[0]
        self._bins, self._masks = [None], None
        if n_bins > 1 and bins is not None:
            self._bins = [torch.nonzero(bins == b)[:, 0] for b in range(n_bins)]
            self._masks = torch.nn.functional.one_hot(bins, n_bins).to(coefficients)
        linear = {name: p for name, p in self.parameters.items() if name not in self.general}
        n_branches, constant = branches.shape[1], coefficients.detach()
        for m in range(n_branches if linear else 0):
            rows = constant[:, :, m]
            # What is the same for all losses, as the second branch of NFT, is weighed once.
            self._rows = rows[:, :1] if bool((rows == rows[:, :1]).all()) else rows
            try:
                last = m == n_branches - 1 and not keep and not self.general
                found = torch.autograd.grad(
                    branches[:, m].sum(), list(linear.values()), retain_graph=not last, allow_unused=True
                )
            finally:
                self._rows = None
            for name, gradient in zip(linear, found, strict=True):
                if gradient is not None:
                    raise ValueError(f"{name}: expected a weight used by its own linear layer alone, found another use")
        self._add_general(branches, constant, keep=keep)

    def _add_general(self, branches: Tensor, coefficients: Tensor, *, keep: bool) -> None:
        general = {name: p for name, p in self.parameters.items() if name in self.general}
        if not general:
            return
        passes = [(b, j) for b in range(len(self._bins)) for j in range(coefficients.shape[1])]
        for b, j in passes:
            index = self._bins[b]
            parts = coefficients[:, j] * branches
            loss = (parts if index is None else parts[index]).sum()
            last = (b, j) == passes[-1] and not keep
            found = torch.autograd.grad(loss, list(general.values()), retain_graph=not last, allow_unused=True)
            for name, gradient in zip(general, found, strict=True):
                if gradient is not None:
                    self._used.add(name)
                    self._sums[name][b, j] += gradient

    def reduce(self, all_reduce: Callable[[Tensor], object]) -> None:
        """Sum the gradients over processes by an in-place `all_reduce`, such as torch.distributed's."""
        for sums in self._sums.values():
            all_reduce(sums)

    def flat(self) -> Tensor:
        """Return the gradients [J, P], parameters in the network's order."""
        return torch.cat([sums.sum(0).reshape(sums.shape[1], -1) for sums in self._sums.values()], dim=1)

    def used(self) -> list[bool]:
        """Return which parameters, in the network's order, any gradient reached."""
        return [name in self._used for name in self.parameters]

    def products(self, group_of: Callable[[str], str]) -> dict[str, Tensor]:
        """Return the inner products [bins, J, bins, J] in float64 for each group of parameters; they add up.

        The gradients are never joined to one vector.

        Args:
            group_of: Maps a parameter's name to its group.
        """
        found: dict[str, Tensor] = {}
        for name, sums in self._sums.items():
            bins, losses = sums.shape[:2]
            wide = sums.reshape(bins * losses, -1).double()
            product = (wide @ wide.T).reshape(bins, losses, bins, losses)
            group = group_of(name)
            found[group] = found[group] + product if group in found else product
        return found


def layer_group(name: str) -> str:
    """Return the group of a parameter: its path up to the first number, else the first part of its name.

    Example:
        >>> [layer_group(n) for n in ("blocks.3.attn.to_q.lora_A.weight", "output.bias")]
        ['blocks.3', 'output']
    """
    parts = name.split(".")
    numbers = [i for i, part in enumerate(parts) if part.isdigit()]
    return ".".join(parts[: numbers[0] + 1]) if numbers else parts[0]


def cosines(gramian: Tensor) -> Tensor:
    """Return the cosine of the last vector with each of the others [K] from a Gramian [K+1, K+1]; NaN where one is 0.

    Example:
        >>> cosines(torch.tensor([[4.0, 0.0, 2.0], [0.0, 1.0, 0.0], [2.0, 0.0, 1.0]])).tolist()
        [1.0, 0.0]
    """
    squares = gramian.diagonal()
    return gramian[-1, :-1] / (squares[:-1] * squares[-1]).sqrt()


def assign_gradient(
    gradient: Tensor, parameters: Sequence[torch.nn.Parameter], used: Sequence[bool] | None = None
) -> None:
    """Add a flat gradient [P] to `.grad` of the parameters, each in its own precision.

    Args:
        gradient: [P].
        parameters: P numbers in all.
        used: Whether each parameter took part at all; one that did not keeps its `.grad`, so that an optimizer with
            weight decay leaves it alone.
    """
    offset = 0
    for i, parameter in enumerate(parameters):
        piece = gradient[offset : offset + parameter.numel()].view_as(parameter).to(parameter.dtype)
        offset += parameter.numel()
        if used is None or used[i]:
            parameter.grad = piece.clone() if parameter.grad is None else parameter.grad + piece
