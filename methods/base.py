"""The vocabulary every method speaks: backbone, rollout, batch, terms, step, and the bundle that is a method.

Symbols of the shapes: B rollouts, N points where a loss is evaluated, K objectives (rewards), M branches, P
trainable parameters. One convention everywhere: sigma 1 is noise and 0 is data, x = (1 - sigma) clean + sigma noise,
velocity = noise - clean. No model, file, device count or logger is known here.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import UnionType
from typing import ClassVar, Protocol, Self, runtime_checkable

import torch
from torch import Generator, Tensor

from methods.snapshots import SnapshotSchedule

State = Mapping[str, Tensor]
"""What a weighting carries from step to step; a value that goes in and comes out and is saved as it is."""


class Condition(Protocol):
    """What a backbone made of prompts; row i belongs to prompt i. Opaque to methods but for taking rows."""

    def rows(self, index: Tensor) -> Self:
        """Return the condition whose row j is row index[j] of this one; index [N], repeats allowed."""
        ...


class Snapshots(Protocol):
    """Named copies of the trainable weights: `current` (in training), `old`, `evaluation`, `reference` (initial)."""

    def using(self, name: str) -> AbstractContextManager[None]:
        """Run the block with the named weights in place. Never between a forward pass and its backward pass."""
        ...

    def blend(self, name: str, decay: float) -> None:
        """Set the named weights to decay * themselves + (1 - decay) * current."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return all weights by name, the current ones among them."""
        ...

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned."""
        ...


class Backbone(Protocol):
    """A velocity field with trainable parameters; foreign conventions are translated inside and nowhere else."""

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """The named weight snapshots."""
        ...

    def encode(self, prompts: Sequence[str]) -> Condition:
        """Return the condition of prompts, one row each."""
        ...

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition, preference: Tensor | None = None) -> Tensor:
        """Return the velocity [B, ...] at x [B, ...], sigma [B] in (0, 1], under preference [B, K] or none."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Return the samples that rewards see, from clean latents [B, ...]."""
        ...

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return the trainable parameters."""
        ...


class Draws(Protocol):
    """Random numbers of one step, keyed by (seed, purpose, prompt, ordinal): the same under every method."""

    @property
    def n_prompts(self) -> int:
        """Prompts of the step; the rollouts of a batch are split evenly over them, in order."""
        ...

    def generators(self, purpose: str) -> Iterator[Generator]:
        """Yield one seeded generator per prompt of the step. Use each before asking for the next."""
        ...

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Return standard normal numbers [prompts, *shape]."""
        ...

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Return uniform numbers [prompts, *shape] in [0, 1)."""
        ...


@dataclass(frozen=True)
class Rollout:
    """Trajectories of the sampling policy, from noise to data.

    `clean` [B, ...]; `sigmas` [S+1] from 1 to 0; `path` [S+1, B, ...] and `log_probs` [S, B] only where asked for.
    """

    clean: Tensor
    sigmas: Tensor
    path: Tensor | None = None
    log_probs: Tensor | None = None


@dataclass(frozen=True)
class Batch:
    """What one training step learns from, rows ordered by prompt.

    `groups` [B] numbers the groups in which rewards are compared (one prompt, or one prompt and preference slot);
    `preferences` [B, K] on the simplex or None; `rewards` [B, K], of which more is always better, with NaN where a
    reward does not apply to a prompt.
    """

    rollout: Rollout
    condition: Condition
    groups: Tensor
    preferences: Tensor | None
    rewards: Tensor

    @property
    def n_objectives(self) -> int:
        """K."""
        return self.rewards.shape[1]


@dataclass(frozen=True)
class Points:
    """Where a loss is evaluated: pairs of a rollout and a noise level.

    `rollout` [N] is the row in the batch, `step` [N] the index into its sigmas, `sigma` [N], `x` [N, ...] the network's
    input, `target` [N, ...] what its prediction is compared with (for NFT the clean latent).
    """

    rollout: Tensor
    step: Tensor
    sigma: Tensor
    x: Tensor
    target: Tensor
    condition: Condition
    preferences: Tensor | None

    def __len__(self) -> int:
        """N."""
        return self.sigma.shape[0]

    def rows(self, index: Tensor) -> "Points":
        """Return the points at `index` [n]."""
        return Points(
            self.rollout[index],
            self.step[index],
            self.sigma[index],
            self.x[index],
            self.target[index],
            self.condition.rows(index),
            None if self.preferences is None else self.preferences[index],
        )


@dataclass(frozen=True)
class Terms:
    """The K losses of each point, through the only numbers by which the network reaches them.

    `branches` [N, M] carries the gradient; `coefficients` [N, K, M] is the derivative of loss k with respect to each
    branch, detached; `anchor` [N] is the regularizer that no reward weights, or None where it is switched off.
    """

    branches: Tensor
    coefficients: Tensor
    anchor: Tensor | None


@dataclass(frozen=True)
class Step:
    """What an update did.

    `weights` [K] (the mean over samples where each has its own), the `gramian` [K, K] of the K gradients where it was
    measured, and named numbers for the record.
    """

    weights: Tensor
    gramian: Tensor | None
    scalars: Mapping[str, float]


@runtime_checkable
class Objective(Protocol):
    """Turns a batch into terms; knows nothing of how rewards are traded off."""

    def points(self, batch: Batch, draws: Draws) -> Points:
        """Return the points of a step, those of one rollout side by side, as many for each."""
        ...

    def terms(self, backbone: Backbone, points: Points, advantages: Tensor, *, anchored: bool) -> Terms:
        """Return the terms at `points` (N) for `advantages` [N, K]; with the anchor if `anchored`."""
        ...

    def points_per_rollout(self, n_sigmas: int) -> int:
        """Return how many points a rollout of `n_sigmas` steps gives."""
        ...

    def passes(self, *, anchored: bool) -> int:
        """Return the velocity evaluations a point costs."""
        ...


@runtime_checkable
class Weighting(Protocol):
    """Says how K losses become one update; knows nothing of diffusion."""

    def validate(self, n_objectives: int) -> None:
        """Raise ValueError if the weighting cannot serve K objectives."""
        ...

    def init(self, n_objectives: int) -> State:
        """Return the state before the first step."""
        ...

    def weights(self, batch: Batch, state: State) -> Tensor | None:
        """Return weights [K] or [B, K], or None: "I need the gradients", and `solve` is called with the Gramian."""
        ...

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        """Return weights [K] for a Gramian [K, K] of the K gradients, and the new state."""
        ...


@runtime_checkable
class AdvantageEstimator(Protocol):
    """Turns rewards into advantages."""

    @property
    def mixes(self) -> bool:
        """Whether the K advantages of a sample are one and the same mix of its rewards."""
        ...

    def __call__(self, rewards: Tensor, groups: Tensor, weights: Tensor | None) -> Tensor:
        """Return advantages [B, K] for rewards [B, K] (NaN = does not apply, advantage 0) and groups [B].

        `weights` [B, K] is what the weighting answered, for estimators that mix rewards before they normalize.
        """
        ...


@runtime_checkable
class PreferenceDistribution(Protocol):
    """A distribution on the simplex of preferences."""

    def draw(self, generator: Generator, n: int, n_objectives: int) -> Tensor:
        """Return n preferences [n, K], rows non-negative and summing to 1."""
        ...


def per_row(values: Tensor, like: Tensor) -> Tensor:
    """Return one number a row [B] or [1], in the dtype of x [B, ...] and shaped to multiply it.

    Example:
        >>> (per_row(torch.tensor([1.0, 2.0]), torch.ones(2, 3)) * torch.ones(2, 3)).tolist()
        [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    values = values.to(like.dtype)
    return values if len(values) == 1 else values.reshape(-1, *[1] * (like.ndim - 1))


@dataclass(frozen=True)
class Transition:
    """One step of a sampler: the Gaussian of the next latent, `mean` [B, ...] and `std` [B] or [1] (0 = deterministic).

    `history` is what a multistep solver needs at the next step; None for all others.
    """

    mean: Tensor
    std: Tensor
    history: tuple[Tensor, Tensor] | None = None


@runtime_checkable
class Sampler(Protocol):
    """A frozen rule that leads from one noise level to the next."""

    def transition(
        self,
        x: Tensor,
        velocity: Tensor,
        sigma: Tensor,
        sigma_next: Tensor,
        history: tuple[Tensor, Tensor] | None = None,
    ) -> Transition:
        """Return the transition from x [B, ...] at sigma to sigma_next, with the velocity [B, ...] at x.

        Both levels are [B], or [1] where all rows share them; std has their shape.
        """
        ...


def _kind_name(kind: type | UnionType) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


_PARTS: tuple[tuple[str, type | UnionType], ...] = (
    ("objective", Objective),
    ("weighting", Weighting),
    ("advantages", AdvantageEstimator),
    ("preferences", PreferenceDistribution | None),
    ("snapshots", SnapshotSchedule),
    ("sampler", Sampler),
)


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method is a frozen bundle of these parts; a named method is a subclass that only gives them values.

    Attributes:
        objective: How rollouts and advantages become losses.
        weighting: How K losses become one update.
        advantages: How rewards become advantages.
        preferences: What the model is conditioned on in training; None trains a model without preferences.
        slots: Preference slots per prompt: its rollouts are split evenly over this many drawn preferences, and each
            (prompt, slot) is a group of its own.
        snapshots: How the old and the evaluation weights follow the trained ones.
        sampler: The rule that rollouts of training use.
        anchor: Weight of the objective's anchor to the reference weights, >= 0; 0 switches it off and saves its pass.
        budget_share: Share of the benchmark's budget that each trained model gets, in (0, 1].
    """

    paper: ClassVar[str]
    objective: Objective
    weighting: Weighting
    advantages: AdvantageEstimator
    preferences: PreferenceDistribution | None
    slots: int
    snapshots: SnapshotSchedule
    sampler: Sampler
    anchor: float
    budget_share: float

    def __post_init__(self) -> None:
        """Check the numbers that no part checks for itself."""
        for name, kind in _PARTS:
            if not isinstance(vars(self)[name], kind):
                raise TypeError(f"{name} must be {_kind_name(kind)}, found {type(vars(self)[name]).__name__}")
        if not 0 <= self.anchor < math.inf:
            raise ValueError(f"anchor must be finite and >= 0, found {self.anchor}")
        if not 0 < self.budget_share <= 1:
            raise ValueError(f"budget_share must be in (0, 1], found {self.budget_share}")
        if self.slots < 1:
            raise ValueError(f"slots must be >= 1, found {self.slots}")
        if self.preferences is None and self.slots != 1:
            raise ValueError(f"slots must be 1 for a method without preferences, found {self.slots}")

    def validate(self, n_objectives: int, group_size: int) -> None:
        """Raise ValueError if the method cannot be trained on K objectives with groups of this size."""
        self.weighting.validate(n_objectives)
        if group_size % self.slots or group_size // self.slots < 2:
            raise ValueError(
                f"slots must divide the group size and leave at least 2 rollouts a slot, "
                f"found {self.slots} slots for {group_size} rollouts"
            )

    def models(self, n_objectives: int) -> "tuple[Model, ...]":
        """Return the models that make up this method's front; one unless a method needs several trainings."""
        return (Model(self, None if self.preferences is not None else (1 / n_objectives,) * n_objectives),)


@dataclass(frozen=True)
class Model:
    """One training of a method: the bundle it runs with, and the preference [K] its result stands for.

    `preference` is None for a model that takes the preference as an input and is evaluated on a whole sweep.
    """

    method: Method
    preference: tuple[float, ...] | None
