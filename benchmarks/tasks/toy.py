"""The geometry of the toy: modes of the base mixtures, targets of the rewards, and what follows in closed form.

Every coordinate is rounded, so that the definition (and its hash) is the same on every machine.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.backbones.toy import ResidualSize, ToySpec
from benchmarks.mixtures import GaussianMixture
from benchmarks.quadratic_front import QuadraticFront
from benchmarks.rewards.quadratic import QuadraticReward

Vector = tuple[float, ...]

PROMPTS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
MODE_RADIUS, MODE_STD = 2.0, 0.5
TARGET_DISTANCE = 1.8
TURN = 0.6
"""How far the line through the targets turns from prompt to prompt, in radians: a preference means about the same thing
under every prompt, as it does in image models, but not exactly."""


def rounded(values: Sequence[float]) -> Vector:
    """Return a vector with coordinates rounded to 4 decimals.

    Example:
        >>> rounded([1 / 3, -0.00001])
        (0.3333, 0.0)
    """
    return tuple(round(float(value), 4) + 0.0 for value in values)


@dataclass(frozen=True)
class ToyTask:
    """A backbone, its rewards and what is known about them.

    Attributes:
        spec: Definition of the backbone.
        rewards: The K quadratic rewards.
    """

    spec: ToySpec
    rewards: tuple[QuadraticReward, ...]

    def _targets(self) -> np.ndarray:
        dimensions = len(self.spec.means[0][0])
        nowhere = (math.nan,) * dimensions
        return np.array([[reward.targets[p] or nowhere for reward in self.rewards] for p in self.spec.prompts])

    def front(self, ranges: Sequence[float]) -> QuadraticFront:
        """Return the true front; a preference weighs rewards in units of `ranges` [K]."""
        scales = np.array([reward.scale for reward in self.rewards])
        return QuadraticFront(self._targets(), scales, np.asarray(ranges, dtype=np.float64))

    def base_rewards(self) -> np.ndarray:
        """Return the base model's exact mean reward [K]."""
        return self._mean_rewards(self.spec.mixture())

    def _mean_rewards(self, mixture: GaussianMixture) -> np.ndarray:
        targets = torch.from_numpy(self._targets())
        columns = [
            -reward.scale * mixture.mean_squared_distance(targets[:, k]) for k, reward in enumerate(self.rewards)
        ]
        return np.asarray(np.nanmean(torch.stack(columns, dim=1).numpy(), axis=0))

    def tilted_optimum(self, weights: Sequence[float], temperature: float) -> tuple[GaussianMixture, np.ndarray, float]:
        """Return the policy that maximizes E[sum_k weights_k r_k] - temperature * KL(. || base), prompt by prompt.

        Args:
            weights: [K], >= 0, on raw rewards; a reward that does not apply to a prompt counts as 0 there.
            temperature: > 0.

        Returns:
            The optimal mixtures, their exact mean rewards [K], and the optimal value averaged over prompts.

        Raises:
            ValueError: If the temperature is not positive.
        """
        targets = torch.from_numpy(self._targets())
        applies = targets[..., 0].isfinite()
        pull = torch.tensor([w * r.scale for w, r in zip(weights, self.rewards, strict=True)], dtype=torch.float64)
        pull = torch.where(applies, pull, 0.0)
        known = targets.nan_to_num()
        slope = 2 * torch.einsum("pk,pkd->pd", pull, known)
        offset = -(pull * known.square().sum(2)).sum(1)
        mixture, log_z = self.spec.mixture().tilt(2 * pull.sum(1), slope, offset, temperature)
        return mixture, self._mean_rewards(mixture), temperature * float(log_z.mean())


def _plane_spec() -> ToySpec:
    means = []
    for p in range(len(PROMPTS)):
        angles = [2 * math.pi * (p / len(PROMPTS) + c / 4) + 0.3 for c in range(4)]
        means.append(tuple(rounded([MODE_RADIUS * math.cos(a), MODE_RADIUS * math.sin(a)]) for a in angles))
    weights = ((0.25,) * 4,) * len(PROMPTS)
    return ToySpec(PROMPTS, tuple(means), weights, MODE_STD, ResidualSize(width=64, blocks=2, preference_width=64))


def plane_task(names: Sequence[str], scales: Sequence[float]) -> ToyTask:
    """Return a task in the plane with one target a reward, equally far apart: a segment (K = 2) or triangle (K = 3)."""
    spec, k = _plane_spec(), len(names)
    radius = TARGET_DISTANCE / 2 if k == 2 else TARGET_DISTANCE / math.sqrt(3)
    rewards = []
    for i, (name, scale) in enumerate(zip(names, scales, strict=True)):
        targets: dict[str, Vector | None] = {}
        for p, prompt in enumerate(PROMPTS):
            around = 2 * math.pi * p / len(PROMPTS)
            turn = TURN * math.sin(around) + 2 * math.pi * i / k
            x = radius * math.cos(turn) + 0.5 * math.cos(2 * around)
            y = radius * math.sin(turn) + 0.5 * math.sin(2 * around)
            targets[prompt] = rounded([x, y])
        rewards.append(QuadraticReward(name, targets, scale))
    return ToyTask(spec, tuple(rewards))


SPECIALISTS: tuple[tuple[str, tuple[int, ...]], ...] = (
    *((f"only {k + 1}", (k,)) for k in range(5)),
    *((f"{k + 1} against {(k + 1) % 5 + 1}", (k, (k + 1) % 5)) for k in range(5)),
    *((f"all five, variant {v}", tuple(range(5))) for v in ("a", "b")),
)
"""Prompts of the specialist task and the rewards that apply to them: five to one, five to two, two to all."""


def specialist_task(names: Sequence[str]) -> ToyTask:
    """Return a task in 8 dimensions with K = 5 rewards, most of which do not apply to most prompts."""
    prompts = tuple(prompt for prompt, _ in SPECIALISTS)
    means = []
    for p in range(len(prompts)):
        rows = []
        for c in range(4):
            mean = np.zeros(8)
            # Two of the modes' three own axes, turned a little toward the rewards' axes from prompt to prompt.
            angle = 2 * math.pi * (c / 4 + p / len(prompts))
            mean[5 + c % 3] = MODE_RADIUS * math.cos(angle)
            mean[(p + c) % 5] = MODE_RADIUS * math.sin(angle)
            rows.append(rounded(mean.tolist()))
        means.append(tuple(rows))
    weights = ((0.25,) * 4,) * len(prompts)
    spec = ToySpec(prompts, tuple(means), weights, MODE_STD, ResidualSize(width=64, blocks=2, preference_width=64))
    rewards = []
    for k, name in enumerate(names):
        targets: dict[str, Vector | None] = {}
        for p, (prompt, applies) in enumerate(SPECIALISTS):
            target = np.zeros(8)
            target[k] = TARGET_DISTANCE / math.sqrt(2)
            target[5 + p % 3] = 0.5
            targets[prompt] = rounded(target.tolist()) if k in applies else None
        rewards.append(QuadraticReward(name, targets))
    return ToyTask(spec, tuple(rewards))
