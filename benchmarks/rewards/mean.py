"""Several rewards as one: the equal mean of their scores, each mapped by a scale and a shift that are told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.base import Reward
from benchmarks.records import UsageError


@dataclass(frozen=True)
class Part:
    """A reward in a mean; it counts as scale * score + shift.

    Attributes:
        reward: What scores.
        scale: What its score is multiplied by, finite and not 0; below 0 for a reward of which less is better.
        shift: What is added, finite.
    """

    reward: Reward
    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        """Check the map.

        Raises:
            UsageError: If a number is out of range.
        """
        if not math.isfinite(self.scale) or self.scale == 0 or not math.isfinite(self.shift):
            raise UsageError(
                f"reward {self.reward.name} in a mean: expected a finite scale other than 0 and a finite shift, "
                f"found {self.scale} and {self.shift}"
            )

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest mapped score, infinite where unbounded."""
        low, high = self.reward.range
        ends = (-math.inf if low is None else low, math.inf if high is None else high)
        first, second = (self.scale * end + self.shift for end in ends)
        return min(first, second), max(first, second)


@dataclass(frozen=True)
class Mean:
    """The mean of mapped rewards, of which more is better; NaN where any part's score is.

    Attributes:
        parts: At least one; every mapped one must be better the higher it is.
        name: Name of the reward.
        unit: Unit of the mean.

    Example:
        Preservation of the source as ParetoSlider's reward server measures it, mean(1 - LPIPS, SSIM), `lpips` being the
        isolated reward of `benchmarks.rewards.lpips_worker`:

            Mean((Part(lpips, scale=-1.0, shift=1.0), Part(Preservation(folder))), name="preservation")
    """

    parts: tuple[Part, ...]
    name: str
    unit: str = "mean of the parts"
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        """Check that there are parts and that all of them point upwards.

        Raises:
            UsageError: If not.
        """
        if not self.parts:
            raise UsageError(f"reward {self.name}: expected at least one part, found none")
        for part in self.parts:
            if (part.scale > 0) != part.reward.higher_is_better:
                direction = "higher" if part.reward.higher_is_better else "lower"
                raise UsageError(
                    f"reward {self.name}: expected parts that are better the higher they are; {part.reward.name} is "
                    f"better the {direction} it is, found the scale {part.scale:g}"
                )

    @property
    def range(self) -> tuple[float | None, float | None]:
        """The mean of the mapped ranges."""
        low, high = (sum(ends) / len(self.parts) for ends in zip(*(part.range for part in self.parts), strict=True))
        return (low if math.isfinite(low) else None, high if math.isfinite(high) else None)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of samples [B, ...].

        Raises:
            RewardError: If a part fails.
        """
        # Parts return their scores wherever they computed them.
        scores = [part.reward(samples, prompts).to(samples.device) for part in self.parts]
        columns = [part.scale * score.double() + part.shift for part, score in zip(self.parts, scores, strict=True)]
        return torch.stack(columns).mean(0).to(torch.promote_types(samples.dtype, torch.float32))

    def describe(self) -> Mapping[str, Any]:
        """Return every part's name, definition and map."""
        return {
            "mean": [
                {
                    "reward": part.reward.name,
                    "definition": dict(part.reward.describe()),
                    "scale": part.scale,
                    "shift": part.shift,
                }
                for part in self.parts
            ]
        }
