"""Which steps of a rollout explore: at those the sampler adds its noise, the others are steps of the ODE.

The last step of a rollout leads to the sample itself and is never trained, so a window that is drawn or moved ends
before it. A choice is the same for all prompts of a training step.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from methods.base import Draws


@runtime_checkable
class Window(Protocol):
    """A frozen rule that chooses the exploring steps of each training step's rollouts."""

    def noisy(self, n_sigmas: int, draws: Draws) -> Tensor:
        """Return whether each step of a rollout of S = `n_sigmas` steps explores [S], on the CPU.

        Raises:
            ValueError: If the window does not fit into the rollout.
        """
        ...

    def trainable(self, n_sigmas: int) -> int:
        """Return how many exploring steps come before the last step: the same number in every training step.

        Raises:
            ValueError: If the window does not fit into the rollout.
        """
        ...


def _last_start(size: int, n_sigmas: int) -> int:
    # The window may reach to the last step but one.
    if size >= n_sigmas:
        raise ValueError(
            f"window must end before the last step: a size of {size} needs rollouts of at least {size + 1} steps, "
            f"found {n_sigmas}"
        )
    return n_sigmas - 1 - size


def _block(start: int, size: int, n_sigmas: int) -> Tensor:
    steps = torch.arange(n_sigmas)
    return (steps >= start) & (steps < start + size)


def _check_size(size: int) -> None:
    if size < 1:
        raise ValueError(f"size must be >= 1, found {size}")


@dataclass(frozen=True)
class AllSteps(Window):
    """Every step explores.

    Example:
        >>> AllSteps().trainable(10)
        9
    """

    def noisy(self, n_sigmas: int, draws: Draws) -> Tensor:
        """Return True for every step; whether the last one adds noise is up to the sampler."""
        return torch.ones(n_sigmas, dtype=torch.bool)

    def trainable(self, n_sigmas: int) -> int:
        """Return S - 1."""
        return n_sigmas - 1


@dataclass(frozen=True)
class RandomWindow(Window):
    """A few consecutive steps; where they begin is drawn anew in each training step.

    The start is uniform on 0, 1, ..., floor(until * S), that number included, as far as the window still ends before
    the last step.

    Attributes:
        size: Steps of the window, >= 1.
        until: Share [0, 1] of the rollout up to which a window may start.

    Source: Flow-GRPO-Fast, with its released settings for Stable Diffusion 3.5; later releases keep the whole window,
    not only its start, within the share. The released code seeds the draw by the process, so that each process keeps
    its start; here it changes with the step and is shared by all.

    Example:
        >>> RandomWindow().trainable(10)
        2
    """

    size: int = 2
    until: float = 0.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        _check_size(self.size)
        if not 0 <= self.until <= 1:
            raise ValueError(f"until must be in [0, 1], found {self.until}")

    def noisy(self, n_sigmas: int, draws: Draws) -> Tensor:
        """Return the window [S] of the training step."""
        n_starts = 1 + min(int(n_sigmas * self.until), _last_start(self.size, n_sigmas))
        start = int(torch.randint(n_starts, (), generator=draws.common("window")))
        return _block(start, self.size, n_sigmas)

    def trainable(self, n_sigmas: int) -> int:
        """Return the size."""
        _last_start(self.size, n_sigmas)
        return self.size


@dataclass(frozen=True)
class SlidingWindow(Window):
    """A few consecutive steps that move from noise to data while training goes on.

    The window starts at the first step, moves by one step after `every` training steps, and begins anew once it has
    been everywhere before the last step.

    Attributes:
        size: Steps of the window, >= 1.
        every: Training steps that the window stays, >= 1.

    Source: MixGRPO (arXiv 2507.21802), the progressive strategy with overlap and its return to the start, as in the
    released script. There the window shrinks at the end of the rollout; here it keeps its size.

    Example:
        >>> SlidingWindow().trainable(25)
        4
    """

    size: int = 4
    every: int = 25

    def __post_init__(self) -> None:
        """Check the ranges."""
        _check_size(self.size)
        if self.every < 1:
            raise ValueError(f"every must be >= 1, found {self.every}")

    def noisy(self, n_sigmas: int, draws: Draws) -> Tensor:
        """Return the window [S] of the training step."""
        n_starts = 1 + _last_start(self.size, n_sigmas)
        return _block(draws.step // self.every % n_starts, self.size, n_sigmas)

    def trainable(self, n_sigmas: int) -> int:
        """Return the size."""
        _last_start(self.size, n_sigmas)
        return self.size
