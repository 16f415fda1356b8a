"""Each sample is weighted by the preference it was drawn under."""

from dataclasses import dataclass

from torch import Tensor

from methods.base import Batch, State, Weighting


@dataclass(frozen=True)
class PreferenceWeighting(Weighting):
    """Weights [B, K] = preferences [B, K]: linear scalarization, per sample, after each reward was normalized."""

    @property
    def needs_gradients(self) -> bool:
        """False: the weights are known before."""
        return False

    def validate(self, n_objectives: int) -> None:
        """Raise ValueError for a single objective, for which there is nothing to prefer."""
        if n_objectives < 2:
            raise ValueError(f"a preference needs at least 2 rewards, found {n_objectives}")

    def weights(self, batch: Batch, state: State) -> Tensor:
        """Return the preferences [B, K].

        Raises:
            ValueError: If the batch was drawn without preferences.
        """
        if batch.preferences is None:
            raise ValueError("PreferenceWeighting needs a batch with preferences, found none")
        return batch.preferences

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        """Refuse: the weights differ from sample to sample, so no K gradients can be combined by them.

        Raises:
            ValueError: Always.
        """
        raise ValueError("PreferenceWeighting weighs samples and has no weights for K gradients")
