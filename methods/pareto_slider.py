"""One model for the whole front, steered by a preference."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.base import PreferenceDistribution, Weighting
from methods.nft_method import NFTMethod
from methods.preferences import CornerMix
from methods.weightings.preference import PreferenceWeighting


@dataclass(frozen=True, kw_only=True)
class ParetoSlider(NFTMethod):
    """A preference-conditioned model with one DiffusionNFT loss a reward, mixed by each sample's own preference.

    Rewards are normalized within (prompt, slot): rollouts of one prompt under different preferences are different
    policies, and a shared mean would reward a preference for being easy. As the losses share their branches and a
    preference sums to 1, the mixed loss of a sample with all rewards equals one loss with the mixed optimality
    probability. One backward pass serves any number of rewards.

    Source: ParetoSlider (arXiv 2604.20816) with the released code's preference mix, slots and beta = 1 in place of
    its preset's 0.1 (equal on-policy gradient; a wider trust region is unstable at this project's learning rates).
    """

    paper: ClassVar[str] = "ParetoSlider (arXiv 2604.20816)"
    weighting: Weighting = field(default_factory=PreferenceWeighting)
    preferences: PreferenceDistribution | None = field(default_factory=CornerMix)
    slots: int = 3
