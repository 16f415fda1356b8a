"""One model on all rewards, their gradients combined by a rule of the multi-task literature."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.base import Weighting
from methods.nft_method import NFTMethod
from methods.weightings.aggregator import AggregatorWeighting


@dataclass(frozen=True, kw_only=True)
class Aggregated(NFTMethod):
    """A TorchJD rule on the K gradients; `weighting.rule` is pcgrad, imtl_g, upgrad, cagrad, nash_mtl, ..."""

    paper: ClassVar[str] = "TorchJD (arXiv 2406.16232) and the papers of its rules, on DiffusionNFT losses"
    weighting: Weighting = field(default_factory=AggregatorWeighting)
