"""Precise: the flow's SDE solved exactly over a step in which the clean prediction stands still."""

from dataclasses import dataclass

from torch import Tensor

from methods.samplers.kernel import GaussianKernel, log_snr_gain, noise_exchange


@dataclass(frozen=True)
class Precise(GaussianKernel):
    """Each step keeps the share rho = exp(-eta^2 h / 2) of the predicted noise and draws the rest afresh.

    Freezing E[clean | x] leaves of dx = [v + g^2 / (2 t) ehat] dt + g dW an Ornstein-Uhlenbeck process of the noise,
    whose solution loses exp(-integral of g^2 / (2 t^2)) of it: with `FlowSDE`'s g(t) = eta sqrt(t / (1 - t)) the rho
    above, an equal loss for equal gain of log-SNR. std = n sqrt(1 - rho^2), pull = n (1 - rho). Where the clean
    prediction is constant, steps of any size are exact. Of first order otherwise. eta sqrt(2) is DDIM with its
    eta 1, the ancestral step.

    Edges:
        s = 1: h is infinite, so rho = 0 for every eta > 0, however small: the first step forgets the initial noise
            (std = n). eta 0 is the ODE, which keeps it: a discontinuity in eta.
        n = 0: deterministic; std is exactly 0 and the mean is the clean prediction.

    Source: Precise (arXiv 2605.23522), by its released code. The code keeps std >= 1e-6, which makes the last step a
    noisy one of meaningless log-density; here there is no floor.

    Example:
        >>> import torch
        >>> s, n = torch.tensor([1.0, 0.5, 0.25]), torch.tensor([0.5, 0.25, 0.0])
        >>> Precise().transition(torch.zeros(3, 1), torch.ones(3, 1), s, n).std
        tensor([0.5000, 0.2392, 0.0000])
    """

    eta: float = 1.5

    def coefficients(self, s: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """Return pull and std."""
        # Not eta squared: that is 0 below 1e-162, and 0 times an infinite h is no number.
        return noise_exchange(n, self.eta * (self.eta * log_snr_gain(s, n)) / 2)
