"""Named snapshots of the trainable weights: blend, put in place, save."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

NAMES = ("old", "sampling", "evaluation", "reference")


class WeightSnapshots:
    """Copies of a backbone's trainable parameters beside the `current` ones, all equal at the start.

    Putting a snapshot in place exchanges the storage of the parameters, so it costs no copy, works for any backbone
    and leaves optimizer and gradients alone. It must not happen between a forward pass and its backward pass.
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Copy the parameters once a name."""
        self._parameters = list(parameters)
        self._tensors: list[Tensor] = list(parameters)
        self._copies = {name: [p.detach().clone() for p in self._parameters] for name in NAMES}

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        """Run the block with the named weights in place (`current` changes nothing).

        Raises:
            KeyError: If there is no snapshot of that name.
        """
        if name == "current":
            yield
            return
        trained = [p.data for p in self._parameters]
        for parameter, copy in zip(self._parameters, self._copies[name], strict=True):
            parameter.data = copy
        try:
            yield
        finally:
            for parameter, data in zip(self._parameters, trained, strict=True):
                parameter.data = data

    @torch.no_grad()
    def blend(self, name: str, decay: float) -> None:
        """Set the snapshot to decay * snapshot + (1 - decay) * current, decay in [0, 1]."""
        torch._foreach_lerp_(self._copies[name], self._tensors, 1 - decay)

    def state(self) -> dict[str, Tensor]:
        """Return all snapshots and the current weights as `name.index` -> tensor."""
        tensors = {f"current.{i}": p.detach() for i, p in enumerate(self._parameters)}
        for name, copies in self._copies.items():
            tensors |= {f"{name}.{i}": copy for i, copy in enumerate(copies)}
        return tensors

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned.

        Raises:
            KeyError: If a tensor is missing.
            RuntimeError: If a shape differs.
        """
        for i, parameter in enumerate(self._parameters):
            parameter.copy_(tensors[f"current.{i}"])
            for name, copies in self._copies.items():
                copies[i].copy_(tensors[f"{name}.{i}"])
