"""A front from interpolated weights of specialists."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from methods.base import Model, Weighting
from methods.nft_method import NFTMethod
from methods.weightings.fixed import FixedWeighting


@dataclass(frozen=True, kw_only=True)
class RewardedSoup(NFTMethod):
    """One specialist a reward; at preference w the model is the w-weighted mean of their weights.

    The specialists share the budget of one model and start from the same weights with the same noise. Interpolating
    costs no training.

    Source: Rewarded soups (arXiv 2306.04488) on DiffusionNFT specialists.
    """

    paper: ClassVar[str] = "Rewarded soups (arXiv 2306.04488), on DiffusionNFT specialists"
    interpolates: ClassVar[bool] = True
    weighting: Weighting = field(default_factory=FixedWeighting)

    def models(self, n_objectives: int) -> tuple[Model, ...]:
        """Return one specialist a reward."""
        corners = [tuple(float(i == k) for i in range(n_objectives)) for k in range(n_objectives)]
        share = self.budget_share / n_objectives
        return tuple(Model(replace(self, weighting=FixedWeighting(c), budget_share=share), c) for c in corners)
