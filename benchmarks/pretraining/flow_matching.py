"""Flow matching on captioned pictures: the loss, the learning-rate schedule and the averaged weights."""

import torch
from torch import Generator, Tensor, nn


def noised(clean: Tensor, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return noised pictures [B, ...], their noise level sigma [B] and the velocity [B, ...] to predict.

    Sigma is logit-normal(0, 1), which trains the middle of the path most (Esser et al. 2024, section 3.1).
    """
    sigma = torch.sigmoid(torch.randn(len(clean), generator=generator)).to(clean)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    level = sigma.reshape(-1, *[1] * (clean.ndim - 1))
    return (1 - level) * clean + level * noise, sigma, noise - clean


def learning_rate(step: int, steps: int, peak: float, warmup: int, decay: float) -> float:
    """Return the learning rate of a step: linear warm-up, constant, and a linear decay to 0 over the last share.

    Until the decay begins it does not depend on the number of steps, so a training can be prolonged.

    Example:
        >>> [learning_rate(step, 100, 1.0, 10, 0.5) for step in (0, 9, 49, 75, 99)]
        [0.1, 1.0, 1.0, 0.5, 0.02]
    """
    last = decay * steps
    return peak * min(1.0, (step + 1) / warmup, (steps - step) / last)


class AveragedWeights:
    """Exponential moving average of a module's parameters, with a shorter memory at the start."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Copy the parameters."""
        self._decay = decay
        self.tensors = {name: p.detach().clone() for name, p in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step; the memory is at most a tenth of the steps so far."""
        decay = min(self._decay, (1 + step) / (10 + step))
        current: list[Tensor] = list(network.parameters())
        torch._foreach_lerp_(list(self.tensors.values()), current, 1 - decay)
