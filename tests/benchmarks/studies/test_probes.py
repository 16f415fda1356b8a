"""The exact recursions against published tables, the grids of the released code's twin, and the product's own loop."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.studies.probes import excess_noise, gaussian_outcome, probe
from methods.base import Sampler
from methods.samplers.dpm import DPM2
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE
from methods.samplers.schedules import shifted_sigmas
from tests.support.oracles_samplers import gaussian_variances, step_rule
from tests.support.samplers import DEFAULTS, STOCHASTIC, gaussian_field, named

DATA = Path(__file__).parents[2] / "data"
STEPS = (6, 10, 20, 30)
# Output variance over data variance, by (shift, data variance) and sampler, for 6, 10, 20 and 30 steps.
RATIOS = {
    (1.0, 1.0): {
        "ode": (0.6488, 0.7726, 0.8793, 0.9178),
        "dpm2": (0.9032, 0.9986, 1.0050, 1.0027),
        "flow_grpo": (0.8689, 0.9313, 0.9781, 0.9925),
        "dance_grpo": (0.6709, 0.7873, 0.8873, 0.9233),
        "cps": (0.5037, 0.5804, 0.6445, 0.6678),
        "precise": (0.4972, 0.6351, 0.7833, 0.8455),
        "precise 0.7": (0.6105, 0.7407, 0.8589, 0.9030),
        "dance_precise": (0.6378, 0.7614, 0.8702, 0.9104),
    },
    (3.0, 0.25): {
        "ode": (0.3432, 0.5467, 0.7450, 0.8225),
        "dpm2": (0.3780, 0.6618, 0.9407, 1.0032),
        "flow_grpo": (0.6563, 0.7203, 0.8422, 0.8922),
        "dance_grpo": (0.4194, 0.5934, 0.7715, 0.8411),
        "cps": (0.3014, 0.4292, 0.5422, 0.5880),
        "precise": (0.2933, 0.4261, 0.5879, 0.6753),
        "dance_precise": (0.3406, 0.5361, 0.7230, 0.7981),
    },
}
# Output standard deviation, by (shift, data std).
NARROW = {
    (1.0, 0.0): {"flow_grpo": (0.1462, 0.0828, 0.0398, 0.0262), "dance_grpo": (0.1331, 0.1104, 0.0944, 0.0936)},
    (3.0, 0.0): {"flow_grpo": (0.3837, 0.2279, 0.1142, 0.0763), "dance_grpo": (0.1895, 0.1575, 0.1222, 0.1072)},
    (3.0, 0.1): {
        "ode": (0.0163, 0.0283, 0.0511, 0.0647),
        "flow_grpo": (0.3715, 0.2114, 0.1056, 0.0892),
        "dance_grpo": (0.1859, 0.1507, 0.1120, 0.0998),
        "cps": (0.0163, 0.0280, 0.0486, 0.0592),
        "precise": (0.0163, 0.0279, 0.0486, 0.0594),
    },
}


def called(name: str) -> Sampler:
    if name == "dpm2":
        return DPM2()
    sampler, _, eta = name.partition(" ")
    return named(sampler, float(eta) if eta else DEFAULTS.get(sampler, 0.0))


def output(sampler: Sampler, steps: int, shift: float, variance: float) -> tuple[float, float]:
    found, factor = gaussian_outcome([probe(sampler, shifted_sigmas(steps, shift))], np.array([variance]))
    return float(found[0, 0]), float(factor[0, 0])


@pytest.mark.parametrize(("grid", "name"), [(grid, name) for grid, rows in RATIOS.items() for name in rows], ids=str)
def test_variances_are_the_published_ones(grid: tuple[float, float], name: str) -> None:
    shift, variance = grid
    found = [output(called(name), steps, shift, variance)[0] / variance for steps in STEPS]
    np.testing.assert_allclose(found, RATIOS[grid][name], atol=5.1e-5)


@pytest.mark.parametrize(("grid", "name"), [(grid, name) for grid, rows in NARROW.items() for name in rows], ids=str)
def test_what_is_left_on_narrow_data_is_the_published_noise(grid: tuple[float, float], name: str) -> None:
    shift, std = grid
    found = [math.sqrt(output(called(name), steps, shift, std**2)[0]) for steps in STEPS]
    np.testing.assert_allclose(found, NARROW[grid][name], atol=5.1e-5)


@pytest.mark.parametrize("name", ["ode", "dpm2", "cps", "precise", "dance_precise"])
def test_samplers_that_take_away_what_they_add_meet_a_single_point(name: str) -> None:
    assert output(called(name), 10, 3.0, 0.0)[0] < 1e-24


@pytest.mark.parametrize("file", ["stochastic_gaussian_variance.json", "euler_gaussian_variance.json"])
def test_variances_are_those_of_the_stored_grids(file: str) -> None:
    content = json.loads((DATA / file).read_text())
    rows = (
        content
        if isinstance(content, list)
        else [dict(zip(content["columns"], r, strict=True)) for r in content["rows"]]
    )
    assert len(rows) > 10
    for row in rows:
        sampler = named(row.get("sampler", "ode"), row.get("eta", 0.0))
        found, _ = output(sampler, row["num_steps"], row["shift"], row["data_var"])
        assert found == pytest.approx(row["final_var"], rel=1e-9), row


def test_the_share_of_the_initial_noise_is_the_published_one() -> None:
    expected = {
        "ode": 1.0,
        "flow_grpo": 0.0847,
        "dance_grpo": 0.850,
        "cps": 0.0010,
        "precise": 0.0,
        "dance_precise": 0.891,
    }
    for name, share in expected.items():
        variance, factor = output(called(name), 10, 1.0, 1.0)
        assert factor**2 / variance == pytest.approx(share, abs=5.1e-4 if name == "dance_grpo" else 5.1e-5 * 10), name


def test_cps_ends_at_its_limit_and_precise_at_the_data() -> None:
    for eta, limit in ((0.3, 0.94550), (0.7, 0.72700), (0.9, 0.57822)):
        assert math.cos(eta * math.pi / 4) ** 2 == pytest.approx(limit, abs=5.1e-6)
        for variance in (0.25, 1.0, 4.0):
            ratio = output(named("cps", eta), 20000, 1.0, variance)[0] / variance
            assert ratio == pytest.approx(limit, abs=1e-3)
    for eta, error in ((0.7, -0.0006), (1.5, -0.0011)):
        assert output(named("precise", eta), 5120, 1.0, 1.0)[0] - 1 == pytest.approx(error, abs=5.1e-5)


@pytest.mark.parametrize("name", list(STOCHASTIC))
def test_probed_coefficients_are_the_published_rules(name: str) -> None:
    eta, sigmas = DEFAULTS[name], shifted_sigmas(7, 3.0)
    steps = probe(named(name, eta), sigmas)
    assert len(steps) == 7
    expected = np.array(
        [step_rule(name, eta, s, n) for s, n in zip(steps.s.tolist(), steps.n.tolist(), strict=True)][:-1]
    )
    np.testing.assert_allclose(np.stack([steps.a, steps.b, steps.std], 1)[:-1], expected, rtol=1e-9, atol=1e-12)
    assert not steps.c.any()
    assert output(named(name, eta), 7, 3.0, 0.3)[0] == pytest.approx(
        gaussian_variances(name, eta, sigmas.tolist(), 0.3)[-1], rel=1e-9
    )


@pytest.mark.parametrize("steps", [1, 2, 6, 17])
def test_a_multistep_solver_is_followed_as_the_loop_runs_it(steps: int) -> None:
    variances = torch.tensor([0.01, 1.0, 4.0], dtype=torch.float64)
    start = torch.ones(1, 3, dtype=torch.float64)
    field = gaussian_field(0.0, variances)

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        return field(x, sigma)

    for sampler in (DPM2(), ODE()):
        sigmas = shifted_sigmas(steps, 2.0)
        clean = denoise(velocity, sampler, start, sigmas).clean
        variance, factor = gaussian_outcome([probe(sampler, sigmas)], variances.numpy())
        np.testing.assert_allclose(factor[0], clean[0].numpy(), rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(variance[0], clean[0].numpy() ** 2, rtol=1e-10, atol=1e-13)


def test_excess_noise_is_that_of_the_cps_notebook() -> None:
    assert math.sqrt(excess_noise(probe(named("flow_grpo", 0.7), shifted_sigmas(16)))) == pytest.approx(
        0.5359, abs=5.1e-5
    )
    for name in ("ode", "cps", "precise", "dance_precise"):
        assert abs(excess_noise(probe(called(name), shifted_sigmas(16)))) < 1e-12
