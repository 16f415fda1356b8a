"""How far a sample lies from where data lie: it sees noise that a sampler leaves behind, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class NearestMode:
    """-|x - nearest mode|^2, the modes being those of the row's prompt.

    Attributes:
        prompts: The prompts, in the order of `modes`.
        modes: Centers [P][C][D].
        name: Name of the reward.
    """

    prompts: tuple[str, ...]
    modes: tuple[tuple[tuple[float, ...], ...], ...]
    name: str = "sharpness"
    unit: str = "squared distance"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, 0.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the rewards [B] of samples [B, D].

        Raises:
            KeyError: If a prompt is unknown.
        """
        row_of = {prompt: i for i, prompt in enumerate(self.prompts)}
        index = torch.tensor([row_of[prompt] for prompt in prompts], device=samples.device)
        offsets = samples[:, None, :] - samples.new_tensor(self.modes)[index]
        return -offsets.square().sum(2).amin(1)

    def describe(self) -> Mapping[str, Any]:
        """Return the modes; the prompts are the benchmark's."""
        return {"modes": self.modes}
