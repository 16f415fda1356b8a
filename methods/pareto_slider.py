"""One model for the whole front, steered by a preference."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.advantages import GroupNormalized
from methods.base import AdvantageEstimator, Method, Objective, PreferenceDistribution, Sampler, Weighting
from methods.objectives.nft import NFT
from methods.preferences import CornerMix
from methods.samplers.dpm import DPM2
from methods.snapshots import SnapshotSchedule
from methods.weightings.preference import PreferenceWeighting


@dataclass(frozen=True, kw_only=True)
class ParetoSlider(Method):
    """A preference-conditioned model with one DiffusionNFT loss a reward, mixed by each sample's own preference.

    Rewards are normalized within (prompt, slot): rollouts of one prompt under different preferences are different
    policies, and a shared mean would reward a preference for being easy. As the losses share their branches and a
    preference sums to 1, the mixed loss equals one loss with the mixed optimality probability: one backward pass.

    Source: ParetoSlider (arXiv 2604.20816) with the released code's preference mix, slots and beta = 1 in place of
    its preset's 0.1 (equal on-policy gradient; a wider trust region is unstable at this project's learning rates).
    """

    paper: ClassVar[str] = "ParetoSlider (arXiv 2604.20816)"
    objective: Objective = field(default_factory=NFT)
    weighting: Weighting = field(default_factory=PreferenceWeighting)
    advantages: AdvantageEstimator = field(default_factory=GroupNormalized)
    preferences: PreferenceDistribution | None = field(default_factory=CornerMix)
    slots: int = 3
    snapshots: SnapshotSchedule = field(default_factory=SnapshotSchedule)
    sampler: Sampler = field(default_factory=DPM2)
    anchor: float = 1e-4
    budget_share: float = 1.0
