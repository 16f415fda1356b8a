"""The same weights for every sample."""

from dataclasses import dataclass

from torch import Tensor

from methods.base import Batch, State, Weighting
from methods.preferences import check_preference


@dataclass(frozen=True)
class FixedWeighting(Weighting):
    """Weights [K] on the simplex; None stands for equal weights."""

    weights_of: tuple[float, ...] | None = None

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
        return batch.rewards.new_tensor(self.weights_of if self.weights_of is not None else (1 / k,) * k)

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the weights whatever the Gramian is."""
        k = gramian.shape[0]
        return gramian.new_tensor(self.weights_of if self.weights_of is not None else (1 / k,) * k), state
