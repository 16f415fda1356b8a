"""Step 1 of training: draw prompts and preferences, roll out the sampling policy, score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.draws import KeyedDraws, derived_seed
from benchmarks.scoring import orientation, score
from benchmarks.stopwatch import Stopwatch
from methods.base import Backbone, Batch, Condition, Draws, Method, Rollout
from methods.samplers.loop import denoise
from methods.samplers.schedules import shifted_sigmas


@dataclass
class Meter:
    """Counts what training costs, over all of a run's processes, whose shares are equal."""

    velocity_evaluations: int = 0
    reward_calls: int = 0
    processes: int = 1


@dataclass
class KeptRollout:
    """The rollouts of a step whose rewards are not in yet, so that a reward that fails costs none of them."""

    rollout: Rollout | None = None

    def state(self) -> dict[str, Tensor]:
        """Return the tensors of the rollouts by name, none where nothing is kept."""
        if self.rollout is None:
            return {}
        return {name: value for name, value in vars(self.rollout).items() if isinstance(value, Tensor)}

    def load(self, tensors: Mapping[str, Tensor], method: Method, device: torch.device) -> None:
        """Take what `state` returned, of rollouts of a method."""
        found = {name: value if name == "sigmas" else value.to(device) for name, value in tensors.items()}
        self.rollout = Rollout(**found, sampler=method.sampler if "path" in found else None) if found else None


@dataclass(frozen=True)
class SharedRows:
    """Rows of a condition that are taken only where the model needs them.

    A step has thousands of points and few prompts, whose embeddings are larger than latents.
    """

    condition: Condition
    index: Tensor

    def rows(self, index: Tensor) -> "SharedRows":
        """Return the rows in `index`; nothing of the condition is copied."""
        return SharedRows(self.condition, self.index[index])

    def taken(self) -> Condition:
        """Return the condition of these rows."""
        return self.condition.rows(self.index)


class MeteredBackbone:
    """A backbone that counts the latents passed through its velocity, and whose conditions share their rows."""

    def __init__(self, backbone: Backbone, meter: Meter) -> None:
        """Wrap a backbone; everything else is passed on."""
        self._backbone, self._meter = backbone, meter
        self.latent_shape, self.snapshots = backbone.latent_shape, backbone.snapshots
        self.decode, self.parameters = backbone.decode, backbone.parameters
        self.network = backbone.network

    def encode(self, prompts: Sequence[str]) -> SharedRows:
        """Return the backbone's condition of prompts, each distinct one encoded once."""
        number = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
        index = torch.tensor([number[prompt] for prompt in prompts], device=device_of(self._backbone))
        return SharedRows(self._backbone.encode(list(number)), index)

    def schedule(self, steps: int) -> Tensor:
        """Return the backbone's own noise levels."""
        return self._backbone.schedule(steps)

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        """Return the backbone's velocity and count its rows."""
        self._meter.velocity_evaluations += len(x) * self._meter.processes
        given = condition.taken() if isinstance(condition, SharedRows) else condition
        return self._backbone.velocity(x, sigma, given, preference)


def noise_levels(backbone: Backbone, steps: int, shift: float | None) -> Tensor:
    """Return the noise levels [S + 1] of S steps: an even grid under a shift, or the backbone's own for None."""
    return backbone.schedule(steps) if shift is None else shifted_sigmas(steps, shift)


def device_of(backbone: Backbone) -> torch.device:
    """Return the device that a backbone computes on."""
    return backbone.parameters()[0].device


def draw_prompts(n_prompts: int, n_drawn: int, seed: int, step: int) -> list[int]:
    """Return the prompts of a step, drawn without replacement, in the order of the benchmark.

    Example:
        >>> draw_prompts(3, 3, seed=0, step=5), len(draw_prompts(9, 4, seed=0, step=5))
        ([0, 1, 2], 4)
    """
    generator = torch.Generator().manual_seed(derived_seed(seed, "prompts", step))
    return sorted(torch.randperm(n_prompts, generator=generator)[:n_drawn].tolist())


