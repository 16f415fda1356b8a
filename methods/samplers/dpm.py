"""DPM-Solver++ 2M in data prediction on the rectified-flow schedule: one network call a step, second order."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from methods.base import Transition, per_row


def _log_snr_step(sigma: float, sigma_next: float) -> float:
    # lambda(n) - lambda(s) in one logarithm; infinite behind sigma 1 and at the last step.
    if sigma >= 1 or sigma_next <= 0:
        return math.inf
    return math.log(sigma * (1 - sigma_next) / (sigma_next * (1 - sigma)))


def _half_ratio(h: float, h_before: float) -> float:
    # Zero, that is first order, where either step is infinite: the last one, and the one behind sigma 1.
    return 0.0 if math.isinf(h) or math.isinf(h_before) else h / (2 * h_before)


@dataclass(frozen=True)
class DPM2:
    """Multistep DPM-Solver++ of order 2, deterministic; the first and the last step are Euler steps.

    With x0 = x - sigma * velocity and r0 = (lambda(s) - lambda(s_previous)) / (lambda(n) - lambda(s)):
    x_next = (n / s) x + (1 - n / s) (x0 + (x0 - x0_previous) / (2 r0)). As lambda(1) = -inf, a step that follows
    sigma 1 has r0 = inf and is of first order too. The few coefficients are computed as Python floats, in float64:
    that costs less than a chain of operations on tensors of one number.

    Source: DPM-Solver++ (arXiv 2211.01095), algorithm 2; used for rollouts by DiffusionNFT.
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
        """Return the transition with std 0; history is (previous clean prediction [B, ...], its step h [B] or [1])."""
        steps = [_log_snr_step(s, n) for s, n in zip(sigma.tolist(), sigma_next.tolist(), strict=True)]
        clean = torch.addcmul(x, per_row(sigma, x), velocity, value=-1)
        direction = clean
        if history is not None:
            ratios = [_half_ratio(h, h_before) for h, h_before in zip(steps, history[1].tolist(), strict=True)]
            direction = torch.addcmul(clean, per_row(x.new_tensor(ratios), x), clean - history[0])
        mean = torch.lerp(direction, x, per_row(sigma_next / sigma, x))
        return Transition(mean, torch.zeros_like(sigma), (clean, torch.tensor(steps, dtype=torch.float64)))
