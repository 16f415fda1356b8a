"""Early scalarization: a fixed weighted sum of the raw rewards."""

from dataclasses import dataclass, field

from methods.advantages import RawMixture
from methods.base import AdvantageEstimator
from methods.fixed_weights import FixedWeights


@dataclass(frozen=True, kw_only=True)
class WeightedSumRaw(FixedWeights):
    """Fixed weights that mix raw rewards before normalizing: the reward of the largest scale decides.

    Source: the multi-reward recipe of DiffusionNFT's released code (group mean, batch standard deviation).
    """

    advantages: AdvantageEstimator = field(default_factory=RawMixture)
