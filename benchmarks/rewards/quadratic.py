"""The toy's rewards: minus the squared distance to a target, one a prompt, where the prompt has one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class QuadraticReward:
    """-scale * |x - target(prompt)|^2, NaN for a prompt without a target.

    Attributes:
        name: Name of the reward.
        targets: One target a prompt, or None where the reward does not apply; all of one length D.
        scale: > 0; a stand-in for rewards of very different size.
    """

    name: str
    targets: Mapping[str, tuple[float, ...] | None]
    scale: float = 1.0
    unit: str = "squared distance"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, 0.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the rewards [B] of samples [B, D].

        Raises:
            KeyError: If a prompt is unknown.
        """
        nowhere = (float("nan"),) * samples.shape[1]
        # Rows repeat few prompts, so the table is built once a prompt and looked up once a row.
        row_of = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
        table = samples.new_tensor([self.targets[prompt] or nowhere for prompt in row_of])
        rows = np.fromiter(map(row_of.__getitem__, prompts), dtype=np.int64, count=len(prompts))
        target = table[torch.from_numpy(rows).to(samples.device)]
        return -self.scale * (samples - target).square().sum(1)

    def describe(self) -> Mapping[str, Any]:
        """Return targets and scale."""
        return {"targets": dict(self.targets), "scale": self.scale}
