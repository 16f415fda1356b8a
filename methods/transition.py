"""One step from a noise level to the next, and the rule that makes it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor


def per_row(values: Tensor, like: Tensor) -> Tensor:
    """Return one number a row [B] or [1], in the dtype of x [B, ...] and shaped to multiply it.

    Example:
        >>> import torch
        >>> (per_row(torch.tensor([1.0, 2.0]), torch.ones(2, 3)) * torch.ones(2, 3)).tolist()
        [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    values = values.to(like.dtype)
    return values if len(values) == 1 else values.reshape(-1, *[1] * (like.ndim - 1))


@dataclass(frozen=True)
class Transition:
    """One step of a sampler: the Gaussian of the next latent, `mean` [B, ...] and `std` [B] or [1] (0 = deterministic).

    `history` is what a multistep solver needs at the next step; None for all others.
    """

    mean: Tensor
    std: Tensor
    history: tuple[Tensor, Tensor] | None = None


@runtime_checkable
class Sampler(Protocol):
    """A frozen rule that leads from one noise level to the next."""

    @property
    def stochastic(self) -> bool:
        """Whether transitions add noise."""
        ...

    def transition(
        self,
        x: Tensor,
        velocity: Tensor,
        sigma: Tensor,
        sigma_next: Tensor,
        history: tuple[Tensor, Tensor] | None = None,
    ) -> Transition:
        """Return the transition from x [B, ...] at sigma to sigma_next, with the velocity [B, ...] at x.

        Both levels are [B], or [1] where all rows share them; std has their shape.
        """
        ...
