"""Slow, obvious twins of centered reward distillation, one sample at a time, autograd for slopes; where to try them."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from methods.base import Batch
from tests.methods.stubs import LinearBackbone, RowCondition, make_batch, normal, random_preferences

EMPTY = 1000
BOUNDS = torch.tensor([[-2.0, -3.0], [2.0, 0.5]], dtype=torch.float64)


class Setting(NamedTuple):
    """The numbers of a CRD loss."""

    beta: float = 1.0
    clip: float = 5.0
    tau: float | None = None
    loss: str = "mse"
    adaptive: bool = True


def naive_error(prediction: Sequence[Tensor], target: Sequence[float], *, adaptive: bool) -> Tensor:
    """Return the mean squared error of one sample, over its mean absolute error as a plain number if adaptive."""
    errors = [p - t for p, t in zip(prediction, target, strict=True)]
    mean = sum((e * e for e in errors), torch.zeros((), dtype=torch.float64)) / len(errors)
    return mean / max(math.fsum(abs(e.item()) for e in errors) / len(errors), 1e-5) if adaptive else mean


def naive_implicit(velocity: Tensor, contrast: Tensor, target: Tensor, *, adaptive: bool) -> list[Tensor]:
    """Return the implicit reward of each sample, differentiable in the velocity."""
    found = []
    for ours, theirs, goal in zip(velocity.flatten(1), contrast.detach().flatten(1), target.flatten(1), strict=True):
        wanted = goal.tolist()
        before = naive_error(list(theirs), wanted, adaptive=adaptive)
        found.append(-(naive_error(list(ours), wanted, adaptive=adaptive) - before))
    return found


def naive_target(advantage: float, clip: float) -> float:
    """Return the advantage mapped to [0, 1]."""
    return min(1.0, max(0.0, advantage / (2 * clip) + 0.5))


def normalized(masses: Sequence[float]) -> list[float]:
    """Return the numbers over their sum."""
    return [mass / math.fsum(masses) for mass in masses]


def naive_weights(targets: Sequence[float], advantages: Sequence[float], tau: float | None) -> list[list[float]]:
    """Return the centering weights of each direction for the samples of one set."""
    if tau is None:
        return [[1 / len(targets)] * len(targets)]
    if tau > 0:
        return [normalized([math.exp(sign * target / tau) for target in targets]) for sign in (1, -1)]
    found = []
    for sign in (1, -1):
        pool = [i for i, advantage in enumerate(advantages) if sign * advantage > 0] or None
        if pool is None:
            found.append([1 / len(targets)] * len(targets))
        else:
            found.append(normalized([math.exp(t) if i in pool else 0.0 for i, t in enumerate(targets)]))
    return found


def naive_set_loss(
    implicit: Sequence[Tensor], targets: Sequence[float], advantages: Sequence[float], setting: Setting
) -> Tensor:
    """Return the scaled loss of one set and one reward, differentiable; centering means are constants."""
    beta, clip, tau, loss, _ = setting
    zero = torch.zeros((), dtype=torch.float64)
    if loss == "nca":
        wanted = normalized([math.exp(target / beta) for target in targets])
        total = sum((value.exp() for value in implicit), zero)
        return 2 * clip * beta * sum((-p * (v - total.log()) for p, v in zip(wanted, implicit, strict=True)), zero)
    directions = naive_weights(targets, advantages, tau)
    value = zero
    for weights in directions:
        ours_mean = math.fsum(w * v.item() for w, v in zip(weights, implicit, strict=True))
        target_mean = math.fsum(w * t for w, t in zip(weights, targets, strict=True))
        for ours, target in zip(implicit, targets, strict=True):
            own, goal = beta * (ours - ours_mean), target - target_mean
            if loss == "mse":
                part = (own - goal) ** 2
            else:
                probability = 1 / (1 + math.exp(-goal))
                chance = 1 / (1 + (-own).exp())
                part = -probability * chance.log() - (1 - probability) * (1 - chance).log()
            value = value + part / len(targets) / len(directions)
    return clip / beta * value


def naive_crd(
    implicit: Sequence[Tensor],
    advantages: Sequence[Sequence[float]],
    applies: Sequence[Sequence[bool]],
    sets: Sequence[int],
    setting: Setting,
) -> Tensor:
    """Return the losses [J], each the mean over the samples it applies to, set by set; differentiable."""
    losses = []
    for j in range(len(advantages[0])):
        total, count = torch.zeros((), dtype=torch.float64), 0
        for number in sorted(set(sets)):
            members = [i for i, s in enumerate(sets) if s == number and applies[i][j]]
            if members:
                own = [advantages[i][j] for i in members]
                targets = [naive_target(advantage, setting.clip) for advantage in own]
                total = total + len(members) * naive_set_loss([implicit[i] for i in members], targets, own, setting)
                count += len(members)
        losses.append(total / max(count, 1))
    return torch.stack(losses)


def gaussian_step_velocity(mean: float, x: Tensor, sigma: Tensor) -> Tensor:
    """Return the exact velocity at x for clean ~ N(mean, 1) in one dimension."""
    total = (1 - sigma) ** 2 + sigma**2
    return -mean + (2 * sigma - 1) / total * (x - (1 - sigma) * mean)


def wide(values: Any) -> Tensor:
    """Return numbers in float64."""
    return torch.tensor(values, dtype=torch.float64)


class PromptedBackbone(LinearBackbone):
    """A linear backbone whose velocity depends on the condition too, and that counts the latents it is given."""

    evaluations = 0

    def velocity(self, x: Tensor, sigma: Tensor, condition: Any, preference: Tensor | None = None) -> Tensor:
        self.evaluations += len(x)
        shift = torch.sin(1.0 + condition.index.to(x))[:, None] * self.bias
        return super().velocity(x, sigma, condition, preference) + shift


def gradient(loss: Tensor, backbone: Any) -> Tensor:
    """Return the gradient of a scalar by all trainable weights, as one vector."""
    found = torch.autograd.grad(loss, backbone.parameters(), retain_graph=True, allow_unused=True)
    return torch.cat(
        [(torch.zeros_like(p) if g is None else g).flatten() for g, p in zip(found, backbone.parameters(), strict=True)]
    )


def make(seed: int = 0, *, masked: bool = True) -> tuple[PromptedBackbone, Batch]:
    """Return a backbone, and a batch of 2 prompts x 2 slots x 4 rollouts in the plane with two rewards."""
    rewards = normal(seed + 1, 16, 2)
    if masked:
        rewards[0, 0] = rewards[5, 1] = rewards[6, 0] = rewards[6, 1] = math.nan
        rewards[8:12, 1] = math.nan  # a group without
        rewards[12:15, 0] = math.nan  # a group with one
    groups = torch.arange(4).repeat_interleave(4)
    slots = random_preferences(4, 2, seed)[groups]
    batch = make_batch(rewards, groups, slots, steps=4)
    whole = dataclasses.replace(batch, bounds=BOUNDS, unconditional=RowCondition(torch.tensor([EMPTY])))
    return PromptedBackbone(2, 2, seed), whole
