import math

import pytest
import torch

from methods.samplers.cps import CPS
from methods.samplers.schedules import shifted_sigmas
from tests.methods.stubs import normal
from tests.support.samplers import doubles, output_variance, probed


@pytest.mark.parametrize(("eta", "limit"), [(0.3, 0.94550), (0.7, 0.72700), (0.9, 0.57822)])
@pytest.mark.parametrize("variance", [0.25, 1.0, 4.0])
def test_ever_more_steps_do_not_lead_to_the_data(eta: float, limit: float, variance: float) -> None:
    assert math.cos(eta * math.pi / 4) ** 2 == pytest.approx(limit, abs=1e-5)
    ratios = [output_variance(CPS(eta), shifted_sigmas(n), variance) / variance for n in (10_000, 100_000, 400_000)]
    gaps = [limit - ratio for ratio in ratios]
    # They shrink like N^-0.7, more slowly than the errors of a solver of first order.
    assert gaps[0] > 4 * gaps[1] > 8 * gaps[2] > 0
    assert gaps[1] < 3e-4
    assert gaps[2] < 1.2e-4


def test_the_noise_of_a_step_does_not_depend_on_its_size() -> None:
    n = doubles(0.5, 0.5, 0.5)
    std = probed(CPS(0.4), doubles(1.0, 0.6, 0.5 + 1e-9), n)[2]
    assert std.tolist() == pytest.approx([0.5 * math.sin(0.2 * math.pi)] * 3, rel=1e-14)


def test_eta_1_keeps_nothing_of_the_predicted_noise() -> None:
    x, velocity, s, n = normal(0, 3, 2), normal(1, 3, 2), doubles(1.0, 0.5, 0.2), doubles(0.6, 0.3, 0.1)
    step = CPS(1.0).transition(x, velocity, s, n)
    torch.testing.assert_close(step.mean, (1 - n)[:, None] * (x - s[:, None] * velocity), rtol=0, atol=1e-14)
    torch.testing.assert_close(step.std, n, rtol=1e-14, atol=0)


def test_the_last_step_is_the_clean_prediction() -> None:
    x, velocity = normal(0, 3, 2), normal(1, 3, 2)
    step = CPS().transition(x, velocity, doubles(0.3), doubles(0.0))
    assert torch.equal(step.std, doubles(0.0))
    torch.testing.assert_close(step.mean, x - 0.3 * velocity, rtol=0, atol=1e-15)


@pytest.mark.parametrize("eta", [1.0000001, 1.2, 1.8, 2.0, 5.0])
def test_eta_above_1_is_refused_and_says_why(eta: float) -> None:
    with pytest.raises(ValueError, match=rf"found {eta}; beyond 1 the sine falls again, eta and 2 - eta give the same"):
        CPS(eta)
