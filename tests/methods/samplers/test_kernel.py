import itertools
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from methods.base import Sampler
from methods.samplers.kernel import check_levels
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE
from methods.samplers.schedules import shifted_sigmas
from tests.methods.stubs import normal
from tests.support.oracles_samplers import exact_coefficients, step_rule
from tests.support.properties import assert_frozen, unchanged
from tests.support.samplers import DEFAULTS, STOCHASTIC, doubles, gaussian_field, named, probed

ALL = sorted(STOCHASTIC)
each = pytest.mark.parametrize("name", ALL)
levels = st.tuples(st.one_of(st.just(1.0), st.floats(0.01, 0.9999)), st.one_of(st.just(1.0), st.floats(1e-9, 1.0)))


def pair(drawn: tuple[float, float]) -> tuple[float, float]:
    """A level and a lower one, the second number being the share of the way down to 0."""
    s, share = drawn
    return s, 0.0 if share == 1 else s - share * s


def rotating(x: Tensor, sigma: Tensor) -> Tensor:
    return x.flip(-1) * sigma.reshape(-1, *[1] * (x.ndim - 1)) + 0.5


@each
def test_defaults(name: str) -> None:
    sampler = STOCHASTIC[name]()  # type: ignore[call-arg]
    assert sampler.eta == DEFAULTS[name]
    assert isinstance(sampler, Sampler)
    assert sampler.stochastic
    assert not STOCHASTIC[name](eta=0.0).stochastic
    assert_frozen(sampler)
    assert sampler == STOCHASTIC[name](DEFAULTS[name])


@each
@settings(max_examples=60, deadline=None)
@given(levels, st.floats(0.01, 1.0), st.integers(0, 1000))
def test_one_step_is_the_published_rule(name: str, drawn: tuple[float, float], eta: float, seed: int) -> None:
    s, n = pair(drawn)
    a, b, std = step_rule(name, eta, s, n)
    x, velocity = normal(seed, 1, 5), normal(seed + 1, 1, 5)
    step = named(name, eta).transition(x, velocity, doubles(s), doubles(n))
    torch.testing.assert_close(step.mean, a * x + b * velocity, rtol=1e-9, atol=1e-9 * (1 + abs(a)))
    # The plain formula itself loses digits where rho is near 1; the exact twin below does not.
    assert float(step.std) ** 2 == pytest.approx(std**2, rel=1e-9, abs=1e-12)


@each
@settings(max_examples=150, deadline=None)
@given(levels, st.floats(1e-6, 1.0))
@example((0.7, 1e-9), 0.7)
@example((0.7, 1e-9), 1e-6)
@example((1.0, 1e-9), 0.3)
@example((1.0, 1.0), 1.0)
def test_coefficients_keep_all_digits(name: str, drawn: tuple[float, float], eta: float) -> None:
    s, n = pair(drawn)
    pull, std = STOCHASTIC[name](eta=eta).coefficients(doubles(s), doubles(n))
    assert (float(pull), float(std)) == pytest.approx(exact_coefficients(name, eta, s, n), rel=1e-13, abs=0)


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("eta", [1e-3, 0.3, 1.5, 3.0])
@pytest.mark.parametrize("name", ["precise", "dance_precise", "flow_grpo", "dance_grpo"])
def test_near_equal_levels(name: str, eta: float, gap: float) -> None:
    for s in (0.999, 0.5, 0.02):
        pull, std = STOCHASTIC[name](eta=eta).coefficients(doubles(s), doubles(s - gap))
        assert (float(pull), float(std)) == pytest.approx(exact_coefficients(name, eta, s, s - gap), rel=1e-13, abs=0)


@pytest.mark.parametrize("name", ["cps", "precise", "dance_precise"])
@settings(max_examples=60, deadline=None)
@given(levels, st.floats(0.0, 1.0))
def test_kept_and_fresh_noise_make_the_noise_of_the_next_level(
    name: str, drawn: tuple[float, float], eta: float
) -> None:
    s, n = pair(drawn)
    a, b, std = probed(named(name, eta), doubles(s), doubles(n))
    # In x = (1 - s) clean + s ehat and velocity = ehat - clean, so these are the gains of clean and of ehat.
    clean, kept = float((1 - s) * a - b), float(s * a + b)
    assert clean == pytest.approx(1 - n, abs=1e-14)
    assert kept**2 + float(std) ** 2 == pytest.approx(n**2, abs=1e-14)
    assert kept >= -1e-14


