"""One model by centered reward distillation."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.advantages import GroupNormalized
from methods.base import AdvantageEstimator, Objective, Sampler, Weighting
from methods.nft_method import NFTMethod
from methods.objectives.crd import CRD
from methods.samplers.ode import ODE
from methods.snapshots import LinearDecay, SnapshotSchedule
from methods.weightings.fixed import FixedWeighting


def _decoupled() -> SnapshotSchedule:
    return SnapshotSchedule(old=LinearDecay(0, 0.005, 0.999, 0.25), sampling=LinearDecay(75, 0.0075, 0.999))


@dataclass(frozen=True, kw_only=True)
class CenteredRewardDistillation(NFTMethod):
    """CRD: regress centered implicit rewards on centered rewards, with decoupled snapshots and a guided anchor.

    With several rewards each has its own regression, weighted equally.

    Source: CRD (arXiv 2603.14128) with the defaults of the trainer its first author contributed to Flow-Factory; see
    `methods.objectives.crd` for what the paper leaves open.
    """

    paper: ClassVar[str] = "CRD (arXiv 2603.14128)"
    objective: Objective = field(default_factory=CRD)
    weighting: Weighting = field(default_factory=FixedWeighting)
    advantages: AdvantageEstimator = field(default_factory=lambda: GroupNormalized(over_batch=True))
    updates: int = 2
    snapshots: SnapshotSchedule = field(default_factory=_decoupled)
    sampler: Sampler = field(default_factory=ODE)
    anchor: float = 0.1
