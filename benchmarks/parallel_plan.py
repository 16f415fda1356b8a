"""What each process does where several share a training, and which numbers of them change nothing but the speed.

Whole prompts stay together on one process, with all their rollouts; gradients are summed over processes. So every
number of processes that shares the prompts of each update evenly does the same optimization.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.draws import KeyedDraws
from benchmarks.records import UsageError
from methods.base import Batch, Method
from methods.samplers.loop import denoise
from methods.samplers.schedules import shifted_sigmas


@dataclass(frozen=True)
class Share:
    """A step as one of N processes does it.

    Attributes:
        processes: N.
        prompts: Prompts a process.
        rollouts: Rollouts a process.
        updates: Optimizer updates a step.
        points: Points an update a process, at most.
        micro_batch: Points of one backward pass, at most.
        backward_passes: Backward passes an update, whose gradients add up.
        images: Samples made a step, by all processes.
        same_for: The numbers of processes that do the same optimization.
    """

    processes: int
    prompts: int
    rollouts: int
    updates: int
    points: int
    micro_batch: int
    backward_passes: int
    images: int
    same_for: tuple[int, ...]


def fitting(prompts: int, updates: int = 1) -> tuple[int, ...]:
    """Return the numbers of processes that P prompts a step, in so many updates, can be shared by evenly.

    One process always can; its updates may differ by a prompt.

    Example:
        >>> fitting(12), fitting(12, 2), fitting(5, 2)
        ((1, 2, 3, 4, 6, 12), (1, 2, 3, 6), (1,))
    """
    return tuple(n for n in range(1, prompts + 1) if n == 1 or prompts % (n * updates) == 0)


def share(
    prompts: int, group_size: int, points: int, n: int = 1, *, updates: int = 1, micro_batch: int | None = None,
    set_size: int = 1,
) -> Share:  # fmt: skip
    """Return what each of N processes does of a step.

    Args:
        prompts: P.
        group_size: Rollouts a prompt.
        points: Points a rollout.
        n: N.
        updates: Optimizer updates a step.
        micro_batch: Points of one backward pass; None takes all of an update.
        set_size: Points that must stay in one backward pass.

    Raises:
        UsageError: If the prompts cannot be shared evenly.

    Example:
        >>> found = share(48, 24, 9, 8, updates=2, micro_batch=50)
        >>> found.prompts, found.rollouts, found.points, found.backward_passes, found.images
        (6, 144, 648, 13, 1152)
        >>> share(4, 6, 2, micro_batch=8, set_size=6).backward_passes
        8
    """
    same = fitting(prompts, updates)
    if n not in same:
        near = sorted({max((k for k in same if k < n), default=same[0]), min((k for k in same if k > n), default=n)})
        parts = "" if updates == 1 else f" in {updates} updates"
        raise UsageError(
            f"{n} processes cannot share {prompts} prompts a step{parts} evenly: expected a number N with {prompts} "
            f"divisible by N{'' if updates == 1 else f' x {updates}'}, such as "
            f"{' or '.join(str(k) for k in near if k in same)}"
        )
    largest = -(-prompts // (updates * n)) * group_size * points
    sets = largest // set_size
    together = sets if micro_batch is None else min(sets, max(1, micro_batch // set_size))
    return Share(
        n, prompts // n, prompts // n * group_size, updates, largest, together * set_size, -(-sets // together),
        prompts * group_size, same,
    )  # fmt: skip


@dataclass(frozen=True)
class PointsOfPrompt:
    """What a prompt gives: points a rollout, points that stay in one backward pass, whether rollouts keep paths."""

    per_rollout: int
    set_size: int
    keeps_path: bool


class _Nothing:
    def rows(self, index: Tensor) -> "_Nothing":
        return self


def points_of_prompt(benchmark: Benchmark, method: Method) -> PointsOfPrompt:
    """Return what the rollouts of one prompt give, asked of the objective itself by latents of one number.

    Raises:
        ValueError: If the objective cannot learn from such rollouts.
    """
    recipe, draws = benchmark.recipe, KeyedDraws(0, [0], 0)
    exploration = method.objective.exploration(recipe.rollout_steps, draws)
    noise = torch.zeros(recipe.group_size, 1)
    options: dict[str, Any] = {} if exploration is None else {"noisy": exploration.noisy, "keep_path": True}

    def still(x: Tensor, _sigma: Tensor) -> Tensor:
        return torch.zeros_like(x)

    def quiet(_step: int) -> Tensor:
        return noise

    sigmas = shifted_sigmas(recipe.rollout_steps, 1.0)
    rollout = denoise(still, method.sampler, noise, sigmas, quiet, **options)
    groups = torch.arange(recipe.group_size) // (recipe.group_size // method.slots)
    rewards = torch.zeros(recipe.group_size, benchmark.n_objectives)
    points = method.objective.points(Batch(rollout, _Nothing(), groups, None, rewards), draws)
    size = 1 if points.sets is None else int(torch.unique_consecutive(points.sets, return_counts=True)[1].max())
    return PointsOfPrompt(len(points) // recipe.group_size, size, exploration is not None)


def share_of(benchmark: Benchmark, method: Method, n: int = 1) -> Share:
    """Return what each of N processes does of a step of a method on a benchmark.

    Raises:
        UsageError: If prompts cannot be shared evenly, or there are more processes than evaluated prompts.
    """
    recipe, found = benchmark.recipe, points_of_prompt(benchmark, method)
    try:
        planned = share(
            recipe.prompts_per_step, recipe.group_size, found.per_rollout, n, updates=method.updates,
            micro_batch=recipe.micro_batch, set_size=found.set_size,
        )  # fmt: skip
    except UsageError as error:
        raise UsageError(f"benchmark {benchmark.name}: {error}") from None
    if n > len(benchmark.evaluated):
        raise UsageError(
            f"benchmark {benchmark.name}: expected at most {len(benchmark.evaluated)} processes, one an evaluated "
            f"prompt, found {n}"
        )
    return planned


def share_lines(planned: Share) -> list[str]:
    r"""Return a share as lines.

    Example:
        >>> print("\n".join(share_lines(share(4, 6, 2, 2, micro_batch=8))))
        2 GPUs, each: 2 prompts, 12 rollouts, 24 points an update in 3 backward passes of up to 8
        a step: 1 optimizer update, 24 images; the same optimization for 1, 2, 4 GPUs
    """
    several, updates = planned.processes > 1, planned.updates
    return [
        f"{planned.processes} GPU{'s, each' if several else ''}: {planned.prompts} prompts, {planned.rollouts} "
        f"rollouts, {planned.points} points an update in {planned.backward_passes} backward passes of up to "
        f"{planned.micro_batch}",
        f"a step: {updates} optimizer update{'s' if updates > 1 else ''}, {planned.images} images; the same "
        f"optimization for {', '.join(map(str, planned.same_for))} GPUs",
    ]
