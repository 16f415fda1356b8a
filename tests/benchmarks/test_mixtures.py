"""Mixtures against their definition: quadrature, automatic differentiation, importance sampling."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.mixtures import GaussianMixture


def exact(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


MIXTURE = GaussianMixture(
    means=exact([[[-1.0, 0.5], [1.5, -0.5], [0.0, 2.0]], [[0.3, 0.2], [-2.0, 0.0], [1.0, 1.0]]]),
    variances=exact([[0.25, 0.6, 0.09], [1.0, 0.3, 0.5]]),
    weights=exact([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]),
)
PROMPT = torch.tensor([0, 1])


def noised_log_density(x: Tensor, sigma: float, prompt: int) -> Tensor:
    """Return ln p_sigma(x) [B] from torch's own distributions: the law of (1 - sigma) clean + sigma noise."""
    components = torch.distributions.MultivariateNormal(
        (1 - sigma) * MIXTURE.means[prompt],
        ((1 - sigma) ** 2 * MIXTURE.variances[prompt] + sigma**2)[:, None, None] * torch.eye(2, dtype=torch.float64),
    )
    return torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(MIXTURE.weights[prompt]), components
    ).log_prob(x)


def grid(low: float = -7.0, high: float = 7.0, n: int = 401) -> tuple[Tensor, float]:
    """Return the points [n * n, 2] of a square grid and the area of a cell."""
    axis = torch.linspace(low, high, n, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis), float(axis[1] - axis[0]) ** 2


def latents(n: int, seed: int = 0) -> Tensor:
    return 2 * torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("prompt", [0, 1])
@pytest.mark.parametrize("sigma", [1.0, 0.97, 0.5, 0.1, 0.01])
def test_velocity_follows_from_the_score(sigma: float, prompt: int) -> None:
    # Tweedie: E[noise | x] = -sigma * score, and x = (1 - sigma) E[clean | x] + sigma E[noise | x].
    x = latents(50).requires_grad_()
    (score,) = torch.autograd.grad(noised_log_density(x, sigma, prompt).sum(), x)
    noise = -sigma * score
    found = MIXTURE.velocity(x.detach(), exact([sigma] * 50), torch.full((50,), prompt))
    if sigma < 1:
        clean = (x.detach() - sigma * noise) / (1 - sigma)
        torch.testing.assert_close(found, noise - clean, rtol=1e-9, atol=1e-9)
    else:
        torch.testing.assert_close(noise, x.detach(), rtol=1e-12, atol=1e-12)
        mean = (MIXTURE.weights[prompt][:, None] * MIXTURE.means[prompt]).sum(0)
        torch.testing.assert_close(found, x.detach() - mean, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.8, 0.4])
def test_velocity_is_the_posterior_mean_of_noise_minus_clean(sigma: float) -> None:
    # Clean samples from the prior, weighted by the likelihood of x; the error is that of 2e5 weighted samples.
    prior = MIXTURE.sample(torch.zeros(200_000, dtype=torch.long), torch.Generator().manual_seed(0))
    x = exact([[0.4, 0.1], [-0.6, 0.8]])
    noise = (x[:, None] - (1 - sigma) * prior) / sigma
    weights = torch.softmax(-0.5 * noise.square().sum(2), 1)
    expected = (weights[..., None] * (noise - prior)).sum(1)
    effective = 1 / weights.square().sum(1)
    assert effective.min() > 2000
    found = MIXTURE.velocity(x, exact([sigma] * 2), torch.zeros(2, dtype=torch.long))
    torch.testing.assert_close(found, expected, rtol=0, atol=0.1)
    assert (found - expected).abs().max() < 6 * (noise.std() / effective.min().sqrt())


def test_velocity_at_the_start_keeps_far_rows_finite() -> None:
    x = torch.tensor([[1e4, -1e4]])
    mixture = MIXTURE.to(x)
    for sigma in (1.0, 1e-3):
        assert mixture.velocity(x, torch.full((1,), sigma), torch.tensor([0])).isfinite().all()


def test_a_component_without_weight_has_no_say() -> None:
    with_ghost = GaussianMixture(
        torch.cat((MIXTURE.means[:1], exact([[[0.1, 0.1]]])), 1),
        torch.cat((MIXTURE.variances[:1], exact([[0.2]])), 1),
        torch.cat((MIXTURE.weights[:1], exact([[0.0]])), 1),
    )
    x, sigma, prompt = latents(20), exact([0.3] * 20), torch.zeros(20, dtype=torch.long)
    torch.testing.assert_close(with_ghost.velocity(x, sigma, prompt), MIXTURE.velocity(x, sigma, prompt))
    torch.testing.assert_close(with_ghost.log_density(x, prompt), MIXTURE.log_density(x, prompt))


def test_rows_may_belong_to_different_prompts() -> None:
    x, sigma = latents(6), torch.linspace(0.1, 1, 6, dtype=torch.float64)
    prompt = torch.tensor([0, 1, 1, 0, 1, 0])
    together = MIXTURE.velocity(x, sigma, prompt)
    alone = [MIXTURE.velocity(x[i : i + 1], sigma[i : i + 1], prompt[i : i + 1])[0] for i in range(6)]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("prompt", [0, 1])
def test_log_density_is_the_logarithm_of_a_density(prompt: int) -> None:
    x = latents(50)
    rows = torch.full((50,), prompt)
    torch.testing.assert_close(MIXTURE.log_density(x, rows), noised_log_density(x, 0.0, prompt))
    points, cell = grid()
    mass = MIXTURE.log_density(points, torch.full((len(points),), prompt)).exp().sum() * cell
    assert float(mass) == pytest.approx(1, abs=1e-9)


