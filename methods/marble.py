"""One model on all rewards, along the min-norm direction of their gradients."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.base import Weighting
from methods.nft_method import NFTMethod
from methods.weightings.min_norm import MinNormWeighting


@dataclass(frozen=True, kw_only=True)
class Marble(NFTMethod):
    """MARBLE: one DiffusionNFT loss a reward, their unit gradients balanced by the min-norm weights.

    The anchor stays outside the balance. See `MinNormWeighting` for the amortization between solves.

    Source: MARBLE (arXiv 2605.06507).
    """

    paper: ClassVar[str] = "MARBLE (arXiv 2605.06507)"
    weighting: Weighting = field(default_factory=MinNormWeighting)
