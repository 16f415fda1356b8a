"""Small networks whose outputs are branches [N, M], and the slow twin of `ObjectiveGradients`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from methods.gradients import ObjectiveGradients
from tests.support.oracles import flat_gradient


@contextmanager
def drawn_from(seed: int, dtype: torch.dtype) -> Iterator[None]:
    """Run the block with the global generator seeded and another default dtype."""
    before = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_default_dtype(dtype)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


class Lora(nn.Module):
    """A frozen linear layer and a trainable product of two thin ones."""

    def __init__(self, into: int, out: int, rank: int = 2) -> None:
        super().__init__()
        self.base = nn.Linear(into, out).requires_grad_(False)
        self.lora_A, self.lora_B = nn.Linear(into, rank, bias=False), nn.Linear(rank, out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.base(x) + self.lora_B(self.lora_A(x))
        return found


class Block(nn.Module):
    """Attention within each sample and a layer that is used twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_q, self.to_k, self.to_v = (Lora(width, width) for _ in range(3))
        self.twice = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.to_q(x) @ self.to_k(x).mT / x.shape[-1] ** 0.5
        x = x + scores.softmax(-1) @ self.to_v(x)
        return x + self.twice(torch.tanh(self.twice(x)))


class Transformer(nn.Module):
    """Tokens [N, T, D] to branches [N, M], conditioned on [N, D] without tokens; blocks may be recomputed."""

    def __init__(self, branches: int = 2, *, blocks: int = 2, width: int = 6, reentrant: bool | None = None) -> None:
        super().__init__()
        self.reentrant = reentrant
        self.into = nn.Linear(3, width, bias=False)
        self.modulation = nn.Linear(3, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.output = nn.Linear(width, branches)
        self.output.bias.requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.into(tokens) + self.modulation(tokens.mean(1)).unsqueeze(1)
        for block in self.blocks:
            x = block(x) if self.reentrant is None else checkpoint(block, x, use_reentrant=self.reentrant)
        found: Tensor = self.output(x.square()).mean(1)
        return found.square()


class MLP(nn.Module):
    """Samples [N, 3] to branches [N, M]."""

    def __init__(self, branches: int = 2) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 7), nn.Linear(7, 7, bias=False)
        self.output = nn.Linear(7, branches)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.output(torch.tanh(self.second(torch.tanh(self.first(x)))))
        return found.square()


def trainable(network: nn.Module) -> list[nn.Parameter]:
    """Return the parameters with a gradient, in the network's order."""
    return [p for p in network.parameters() if p.requires_grad]


def naive_gradients(branches: Tensor, coefficients: Tensor, network: nn.Module) -> Tensor:
    """Return the gradients [J, P] of J losses by J backward passes."""
    losses = [(coefficients[:, j] * branches).sum() for j in range(coefficients.shape[1])]
    return torch.stack([flat_gradient(loss, trainable(network)) for loss in losses])


def found_gradients(
    network: nn.Module,
    x: Tensor,
    coefficients: Tensor,
    *,
    sizes: tuple[int, ...] | None = None,
    run: Callable[[Tensor], Tensor] | None = None,
) -> ObjectiveGradients:
    """Return the gradients that the network's observed layers add up to, over micro-batches of the given sizes."""
    gradients = ObjectiveGradients(network)
    gradients.reset(coefficients.shape[1])
    sizes = (len(x),) if sizes is None else sizes
    for here, weights in zip(x.split(sizes), coefficients.split(sizes), strict=True):
        with gradients.watching(len(here)):
            gradients.add((run or network)(here), weights)
    return gradients


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return the largest error of a row in units of its norm."""
    assert found.shape == expected.shape
    norms = expected.double().norm(dim=1)
    assert float(norms.min()) > 0
    return float(((found.double() - expected.double()).norm(dim=1) / norms).max())
