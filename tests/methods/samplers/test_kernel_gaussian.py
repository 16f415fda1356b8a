import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from methods.samplers.loop import denoise
from methods.samplers.schedules import shifted_sigmas
from tests.methods.stubs import normal
from tests.support.oracles_samplers import gaussian_variances
from tests.support.samplers import DEFAULTS, STOCHASTIC, doubles, gaussian_field, named, output_variance

GRID = json.loads(
    (Path(__file__).parents[2] / "data" / "stochastic_gaussian_variance.json").read_text(encoding="utf-8")
)
ROWS = [dict(zip(GRID["columns"], row, strict=True)) for row in GRID["rows"]]
KINDS = sorted({(row["sampler"], row["eta"]) for row in ROWS})
each = pytest.mark.parametrize("name", sorted(STOCHASTIC))


def responses(name: str, eta: float, sigmas: Tensor, mean: float, variances: Tensor) -> Tensor:
    """The output less its mean for a unit of each noise [S + 1, columns]: of the start, then of each step.

    The whole rollout is affine in its noises, so a row for each gives its exact law.
    """
    steps, columns = len(sigmas) - 1, len(variances)
    units = torch.eye(steps + 1, dtype=torch.float64)
    quiet = torch.zeros(1, columns, dtype=torch.float64)

    def column(i: int) -> Tensor:
        return torch.cat([quiet, units[:, i : i + 1].expand(-1, columns)])

    clean = denoise(gaussian_field(mean, variances), named(name, eta), column(0), sigmas, lambda i: column(i + 1)).clean
    torch.testing.assert_close(clean[0], torch.full_like(variances, mean), rtol=0, atol=1e-10)
    return clean[1:] - clean[0]


def test_the_grid_is_whole() -> None:
    assert len(ROWS) == 432
    assert {name for name, _ in KINDS} == {*STOCHASTIC, "ode"}


@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize(("name", "eta"), KINDS)
def test_variances_of_the_golden_grid(name: str, eta: float, shift: float) -> None:
    mine = [row for row in ROWS if (row["sampler"], row["eta"], row["shift"]) == (name, eta, shift)]
    assert len(mine) == 24
    for row in mine:
        sigmas, variance = shifted_sigmas(row["num_steps"], shift), row["data_var"]
        found = output_variance(named(name, eta), sigmas, variance)
        assert found == pytest.approx(row["final_var"], rel=1e-10, abs=0)
        assert found == pytest.approx(gaussian_variances(name, eta, sigmas.tolist(), variance)[-1], rel=1e-10, abs=0)


@each
@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize("steps", [1, 2, 6, 10, 30])
def test_whole_rollouts_have_the_exact_mean_and_variance(name: str, steps: int, shift: float) -> None:
    variances, sigmas = doubles(0.0, 0.01, 0.25, 1.0, 4.0), shifted_sigmas(steps, shift)
    for eta in (0.3, DEFAULTS[name]):
        found = responses(name, eta, sigmas, 0.8, variances).square().sum(0)
        for variance, total in zip(variances.tolist(), found.tolist(), strict=True):
            expected = gaussian_variances(name, eta, sigmas.tolist(), variance)[-1]
            assert total == pytest.approx(expected, rel=1e-10, abs=1e-14)


@each
def test_monte_carlo_covariance(name: str) -> None:
    n, steps = 40_000, 6
    sigmas, variances = shifted_sigmas(steps, 3.0), doubles(0.04, 1.0)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    field = gaussian_field(0.0, variances)
    center = doubles(0.8, -0.3)

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        # Data N(center, turn diag(variances) turn^T), as the centered axis-parallel ones seen from elsewhere.
        local = (x - (1 - sigma)[:, None] * center) @ turn
        return field(local, sigma) @ turn.T - center

    sampler = named(name, DEFAULTS[name])
    clean = denoise(velocity, sampler, normal(0, n, 2), sigmas, lambda i: normal(i + 1, n, 2)).clean
    found = torch.cov(((clean - center) @ turn).T)
    first, second = (gaussian_variances(name, DEFAULTS[name], sigmas.tolist(), v)[-1] for v in variances.tolist())
    assert float(found[0, 0]) == pytest.approx(first, abs=4 * first * math.sqrt(2 / n))
    assert float(found[1, 1]) == pytest.approx(second, abs=4 * second * math.sqrt(2 / n))
    assert float(found[0, 1]) == pytest.approx(0, abs=4 * math.sqrt(first * second / n))
    mean = ((clean - center) @ turn).mean(0)
    assert mean.abs().tolist() == pytest.approx([0, 0], abs=4 * math.sqrt(max(first, second) / n))


