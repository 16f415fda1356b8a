"""DPM-Solver++ 2M in data prediction on the rectified-flow schedule: one network call a step, second order."""

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.base import Transition, per_row


@dataclass(frozen=True)
class DPM2:
    """Multistep DPM-Solver++ of order 2, deterministic; the first and the last step are Euler steps.

    With x0 = x - sigma * velocity and r0 = (lambda(s) - lambda(s_previous)) / (lambda(n) - lambda(s)):
    x_next = (n / s) x + (1 - n / s) (x0 + (x0 - x0_previous) / (2 r0)). As lambda(1) = -inf, a step that follows
    sigma 1 has r0 = inf and is of first order too. Coefficients are computed in float64.

    Source: DPM-Solver++ (arXiv 2211.01095), algorithm 2; used for rollouts by DiffusionNFT.
    """

    def transition(
        self,
        x: Tensor,
        velocity: Tensor,
        sigma: Tensor,
        sigma_next: Tensor,
        history: tuple[Tensor, Tensor] | None = None,
    ) -> Transition:
        """Return the transition with std 0; history is (previous clean prediction [B, ...], its step h [B] or [1])."""
        here, there = sigma.double(), sigma_next.double()
        # lambda(n) - lambda(s) in one logarithm: inf at the last step and behind sigma 1.
        h = torch.log(here * (1 - there) / (there * (1 - here)))
        clean = torch.addcmul(x, per_row(sigma, x), velocity, value=-1)
        direction = clean
        if history is not None:
            previous, h_previous = history
            # Zero, that is first order, where either step is infinite: the last one, and the one behind sigma 1.
            second = torch.nan_to_num(h / (2 * h_previous), nan=0.0, posinf=0.0)
            direction = torch.addcmul(clean, per_row(second, x), clean - previous)
        mean = torch.lerp(direction, x, per_row(there / here, x))
        return Transition(mean, torch.zeros_like(sigma), (clean, h))
