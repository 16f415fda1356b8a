"""Dance-GRPO's SDE, in Euler-Maruyama steps."""

from dataclasses import dataclass

from torch import Tensor

from methods.samplers.kernel import GaussianKernel


@dataclass(frozen=True)
class DanceSDE(GaussianKernel):
    """Euler-Maruyama on dx = [v + g^2 / (2 t) ehat] dt + g dW with constant g = eta.

    std = eta sqrt(D), pull = std^2 / (2 s). As with `FlowSDE`, a step ends with std^2 D / s + std^4 / (4 s^2) too much
    variance.

    Edges:
        n = 0: the last step adds noise too, eta sqrt(s), which nothing removes.

    Source: Dance-GRPO (arXiv 2505.07818), the rectified-flow SDE with constant epsilon; the last step's noise as in
    its released code.

    Example:
        >>> import torch
        >>> s, n = torch.tensor([1.0, 0.25]), torch.tensor([0.75, 0.0])
        >>> DanceSDE().transition(torch.zeros(2, 1), torch.ones(2, 1), s, n).std
        tensor([0.1500, 0.1500])
    """

    eta: float = 0.3

    def coefficients(self, s: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """Return pull and std."""
        variance = self.eta**2 * (s - n)
        return variance / (2 * s), variance.sqrt()
