from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from methods.base import Sampler, Transition
from methods.samplers.dpm import DPM2
from methods.samplers.loop import denoise, log_prob
from methods.samplers.ode import ODE
from methods.samplers.schedules import shifted_sigmas
from tests.methods.stubs import normal
from tests.support.oracles import naive_log_prob
from tests.support.properties import unchanged


@dataclass(frozen=True)
class Noisy:
    """Euler steps with noise that grows towards the data and stops below a level."""

    quiet_below: float = -1.0
    stochastic: ClassVar[bool] = True

    def transition(
        self,
        x: Tensor,
        velocity: Tensor,
        sigma: Tensor,
        sigma_next: Tensor,
        history: tuple[Tensor, Tensor] | None = None,
    ) -> Transition:
        std = (0.3 - 0.2 * sigma) * (sigma_next >= self.quiet_below)
        step = (sigma_next - sigma).reshape(-1, *[1] * (x.ndim - 1))
        return Transition(x + step * velocity, std)


def rotating(x: Tensor, sigma: Tensor) -> Tensor:
    """A velocity that depends on place and level."""
    return x.flip(-1) * sigma.reshape(-1, *[1] * (x.ndim - 1)) + 0.5


@pytest.mark.parametrize("sampler", [ODE(), DPM2(), Noisy()], ids=str)
@pytest.mark.parametrize("shape", [(4, 2), (3, 2, 5)])
def test_shapes(sampler: Sampler, shape: tuple[int, ...]) -> None:
    noise, sigmas = normal(0, *shape), shifted_sigmas(6)
    kept = denoise(rotating, sampler, noise, sigmas, lambda i: normal(i, *shape), keep_path=True)
    bare = denoise(rotating, sampler, noise, sigmas, lambda i: normal(i, *shape))
    assert kept.path is not None
    assert kept.path.shape == (7, *shape)
    assert torch.equal(kept.path[0], noise)
    assert torch.equal(kept.path[-1], kept.clean)
    assert torch.equal(kept.clean, bare.clean)
    assert torch.equal(kept.sigmas, sigmas)
    assert (bare.path, bare.means, bare.stds, bare.sampler) == (None, None, None, None)
    assert kept.means is not None
    assert kept.means.shape == (6, *shape)
    assert kept.stds is not None
    assert kept.stds.shape == (6,)
    assert bool((kept.stds > 0).all()) if sampler.stochastic else kept.stds.tolist() == [0.0] * 6
    assert kept.sampler is sampler


def test_the_loop_is_the_sampler_step_by_step() -> None:
    noise, sigmas = normal(0, 3, 2), shifted_sigmas(5, 3.0)
    calls: list[tuple[float, int]] = []

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append((float(sigma[0]), len(sigma)))
        return rotating(x, sigma)

    found = denoise(velocity, Noisy(), noise, sigmas, lambda i: normal(i, 3, 2), keep_path=True)
    assert found.path is not None
    assert found.means is not None
    assert found.stds is not None
    assert calls == [(sigma, 3) for sigma in sigmas[:-1].tolist()]
    x = noise
    for i in range(5):
        mean = x + (sigmas[i + 1] - sigmas[i]) * rotating(x, sigmas[i].expand(3))
        std = 0.3 - 0.2 * float(sigmas[i])
        x = mean + std * normal(i, 3, 2)
        torch.testing.assert_close(found.means[i], mean)
        assert float(found.stds[i]) == pytest.approx(std)
        torch.testing.assert_close(found.path[i + 1], x)


def test_velocity_runs_without_gradient_and_nothing_comes_back_with_one() -> None:
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    seen = []

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        seen.append(torch.is_grad_enabled())
        return weight * x

    assert not denoise(velocity, ODE(), normal(0, 2, 2), shifted_sigmas(3)).clean.requires_grad
    assert seen == [False] * 3


def test_a_stochastic_sampler_without_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="Noisy is stochastic and needs step_noise"):
        denoise(rotating, Noisy(), normal(0, 2, 2), shifted_sigmas(3))


