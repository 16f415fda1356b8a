import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.samplers.dance_precise import DancePrecise
from methods.samplers.kernel import GaussianKernel
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE
from methods.samplers.precise import Precise
from methods.samplers.schedules import shifted_sigmas
from tests.methods.stubs import normal
from tests.support.samplers import doubles, gaussian_field, output_variance, probed, through


def kept_share(sampler: GaussianKernel, steps: int) -> list[float]:
    """rho of each step of an even grid but the last."""
    sigmas = shifted_sigmas(steps)[:-1]
    a, b, _ = probed(sampler, sigmas[:-1], sigmas[1:])
    return ((sigmas[:-1] * a + b) / sigmas[1:]).tolist()


@pytest.mark.parametrize(("eta", "last_gap"), [(0.7, -0.0006), (1.5, -0.0011)])
def test_it_tends_to_the_data_at_first_order(eta: float, last_gap: float) -> None:
    counts = (1280, 2560, 5120)
    gaps = [output_variance(Precise(eta), shifted_sigmas(n), 1.0) - 1 for n in counts]
    slopes = [math.log(gaps[i + 1] / gaps[i]) / math.log(counts[i + 1] / counts[i]) for i in range(2)]
    assert slopes == pytest.approx([-1, -1], abs=0.02)
    assert gaps[-1] == pytest.approx(last_gap, abs=5.1e-5)


def test_with_more_steps_the_variance_only_grows() -> None:
    for sampler in (Precise(), DancePrecise()):
        found = [output_variance(sampler, shifted_sigmas(n), 0.25) for n in (6, 10, 20, 30, 100, 1000)]
        assert found == sorted(found)
        assert found[-1] < 0.25


def test_the_share_it_keeps() -> None:
    assert kept_share(Precise(1.5), 10) == pytest.approx(
        [0, 0.402, 0.545, 0.608, 0.634, 0.634, 0.608, 0.545, 0.402], abs=5.1e-4
    )
    assert kept_share(Precise(1.5), 30)[1:3] == pytest.approx([0.441, 0.608], abs=5.1e-4)


@pytest.mark.parametrize("sampler", [Precise(0.7), Precise(2.0), DancePrecise(0.3), DancePrecise(1.0)], ids=str)
@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 1.0), st.floats(0.01, 0.99), st.floats(0.0, 0.99))
def test_with_a_fixed_clean_prediction_through_are_one(
    sampler: GaussianKernel, s: float, first: float, second: float
) -> None:
    middle, n = s * first, s * first * second
    ends, variance = through(sampler, (s, middle, n), 0.7)
    ends_at_once, variance_at_once = through(sampler, (s, n), 0.7)
    torch.testing.assert_close(ends, ends_at_once, rtol=0, atol=1e-11)
    assert variance == pytest.approx(variance_at_once, rel=1e-9, abs=1e-15)


def test_eta_sqrt_2_is_ddim_with_its_eta_1() -> None:
    # And the first-order step of DPM-Solver++ for the reverse SDE.
    x, velocity, s, n = normal(0, 4, 2), normal(1, 4, 2), doubles(0.95, 0.6, 0.3, 0.1), doubles(0.7, 0.5, 0.05, 0.01)
    step = Precise(math.sqrt(2)).transition(x, velocity, s, n)
    clean = x - s[:, None] * velocity
    noise = (x - (1 - s)[:, None] * clean) / s[:, None]
    ratio = (1 - s) / (1 - n)
    std = n / s * (s**2 - ratio**2 * n**2).sqrt()
    mean = (1 - n)[:, None] * clean + (n**2 - std**2).sqrt()[:, None] * noise
    torch.testing.assert_close(step.std, std, rtol=1e-12, atol=0)
    torch.testing.assert_close(step.mean, mean, rtol=1e-12, atol=1e-12)
    h = (((1 - n) / n).log() - ((1 - s) / s).log())[:, None]
    solver = (n / s)[:, None] * (-h).exp() * x - (1 - n)[:, None] * torch.expm1(-2 * h) * clean
    torch.testing.assert_close(step.mean, solver, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("s", "n"), [(0.9, 0.6), (0.5, 0.1), (0.2, 0.19)])
