import pytest
import torch

from methods.weightings.preference import PreferenceWeighting
from tests.methods.stubs import make_batch, random_preferences


@pytest.mark.parametrize("k", [2, 3, 5])
def test_each_sample_is_weighted_by_its_own_preference(k: int) -> None:
    weighting, preferences = PreferenceWeighting(), random_preferences(6, k)
    weighting.validate(k)
    assert weighting.init(k, 10) == {}
    assert torch.equal(weighting.weights(make_batch(torch.zeros(6, k), preferences=preferences), {}), preferences)


def test_one_reward_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 rewards, found 1"):
        PreferenceWeighting().validate(1)


def test_a_batch_without_preferences_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a batch with preferences"):
        PreferenceWeighting().weights(make_batch(torch.zeros(4, 2)), {})


def test_no_weights_for_whole_gradients() -> None:
    with pytest.raises(ValueError, match="no weights for K gradients"):
        PreferenceWeighting().solve(torch.eye(2), {})
