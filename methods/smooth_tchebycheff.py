"""Separately trained models, one a trade-off, by smooth Tchebycheff scalarization."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from methods.base import Weighting
from methods.fixed_weights import FixedWeights
from methods.weightings.tchebycheff import SmoothTchebycheffWeighting


@dataclass(frozen=True, kw_only=True)
class SmoothTchebycheff(FixedWeights):
    """Fixed weights on reward regrets: linear weights cannot reach the dents of a front, Tchebycheff weights can.

    The smoothing is a field of the weighting.

    Source: smooth Tchebycheff scalarization (arXiv 2402.19078) in place of linear weights, on DiffusionNFT losses.
    """

    paper: ClassVar[str] = "smooth Tchebycheff scalarization (arXiv 2402.19078), one training per trade-off"
    weighting: Weighting = field(default_factory=SmoothTchebycheffWeighting)

    def weighting_for(self, weights: tuple[float, ...] | None) -> Weighting:
        """Return the weighting of one of the models."""
        if not isinstance(self.weighting, SmoothTchebycheffWeighting):
            raise ValueError(f"weighting must be a SmoothTchebycheffWeighting, found {self.weighting}")
        return replace(self.weighting, weights_of=weights)
