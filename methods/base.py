"""The vocabulary every method speaks: backbone, rollout, batch, terms, step, and the bundle that is a method.

Symbols of the shapes: B rollouts, N points where a loss is evaluated, K objectives (rewards), M branches, P
trainable parameters. One convention everywhere: sigma 1 is noise and 0 is data, x = (1 - sigma) clean + sigma noise,
velocity = noise - clean. No model, file, device count or logger is known here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor

from methods.backbone import Backbone, Condition, Draws, Snapshots
from methods.snapshots import SnapshotSchedule
from methods.transition import Sampler, Transition, per_row

__all__ = [
    "AdvantageEstimator",
    "Backbone",
    "Batch",
    "Condition",
    "Draws",
    "Exploration",
    "Method",
    "Model",
    "Objective",
    "Points",
    "PreferenceDistribution",
    "Rollout",
    "Sampler",
    "Snapshots",
    "State",
    "Step",
    "Terms",
    "Transition",
    "Weighting",
    "per_row",
]

State = Mapping[str, Tensor]
"""What a weighting carries from step to step; a value that goes in and comes out and is saved as it is."""


@dataclass(frozen=True)
class Rollout:
    """Trajectories of the sampling policy, from noise to data.

    `clean` [B, ...]; `sigmas` [S+1] from 1 to 0. Only where an objective asked for them: the states `path`
    [S+1, B, ...], the transitions' `means` [S, B, ...] and `stds` [S] (0 = deterministic), and the `sampler`.
    """

    clean: Tensor
    sigmas: Tensor
    path: Tensor | None = None
    means: Tensor | None = None
    stds: Tensor | None = None
    sampler: Sampler | None = None


@dataclass(frozen=True)
class Exploration:
    """What an objective asks of the rollouts it learns from; the trajectories are then kept.

    `noisy` [S] says at which steps the sampler adds its noise; the others are steps of the ODE. With `shared_start`
    the rollouts of a prompt begin at one and the same noise.
    """

    noisy: Tensor
    shared_start: bool


@dataclass(frozen=True)
class Batch:
    """What one training step learns from, rows ordered by prompt.

    `groups` [B] numbers the groups in which rewards are compared (one prompt, or one prompt and preference slot);
    `preferences` [B, K] on the simplex or None; `rewards` [B, K], of which more is always better, with NaN where a
    reward does not apply to a prompt; `bounds` [2, K] the benchmark's worst and best value of each, in the same sense.
    `unconditional` is the condition of the empty prompt, one row, where an objective asked for it. `counted` [B, J]
    says which samples count in which of the J losses of an update, where that is not simply where rewards apply.
    """

    rollout: Rollout
    condition: Condition
    groups: Tensor
    preferences: Tensor | None
    rewards: Tensor
    bounds: Tensor | None = None
    unconditional: Condition | None = None
    counted: Tensor | None = None

    @property
    def n_objectives(self) -> int:
        """K."""
        return self.rewards.shape[1]

    def counts(self, n_losses: int) -> Tensor:
        """Return which samples count in each of J losses [B, J]; by default loss j is about objective j mod K."""
        if self.counted is not None:
            return self.counted
        return self.rewards.isfinite()[:, torch.arange(n_losses, device=self.rewards.device) % self.n_objectives]

    def normalized_rewards(self) -> Tensor:
        """Return the rewards between their bounds, 0 the worst and 1 the best, clipped [B, K]; NaN stays.

        Raises:
            ValueError: If the batch has no bounds.
        """
        if self.bounds is None:
            raise ValueError("normalized rewards need the benchmark's bounds, found a batch without them")
        worst, best = self.bounds.to(self.rewards).unbind()
        return torch.clamp((self.rewards - worst) / (best - worst), 0, 1)


@dataclass(frozen=True)
class Points:
    """Where a loss is evaluated: pairs of a rollout and a noise level.

    `rollout` [N] is the row in the batch, `step` [N] the index into its sigmas, `sigma` [N], `x` [N, ...] the network's
    input, `target` [N, ...] what its prediction is compared with (NFT: the clean latent; CRD: the velocity that leads
    there; GRPO: the state that followed). `sets` [N] never falls and numbers the points whose losses depend on each
    other, which must stay in one micro-batch; None where each point stands alone.
    """

    rollout: Tensor
    step: Tensor
    sigma: Tensor
    x: Tensor
    target: Tensor
    condition: Condition
    preferences: Tensor | None
    sets: Tensor | None = None

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
            None if self.sets is None else self.sets[index],
        )


@dataclass(frozen=True)
class Terms:
    """The losses of each point, through the only numbers by which the network reaches them.

    `branches` [N, M] carries the gradient; `coefficients` [N, J, M] is the derivative of loss j with respect to each
    branch, detached, so that M backward passes give the gradients of any number of losses; `losses` [N, J] are their
    values, detached; `anchor` [N] is the regularizer that no reward weights, or None where it is switched off.
    `metrics` are numbers for the record, means over these points.
    """

    branches: Tensor
    coefficients: Tensor
    losses: Tensor
    anchor: Tensor | None
    metrics: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What an update did.

    `weights` [K] (the mean over samples where each has its own), the `gramians` measured by part of the network or of
    the noise levels ("all" is the whole; [K+1, K+1], the last row and column being the update without its anchor; empty
    on most steps), named numbers for the record, and named numbers for each objective [K].
    """

    weights: Tensor
    gramians: Mapping[str, Tensor]
    scalars: Mapping[str, float]
    by_objective: Mapping[str, Tensor] = field(default_factory=dict)


