"""The baseline: one model for each of several fixed trade-offs."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from methods.base import Method, Model, Weighting
from methods.nft_method import NFTMethod
from methods.preferences import check_preference, trade_offs
from methods.weightings.fixed import FixedWeighting


@dataclass(frozen=True, kw_only=True)
class FixedWeights(NFTMethod):
    """Separately trained models, one a weight vector, on per-reward normalized advantages.

    The weight vectors are the coarsest simplex lattice with at least `n_models` points and its center (K = 2: 5 evenly
    spaced ones; K = 3: the corners, the edges' middles and the center; K = 5: the corners and the center), or the
    single vector `weights`. By default the models share the budget that a method with one model has for itself;
    `budget_per_model` sets the share of each.

    Source: the fixed trade-off baseline of ParetoSlider (arXiv 2604.20816) on the DiffusionNFT loss.
    """

    paper: ClassVar[str] = "DiffusionNFT (arXiv 2509.16117), one training per trade-off"
    weighting: Weighting = field(default_factory=FixedWeighting)
    n_models: int = 5
    weights: tuple[float, ...] | None = None
    budget_per_model: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers of this class, then those of every method."""
        Method.__post_init__(self)
        if self.n_models < 1:
            raise ValueError(f"n_models must be >= 1, found {self.n_models}")
        if self.budget_per_model is not None and not 0 < self.budget_per_model <= 1:
            raise ValueError(f"budget_per_model must be in (0, 1], found {self.budget_per_model}")
        if self.weights is not None:
            check_preference(self.weights, len(self.weights), "weights")
        if self.weighting not in (self.weighting_for(None), self.weighting_for(self.weights)):
            raise ValueError(f"weighting follows from weights, which should be set instead, found {self.weighting}")
        if self.preferences is not None:
            raise ValueError(f"preferences must be None for models of fixed weights, found {self.preferences}")

    def validate(self, n_objectives: int, group_size: int) -> None:
        """Raise ValueError if the weights do not fit K objectives or a group is too small."""
        if self.weights is not None:
            check_preference(self.weights, n_objectives, "weights")
        Method.validate(self, n_objectives, group_size)

    def weighting_for(self, weights: tuple[float, ...] | None) -> Weighting:
        """Return the weighting of one of the models."""
        return FixedWeighting(weights)

    def models(self, n_objectives: int) -> tuple[Model, ...]:
        """Return one model a weight vector."""
        if self.weights is not None:
            vectors = [tuple(self.weights)]
        else:
            rows = trade_offs(n_objectives, 1 if n_objectives == 1 else self.n_models).tolist()
            vectors = [tuple(row) for row in rows]
        share = self.budget_per_model if self.budget_per_model is not None else self.budget_share / len(vectors)
        return tuple(
            Model(replace(self, weighting=self.weighting_for(vector), weights=vector, budget_share=share), vector)
            for vector in vectors
        )
