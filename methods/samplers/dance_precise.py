"""Precise's transition with the constant noise schedule of Dance-GRPO."""

from dataclasses import dataclass

from torch import Tensor

from methods.samplers.kernel import GaussianKernel, noise_exchange


@dataclass(frozen=True)
class DancePrecise(GaussianKernel):
    """Each step keeps the share rho = exp(-(eta^2 / 2) (1 / n - 1 / s)) of the predicted noise, the rest is fresh.

    `Precise` for `DanceSDE`'s g(t) = eta: std = n sqrt(1 - rho^2), pull = n (1 - rho), exact for a constant clean
    prediction. Little is exchanged at high noise and nearly all at the end.

    Edges:
        s = 1: regular.
        n = 0: deterministic; std is exactly 0 and the mean is the clean prediction.

    Source: the released code of Precise (arXiv 2605.23522), where it separates the transition from the schedule. The
    code takes 1 - rho^2 in float32, which cancels (relative errors of 7e-5 at eta 0.1), and keeps std >= 1e-6; here
    neither.

    Example:
        >>> import torch
        >>> s, n = torch.tensor([1.0, 0.5]), torch.tensor([0.5, 0.0])
        >>> DancePrecise().transition(torch.zeros(2, 1), torch.ones(2, 1), s, n).std
        tensor([0.1467, 0.0000])
    """

    eta: float = 0.3

    def coefficients(self, s: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """Return pull and std."""
        return noise_exchange(n, self.eta * (self.eta * ((s - n) / (n * s))) / 2)
