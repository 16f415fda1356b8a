"""Flow-GRPO's SDE, in Euler-Maruyama steps."""

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.samplers.kernel import GaussianKernel


@dataclass(frozen=True)
class FlowSDE(GaussianKernel):
    """Euler-Maruyama on dx = [v + g^2 / (2 t) ehat] dt + g dW with g(t) = eta sqrt(t / (1 - t)).

    std = eta sqrt(s D / (1 - s)), pull = std^2 / (2 s); below s = 1 that makes d mean / d velocity equal
    -(1 + eta^2 / 2) D. Drift and score are frozen over a step, so each step ends with too much noise, by
    std^2 D / s + std^4 / (4 s^2) in variance: at few steps it can be seen in the samples.

    Edges:
        s = 1: 1 / (1 - s) becomes 1 / (1 - n), hence std = eta on any grid. Only a first step starts there, and its n
            is the grid's second level. The test is for exactly 1: just below, std grows without bound.
        n = 0: the last step adds noise too, which nothing removes.

    Source: Flow-GRPO (arXiv 2505.05470), the ODE-to-SDE conversion; the edges as in its released code. That code also
    keeps std >= 1e-6, which here holds for no step: eta 0 is exactly the ODE.

    Example:
        >>> s, n = torch.tensor([1.0, 0.5]), torch.tensor([0.75, 0.0])
        >>> FlowSDE().transition(torch.zeros(2, 1), torch.ones(2, 1), s, n).std
        tensor([0.7000, 0.4950])
    """

    eta: float = 0.7

    def coefficients(self, s: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """Return pull and std."""
        to_data = 1 - torch.where(s == 1, n, s)
        variance = self.eta**2 * s * (s - n) / to_data
        return variance / (2 * s), variance.sqrt()
