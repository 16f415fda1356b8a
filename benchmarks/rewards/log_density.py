"""How plausible a sample is under the base model: the toy's held-out measure of drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.mixtures import GaussianMixture


@dataclass(frozen=True)
class BaseLogDensity:
    """ln p_base(x | prompt); falls as a model leaves the data it was made from."""

    prompts: tuple[str, ...]
    mixture: GaussianMixture
    name: str = "base_log_density"
    unit: str = "nat"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the log-densities [B] of samples [B, D].

        Raises:
            KeyError: If a prompt is unknown.
        """
        row_of = {prompt: i for i, prompt in enumerate(self.prompts)}
        index = torch.tensor([row_of[prompt] for prompt in prompts], device=samples.device)
        return self.mixture.to(samples).log_density(samples, index)

    def describe(self) -> Mapping[str, Any]:
        """Return nothing: the mixture is the backbone's and is described there."""
        return {}
