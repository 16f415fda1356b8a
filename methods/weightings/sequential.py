"""One objective after the other."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from methods.base import Batch, State, Weighting


@dataclass(frozen=True)
class SequentialWeighting(Weighting):
    """Weight 1 on one objective at a time, in stages of equal length.

    Attributes:
        order: Objectives in the order of their stages; None takes them as they are listed.
    """

    order: tuple[int, ...] | None = None

    @property
    def needs_gradients(self) -> bool:
        """False: the weights are known before."""
        return False

    def validate(self, n_objectives: int) -> None:
        """Raise ValueError if the order names an objective that does not exist."""
        if self.order is not None and (not self.order or not set(self.order) <= set(range(n_objectives))):
            raise ValueError(f"order must list objectives in 0..{n_objectives - 1}, found {self.order}")

    def init(self, n_objectives: int, n_updates: int) -> State:
        """Return the update to come and their planned number."""
        return {"updates": torch.zeros((), dtype=torch.int64), "planned": torch.tensor(n_updates)}

    def weights(self, batch: Batch, state: State) -> Tensor:
        """Return the stage's weights [K]."""
        return self._one_hot(batch.n_objectives, state).to(batch.rewards)

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the stage's weights whatever the Gramian is."""
        return self._one_hot(len(gramian), state).to(gramian), state

    def after(self, state: State, metrics: Mapping[str, float]) -> State:
        """Return the state one update later."""
        return {**state, "updates": state["updates"] + 1}

    def _one_hot(self, k: int, state: State) -> Tensor:
        order = tuple(range(k)) if self.order is None else self.order
        stage = min(int(state["updates"]) * len(order) // max(int(state["planned"]), 1), len(order) - 1)
        return torch.nn.functional.one_hot(torch.tensor(order[stage]), k).double()
