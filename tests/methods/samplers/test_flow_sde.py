import pytest
import torch

from methods.samplers.dance_sde import DanceSDE
from methods.samplers.flow_sde import FlowSDE
from methods.samplers.schedules import shifted_sigmas
from tests.support.samplers import doubles, output_variance, probed


@pytest.mark.parametrize("eta", [0.1, 0.7, 1.2])
@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("steps", [1, 6, 40])
def test_the_first_step_adds_eta_whatever_the_grid(steps: int, shift: float, eta: float) -> None:
    sigmas = shifted_sigmas(steps, shift)
    a, b, std = probed(FlowSDE(eta), sigmas[:1], sigmas[1:2])
    assert float(std) == pytest.approx(eta, rel=1e-14)
    # What is left of the predicted noise, all of x at sigma 1, may be negative.
    assert float(a + b) == pytest.approx(float(sigmas[1]) - eta**2 / 2, abs=1e-14)


def test_the_test_for_pure_noise_is_exact() -> None:
    std = probed(FlowSDE(0.7), doubles(1.0, 1 - 1e-4, 1 - 1e-8), doubles(0.9, 0.9, 0.9))[2]
    assert std.tolist() == pytest.approx([0.7, 22.13, 2213.6], rel=1e-3)


def test_a_row_at_pure_noise_leaves_the_others_alone() -> None:
    s, n = doubles(1.0, 0.6), doubles(0.8, 0.5)
    assert torch.equal(probed(FlowSDE(), s, n)[2][1:], probed(FlowSDE(), s[1:], n[1:])[2])


@pytest.mark.parametrize("eta", [0.3, 0.7, 1.5])
def test_below_pure_noise_the_velocity_acts_by_a_fixed_multiple_of_the_step(eta: float) -> None:
    sigmas = shifted_sigmas(12, 3.0)[1:]
    slope = probed(FlowSDE(eta), sigmas[:-1], sigmas[1:])[1]
    torch.testing.assert_close(slope, -(1 + eta**2 / 2) * (sigmas[:-1] - sigmas[1:]), rtol=1e-12, atol=0)


@pytest.mark.parametrize("s", [0.9, 0.5, 0.1])
def test_the_last_step_adds_noise(s: float) -> None:
    flow, dance = (float(probed(sampler, doubles(s), doubles(0.0))[2]) for sampler in (FlowSDE(0.6), DanceSDE(0.6)))
    assert flow == pytest.approx(0.6 * s / (1 - s) ** 0.5, rel=1e-14)
    assert dance == pytest.approx(0.6 * s**0.5, rel=1e-14)


def test_the_excess_noise_of_sixteen_even_steps() -> None:
    # Total noise after a step that began with as much as its level has, over that of the level: Dirac data.
    sigmas = shifted_sigmas(16)
    a, b, std = probed(FlowSDE(0.7), sigmas[:-1], sigmas[1:])
    s, n = sigmas[:-1], sigmas[1:]
    powers = (s * a + b).square() + std.square()
    torch.testing.assert_close(powers - n.square(), std.square() * (s - n) / s + std**4 / (4 * s**2))
    assert float(powers[0].sqrt()) == pytest.approx(0.9847, abs=5.1e-5)


def test_both_tend_to_the_data_with_more_steps() -> None:
    for sampler in (FlowSDE(1.0), DanceSDE(0.7)):
        gaps = [abs(output_variance(sampler, shifted_sigmas(n), 0.25) / 0.25 - 1) for n in (100, 400, 1600)]
        assert gaps[2] < gaps[1] < gaps[0]
        assert gaps[2] < 0.005