@pytest.mark.parametrize(
    ("shift", "variance", "name", "eta", "ratios"),
    [
        (1.0, 1.0, "flow_grpo", 0.7, (0.8689, 0.9313, 0.9781, 0.9925)),
        (1.0, 1.0, "dance_grpo", 0.3, (0.6709, 0.7873, 0.8873, 0.9233)),
        (1.0, 1.0, "cps", 0.7, (0.5037, 0.5804, 0.6445, 0.6678)),
        (1.0, 1.0, "precise", 1.5, (0.4972, 0.6351, 0.7833, 0.8455)),
        (1.0, 1.0, "precise", 0.7, (0.6105, 0.7407, 0.8589, 0.9030)),
        (1.0, 1.0, "dance_precise", 0.3, (0.6378, 0.7614, 0.8702, 0.9104)),
        (3.0, 0.25, "flow_grpo", 0.7, (0.6563, 0.7203, 0.8422, 0.8922)),
        (3.0, 0.25, "dance_grpo", 0.3, (0.4194, 0.5934, 0.7715, 0.8411)),
        (3.0, 0.25, "cps", 0.7, (0.3014, 0.4292, 0.5422, 0.5880)),
        (3.0, 0.25, "precise", 1.5, (0.2933, 0.4261, 0.5879, 0.6753)),
        (3.0, 0.25, "dance_precise", 0.3, (0.3406, 0.5361, 0.7230, 0.7981)),
    ],
)
def test_variance_ratios_at_the_defaults(
    shift: float, variance: float, name: str, eta: float, ratios: tuple[float, ...]
) -> None:
    found = [output_variance(named(name, eta), shifted_sigmas(n, shift), variance) / variance for n in (6, 10, 20, 30)]
    assert found == pytest.approx(ratios, abs=5.1e-5)


@pytest.mark.parametrize(
    ("spread", "shift", "name", "deviations"),
    [
        (0.0, 1.0, "flow_grpo", (0.1462, 0.0828, 0.0398, 0.0262)),
        (0.0, 1.0, "dance_grpo", (0.1331, 0.1104, 0.0944, 0.0936)),
        (0.0, 3.0, "flow_grpo", (0.3837, 0.2279, 0.1142, 0.0763)),
        (0.0, 3.0, "dance_grpo", (0.1895, 0.1575, 0.1222, 0.1072)),
        (0.1, 3.0, "flow_grpo", (0.3715, 0.2114, 0.1056, 0.0892)),
        (0.1, 3.0, "cps", (0.0163, 0.0280, 0.0486, 0.0592)),
        (0.1, 3.0, "precise", (0.0163, 0.0279, 0.0486, 0.0594)),
    ],
)
def test_narrow_data_show_the_residual_noise(
    spread: float, shift: float, name: str, deviations: tuple[float, ...]
) -> None:
    sampler = named(name, DEFAULTS[name])
    found = [math.sqrt(output_variance(sampler, shifted_sigmas(n, shift), spread**2)) for n in (6, 10, 20, 30)]
    assert found == pytest.approx(deviations, abs=5.1e-5)


@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize("steps", [1, 5, 12])
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("name", ["ode", "cps", "precise", "dance_precise"])
def test_a_single_data_point_is_met_at_every_level(name: str, eta: float, steps: int, shift: float) -> None:
    sigmas = shifted_sigmas(steps, shift)
    for last in range(1, steps + 1):
        part = sigmas[: last + 1]
        assert output_variance(named(name, eta), part, 0.0) == pytest.approx(float(part[-1]) ** 2, rel=1e-12, abs=1e-28)
