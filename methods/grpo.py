"""One model by clipped policy gradients on stochastic rollouts."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.advantages import GroupNormalized
from methods.base import AdvantageEstimator, Objective, Sampler, Weighting
from methods.nft_method import NFTMethod
from methods.objectives.grpo import GRPO
from methods.samplers.flow_sde import FlowSDE
from methods.snapshots import OnPolicy, SnapshotSchedule
from methods.weightings.fixed import FixedWeighting


@dataclass(frozen=True, kw_only=True)
class FlowGRPO(NFTMethod):
    """Flow-GRPO: the denoising steps are the policy's actions, and their transitions need noise.

    Any stochastic sampler will do: `FlowSDE` is Flow-GRPO's own, `DanceSDE` Dance-GRPO's, `CPS` and `Precise` those of
    their papers. Training on fewer denoising steps than evaluation takes is the paper's denoising reduction: it is the
    benchmark's `recipe.rollout_steps` against its `evaluation.steps`.

    Source: Flow-GRPO (arXiv 2505.05470), released code: two updates a batch, standard deviation over the batch,
    KL 0.04. With several rewards each has its own surrogate, weighted equally.
    """

    paper: ClassVar[str] = "Flow-GRPO (arXiv 2505.05470)"
    objective: Objective = field(default_factory=GRPO)
    weighting: Weighting = field(default_factory=FixedWeighting)
    advantages: AdvantageEstimator = field(default_factory=lambda: GroupNormalized(over_batch=True))
    updates: int = 2
    snapshots: SnapshotSchedule = field(default_factory=lambda: SnapshotSchedule(old=OnPolicy()))
    sampler: Sampler = field(default_factory=FlowSDE)
    anchor: float = 0.04
