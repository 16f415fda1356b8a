"""Models of diffusers with random weights, however large: made where they run, and drawn once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

STD = 0.02
"""Standard deviation of random weights: outputs stay finite at any depth, for blocks normalize what they read."""


class _WithoutDraws(TorchFunctionMode):
    # Layers draw their weights when they are made, which takes minutes for billions of them; all are drawn anew.

    DRAWS = (
        nn.init.kaiming_uniform_, nn.init.normal_, nn.init.uniform_, Tensor.normal_, Tensor.uniform_,
    )  # fmt: skip

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func in self.DRAWS:
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


@contextmanager
def made_of(device: str, dtype: torch.dtype) -> Iterator[None]:
    """Run the block, in which modules are made on a device in a precision, and weights are not drawn."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device), _WithoutDraws():
            yield
    finally:
        torch.set_default_dtype(before)


def frozen_random(kind: Any, settings: Mapping[str, Any], device: str, dtype: torch.dtype, seed: int) -> Any:
    """Return a model of diffusers with random weights, made on a device in a precision and nowhere else.

    Matrices are normal with standard deviation `STD`, biases 0, scales of norms 1; what a class computes is kept.

    Args:
        kind: Its class.
        settings: Arguments of the class.
        device: Of torch.
        dtype: Of the weights.
        seed: Seed of the weights.
    """
    with made_of(device, dtype):
        # Some classes compute what they keep with numpy; that alone is moved.
        model = kind(**settings).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=STD, generator=generator)
            else:
                parameter.fill_(float(name.endswith("weight")))
    return model.requires_grad_(False).eval()
