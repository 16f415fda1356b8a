import math

import pytest
import torch

from methods.samplers.schedules import check_sigmas, shifted_sigmas


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0, 12.0])
@pytest.mark.parametrize("steps", [1, 2, 10, 40])
def test_sigmas_fall_strictly_from_one_to_zero_by_the_formula(steps: int, shift: float) -> None:
    sigmas = shifted_sigmas(steps, shift)
    assert sigmas.shape == (steps + 1,)
    assert sigmas.dtype == torch.float64
    assert (float(sigmas[0]), float(sigmas[-1])) == (1, 0)
    check_sigmas(sigmas)
    for i, sigma in enumerate(sigmas.tolist()):
        even = 1 - i / steps
        assert sigma == pytest.approx(shift * even / (1 + (shift - 1) * even), abs=1e-12)


def test_a_shift_above_one_lingers_at_noise_and_multiplies_the_odds() -> None:
    even, shifted = shifted_sigmas(10)[1:-1], shifted_sigmas(10, 3.0)[1:-1]
    assert bool((shifted > even).all())
    torch.testing.assert_close(shifted / (1 - shifted), 3 * even / (1 - even), rtol=1e-12, atol=0)


def test_the_grid_does_not_follow_the_default_dtype() -> None:
    before = torch.get_default_dtype()
    for dtype in (torch.float32, torch.float64):
        torch.set_default_dtype(dtype)
        try:
            assert shifted_sigmas(3).dtype == torch.float64
        finally:
            torch.set_default_dtype(before)


@pytest.mark.parametrize("arguments", [(0, 1.0), (4, 0.0), (4, -1.0), (4, math.nan)])
def test_other_grids_are_refused(arguments: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="shifted_sigmas"):
        shifted_sigmas(*arguments)


@pytest.mark.parametrize("sigmas", [[1.0, 0.0], [0.8, 0.3, 0.1]])
def test_check_sigmas_accepts_falling_levels(sigmas: list[float]) -> None:
    check_sigmas(torch.tensor(sigmas))


@pytest.mark.parametrize(
    "sigmas", [[1.0, 0.5, 0.5, 0.0], [0.0, 1.0], [1.1, 0.5], [1.0, -0.1], [1.0, math.nan, 0.0], [math.nan, 0.5]]
)
def test_check_sigmas_refuses_other_levels(sigmas: list[float]) -> None:
    with pytest.raises(ValueError, match="fall strictly"):
        check_sigmas(torch.tensor(sigmas))


@pytest.mark.parametrize("shape", [(1,), (0,), (2, 2), ()])
def test_check_sigmas_wants_a_vector(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="vector of at least 2"):
        check_sigmas(torch.zeros(shape))
