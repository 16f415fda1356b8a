"""Random numbers keyed by what they are for, so that the same prompt meets the same noise under every method."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import torch
from torch import Generator, Tensor


def derived_seed(*key: str | int) -> int:
    """Return a 63-bit seed that depends on the key alone.

    Example:
        >>> derived_seed(0, "rollout", 3, 7) == derived_seed(0, "rollout", 3, 7) != derived_seed(0, "rollout", 3, 8)
        True
    """
    digest = blake2b("|".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class KeyedDraws:
    """The draws of one step (`ordinal`) for some prompts; see `methods.base.Draws`.

    Numbers are made on the CPU and moved, so that they do not depend on the device, and per prompt, so that they do
    not depend on which other prompts share the step.
    """

    def __init__(self, seed: int, prompt_ids: Sequence[int], ordinal: int, device: torch.device | str = "cpu") -> None:
        """Remember the key; nothing is drawn yet."""
        self._seed, self._prompt_ids, self._ordinal, self._device = seed, prompt_ids, ordinal, device
        self._generator = Generator()

    @property
    def n_prompts(self) -> int:
        """Prompts of the step."""
        return len(self._prompt_ids)

    def generators(self, purpose: str) -> Iterator[Generator]:
        """Yield one generator per prompt; it is the same object, seeded anew, so use it before the next is taken."""
        for prompt in self._prompt_ids:
            self._generator.manual_seed(derived_seed(self._seed, purpose, prompt, self._ordinal))
            yield self._generator

    @property
    def step(self) -> int:
        """Training steps done before this one."""
        return self._ordinal

    def common(self, purpose: str) -> Generator:
        """Return a generator of its own, seeded for what all prompts of the step share."""
        return Generator().manual_seed(derived_seed(self._seed, purpose, self._ordinal))

    def _stack(self, pieces: list[Tensor]) -> Tensor:
        return torch.stack(pieces).to(self._device)

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Return standard normal numbers [prompts, *shape]."""
        return self._stack([torch.randn(*shape, generator=generator) for generator in self.generators(purpose)])

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Return uniform numbers [prompts, *shape] in [0, 1)."""
        return self._stack([torch.rand(*shape, generator=generator) for generator in self.generators(purpose)])