def test_mean_squared_distance_equals_quadrature() -> None:
    points, cell = grid()
    target = exact([[1.0, -0.5], [0.0, 3.0]])
    found = MIXTURE.mean_squared_distance(target)
    for p in range(2):
        density = MIXTURE.log_density(points, torch.full((len(points),), p)).exp()
        expected = (density * (points - target[p]).square().sum(1)).sum() * cell
        assert float(found[p]) == pytest.approx(float(expected), rel=1e-8)


def test_samples_have_the_moments_of_the_mixture() -> None:
    n = 100_000
    samples = MIXTURE.sample(torch.ones(n, dtype=torch.long), torch.Generator().manual_seed(3))
    mean = (MIXTURE.weights[1][:, None] * MIXTURE.means[1]).sum(0)
    torch.testing.assert_close(samples.mean(0), mean, rtol=0, atol=5 * float(samples.std()) / math.sqrt(n))
    squared = MIXTURE.mean_squared_distance(torch.stack((mean, mean)))[1]
    distance = (samples - mean).square().sum(1)
    assert float(distance.mean()) == pytest.approx(float(squared), abs=5 * float(distance.std()) / math.sqrt(n))


def test_samples_depend_on_the_generator_alone() -> None:
    prompt = torch.tensor([0, 1, 0])
    before = torch.get_rng_state()
    first = MIXTURE.sample(prompt, torch.Generator().manual_seed(5))
    assert torch.equal(first, MIXTURE.sample(prompt, torch.Generator().manual_seed(5)))
    assert not torch.equal(first, MIXTURE.sample(prompt, torch.Generator().manual_seed(6)))
    assert torch.equal(torch.get_rng_state(), before)


CURVATURE = exact([1.0, 0.4])
SLOPE = exact([[0.5, -1.0], [2.0, 0.0]])
OFFSET = exact([-3.0, 0.7])


def reward(points: Tensor, p: int) -> Tensor:
    return -0.5 * CURVATURE[p] * points.square().sum(1) + points @ SLOPE[p] + OFFSET[p]


@pytest.mark.parametrize("temperature", [0.3, 1.0, 20.0])
@pytest.mark.parametrize("p", [0, 1])
def test_tilt_equals_quadrature(p: int, temperature: float) -> None:
    tilted, log_z = MIXTURE.tilt(CURVATURE, SLOPE, OFFSET, temperature)
    points, cell = grid(-9, 9, 601)
    rows = torch.full((len(points),), p)
    base, r = MIXTURE.log_density(points, rows), reward(points, p)
    log_mass = torch.logsumexp(base + r / temperature, 0) + math.log(cell)
    assert float(log_z[p]) == pytest.approx(float(log_mass), abs=1e-8)

    log_tilted = tilted.log_density(points, rows)
    torch.testing.assert_close(log_tilted, base + r / temperature - log_mass, rtol=1e-9, atol=1e-7)

    density = log_tilted.exp()
    mean = (density[:, None] * points).sum(0) * cell
    torch.testing.assert_close((tilted.weights[p][:, None] * tilted.means[p]).sum(0), mean, rtol=1e-8, atol=1e-8)
    value = (density * r).sum() * cell - temperature * (density * (log_tilted - base)).sum() * cell
    assert temperature * float(log_z[p]) == pytest.approx(float(value), rel=1e-8, abs=1e-8)


def test_no_other_policy_has_a_higher_value_than_the_tilt() -> None:
    temperature = 0.7
    points, cell = grid(-9, 9, 301)
    rows = torch.zeros(len(points), dtype=torch.long)
    tilted, log_z = MIXTURE.tilt(CURVATURE, SLOPE, OFFSET, temperature)
    base, r = MIXTURE.log_density(points, rows), reward(points, 0)
    for change in (0.1, -0.3):
        other = GaussianMixture(tilted.means + change, tilted.variances * (1 - change), tilted.weights)
        log_other = other.log_density(points, rows)
        value = (log_other.exp() * (r - temperature * (log_other - base))).sum() * cell
        assert float(value) < temperature * float(log_z[0]) - 1e-3


def test_tilt_by_nothing_is_the_base() -> None:
    zero = exact([0.0, 0.0])
    tilted, log_z = MIXTURE.tilt(zero, exact([[0.0] * 2] * 2), zero, 1.0)
    torch.testing.assert_close(log_z, zero, rtol=0, atol=1e-14)
    for name in ("means", "variances", "weights"):
        torch.testing.assert_close(vars(tilted)[name], vars(MIXTURE)[name], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_tilt_refuses_a_temperature_that_is_not_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature must be > 0, found"):
        MIXTURE.tilt(CURVATURE, SLOPE, OFFSET, temperature)


def test_tilt_refuses_a_reward_that_grows_faster_than_the_density_falls() -> None:
    # The widest component of the second mixture has precision 1: curvature -1 at temperature 1 leaves it none.
    with pytest.raises(ValueError, match="no normalizer: found a component of precision 0"):
        MIXTURE.tilt(exact([0.0, -1.0]), SLOPE, OFFSET, 1.0)


def test_to_follows_a_tensor() -> None:
    assert MIXTURE.to(torch.zeros(1, dtype=torch.float32)).means.dtype == torch.float32
