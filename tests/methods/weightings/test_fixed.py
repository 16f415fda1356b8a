import pytest
import torch

from methods.weightings.fixed import FixedWeighting
from tests.methods.stubs import make_batch
from tests.support.properties import assert_frozen, unchanged


@pytest.mark.parametrize("k", [1, 2, 5])
def test_no_weights_stand_for_equal_weights(k: int) -> None:
    weighting = FixedWeighting()
    weighting.validate(k)
    found = weighting.weights(make_batch(torch.zeros(4, k)), weighting.init(k, 10))
    torch.testing.assert_close(found, torch.full((k,), 1 / k))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_given_weights_are_answered_in_the_dtype_of_the_rewards(dtype: torch.dtype) -> None:
    weighting = FixedWeighting((0.25, 0.75))
    batch = make_batch(torch.zeros(4, 2, dtype=dtype))
    with unchanged(batch):
        found = weighting.weights(batch, {})
    assert found.dtype == dtype
    assert found.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(("given", "expected"), [((0.25, 0.75), [0.25, 0.75]), (None, [0.5, 0.5])])
def test_solve_does_not_look_at_the_gramian(given: tuple[float, ...] | None, expected: list[float]) -> None:
    gramian, state = torch.tensor([[4.0, -1.0], [-1.0, 9.0]], dtype=torch.float64), {"kept": torch.ones(1)}
    with unchanged(gramian, state):
        weights, after = FixedWeighting(given).solve(gramian, state)
    assert weights.tolist() == expected
    assert weights.dtype == torch.float64
    assert after == state


@pytest.mark.parametrize("weights", [(0.5, 0.6), (1.0,), (-0.5, 1.5)])
def test_weights_off_the_simplex_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="weights must"):
        FixedWeighting(weights).validate(2)


def test_frozen_and_without_state() -> None:
    assert_frozen(FixedWeighting())
    assert FixedWeighting().init(3, 10) == {}
