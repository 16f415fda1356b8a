"""What methods on the DiffusionNFT loss have in common: its parts with its published defaults."""

from dataclasses import dataclass, field

from methods.advantages import GroupNormalized
from methods.base import AdvantageEstimator, Method, Objective, PreferenceDistribution, Sampler
from methods.objectives.nft import NFT
from methods.samplers.dpm import DPM2
from methods.snapshots import SnapshotSchedule


@dataclass(frozen=True, kw_only=True)
class NFTMethod(Method):
    """A method without preferences on the DiffusionNFT loss; a subclass says how the K losses become one update.

    Source: DiffusionNFT (arXiv 2509.16117) and its released code: rollouts by second-order DPM-Solver++, old weights
    by decay min(0.001 s, 0.5), evaluation average 0.9, anchor 1e-4. Advantages are normalized by the group's own
    standard deviation, as in MARBLE and ParetoSlider; `GroupNormalized(over_batch=True)` is DiffusionNFT's choice.
    """

    objective: Objective = field(default_factory=NFT)
    advantages: AdvantageEstimator = field(default_factory=GroupNormalized)
    preferences: PreferenceDistribution | None = None
    updates: int = 1
    slots: int = 1
    snapshots: SnapshotSchedule = field(default_factory=SnapshotSchedule)
    sampler: Sampler = field(default_factory=DPM2)
    anchor: float = 1e-4
    budget_share: float = 1.0
