"""One model, trained on one reward after the other."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.base import Weighting
from methods.nft_method import NFTMethod
from methods.weightings.sequential import SequentialWeighting


@dataclass(frozen=True, kw_only=True)
class Sequential(NFTMethod):
    """Stages of equal length, one reward each; what later stages do to earlier rewards is the question.

    Source: the sequential baseline of MARBLE (arXiv 2605.06507) on the DiffusionNFT loss.
    """

    paper: ClassVar[str] = "sequential baseline of MARBLE (arXiv 2605.06507), on DiffusionNFT"
    weighting: Weighting = field(default_factory=SequentialWeighting)
