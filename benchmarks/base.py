"""What a benchmark is: backbone, prompts, rewards, the box results are judged in, and the budget.

Plain frozen data. Two results may be compared only if their benchmarks have the same `fingerprint`.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from benchmarks.pictures import Gallery
from benchmarks.records import BenchmarkRecord, FrontRecord, RewardRecord, UsageError
from methods.base import Backbone, Method
from methods.preferences import check_preference, lattice


class RewardError(UsageError):
    """A reward that failed or returned what no reward may return."""


class Reward(Protocol):
    """A score of samples.

    NaN in the result means "does not apply to this prompt"; any failure raises RewardError; there are no sentinels.
    """

    @property
    def name(self) -> str:
        """Name, also the column `reward_<name>`."""
        ...

    @property
    def unit(self) -> str:
        """Unit of the score, as shown on axes."""
        ...

    @property
    def higher_is_better(self) -> bool:
        """Direction of the score."""
        ...

    @property
    def range(self) -> tuple[float | None, float | None]:
        """Lowest and highest possible score, None where unbounded."""
        ...

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the score [B] of samples [B, ...], the i-th made for prompts[i]."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what defines the score, as JSON data; it enters the benchmark's fingerprint."""
        ...


class TrueFront(Protocol):
    """A Pareto front that is known in closed form."""

    def points(self, preferences: np.ndarray) -> np.ndarray:
        """Return the optimal reward vectors [N, K] for preferences [N, K]."""
        ...


class TiltedOptimum(Protocol):
    """The policy that maximizes sum_k weights_k E[r_k] - temperature * KL(. || base), known in closed form."""

    def __call__(self, weights: Sequence[float], temperature: float) -> tuple[Any, np.ndarray, float]:
        """Return the optimal policy, its exact mean rewards [K], and the optimal value."""
        ...


