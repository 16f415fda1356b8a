"""Smooth Tchebycheff scalarization of reward regrets: the objective that is furthest behind weighs most."""

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.base import Batch, State, Weighting
from methods.preferences import check_preference


@dataclass(frozen=True)
class SmoothTchebycheffWeighting(Weighting):
    """Weights proportional to the derivative of mu log sum_k exp(w_k regret_k / mu) with respect to the regrets.

    The regret of a reward is 1 minus its mean over the batch, scaled by the benchmark's bounds to [0, 1]. So the
    weight of objective k is w_k softmax_k(w_j regret_j / mu), made to sum to 1: the size of an update is then that of
    other scalarizations. A reward that applies to no sample of the batch gets no weight.

    Attributes:
        weights_of: Preference [K] on the simplex; None stands for equal weights.
        smoothing: mu > 0; towards 0 only the largest weighted regret counts, a large one is linear scalarization.

    Source: smooth Tchebycheff scalarization (arXiv 2402.19078). Losses of flow matching are no regrets (a larger one
    does not mean a worse reward), hence the rewards themselves.
    """

    weights_of: tuple[float, ...] | None = None
    smoothing: float = 0.1

    def __post_init__(self) -> None:
        """Check the range."""
        if not self.smoothing > 0:
            raise ValueError(f"smoothing must be > 0, found {self.smoothing}")

    @property
    def needs_gradients(self) -> bool:
        """False: the weights are known before."""
        return False

    def validate(self, n_objectives: int) -> None:
        """Raise ValueError if the weights are not on the simplex of K objectives."""
        if self.weights_of is not None:
            check_preference(self.weights_of, n_objectives, "weights")

    def weights(self, batch: Batch, state: State) -> Tensor:
        """Return the weights [K]."""
        k = batch.n_objectives
        given = batch.rewards.new_tensor(self.weights_of if self.weights_of is not None else (1 / k,) * k)
        reached = torch.nanmean(batch.normalized_rewards(), dim=0)
        applies = reached.isfinite()
        scores = torch.where(applies, given * (1 - reached) / self.smoothing, -torch.inf)
        pulled = given * torch.softmax(scores, 0)
        return pulled / pulled.sum() if bool(pulled.sum() > 0) else given

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        """Refuse: the weights follow from rewards, not from gradients.

        Raises:
            ValueError: Always.
        """
        raise ValueError("SmoothTchebycheffWeighting needs rewards and has no weights for a Gramian alone")