@runtime_checkable
class Objective(Protocol):
    """Turns a batch into terms; knows nothing of how rewards are traded off."""

    def validate(self, sampler: Sampler) -> None:
        """Raise ValueError if the objective cannot learn from this sampler's rollouts."""
        assert isinstance(sampler, Sampler)

    def exploration(self, n_sigmas: int, draws: Draws) -> Exploration | None:
        """Return what the rollouts of a step must be like, or None: clean samples are all that is needed."""
        return None

    @property
    def guided(self) -> bool:
        """Whether `Batch.unconditional` is needed."""
        return False

    def points(self, batch: Batch, draws: Draws) -> Points:
        """Return the points of a step, as many for each rollout."""
        ...

    def terms(self, backbone: Backbone, batch: Batch, points: Points, advantages: Tensor, *, anchored: bool) -> Terms:
        """Return the terms at `points` (N, of `batch`); with the anchor if `anchored`.

        `advantages` [N, J] has the K columns of the update first, and may have more, for measurements.
        """
        ...

    def points_per_rollout(self, n_sigmas: int) -> int:
        """Return how many points a rollout of `n_sigmas` steps gives."""
        ...

    def passes(self, *, anchored: bool) -> int:
        """Return the velocity evaluations a point costs."""
        ...


@runtime_checkable
class Weighting(Protocol):
    """Says how K losses become one update; knows nothing of diffusion. Only `solve` has no default."""

    @property
    def needs_gradients(self) -> bool:
        """Whether `weights` may answer None."""
        return True

    def validate(self, n_objectives: int) -> None:
        """Raise ValueError if the weighting cannot serve K objectives."""
        assert n_objectives >= 1

    def init(self, n_objectives: int, n_updates: int) -> State:
        """Return the state before the first of `n_updates` updates."""
        return {}

    def weights(self, batch: Batch, state: State) -> Tensor | None:
        """Return weights [K] or [B, K], or None: "I need the gradients", and `solve` is called with the Gramian."""
        return None

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        """Return weights [K] for a finite Gramian [K, K] of the K gradients, and the new state."""
        ...

    def after(self, state: State, metrics: Mapping[str, float]) -> State:
        """Return the state after an update, of which the objective reported `metrics`."""
        return state

    def report(self, state: State) -> Mapping[str, Tensor]:
        """Return what the record should show: vectors [K] and single numbers []."""
        return {}


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

    `interpolates` marks a class whose front is made of interpolations of its models' weights, at the sweep's
    preferences, model k standing for objective k.

    Attributes:
        objective: How rollouts and advantages become losses.
        weighting: How K losses become one update.
        advantages: How rewards become advantages.
        preferences: What the model is conditioned on in training; None trains a model without preferences.
        updates: Optimizer steps a training step: its prompts are split into that many parts, whole groups together.
        slots: Preference slots per prompt: its rollouts are split evenly over this many drawn preferences, and each
            (prompt, slot) is a group of its own.
        snapshots: How the old and the evaluation weights follow the trained ones.
        sampler: The rule that rollouts of training use.
        anchor: Weight of the objective's anchor to the reference weights, >= 0; 0 switches it off and saves its pass.
        budget_share: Share of the benchmark's budget that each trained model gets, in (0, 1].
    """

    paper: ClassVar[str]
    interpolates: ClassVar[bool] = False
    objective: Objective
    weighting: Weighting
    advantages: AdvantageEstimator
    preferences: PreferenceDistribution | None
    updates: int
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
        if self.updates < 1:
            raise ValueError(f"updates must be >= 1, found {self.updates}")
        if self.slots < 1:
            raise ValueError(f"slots must be >= 1, found {self.slots}")
        if self.preferences is None and self.slots != 1:
            raise ValueError(f"slots must be 1 for a method without preferences, found {self.slots}")

    def validate(self, n_objectives: int, group_size: int) -> None:
        """Raise ValueError if the method cannot be trained on K objectives with groups of this size."""
        self.weighting.validate(n_objectives)
        self.objective.validate(self.sampler)
        if self.advantages.mixes and self.weighting.needs_gradients:
            raise ValueError(
                f"{type(self.advantages).__name__} mixes rewards before the gradient and needs weights, found "
                f"{type(self.weighting).__name__}, which needs the gradients first"
            )
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
