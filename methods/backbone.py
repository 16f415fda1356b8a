"""What methods see of the world they are trained in: a backbone, its conditions and weight snapshots, and randomness.

Symbols of the shapes: B rollouts, K objectives. One convention everywhere: sigma 1 is noise and 0 is data,
x = (1 - sigma) clean + sigma noise, velocity = noise - clean.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, Self

import torch
from torch import Generator, Tensor


class Condition(Protocol):
    """What a backbone made of prompts; row i belongs to prompt i. Opaque to methods but for taking rows."""

    def rows(self, index: Tensor) -> Self:
        """Return the condition whose row j is row index[j] of this one; index [N], repeats allowed."""
        ...


class Snapshots(Protocol):
    """Named copies of the trainable weights.

    `current` (in training), `old` (what objectives compare with), `sampling` (what rolls out, where it is not the old
    ones), `evaluation` (averaged), `reference` (initial).
    """

    def using(self, name: str) -> AbstractContextManager[None]:
        """Run the block with the named weights in place. Never between a forward pass and its backward pass."""
        ...

    def blend(self, name: str, decay: float) -> None:
        """Set the named weights to decay * themselves + (1 - decay) * current."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return all weights by name, the current ones among them."""
        ...

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned."""
        ...


class Backbone(Protocol):
    """A velocity field with trainable parameters; foreign conventions are translated inside and nowhere else."""

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        ...

    @property
    def network(self) -> torch.nn.Module:
        """The module that owns the trainable parameters; the frozen ones in it do not require a gradient."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """The named weight snapshots."""
        ...

    def encode(self, prompts: Sequence[str]) -> Condition:
        """Return the condition of prompts, one row each; the empty prompt stands for "no prompt" (guidance)."""
        ...

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        """Return the velocity [B, ...] at x [B, ...], sigma [B] in (0, 1], under preference [B, K] or none."""
        ...

    def schedule(self, steps: int) -> Tensor:
        """Return the noise levels [S + 1], from 1 to 0, that the model itself takes S steps at."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Return the samples that rewards see, from clean latents [B, ...]."""
        ...

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return the trainable parameters of `network`, in its order."""
        ...


class Draws(Protocol):
    """Random numbers of one step, keyed by (seed, purpose, prompt, ordinal): the same under every method."""

    @property
    def n_prompts(self) -> int:
        """Prompts of the step; the rollouts of a batch are split evenly over them, in order."""
        ...

    def generators(self, purpose: str) -> Iterator[Generator]:
        """Yield one seeded generator per prompt of the step. Use each before asking for the next."""
        ...

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Return standard normal numbers [prompts, *shape]."""
        ...

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Return uniform numbers [prompts, *shape] in [0, 1)."""
        ...

    @property
    def step(self) -> int:
        """Training steps done before this one."""
        ...

    def common(self, purpose: str) -> Generator:
        """Return a seeded generator for what all prompts of the step share."""
        ...