@pytest.mark.parametrize("name", ["flow_grpo", "dance_grpo"])
@pytest.mark.parametrize(("s", "n"), [(1.0, 0.8), (0.9, 0.5), (0.3, 0.0)])
def test_euler_steps_end_with_more_noise_than_the_level_has(name: str, s: float, n: float) -> None:
    a, b, std = probed(named(name, 0.8), doubles(s), doubles(n))
    clean, kept, noise = float((1 - s) * a - b), float(s * a + b), float(std)
    assert clean == pytest.approx(1 - n, abs=1e-14)
    excess = noise**2 * (s - n) / s + noise**4 / (4 * s**2)
    assert kept**2 + noise**2 - n**2 == pytest.approx(excess, rel=1e-12)


@pytest.mark.parametrize("name", ["flow_grpo", "dance_grpo", "precise", "dance_precise"])
@pytest.mark.parametrize("s", [0.9, 0.5, 0.1])
def test_small_steps_are_the_stochastic_differential_equation(name: str, s: float) -> None:
    eta, x, velocity = 0.8, normal(0, 1, 4), normal(1, 1, 4)
    square = eta**2 * (s / (1 - s) if name in ("flow_grpo", "precise") else 1)
    drift = velocity + square / (2 * s) * (x + (1 - s) * velocity)
    gaps = []
    for length in (1e-4, 5e-5):
        step = named(name, eta).transition(x, velocity, doubles(s), doubles(s - length))
        gaps.append(float(((x - step.mean) / length - drift).abs().max()))
        assert float(step.std) ** 2 / length == pytest.approx(square, rel=6e-3)
    assert gaps[0] < 0.02
    if name in ("precise", "dance_precise"):
        assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.01)
    else:
        assert max(gaps) < 1e-10


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_eta_0_is_the_ode_bit_for_bit(name: str, dtype: torch.dtype) -> None:
    x, velocity = normal(0, 8, 3, 2).to(dtype), normal(1, 8, 3, 2).to(dtype)
    for shift, exact in itertools.product((1.0, 3.0), (True, False)):
        sigmas = shifted_sigmas(8, shift).to(torch.float64 if exact else dtype)
        step = named(name, 0.0).transition(x, velocity, sigmas[:-1], sigmas[1:])
        assert torch.equal(step.mean, ODE().transition(x, velocity, sigmas[:-1], sigmas[1:]).mean)
        assert not bool((step.std != 0).any())


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_rollouts_with_eta_0_are_the_odes(name: str, shift: float, dtype: torch.dtype) -> None:
    noise, sigmas = normal(0, 5, 2).to(dtype), shifted_sigmas(9, shift)
    found = denoise(rotating, named(name, 0.0), noise, sigmas, keep_path=True).path
    expected = denoise(rotating, ODE(), noise, sigmas, keep_path=True).path
    assert found is not None
    assert expected is not None
    assert torch.equal(found, expected)


@each
def test_small_eta_is_near_the_ode(name: str) -> None:
    # But for precise at pure noise, which has its own test.
    x, velocity, s, n = normal(0, 3, 2), normal(1, 3, 2), doubles(0.9, 0.6, 0.2), doubles(0.5, 0.3, 0.0)
    step = named(name, 1e-5).transition(x, velocity, s, n)
    torch.testing.assert_close(step.mean, ODE().transition(x, velocity, s, n).mean, rtol=0, atol=1e-8)
    assert float(step.std.max()) < 1e-4


@each
@pytest.mark.parametrize("shape", [(4, 2), (4, 2, 3, 3)])
def test_rows_at_different_levels_do_not_touch_each_other(name: str, shape: tuple[int, ...]) -> None:
    x, velocity = normal(0, *shape), normal(1, *shape)
    s, n = doubles(1.0, 0.8, 0.5, 0.2), doubles(0.9, 0.3, 0.49, 0.0)
    with unchanged(x, velocity, s, n):
        step = named(name, 0.6).transition(x, velocity, s, n, (normal(2, *shape), doubles(1.0)))
    assert step.mean.shape == shape
    assert step.std.shape == (4,)
    assert step.history is None
    for i in range(4):
        r = slice(i, i + 1)
        alone = named(name, 0.6).transition(x[r], velocity[r], s[r], n[r])
        torch.testing.assert_close(step.mean[r], alone.mean, rtol=1e-14, atol=1e-14)
        torch.testing.assert_close(step.std[r], alone.std, rtol=1e-14, atol=0)


