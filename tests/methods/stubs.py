"""Backbones whose velocity is known on paper, and small batches, for tests of `methods`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Generator, Tensor, nn

from benchmarks.snapshots import WeightSnapshots
from methods.base import Batch, Condition, Points, Rollout


def seeded(seed: int) -> Generator:
    """Return a generator of its own."""
    return Generator().manual_seed(seed)


def normal(seed: int, *shape: int) -> Tensor:
    """Return standard normal numbers in float64."""
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


@dataclass(frozen=True)
class RowCondition:
    """Row numbers [B]."""

    index: Tensor

    def rows(self, index: Tensor) -> Self:
        """Return the rows at `index`."""
        return type(self)(self.index[index])


class StubBackbone:
    """What a backbone needs besides its velocity; it notes how `velocity` was called."""

    def __init__(self, parameters: Sequence[nn.Parameter], latent_shape: tuple[int, ...]) -> None:
        self._parameters = list(parameters)
        self.network: nn.Module = nn.ParameterList(self._parameters)
        self.snapshots = WeightSnapshots(self._parameters)
        self.latent_shape = latent_shape
        self.calls: list[tuple[bool, bool]] = []

    def encode(self, prompts: Sequence[str]) -> RowCondition:
        return RowCondition(torch.arange(len(prompts)))

    def decode(self, latents: Tensor) -> Tensor:
        return latents

    def parameters(self) -> list[nn.Parameter]:
        return self._parameters

    def set_snapshot(self, name: str, tensors: Sequence[Tensor]) -> None:
        """Give a named snapshot its weights."""
        state = {key: tensor.clone() for key, tensor in self.snapshots.state().items()}
        self.snapshots.load(state | {f"{name}.{i}": tensor for i, tensor in enumerate(tensors)})

    def note(self, preference: Tensor | None) -> None:
        """Note (with a preference, with a gradient) of a call."""
        self.calls.append((preference is not None, torch.is_grad_enabled()))


class TableBackbone(StubBackbone):
    """The velocity of row i is row i of the one parameter, wherever it is asked for."""

    def __init__(self, current: Tensor, old: Tensor | None = None, reference: Tensor | None = None) -> None:
        self.table = nn.Parameter(current.clone())
        super().__init__([self.table], tuple(current.shape[1:]))
        if old is not None:
            self.set_snapshot("old", [old])
        if reference is not None:
            self.set_snapshot("reference", [reference])

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        assert isinstance(condition, RowCondition)
        self.note(preference)
        return self.table[condition.index]


class LinearBackbone(StubBackbone):
    """velocity = x W + sigma b + preference U (+ nothing without a preference), all three drawn from a seed."""

    def __init__(self, dimensions: int, n_objectives: int, seed: int = 0) -> None:
        shapes = [(dimensions, dimensions), (1, dimensions), (n_objectives, dimensions)]
        self.weight, self.bias, self.steer = (nn.Parameter(normal(seed + i, *s)) for i, s in enumerate(shapes))
        super().__init__([self.weight, self.bias, self.steer], (dimensions,))
        for j, name in enumerate(("old", "reference")):
            moved = [
                p.detach() + 0.3 * normal(seed + 10 * (j + 1) + i, *p.shape) for i, p in enumerate(self.parameters())
            ]
            self.set_snapshot(name, moved)

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        self.note(preference)
        straight = x @ self.weight + sigma[:, None] * self.bias
        return straight if preference is None else straight + preference @ self.steer


def random_points(
    n_rollouts: int, per_rollout: int, dimensions: int, preferences: Tensor | None, seed: int = 0
) -> Points:
    """Return random points [N = n_rollouts * per_rollout] in float64, those of one rollout side by side."""
    rows = torch.arange(n_rollouts).repeat_interleave(per_rollout)
    step = torch.arange(per_rollout).repeat(n_rollouts)
    sigma = 0.1 + 0.8 * torch.rand(len(rows), generator=seeded(seed), dtype=torch.float64)
    clean = normal(seed + 1, n_rollouts, dimensions)[rows]
    x = (1 - sigma)[:, None] * clean + sigma[:, None] * normal(seed + 2, len(rows), dimensions)
    chosen = None if preferences is None else preferences[rows]
    return Points(rows, step, sigma, x, clean, RowCondition(rows), chosen)


def table_points(x: Tensor, sigma: Tensor, clean: Tensor) -> Points:
    """Return one point a row for a `TableBackbone`."""
    index = torch.arange(len(x))
    return Points(index, torch.zeros_like(index), sigma, x, clean, RowCondition(index), None)


def random_preferences(n: int, n_objectives: int, seed: int = 0) -> Tensor:
    """Return n points of the simplex in float64."""
    raw = torch.rand(n, n_objectives, generator=seeded(seed), dtype=torch.float64) + 0.05
    return raw / raw.sum(1, keepdim=True)


def make_batch(
    rewards: Tensor, groups: Tensor | None = None, preferences: Tensor | None = None, steps: int = 4
) -> Batch:
    """Return a batch around given rewards [B, K] with latents in the plane."""
    n = len(rewards)
    sigmas = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    rollout = Rollout(normal(7, n, 2).to(rewards.dtype), sigmas)
    where = torch.zeros(n, dtype=torch.long) if groups is None else groups
    return Batch(rollout, RowCondition(torch.arange(n)), where, preferences, rewards)


ANY_BATCH = make_batch(torch.zeros(2, 1))
"""For objectives that read the points alone."""