def draw_preferences(method: Method, draws: Draws, group_size: int, n_objectives: int) -> Tensor | None:
    """Return the preference of every rollout [P * G, K], or None for a method without preferences."""
    if method.preferences is None:
        return None
    drawn = [method.preferences.draw(g, method.slots, n_objectives) for g in draws.generators("preference")]
    slots = torch.cat(drawn).to(torch.get_default_dtype())
    return slots.repeat_interleave(group_size // method.slots, 0)


@torch.no_grad()
def collect(
    benchmark: Benchmark, method: Method, backbone: Backbone, draws: KeyedDraws, prompt_ids: Sequence[int],
    meter: Meter, watch: Stopwatch | None = None, kept: KeptRollout | None = None,
) -> Batch:  # fmt: skip
    """Return the batch of one step: rollouts of the sampling weights with their rewards.

    Rollouts that are kept from an earlier attempt at this step are not made again; those that are made are kept.

    Raises:
        RewardError: If a reward fails.
    """
    recipe, k, device = benchmark.recipe, benchmark.n_objectives, device_of(backbone)
    watch = watch or Stopwatch(device.type)
    prompts = [benchmark.prompts[i] for i in prompt_ids]
    rows = torch.arange(len(prompts), device=device).repeat_interleave(recipe.group_size)
    with watch.stage("encode"):
        condition = backbone.encode(prompts).rows(rows)
        unconditional = backbone.encode([""]) if method.objective.guided and method.anchor > 0 else None
    preferences = draw_preferences(method, draws, recipe.group_size, k)
    preferences = None if preferences is None else preferences.to(device)
    with watch.stage("rollout"):
        rollout = None if kept is None else kept.rollout
        if rollout is None:
            rollout = _roll_out(benchmark, method, backbone, draws, condition, preferences)
        if kept is not None:
            kept.rollout = rollout
    repeated = [prompt for prompt in prompts for _ in range(recipe.group_size)]
    with watch.stage("decode"):
        samples = backbone.decode(rollout.clean)
    with watch.stage("rewards"):
        scores = score(benchmark.rewards, samples, repeated).to(device)
    signs = orientation(benchmark.rewards).to(scores)
    meter.reward_calls += len(repeated) * meter.processes
    groups = torch.arange(len(repeated), device=device) // (recipe.group_size // method.slots)
    bounds = torch.tensor(benchmark.bounds, dtype=scores.dtype, device=device).T * signs
    worst_first = torch.where(signs > 0, bounds, bounds.flip(0))
    return Batch(rollout, condition, groups, preferences, scores * signs, worst_first, unconditional)


def _roll_out(
    benchmark: Benchmark, method: Method, backbone: Backbone, draws: KeyedDraws, condition: Condition,
    preferences: Tensor | None,
) -> Rollout:  # fmt: skip
    recipe = benchmark.recipe
    sigmas = noise_levels(backbone, recipe.rollout_steps, recipe.shift)
    exploration = method.objective.exploration(recipe.rollout_steps, draws)
    noise = draws.normal("initial noise", recipe.group_size, *backbone.latent_shape)
    if exploration is not None and exploration.shared_start:
        noise = noise[:, :1].expand(noise.shape)
    noise = noise.flatten(0, 1)

    def step_noise(i: int) -> Tensor:
        return draws.normal(f"step noise {i}", recipe.group_size, *backbone.latent_shape).flatten(0, 1)

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        return backbone.velocity(x, sigma, condition, preferences)

    noisy = None if exploration is None else exploration.noisy
    with backbone.snapshots.using(method.snapshots.sampler):
        return denoise(
            velocity, method.sampler, noise, sigmas, step_noise, noisy=noisy, keep_path=exploration is not None
        )
