"""Coefficients-preserving sampling."""

import math
from dataclasses import dataclass

from torch import Tensor

from methods.samplers.kernel import GaussianKernel


@dataclass(frozen=True)
class CPS(GaussianKernel):
    """Each step keeps the share rho = cos(eta pi / 2) of the predicted noise and draws the rest afresh.

    std = n sin(eta pi / 2), pull = n (1 - rho) = 2 n sin^2(eta pi / 4). The next latent holds exactly n of noise, kept
    and fresh together (rho^2 + (std / n)^2 = 1), so nothing is left at the end. But rho does not depend on the size of
    a step: this is no discretization of an SDE, and with ever more steps the output does not tend to the data. For
    Gaussian data its variance tends to cos^2(eta pi / 4) of theirs.

    Edges:
        eta = 1: nothing of the predicted noise is kept. Beyond, the sine falls again: eta and 2 - eta give the same
            published kernel, so such an eta is refused (released settings go to 1.8).
        n = 0: deterministic; std is exactly 0 and the mean is the clean prediction.

    Source: Coefficients-preserving sampling (arXiv 2509.05952), by its released code. The code's log-density leaves out
    the Gaussian's constants and its 1 / (2 std^2), which `loop.log_prob` has. Re-implementations keep std >= 1e-6;
    here no floor turns the last step into a noisy one.

    Example:
        >>> import torch
        >>> s, n = torch.tensor([1.0, 0.5]), torch.tensor([0.5, 0.0])
        >>> CPS(eta=1.0).transition(torch.zeros(2, 1), torch.ones(2, 1), s, n).std
        tensor([0.5000, 0.0000])
    """

    eta: float = 0.7

    def __post_init__(self) -> None:
        """Check eta."""
        if not 0 <= self.eta <= 1:
            raise ValueError(
                f"CPS needs eta in [0, 1], found {self.eta}; beyond 1 the sine falls again, "
                "eta and 2 - eta give the same kernel"
            )

    def coefficients(self, s: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """Return pull and std."""
        return n * (2 * math.sin(self.eta * math.pi / 4) ** 2), n * math.sin(self.eta * math.pi / 2)
