from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from methods.samplers.dpm import DPM2
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE
from methods.samplers.schedules import shifted_sigmas
from tests.methods.stubs import normal
from tests.support.oracles import gaussian_velocity, naive_dpm2
from tests.support.properties import assert_frozen, unchanged

DATA = Path(__file__).parents[2] / "data"


def field(mean: float, variance: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The exact velocity for Gaussian data, on tensors of any shape."""

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        level = sigma.reshape(-1, *[1] * (x.ndim - 1))
        keep = 1 - level
        slope = (level - keep * variance) / (keep**2 * variance + level**2)
        return slope * (x - keep * mean) - mean

    return velocity


@pytest.mark.parametrize("steps", [6, 10, 20, 30])
def test_trajectories_of_the_published_solver(steps: int) -> None:
    with np.load(DATA / "dpm2_trajectories.npz", allow_pickle=False) as golden:
        sigmas = torch.from_numpy(golden[f"steps{steps}/sigmas"])
        expected = torch.from_numpy(golden[f"steps{steps}/traj"])
    for dtype in (torch.float32, torch.float64):
        path = denoise(field(0.8, 0.25), DPM2(), expected[0].to(dtype), sigmas, keep_path=True).path
        assert path is not None
        assert path.dtype == dtype
        torch.testing.assert_close(path.float(), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("shift", "values"),
    [
        (1.0, {5: 1.2932510, 10: 1.3477757, 25: 1.3531805, 40: 1.3517177}),
        (3.0, {10: 1.2847316, 25: 1.3470144, 40: 1.3529427}),
    ],
)
def test_check_values_in_one_dimension(shift: float, values: dict[int, float]) -> None:
    start = torch.tensor([[0.7]], dtype=torch.float64)
    for steps, expected in values.items():
        found = denoise(field(1.0, 0.25), DPM2(), start, shifted_sigmas(steps, shift)).clean
        assert float(found) == pytest.approx(expected, abs=6e-8)


@pytest.mark.parametrize(
    ("shift", "variance", "ratios"),
    [
        (1.0, 1.0, {6: 0.9032, 10: 0.9986, 20: 1.0050, 30: 1.0027}),
        (3.0, 0.25, {6: 0.3780, 10: 0.6618, 20: 0.9407, 30: 1.0032}),
    ],
)
def test_variance_ratios_of_gaussian_data(shift: float, variance: float, ratios: dict[int, float]) -> None:
    starts = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    for steps, expected in ratios.items():
        high, low = denoise(field(0.8, variance), DPM2(), starts, shifted_sigmas(steps, shift)).clean[:, 0].tolist()
        assert (high + low) / 2 == pytest.approx(0.8, abs=1e-10)
        assert ((high - low) / 2) ** 2 / variance == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.parametrize("shift", [0.7, 1.0, 3.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_every_state_equals_the_exponential_form(steps: int, shift: float) -> None:
    sigmas = shifted_sigmas(steps, shift)
    start = torch.tensor([[0.7]], dtype=torch.float64)
    path = denoise(field(-0.4, 0.6), DPM2(), start, sigmas, keep_path=True).path
    assert path is not None
    expected = naive_dpm2(0.7, gaussian_velocity(-0.4, 0.6), sigmas.tolist())
    assert path.flatten().tolist() == pytest.approx(expected, abs=1e-11)


def test_second_order_begins_at_the_third_step_and_ends_before_the_last() -> None:
    sigmas = shifted_sigmas(6)
    path = denoise(field(0.8, 0.25), DPM2(), normal(0, 4, 3), sigmas, keep_path=True).path
    assert path is not None
    euler = []
    for i in range(6):
        here, there = sigmas[i].expand(4), sigmas[i + 1].expand(4)
        euler.append(ODE().transition(path[i], field(0.8, 0.25)(path[i], here), here, there).mean)
    gaps = [float((path[i + 1] - euler[i]).abs().max()) for i in range(6)]
    assert max(gaps[0], gaps[1], gaps[5]) < 1e-12
    assert min(gaps[2:5]) > 1e-3


def levels(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_last_step_lands_on_the_clean_prediction_whatever_came_before() -> None:
    x, velocity, here = normal(0, 3, 2), normal(1, 3, 2), levels(0.3, 0.3, 0.3)
    history = DPM2().transition(normal(2, 3, 2), normal(3, 3, 2), levels(0.6, 0.9, 1.0), here).history
    step = DPM2().transition(x, velocity, here, torch.zeros_like(here), history)
    torch.testing.assert_close(step.mean, x - 0.3 * velocity, rtol=1e-14, atol=1e-14)
    assert not bool((step.std > 0).any())


def test_behind_pure_noise_the_history_does_not_count() -> None:
    x, velocity, here, there = normal(0, 2, 2), normal(1, 2, 2), levels(0.9, 0.6), levels(0.7, 0.2)
    history = DPM2().transition(normal(2, 2, 2), normal(3, 2, 2), levels(1.0, 1.0), here).history
    assert history is not None
    found = DPM2().transition(x, velocity, here, there, history).mean
    torch.testing.assert_close(found, DPM2().transition(x, velocity, here, there).mean, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 4, 4)])
def test_rows_at_different_levels_do_not_touch_each_other(shape: tuple[int, ...]) -> None:
    x, velocity, x_before, velocity_before = (normal(seed, *shape) for seed in range(4))
    before, here, there = levels(1.0, 0.8, 0.5), levels(0.9, 0.6, 0.2), levels(0.7, 0.4, 0.0)
    history = DPM2().transition(x_before, velocity_before, before, here).history
    with unchanged(x, velocity, history, before, here, there):
        whole = DPM2().transition(x, velocity, here, there, history).mean
    assert whole.shape == shape
    assert bool(whole.isfinite().all())
    for n in range(3):
        r = slice(n, n + 1)
        first = DPM2().transition(x_before[r], velocity_before[r], before[r], here[r])
        alone = DPM2().transition(x[r], velocity[r], here[r], there[r], first.history).mean
        torch.testing.assert_close(whole[r], alone, rtol=1e-14, atol=1e-14)


def test_a_constant_clean_prediction_is_reached_exactly_whatever_the_steps() -> None:
    start, sigmas = normal(0, 5, 2), shifted_sigmas(9, 3.0)
    path = denoise(lambda x, sigma: (x - 0.3) / sigma[:, None], DPM2(), start, sigmas, keep_path=True).path
    assert path is not None
    for i, sigma in enumerate(sigmas):
        torch.testing.assert_close(path[i], (1 - sigma) * 0.3 + sigma * start, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_latents_keep_their_dtype(dtype: torch.dtype) -> None:
    found = denoise(field(0.0, 1.0), DPM2(), normal(0, 2, 3).to(dtype), shifted_sigmas(5))
    assert found.clean.dtype == dtype
    assert bool(found.clean.isfinite().all())


def test_it_beats_euler_at_equal_cost() -> None:
    start = torch.tensor([[0.7]], dtype=torch.float64)
    for steps in (10, 25, 40):
        ends = [float(denoise(field(1.0, 0.25), s, start, shifted_sigmas(steps)).clean) for s in (ODE(), DPM2())]
        assert abs(ends[1] - 1.35) < 0.2 * abs(ends[0] - 1.35)


def test_frozen() -> None:
    assert_frozen(DPM2())
