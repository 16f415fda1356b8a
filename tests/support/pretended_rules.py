"""What the pretended device refuses and allows, as CUDA does; each a function that fails if it does otherwise."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.support.pretended import NAME, refused

MIXED = "same device"
X = torch.arange(6.0).reshape(2, 3)


class _Astray(torch.autograd.Function):
    # Its backward pass leaves the gradient on the CPU.

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: object, *deltas: Tensor) -> Tensor:
        return deltas[0].cpu()


def _put(x: Tensor, at: object, value: object) -> None:
    x.clone()[at] = value  # type: ignore[index, assignment]


def _with_data(x: Tensor, data: Tensor) -> None:
    nn.Parameter(x.clone()).data = data


def _with_gradient(x: Tensor, gradient: Tensor) -> None:
    nn.Parameter(x.clone()).grad = gradient


def refusals(d: Tensor) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """Yield names, words of the error, and what must raise it; `d` is X on the device."""
    first = torch.tensor([0])
    yield "operands", MIXED, lambda: d + X
    yield "operands in the other order", MIXED, lambda: X * d
    yield "a result of no dimension on the CPU", MIXED, lambda: torch.zeros(()).add_(d.sum())
    yield "a stack", MIXED, lambda: torch.stack([d, X])
    yield "a stack of scalars", MIXED, lambda: torch.stack([d.sum(), X.sum()])
    yield "a product", MIXED, lambda: d @ X.T
    yield "a layer", MIXED, lambda: nn.Linear(3, 2)(d)
    yield "a convolution", MIXED, lambda: nn.Conv1d(2, 2, 1)(d[None])
    yield "a norm", MIXED, lambda: nn.LayerNorm(3)(d)
    yield "an embedding", MIXED, lambda: nn.functional.embedding(first, d)
    yield "a mask", MIXED, lambda: d.masked_fill(X > 1, 0.0)
    yield "a choice", MIXED, lambda: torch.where(X > 1, d, 0.0)
    yield "a blend of lists", MIXED, lambda: torch._foreach_lerp_([d.clone()], [X], 0.5)
    yield "bins", MIXED, lambda: torch.bucketize(d, torch.tensor([1.0, 2.0]))
    yield "membership", MIXED, lambda: torch.isin(d, torch.tensor([1.0]))
    yield "a gather", MIXED, lambda: d.gather(1, torch.zeros(2, 1, dtype=torch.int64))
    yield "index_add", MIXED, lambda: d.index_add(0, torch.tensor([0, 1]), d)
    yield "assigned values", MIXED, lambda: _put(d, first, X[:1])
    yield "values assigned to the CPU", MIXED, lambda: _put(X, first, d[:1])
    yield "indices of the CPU's tensor", "indices should be either on cpu", lambda: X[first.to(NAME)]
    yield "a mask of the CPU's tensor", "indices should be either on cpu", lambda: X[d > 1]
    yield "numpy", "can't convert", d.numpy
    yield "numpy with a gradient", "can't convert", lambda: nn.Parameter(d).detach().numpy()
    yield "a generator", "device type for generator", lambda: torch.randn(3, device=NAME, generator=torch.Generator())
    yield "data of a parameter", "incompatible tensor type", lambda: _with_data(X, d)
    yield "a gradient of a parameter", "device type", lambda: _with_gradient(d, X)
    yield "a gradient gone astray", "expected device", lambda: _Astray.apply(nn.Parameter(d)).sum().backward()


def _trained_layer() -> None:
    # A layer, recomputed in the backward pass, its norm clipped, and a step of the optimizer.
    layer = nn.Linear(3, 2).to(NAME)
    assert type(layer.weight) is nn.Parameter
    x = X.to(NAME).requires_grad_()
    checkpoint(layer, x, use_reentrant=False).square().sum().backward()
    for leaf in (layer.weight, x):
        assert leaf.grad is not None
        assert leaf.grad.device.type == NAME
    nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
    optimizer = torch.optim.AdamW(layer.parameters())
    optimizer.step()
    places = {name: value.device.type for name, value in optimizer.state[layer.weight].items()}
    assert places == {"step": "cpu", "exp_avg": NAME, "exp_avg_sq": NAME}


def _views() -> None:
    # Views share their memory, also where their gradient is asked for.
    d = X.to(NAME)
    d[:, 1].mul_(10)
    d.view(-1)[0] = 7.0
    assert d.tolist() == [[7.0, 10.0, 2.0], [3.0, 40.0, 5.0]]
    x = X.to(NAME).requires_grad_()
    y = x * 1
    y[:, 1].mul_(10)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1.0, 10.0, 1.0]] * 2


def allowances(d: Tensor) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield names and what must not raise; `d` is X on the device."""
    one = torch.tensor(1.0)
    yield "scalars", lambda: (d + one, one + d, d.div_(one), torch.where(d > 1, d, one), d.lerp(d, one))
    yield "indices from the CPU", lambda: (d[torch.tensor([1])], d[X > 1], _put(d, torch.tensor([1]), one))
    yield "copies", lambda: (d.cpu().numpy(), X.to(NAME), torch.zeros(2, 3).copy_(d), torch.zeros(2, 3).to(d))
    yield "numbers", lambda: (float(d.sum()), d.tolist(), bool((d >= 0).all()), repr(d), d.new_tensor([1.0]))
    yield "draws", lambda: torch.randn(3, device=NAME)
    yield "a layer", _trained_layer
    yield "views", _views


def check_refusals() -> None:
    """Check that everything is refused."""
    for name, words, act in refusals(X.to(NAME)):
        with refused(words, name):
            act()


def check_allowances() -> None:
    """Check that everything is allowed."""
    for _, act in allowances(X.to(NAME)):
        act()