def test_eta_sqrt_2_is_bayes_rule_for_the_noising_process(s: float, n: float) -> None:
    # Forward: x_s = (1 - s) / (1 - n) x_n + what is missing; given the clean latent, x_n is Gaussian with std n.
    clean, x = 0.7, -0.4
    shrink = (1 - s) / (1 - n)
    added = s**2 - (shrink * n) ** 2
    precision = 1 / n**2 + shrink**2 / added
    mean = ((1 - n) * clean / n**2 + shrink * x / added) / precision
    here = doubles(x)[:, None]
    step = Precise(math.sqrt(2)).transition(here, (here - clean) / s, doubles(s), doubles(n))
    assert float(step.mean) == pytest.approx(mean, rel=1e-12)
    assert float(step.std) == pytest.approx(precision**-0.5, rel=1e-12)


@pytest.mark.parametrize("eta", [1e-200, 1e-6, 0.7, 1.5])
def test_from_pure_noise_the_start_is_forgotten_for_any_eta(eta: float) -> None:
    x, velocity = normal(0, 3, 2), normal(1, 3, 2)
    step = Precise(eta).transition(x, velocity, doubles(1.0), doubles(0.8))
    torch.testing.assert_close(step.mean, 0.2 * (x - velocity), rtol=0, atol=1e-15)
    assert step.std.tolist() == [0.8]


def test_the_output_does_not_depend_on_the_start_unless_eta_is_0() -> None:
    field, sigmas = gaussian_field(0.8, doubles(0.25, 1.0)), shifted_sigmas(8)
    ends = []
    for sampler in (Precise(1e-3), Precise(0.0), DancePrecise(0.3)):
        one, other = (
            denoise(field, sampler, normal(seed, 4, 2), sigmas, lambda i: normal(i + 9, 4, 2)).clean for seed in (0, 1)
        )
        ends.append(float((one - other).abs().max()))
    assert ends[0] < 1e-14
    assert min(ends[1:]) > 0.1


@pytest.mark.parametrize("sampler", [Precise(), Precise(1e-3), DancePrecise(), DancePrecise(1e-3)], ids=str)
@pytest.mark.parametrize("s", [1.0, 0.3])
def test_the_last_step_is_the_clean_prediction(sampler: GaussianKernel, s: float) -> None:
    x, velocity = normal(0, 3, 2), normal(1, 3, 2)
    step = sampler.transition(x, velocity, doubles(s), doubles(0.0))
    assert torch.equal(step.std, doubles(0.0))
    assert torch.equal(step.mean, ODE().transition(x, velocity, doubles(s), doubles(0.0)).mean)
    torch.testing.assert_close(step.mean, x - s * velocity, rtol=0, atol=1e-15)


@pytest.mark.parametrize("sampler", [Precise(50.0), DancePrecise(50.0)], ids=str)
def test_a_large_eta_draws_all_noise_afresh(sampler: GaussianKernel) -> None:
    x, velocity, s, n = normal(0, 2, 2), normal(1, 2, 2), doubles(0.8, 0.4), doubles(0.5, 0.2)
    step = sampler.transition(x, velocity, s, n)
    torch.testing.assert_close(step.mean, (1 - n)[:, None] * (x - s[:, None] * velocity), rtol=0, atol=1e-15)
    assert torch.equal(step.std, n)


def test_dance_precise_exchanges_little_at_high_noise_and_much_at_the_end() -> None:
    shares = kept_share(DancePrecise(0.3), 10)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(math.exp(-0.045 * (1 / 0.9 - 1)), rel=1e-12)
    assert shares[-1] == pytest.approx(math.exp(-0.045 * (10 - 5)), rel=1e-12)