def test_noise_is_asked_for_only_where_a_step_is_stochastic() -> None:
    asked: list[int] = []

    def noise(i: int) -> Tensor:
        asked.append(i)
        return normal(i, 2, 2)

    denoise(rotating, DPM2(), normal(0, 2, 2), shifted_sigmas(4), noise)
    assert asked == []
    partly = denoise(rotating, Noisy(quiet_below=0.4), normal(0, 2, 2), shifted_sigmas(4), noise, keep_path=True)
    assert asked == [0, 1]
    assert partly.path is not None
    assert partly.stds is not None
    assert (partly.stds > 0).tolist() == [True, True, False, False]


def test_steps_that_do_not_explore_are_steps_of_the_ode() -> None:
    asked: list[int] = []

    def noise(i: int) -> Tensor:
        asked.append(i)
        return normal(i, 2, 2)

    start, sigmas, noisy = normal(5, 2, 2), shifted_sigmas(4), torch.tensor([False, True, False, True])
    found = denoise(rotating, Noisy(), start, sigmas, noise, noisy=noisy, keep_path=True)
    assert asked == [1, 3]
    assert found.stds is not None
    assert (found.stds > 0).tolist() == noisy.tolist()
    x = start
    for i in range(4):
        x = x + (sigmas[i + 1] - sigmas[i]) * rotating(x, sigmas[i].expand(2))
        if noisy[i]:
            x = x + (0.3 - 0.2 * float(sigmas[i])) * normal(i, 2, 2)
    torch.testing.assert_close(found.clean, x)
    whole = torch.ones(4, dtype=torch.bool)
    one, other = (denoise(rotating, Noisy(), start, sigmas, noise, noisy=given) for given in (whole, None))
    assert torch.equal(one.clean, other.clean)


@pytest.mark.parametrize("sigmas", [[0.0, 1.0], [1.0, 0.5, 0.5, 0.0], [1.0], [1.2, 0.0]])
def test_levels_that_do_not_fall_are_refused(sigmas: list[float]) -> None:
    with pytest.raises(ValueError, match="sigmas must"):
        denoise(rotating, ODE(), normal(0, 2, 2), torch.tensor(sigmas))


@pytest.mark.parametrize("sampler", [ODE(), DPM2(), Noisy()], ids=str)
def test_inputs_are_not_written_to(sampler: Sampler) -> None:
    noise, sigmas, steps = normal(0, 3, 2), shifted_sigmas(4), [normal(i, 3, 2) for i in range(4)]
    with unchanged(noise, sigmas, steps):
        denoise(rotating, sampler, noise, sigmas, lambda i: steps[i], keep_path=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_follows_the_noise(dtype: torch.dtype) -> None:
    found = denoise(rotating, ODE(), normal(0, 2, 2).to(dtype), shifted_sigmas(3))
    assert found.clean.dtype == dtype
    assert found.sigmas.dtype == torch.float64


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3, 2)])
def test_log_prob_is_the_joint_density_per_dimension(shape: tuple[int, ...]) -> None:
    x, mean, std = normal(0, *shape), normal(1, *shape), torch.tensor([0.1, 0.5, 1.0, 3.0], dtype=torch.float64)
    with unchanged(x, mean, std):
        found = log_prob(x, mean, std)
    flat = mean.flatten(1)
    for n in range(4):
        joint = torch.distributions.MultivariateNormal(
            flat[n], std[n] ** 2 * torch.eye(flat.shape[1], dtype=torch.float64)
        )
        assert float(found[n]) == pytest.approx(float(joint.log_prob(x[n].flatten())) / flat.shape[1], rel=1e-10)
    assert found.tolist() == pytest.approx(naive_log_prob(x, mean, std), rel=1e-10)


def test_log_prob_carries_the_gradient_to_the_mean() -> None:
    x, std = normal(0, 2, 3), torch.tensor([0.5, 2.0], dtype=torch.float64)
    mean = normal(1, 2, 3).requires_grad_()
    (slope,) = torch.autograd.grad(log_prob(x, mean, std).sum(), mean)
    torch.testing.assert_close(slope, (x - mean.detach()) / (3 * std[:, None] ** 2))
