import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from methods.samplers.loop import denoise
from methods.samplers.ode import ODE
from methods.samplers.schedules import shifted_sigmas
from tests.methods.stubs import normal
from tests.support.oracles import euler_variance, gaussian_velocity
from tests.support.properties import assert_frozen, unchanged

DATA = Path(__file__).parents[2] / "data"
VARIANCES = (0.01, 0.25, 1.0, 4.0)


def exact_velocity(mean: float, variances: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """The velocity for Gaussian data with one variance a column."""

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        keep, level = (1 - sigma)[:, None], sigma[:, None]
        slope = (level - keep * variances) / (keep**2 * variances + level**2)
        return slope * (x - keep * mean) - mean

    return velocity


def probed(sigmas: Tensor, mean: float, variances: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and gain of the output, per variance, from two starts: the map is affine."""
    starts = torch.tensor([[2.0], [-1.0]], dtype=torch.float64).expand(2, len(variances))
    low, high = denoise(exact_velocity(mean, variances), ODE(), starts, sigmas).clean.flip(0)
    gain = (high - low) / 3
    return low + gain, gain


@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize("steps", [6, 10, 20, 30, 100, 1000])
def test_variance_of_gaussian_data_is_the_exact_recursion_and_the_golden_one(steps: int, shift: float) -> None:
    sigmas = shifted_sigmas(steps, shift)
    middle, gain = probed(sigmas, 0.8, torch.tensor(VARIANCES, dtype=torch.float64))
    torch.testing.assert_close(middle, torch.full_like(middle, 0.8), rtol=0, atol=1e-10)
    rows = json.loads((DATA / "euler_gaussian_variance.json").read_text(encoding="utf-8"))
    golden = {r["data_var"]: r["final_var"] for r in rows if (r["num_steps"], r["shift"]) == (steps, shift)}
    assert set(golden) == set(VARIANCES)
    for variance, found in zip(VARIANCES, gain.square().tolist(), strict=True):
        assert found == pytest.approx(euler_variance(sigmas.tolist(), variance)[-1], rel=1e-10, abs=1e-14)
        assert found == pytest.approx(golden[variance], rel=1e-10, abs=1e-14)


def test_variance_follows_the_recursion_at_every_step() -> None:
    sigmas, variances = shifted_sigmas(8, 3.0), torch.tensor(VARIANCES, dtype=torch.float64)
    start = torch.ones(1, 4, dtype=torch.float64)
    path = denoise(exact_velocity(0.0, variances), ODE(), start, sigmas, keep_path=True).path
    assert path is not None
    for j, variance in enumerate(VARIANCES):
        assert path[:, 0, j].square().tolist() == pytest.approx(euler_variance(sigmas.tolist(), variance), rel=1e-10)


def test_the_gain_is_also_what_autograd_sees() -> None:
    sigmas, variances = shifted_sigmas(7), torch.tensor(VARIANCES, dtype=torch.float64)
    x = start = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    for here, there in itertools.pairwise(sigmas):
        x = ODE().transition(x, exact_velocity(0.3, variances)(x, here[None]), here[None], there[None]).mean
    (gain,) = torch.autograd.grad(x.sum(), start)
    expected = [euler_variance(sigmas.tolist(), variance)[-1] for variance in VARIANCES]
    assert gain[0].square().tolist() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("shift", "values"),
    [
        (1.0, {5: 1.2584615, 10: 1.3015478, 25: 1.3298410, 40: 1.3372676}),
        (3.0, {10: 1.2587844, 25: 1.3112181, 40: 1.3253017}),
    ],
)
def test_check_values_in_one_dimension(shift: float, values: dict[int, float]) -> None:
    field = gaussian_velocity(1.0, 0.25)

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        return torch.tensor([[field(float(x), float(sigma))]], dtype=torch.float64)

    start = torch.tensor([[0.7]], dtype=torch.float64)
    for steps, expected in values.items():
        found = denoise(velocity, ODE(), start, shifted_sigmas(steps, shift)).clean
        assert float(found) == pytest.approx(expected, abs=6e-8)


def test_halving_the_step_halves_the_error() -> None:
    variances = torch.tensor([0.25], dtype=torch.float64)
    errors = [abs(float(probed(shifted_sigmas(n), 0.0, variances)[1]) - 0.5) for n in (200, 400)]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.02)


def test_a_step_reads_no_history_and_writes_nowhere() -> None:
    x, velocity = normal(0, 3, 2, 2), normal(1, 3, 2, 2)
    here = torch.tensor([1.0, 0.6, 0.3], dtype=torch.float64)
    there = torch.tensor([0.9, 0.1, 0.0], dtype=torch.float64)
    with unchanged(x, velocity, here, there):
        step = ODE().transition(x, velocity, here, there, (normal(2, 3, 2, 2), torch.ones(3)))
    assert torch.equal(step.mean, ODE().transition(x, velocity, here, there).mean)
    assert step.history is None
    assert not bool((step.std != 0).any())
    for n in range(3):
        torch.testing.assert_close(step.mean[n], x[n] + (there[n] - here[n]) * velocity[n])


def test_frozen() -> None:
    assert_frozen(ODE())
