"""The Euler step of the probability-flow ODE."""

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.base import Transition, per_row


@dataclass(frozen=True)
class ODE:
    """x_next = x + (sigma_next - sigma) * velocity; deterministic.

    Equal to DDIM with eta 0 and to first-order DPM-Solver++ on this noise schedule.
    """

    @property
    def stochastic(self) -> bool:
        """False: no noise is added."""
        return False

    def transition(
        self,
        x: Tensor,
        velocity: Tensor,
        sigma: Tensor,
        sigma_next: Tensor,
        history: tuple[Tensor, Tensor] | None = None,
    ) -> Transition:
        """Return the transition with std 0; history is neither read nor kept."""
        return Transition(torch.addcmul(x, per_row(sigma_next - sigma, x), velocity), torch.zeros_like(sigma))
