"""One model on the equally weighted losses of all rewards."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.base import Weighting
from methods.nft_method import NFTMethod
from methods.weightings.fixed import FixedWeighting


@dataclass(frozen=True, kw_only=True)
class WeightedSum(NFTMethod):
    """The update (1/K) sum_k g_k: each reward normalized on its own, DiffusionNFT losses added with equal weights.

    Source: the weighted-sum direction that MARBLE (arXiv 2605.06507, Table S1) compares with.
    """

    paper: ClassVar[str] = "weighted sum of MARBLE's Table S1 (arXiv 2605.06507), on DiffusionNFT"
    weighting: Weighting = field(default_factory=FixedWeighting)
