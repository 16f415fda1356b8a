"""Gradients of many weighted losses from one backward pass, in linear layers.

The gradient of a linear layer's weight is a sum over samples of delta_i^T x_i (delta_i the gradient at its output, x_i
its input). Weighing samples by J rows of numbers therefore gives J gradients from one pass: the pass itself does not
depend on the rows.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Take = Callable[[nn.Linear, Tensor, Tensor], bool]
"""Gets (layer, input [N, ..., in], gradient at the output [N, ..., out]); True if that replaces the usual gradient."""

CHUNK = 1 << 24
"""Largest number of entries of the per-sample weight gradients that are held at once."""


class _ObservedLinear(torch.autograd.Function):
    # A linear layer that offers what its weight gradient is made of before it makes it. As a function, not a hook, it
    # keeps working when activations are recomputed in the backward pass.

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, layer: nn.Linear, take: Take) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.layer, ctx.take = layer, take
        return nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *deltas: Tensor) -> tuple[Tensor | None, ...]:
        delta = deltas[0]
        x, weight = ctx.saved_tensors
        # Under autocast the layer ran, and delta arrives, in less precision than weight and input have.
        onward = (delta @ weight.to(delta.dtype)).to(x.dtype) if ctx.needs_input_grad[0] else None
        if ctx.take(ctx.layer, x, delta):
            return onward, None, None, None, None
        flat = delta.reshape(-1, delta.shape[-1])
        down = flat.T @ x.reshape(-1, x.shape[-1]).to(flat.dtype) if ctx.needs_input_grad[1] else None
        shift = flat.sum(0) if ctx.needs_input_grad[2] else None
        return (
            onward,
            None if down is None else down.to(weight.dtype),
            None if shift is None else shift.to(weight.dtype),
            None,
            None,
        )


def observed(layer: nn.Linear, take: Take, refuse: Callable[[nn.Linear], None], n: int) -> Callable[[Tensor], Tensor]:
    """Return a forward of the layer that offers its parts to `take` in every backward pass.

    An input whose first dimension is not `n` cannot be told apart by sample: the layer is reported to `refuse` and
    runs as usual.
    """

    def forward(input: Tensor) -> Tensor:  # noqa: A002  # the layer's own name for it
        x = input
        if not torch.is_grad_enabled():
            return nn.functional.linear(x, layer.weight, layer.bias)
        if x.shape[0] != n or x.ndim < 2:
            refuse(layer)
            return nn.functional.linear(x, layer.weight, layer.bias)
        result: Tensor = _ObservedLinear.apply(x, layer.weight, layer.bias, layer, take)  # type: ignore[no-untyped-call]
        return result

    return forward


def contract_weight(x: Tensor, delta: Tensor, rows: Tensor) -> Tensor:
    """Return sum_i rows[i, j] delta_i^T x_i for every j, [J, out, in].

    Args:
        x: Inputs [N, ..., in].
        delta: Gradients at the output [N, ..., out].
        rows: Weights of the samples [N, J].
    """
    n, out, into = len(x), delta.shape[-1], x.shape[-1]
    x, delta = x.reshape(n, -1, into).to(rows), delta.reshape(n, -1, out).to(rows)
    j = rows.shape[1]
    if x.shape[1] == 1 or j == 1:
        weighted = delta.unsqueeze(1) * rows[:, :, None, None]
        return (weighted.movedim(1, 0).reshape(j, -1, out).mT @ x.reshape(-1, into)).reshape(j, out, into)
    # Several tokens a sample: their sum first, then J times as little to weigh.
    total = rows.new_zeros(j, out * into)
    step = max(1, CHUNK // (out * into))
    for first in range(0, n, step):
        part = slice(first, first + step)
        each = torch.bmm(delta[part].mT, x[part]).reshape(-1, out * into)
        total.addmm_(rows[part].T, each)
    return total.reshape(j, out, into)


def contract_bias(delta: Tensor, rows: Tensor) -> Tensor:
    """Return sum_i rows[i, j] delta_i for every j, [J, out], delta_i summed over its tokens."""
    return rows.T @ delta.reshape(len(delta), -1, delta.shape[-1]).sum(1, dtype=rows.dtype)
