"""Densities against plain quadrature, against known laws, and against our own earlier table."""

import itertools
import math

import numpy as np
import pytest
import torch

from benchmarks.studies import densities
from benchmarks.studies.densities import data_distribution, deterministic_outcome, stochastic_outcomes
from benchmarks.studies.probes import Array
from methods.samplers.dpm import DPM2
from methods.samplers.ode import ODE
from methods.samplers.schedules import shifted_sigmas
from tests.support.oracles_samplers import step_rule
from tests.support.samplers import DEFAULTS, STOCHASTIC, named

# Mass of the light mode and standard deviation of the heavy one, for 6, 10, 20, 30 and 200 steps.
STEPS = (6, 10, 20, 30, 200)
MODE_WEIGHT = {
    "cps": (0.252, 0.259, 0.261, 0.261, 0.256),
    "precise": (0.252, 0.269, 0.284, 0.289, 0.298),
    "flow_grpo": (0.305, 0.305, 0.304, 0.303, 0.301),
}
MODE_STD = {
    "cps": (0.171, 0.159, 0.155, 0.157, 0.167),
    "precise": (0.169, 0.159, 0.165, 0.172, 0.194),
    "flow_grpo": (0.206, 0.199, 0.199, 0.199, 0.200),
}
# W1 and total variation; the table's distribution functions are taken half a point of its grid (0.005) off.
DISTANCES = {
    "ode": ((0.0943, 0.161), (0.0576, 0.096), (0.0293, 0.048), (0.0196, 0.032), (0.0032, 0.003)),
    "flow_grpo": ((0.0416, 0.058), (0.0271, 0.037), (0.0151, 0.019), (0.0110, 0.012), (0.0053, 0.002)),
    "cps": ((0.1458, 0.190), (0.1197, 0.153), (0.1026, 0.132), (0.0986, 0.122), (0.1007, 0.096)),
    "precise": ((0.1472, 0.193), (0.1000, 0.151), (0.0573, 0.101), (0.0406, 0.076), (0.0073, 0.015)),
}


def slow_velocity(x: Array, s: float) -> Array:
    """The mixture's velocity, component by component, from the formulas of a Gaussian."""
    keep, total, moment = 1 - s, np.zeros_like(x), np.zeros_like(x)
    for weight, mean in zip(densities.WEIGHTS, densities.MEANS, strict=True):
        variance = keep**2 * densities.STD**2 + s**2
        density = weight * np.exp(-((x - keep * mean) ** 2) / (2 * variance)) / math.sqrt(variance)
        slope = (s - keep * densities.STD**2) / variance
        total, moment = total + density, moment + density * (slope * (x - keep * mean) - mean)
    return moment / np.maximum(total, 1e-300)


def slow_w1(name: str, eta: float, steps: int, shift: float) -> tuple[float, float]:
    """W1 and total variation by the plain integral over the kernel, for steps that all add noise."""
    x = np.linspace(-6, 6, 3001)
    width = x[1] - x[0]
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    sigmas = shifted_sigmas(steps, shift).tolist()
    for s, n in itertools.pairwise(sigmas):
        a, b, std = step_rule(name, eta, s, n)
        kernel = np.exp(-(((x[:, None] - (a * x + b * slow_velocity(x, s))) / std) ** 2) / 2)
        density = kernel @ density * width / (std * math.sqrt(2 * math.pi))
    below = np.cumsum(density) * width - density * width / 2
    data = sum(
        w * np.exp(-(((x - m) / densities.STD) ** 2) / 2) / (densities.STD * math.sqrt(2 * math.pi))
        for w, m in zip(densities.WEIGHTS, densities.MEANS, strict=True)
    )
    return float(np.abs(below - data_distribution(x)).sum() * width), float(np.abs(density - data).sum() * width / 2)


@pytest.mark.parametrize(
    ("name", "eta"), [("flow_grpo", 0.7), ("flow_grpo", 1.0), ("dance_grpo", 0.3), ("dance_grpo", 0.7)]
)
@pytest.mark.parametrize(("steps", "shift"), [(6, 1.0), (10, 3.0)])
def test_distances_are_those_of_plain_quadrature(name: str, eta: float, steps: int, shift: float) -> None:
    (found,) = stochastic_outcomes([named(name, eta)], shifted_sigmas(steps, shift))
    w1, variation = slow_w1(name, eta, steps, shift)
    assert found.w1 == pytest.approx(w1, abs=2e-5)
    assert found.total_variation == pytest.approx(variation, abs=5e-5)


def test_modes_are_those_of_the_table() -> None:
    samplers = [named(name, DEFAULTS[name]) for name in MODE_WEIGHT]
    for i, steps in enumerate(STEPS):
        for name, found in zip(MODE_WEIGHT, stochastic_outcomes(samplers, shifted_sigmas(steps)), strict=True):
            assert found.mode_weight == pytest.approx(MODE_WEIGHT[name][i], abs=1e-3), (name, steps)
            assert found.mode_std == pytest.approx(MODE_STD[name][i], abs=1e-3), (name, steps)


def test_distances_are_near_those_of_the_table() -> None:
    for i, steps in enumerate(STEPS):
        for name, rows in DISTANCES.items():
            sigmas = shifted_sigmas(steps)
            ours = deterministic_outcome(ODE(), sigmas) if name == "ode" else None
            found = ours or stochastic_outcomes([named(name, DEFAULTS[name])], sigmas)[0]
            assert found.w1 == pytest.approx(rows[i][0], abs=2.6e-3), (name, steps)
            assert found.total_variation == pytest.approx(rows[i][1], abs=6e-3), (name, steps)


def test_deterministic_samplers_converge_to_the_data() -> None:
    found = {n: deterministic_outcome(DPM2(), shifted_sigmas(n)) for n in (30, 200)}
    assert found[200].w1 < found[30].w1 / 4 < 5e-4
    assert found[200].total_variation < 2e-3
    assert found[200].mode_weight == pytest.approx(0.3, abs=3e-4)
    assert found[200].mode_std == pytest.approx(0.2, abs=1e-3)


def test_the_two_ways_agree_where_both_apply() -> None:
    # Hardly any noise: Dance-GRPO's SDE is then the ODE.
    (noisy,) = stochastic_outcomes([named("dance_grpo", 1e-4)], shifted_sigmas(12))
    plain = deterministic_outcome(ODE(), shifted_sigmas(12))
    assert noisy.w1 == pytest.approx(plain.w1, abs=5e-5)
    assert noisy.variance == pytest.approx(plain.variance, rel=1e-4)


def test_samplers_side_by_side_do_not_meet() -> None:
    samplers = [named(name, DEFAULTS[name]) for name in STOCHASTIC]
    together = stochastic_outcomes(samplers, shifted_sigmas(6))
    assert together == [stochastic_outcomes([one], shifted_sigmas(6))[0] for one in samplers]
    assert stochastic_outcomes([], shifted_sigmas(6)) == []


def test_the_velocity_is_the_mixtures() -> None:
    x = np.linspace(-3, 3, 41)
    for s in (1.0, 0.6, 0.2, 0.05):
        np.testing.assert_allclose(densities._velocity(x, s), slow_velocity(x, s), rtol=1e-9, atol=1e-9)
    assert densities.mixture().means.dtype == torch.float64