class Features(Protocol):
    """From samples to the vectors in which their distribution is compared with that of real data."""

    def __call__(self, samples: Tensor) -> Tensor:
        """Return the features [B, D] of samples [B, ...]."""
        ...

    def real(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the features [N, D] of real data for the prompts, and the number [N] of each one's prompt."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what defines features and real data, as JSON data; it enters the benchmark's fingerprint."""
        ...


class BackboneSpec(Protocol):
    """The definition of a backbone, from which a fresh one is built for every training."""

    def build(self, n_objectives: int, seed: int) -> Backbone:
        """Return a backbone at its initial weights; they depend on the seed alone."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what defines the backbone, as JSON data; it enters the benchmark's fingerprint."""
        ...


@dataclass(frozen=True)
class Budget:
    """What a method may spend on training for its whole front: latents passed through the backbone."""

    velocity_evaluations: int


@dataclass(frozen=True)
class Recipe:
    """How training runs, the same for every method of a benchmark.

    Attributes:
        prompts_per_step: Prompts P drawn a step, without replacement.
        group_size: Rollouts G a prompt.
        rollout_steps: Denoising steps of a training rollout.
        shift: Shift of the even grid of noise levels that rollouts take; None takes the backbone's own levels.
        learning_rate: Constant learning rate of AdamW.
        weight_decay: Decoupled weight decay of AdamW.
        betas: Averaging constants of AdamW.
        clip_norm: Largest norm of the gradient; a larger one is scaled down.
        micro_batch: Points of one backward pass; None takes all at once.
        diagnostics_every: Steps between measurements of the K gradients; 0 never measures them.
        checkpoint_seconds: Wall time between resumable checkpoints.
        evaluate_at: Shares of the benchmark's budget after which a model is evaluated, besides at its own end.
        threads: Threads of torch; fixed, because sums depend on it in the last bit.
    """

    prompts_per_step: int
    group_size: int
    rollout_steps: int = 10
    shift: float | None = 1.0
    learning_rate: float = 3e-4
    weight_decay: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    clip_norm: float = 1.0
    micro_batch: int | None = None
    diagnostics_every: int = 50
    checkpoint_seconds: float = 10.0
    evaluate_at: tuple[float, ...] = (0.2,)
    threads: int = 1

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: If a number is out of range.
        """
        counts = {"prompts_per_step": 1, "group_size": 1, "rollout_steps": 1, "diagnostics_every": 0, "threads": 1}
        for name, least in counts.items():
            if vars(self)[name] < least:
                raise ValueError(f"{name} must be at least {least}, found {vars(self)[name]}")
        if self.micro_batch is not None and self.micro_batch < 1:
            raise ValueError(f"micro_batch must be at least 1 or null, found {self.micro_batch}")
        for name in ("shift", "learning_rate", "clip_norm"):
            if (name, vars(self)[name]) != ("shift", None) and not 0 < vars(self)[name] < math.inf:
                raise ValueError(f"{name} must be positive and finite, found {vars(self)[name]}")
        for name in ("weight_decay", "checkpoint_seconds"):
            if not 0 <= vars(self)[name] < math.inf:
                raise ValueError(f"{name} must be finite and not negative, found {vars(self)[name]}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be in [0, 1), found {self.betas}")
        if not all(0 < share <= 1 for share in self.evaluate_at):
            raise ValueError(f"evaluate_at must hold shares in (0, 1], found {self.evaluate_at}")


@dataclass(frozen=True)
class Evaluation:
    """The protocol results are measured by; part of the fingerprint.

    `preferences` [n][K] is the sweep, `samples` are drawn per prompt and preference, by the Euler ODE in `steps`
    steps. The noise is the same for every preference and every method at the same seed, and never that of training.
    """

    preferences: tuple[tuple[float, ...], ...]
    samples: int
    steps: int = 20
    shift: float | None = 1.0
    chunk: int = 4096


@dataclass(frozen=True)
class Benchmark:
    """A task: what is trained, what it is rewarded for, and the frozen box its results are judged in.

    Attributes:
        name: Name on the command line.
        backbone: Definition of the backbone.
        prompts: Distinct prompts.
        evaluation_prompts: Prompts that results are measured on, where these are not those of training.
        rewards: The K rewards that are trained on.
        held_out: Rewards that are measured and never trained on.
        reference_point: Worst corner [K] of the hypervolume, in raw reward units; the base model must beat it.
        bounds: (low, high) of each reward [K], for normalized quantities.
        budget: What a whole front may cost.
        recipe: How training runs.
        evaluation: How results are measured.
        summary: One line for `flowfront list`.
        features: What the drift from real data and the diversity of samples are measured in.
        gallery: Which samples are kept as pictures.
        true_front: The Pareto front, where it is known.
        tilted_optimum: The optimum under a KL penalty, where it is known.
        true_hypervolume: Its hypervolume under the reference point.
        true_hypervolume_error: Numerical error of that number, 0 for a closed form.
    """

    name: str
    backbone: BackboneSpec
    prompts: tuple[str, ...]
    rewards: tuple[Reward, ...]
    reference_point: tuple[float, ...]
    bounds: tuple[tuple[float, float], ...]
    budget: Budget
    recipe: Recipe
    evaluation: Evaluation
    summary: str
    held_out: tuple[Reward, ...] = ()
    evaluation_prompts: tuple[str, ...] = ()
    features: Features | None = None
    gallery: Gallery | None = None
    true_front: TrueFront | None = None
    tilted_optimum: TiltedOptimum | None = None
    true_hypervolume: float | None = None
    true_hypervolume_error: float | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit each other.

        Raises:
            UsageError: If they do not.
        """
        k = self.n_objectives
        if len(self.reference_point) != k or len(self.bounds) != k:
            raise UsageError(
                f"benchmark {self.name}: expected {k} entries of reference_point and bounds, one a reward, "
                f"found {len(self.reference_point)} and {len(self.bounds)}"
            )
        if len(set(self.prompts)) != len(self.prompts) or not self.prompts:
            raise UsageError(
                f"benchmark {self.name}: expected distinct prompts, found {len(self.prompts)} with repeats"
            )
        if not 1 <= self.recipe.prompts_per_step <= len(self.prompts):
            raise UsageError(
                f"benchmark {self.name}: expected prompts_per_step in 1..{len(self.prompts)}, "
                f"found {self.recipe.prompts_per_step}"
            )
        if len(set(self.evaluation_prompts)) != len(self.evaluation_prompts):
            raise UsageError(f"benchmark {self.name}: expected distinct evaluation_prompts, found repeats")
        if self.gallery is not None and not set(self.gallery.prompts) <= set(self.evaluated):
            raise UsageError(f"benchmark {self.name}: expected a gallery of evaluated prompts, found others")
        for preference in self.evaluation.preferences:
            try:
                check_preference(preference, k, "evaluation preference")
            except ValueError as error:
                raise UsageError(f"benchmark {self.name}: {error}") from error

    @property
    def n_objectives(self) -> int:
        """K."""
        return len(self.rewards)

    @property
    def evaluated(self) -> tuple[str, ...]:
        """The prompts that results are measured on."""
        return self.evaluation_prompts or self.prompts

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what makes results comparable; recipe and budget are not in it, they are part of the result."""
        definition: dict[str, Any] = {
            "name": self.name,
            "backbone": self.backbone.describe(),
            "prompts": self.prompts,
            "rewards": [_reward_definition(reward) for reward in self.rewards],
            "held_out": [_reward_definition(reward) for reward in self.held_out],
            "reference_point": self.reference_point,
            "bounds": self.bounds,
            "evaluation": [self.evaluation.preferences, self.evaluation.samples, self.evaluation.steps],
            "shift": self.evaluation.shift,
        }
        if self.evaluation_prompts:
            definition["evaluation_prompts"] = self.evaluation_prompts
        if self.features is not None:
            definition["features"] = dict(self.features.describe())
        return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()

    def record(self, also: Sequence[Sequence[float]] = ()) -> BenchmarkRecord:
        """Return what a `run.json` says of this benchmark.

        The true front is given at the sweep's preferences, at those in `also`, and for K = 2 densely enough to draw.
        """
        front = None
        if self.true_front is not None:
            wanted = [*self.evaluation.preferences, *map(tuple, also)]
            wanted += [tuple(row) for row in lattice(2, 40).tolist()] if self.n_objectives == 2 else []
            distinct = np.unique(np.round(np.asarray(wanted, dtype=np.float64), 12), axis=0)[::-1]
            front = FrontRecord(preferences=distinct.tolist(), points=self.true_front.points(distinct).tolist())
        return BenchmarkRecord(
            name=self.name,
            hash=self.fingerprint,
            rewards=[_reward_record(reward) for reward in self.rewards],
            held_out=[_reward_record(reward) for reward in self.held_out],
            reference_point=list(self.reference_point),
            bounds=list(self.bounds),
            true_front=front,
            true_hypervolume=self.true_hypervolume,
            true_hypervolume_error=self.true_hypervolume_error,
        )


def _reward_record(reward: Reward) -> RewardRecord:
    return RewardRecord(
        name=reward.name, unit=reward.unit, higher_is_better=reward.higher_is_better, range=reward.range
    )


def _reward_definition(reward: Reward) -> dict[str, Any]:
    return {**_reward_record(reward).model_dump(mode="json"), "definition": dict(reward.describe())}


@dataclass(frozen=True)
class Suite:
    """Benchmarks that are run together, the methods compared on them, and the default seeds.

    `methods` are run where none is named, on the benchmarks in `only` just those named there. `conditions` are fields
    that every method has alike here, also one from outside, unless its own class sets them. `study` is a measurement
    that needs no training: it runs before the trainings, writes a file into the suite's folder unless that is there
    already, and returns its path.
    """

    name: str
    benchmarks: tuple[Benchmark, ...]
    methods: Mapping[str, Method] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0, 1, 2)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    study: Callable[[Path], Path] | None = None
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