@each
def test_one_level_serves_all_rows(name: str) -> None:
    x, velocity, s, n = normal(0, 4, 2), normal(1, 4, 2), doubles(0.7), doubles(0.4)
    shared = named(name, 0.6).transition(x, velocity, s, n)
    spread = named(name, 0.6).transition(x, velocity, s.expand(4), n.expand(4))
    assert shared.std.shape == (1,)
    torch.testing.assert_close(shared.mean, spread.mean, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(shared.std.expand(4), spread.std, rtol=1e-14, atol=0)


@each
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("exact_levels", [True, False])
def test_low_precision_touches_only_the_latents(name: str, dtype: torch.dtype, exact_levels: bool) -> None:
    x, velocity, s, n = normal(0, 3, 4), normal(1, 3, 4), doubles(1.0, 0.75, 0.5), doubles(0.75, 0.5, 0.25)
    here, there = (s, n) if exact_levels else (s.to(dtype), n.to(dtype))  # these levels are exact in any dtype
    step = named(name, 0.7).transition(x.to(dtype), velocity.to(dtype), here, there)
    exact = named(name, 0.7).transition(x.to(dtype).double(), velocity.to(dtype).double(), s, n)
    assert step.mean.dtype == dtype
    assert step.std.dtype == (torch.float64 if exact_levels else torch.float32)
    assert torch.equal(step.std, exact.std.to(step.std.dtype))
    room = 8 * torch.finfo(dtype).eps
    torch.testing.assert_close(step.mean.double(), exact.mean, rtol=room, atol=room)


@each
@pytest.mark.parametrize("eta", [-0.1, math.nan, math.inf, -math.inf])
def test_eta_out_of_range_is_refused(name: str, eta: float) -> None:
    with pytest.raises(ValueError, match=rf"{STOCHASTIC[name].__name__} needs .*eta.*, found {eta}"):
        STOCHASTIC[name](eta=eta)


@each
@pytest.mark.parametrize("eta", [0.0, 0.5])
@pytest.mark.parametrize(
    ("s", "n"),
    [
        *[(0.5, 0.5), (0.4, 0.5), (1.01, 0.5), (0.5, -0.01), (0.0, -0.1), (0.0, 0.0), (1.0, 1.0)],
        *[(math.nan, 0.1), (0.5, math.nan), (math.inf, 0.5)],
    ],
)
def test_levels_out_of_order_are_refused(name: str, eta: float, s: float, n: float) -> None:
    x = normal(0, 2, 2)
    with pytest.raises(ValueError, match=rf"0 <= sigma_next < sigma <= 1, found sigma \[{s}\] and sigma_next \[{n}\]$"):
        named(name, eta).transition(x, x, doubles(0.9, s), doubles(0.1, n))


def test_levels_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one shape, found \(2,\) and \(1,\)"):
        check_levels(doubles(0.9, 0.5), doubles(0.1))


@each
def test_the_loop_asks_for_noise_exactly_where_a_step_adds_it(name: str) -> None:
    field, sigmas = gaussian_field(0.0, doubles(1.0, 0.25)), shifted_sigmas(4)
    with pytest.raises(ValueError, match=f"{STOCHASTIC[name].__name__} is stochastic and needs step_noise"):
        denoise(field, named(name, 0.5), normal(0, 2, 2), sigmas)
    asked: list[int] = []

    def noise(i: int) -> Tensor:
        asked.append(i)
        return normal(i, 2, 2)

    denoise(field, named(name, 0.5), normal(0, 2, 2), sigmas, noise)
    # Euler-Maruyama adds noise at its very last step too; the others end on the clean prediction.
    assert asked == ([0, 1, 2, 3] if name in ("flow_grpo", "dance_grpo") else [0, 1, 2])
