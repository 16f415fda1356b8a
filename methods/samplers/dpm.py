"""DPM-Solver++ 2M in data prediction on the rectified-flow schedule: one network call a step, second order."""

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.base import Transition


def _log_snr(sigma: Tensor) -> Tensor:
    # Half the log signal-to-noise ratio, ln((1 - sigma) / sigma); -inf at sigma 1, +inf at sigma 0.
    return torch.log1p(-sigma) - torch.log(sigma)


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
        """Return the transition with std 0; history is (previous clean prediction [B, ...], previous sigma [B])."""
        shape = (-1, *[1] * (x.ndim - 1))
        clean = x - sigma.reshape(shape) * velocity
        here, there = sigma.double(), sigma_next.double()
        keep = there / here
        direction = clean
        if history is not None:
            previous, before = history
            h, h_before = _log_snr(there) - _log_snr(here), _log_snr(here) - _log_snr(before.double())
            # h = inf at the last step and h_before = inf behind sigma 1: both mean first order.
            second = torch.where(torch.isfinite(h) & torch.isfinite(h_before), h / (2 * h_before), 0.0)
            direction = clean + second.to(x.dtype).reshape(shape) * (clean - previous)
        kept = keep.to(x.dtype).reshape(shape)
        return Transition(kept * x + (1 - keep).to(x.dtype).reshape(shape) * direction, torch.zeros_like(sigma), (clean, sigma))
