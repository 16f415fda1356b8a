"""One model on one of the rewards."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from methods.advantages import GroupNormalized
from methods.base import AdvantageEstimator, Method, Model, Weighting
from methods.nft_method import NFTMethod
from methods.weightings.fixed import FixedWeighting


@dataclass(frozen=True, kw_only=True)
class NFTSingle(NFTMethod):
    """DiffusionNFT on a single reward, whatever the others do: the specialist that multi-reward methods are held to.

    Attributes:
        reward: Number of the reward, from 0.

    Source: DiffusionNFT (arXiv 2509.16117), with its standard deviation over the whole batch.
    """

    paper: ClassVar[str] = "DiffusionNFT (arXiv 2509.16117)"
    weighting: Weighting = field(default_factory=FixedWeighting)
    advantages: AdvantageEstimator = field(default_factory=lambda: GroupNormalized(over_batch=True))
    reward: int = 0

    def __post_init__(self) -> None:
        """Check the numbers of this class, then those of every method."""
        Method.__post_init__(self)
        if self.reward < 0:
            raise ValueError(f"reward must be >= 0, found {self.reward}")

    def validate(self, n_objectives: int, group_size: int) -> None:
        """Raise ValueError if there is no such reward or a group is too small."""
        if self.reward >= n_objectives:
            raise ValueError(f"reward must be in 0..{n_objectives - 1}, found {self.reward}")
        Method.validate(self, n_objectives, group_size)

    def models(self, n_objectives: int) -> tuple[Model, ...]:
        """Return the one model, which stands for the corner of its reward."""
        corner = tuple(float(k == self.reward) for k in range(n_objectives))
        return (Model(replace(self, weighting=FixedWeighting(corner)), corner),)
