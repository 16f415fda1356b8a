"""One model on one mixed advantage, each reward normalized before the mix."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.advantages import GDPO
from methods.base import AdvantageEstimator, Weighting
from methods.nft_method import NFTMethod
from methods.weightings.fixed import FixedWeighting


@dataclass(frozen=True, kw_only=True)
class GDPOMethod(NFTMethod):
    """Decoupled normalization: equal weights on per-reward advantages, the mix standardized, one DiffusionNFT loss.

    Source: GDPO as the multi-reward baseline of MARBLE and as ParetoSlider's single-loss mode.
    """

    paper: ClassVar[str] = "GDPO, as in ParetoSlider's single-loss mode (arXiv 2604.20816), on DiffusionNFT"
    weighting: Weighting = field(default_factory=FixedWeighting)
    advantages: AdvantageEstimator = field(default_factory=GDPO)
