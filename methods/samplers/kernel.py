"""What the stochastic samplers share: a Gaussian step around the Euler step of the ODE.

Symbols: s = sigma, n = sigma_next, D = s - n > 0, ehat = x + (1 - s) velocity (the predicted noise), and
h = lambda(n) - lambda(s) with lambda(t) = ln((1 - t) / t), the gain of half the log-SNR. Every sampler is

    x_next = x - D velocity - pull * ehat + std * noise

and says only what `pull` and `std` are. An Euler-Maruyama step of an SDE that keeps the flow's marginals has
pull = std^2 / (2 s). A step that keeps a share rho of the predicted noise and draws the rest afresh,
x_next = (1 - n) clean + n (rho ehat + sqrt(1 - rho^2) noise) with clean = x - s velocity, has pull = n (1 - rho).

Coefficients are computed in float64 and in forms that do not cancel where two levels are close or eta is small.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from methods.base import Transition, per_row
from methods.samplers.ode import ODE


def check_levels(sigma: Tensor, sigma_next: Tensor) -> None:
    """Raise ValueError unless the levels, of one shape, obey 0 <= sigma_next < sigma <= 1 in every row; NaN fails.

    Example:
        >>> check_levels(torch.tensor([0.5]), torch.tensor([0.5]))
        Traceback (most recent call last):
        ...
        ValueError: levels must obey 0 <= sigma_next < sigma <= 1, found sigma [0.5] and sigma_next [0.5]
    """
    if sigma.shape != sigma_next.shape:
        raise ValueError(
            f"sigma and sigma_next must have one shape, found {tuple(sigma.shape)} and {tuple(sigma_next.shape)}"
        )
    good = (sigma_next >= 0) & (sigma_next < sigma) & (sigma <= 1)
    if not good.all():
        raise ValueError(
            "levels must obey 0 <= sigma_next < sigma <= 1, "
            f"found sigma {sigma[~good].tolist()} and sigma_next {sigma_next[~good].tolist()}"
        )


def log_snr_gain(s: Tensor, n: Tensor) -> Tensor:
    """Return h for levels 0 <= n < s <= 1; infinite at s = 1 and at n = 0.

    Example:
        >>> log_snr_gain(torch.tensor([0.5, 1.0, 0.5]), torch.tensor([0.25, 0.5, 0.0]))
        tensor([1.0986,    inf,    inf])
    """
    return torch.log1p((s - n) / (n * (1 - s)))


def noise_exchange(n: Tensor, decay: Tensor) -> tuple[Tensor, Tensor]:
    """Return pull and std of a step that keeps the share rho = exp(-decay) of the predicted noise; decay in [0, inf].

    Example:
        >>> noise_exchange(torch.tensor([0.5]), torch.tensor([torch.inf]))
        (tensor([0.5000]), tensor([0.5000]))
    """
    return n * -torch.expm1(-decay), n * (-torch.expm1(-2 * decay)).sqrt()


@dataclass(frozen=True)
class GaussianKernel(ABC):
    """A step around `ODE`'s: its mean is moved against the predicted noise, and fresh noise is added.

    With eta 0 the step is `ODE`'s, bit for bit.

    Attributes:
        eta: How much noise is exchanged, finite and >= 0; what it scales is the sampler's own.

    Raises:
        ValueError: If eta is out of range.
    """

    eta: float

    def __post_init__(self) -> None:
        """Check eta."""
        if not 0 <= self.eta < math.inf:
            raise ValueError(f"{type(self).__name__} needs a finite eta >= 0, found {self.eta}")

    @property
    def stochastic(self) -> bool:
        """Whether any step adds noise."""
        return self.eta > 0

    @abstractmethod
    def coefficients(self, s: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """Return pull and std, each of the levels' shape, for valid levels in float64 and eta > 0."""

    def transition(
        self,
        x: Tensor,
        velocity: Tensor,
        sigma: Tensor,
        sigma_next: Tensor,
        history: tuple[Tensor, Tensor] | None = None,
    ) -> Transition:
        """Return the transition; history is neither read nor kept.

        The mean has the dtype of x; the gradient flows through x and the velocity. The std has the levels' dtype, but
        at least float32, so that its logarithm, a part of the log-density, is right for latents of half precision
        too. It is exactly 0 where a step is deterministic: no floor is put under it.

        Raises:
            ValueError: If the levels do not obey 0 <= sigma_next < sigma <= 1.
        """
        check_levels(sigma, sigma_next)
        step = ODE().transition(x, velocity, sigma, sigma_next)
        if not self.stochastic:
            return step
        s = sigma.double()
        pull, std = self.coefficients(s, sigma_next.double())
        predicted_noise = torch.addcmul(x, per_row(1 - s, x), velocity)
        mean = torch.addcmul(step.mean, per_row(pull, x), predicted_noise, value=-1)
        return Transition(mean, std.to(torch.promote_types(sigma.dtype, torch.float32)))
