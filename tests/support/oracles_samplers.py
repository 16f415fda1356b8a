"""Slow, obvious twins of the stochastic samplers: plain floats from the published formulas, and exact decimals."""

import itertools
import math
from collections.abc import Sequence
from decimal import Decimal, localcontext

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")


def step_rule(sampler: str, eta: float, s: float, n: float) -> tuple[float, float, float]:
    """Return A, B and S of x_next = A x + B velocity + S noise, by the name the released code gives the sampler."""
    if sampler == "ode":
        return 1.0, n - s, 0.0
    if sampler in ("flow_grpo", "dance_grpo"):
        diffusion = eta * math.sqrt(s / (1 - (n if s == 1 else s))) if sampler == "flow_grpo" else eta
        std = diffusion * math.sqrt(s - n)
        return 1 - std**2 / (2 * s), -(s - n) - std**2 * (1 - s) / (2 * s), std
    if sampler == "cps":
        rho = math.cos(eta * math.pi / 2)
    elif sampler == "precise":
        rho = (n * (1 - s) / (s * (1 - n))) ** (eta**2 / 2)
    else:
        assert sampler == "dance_precise"
        rho = math.exp(-(eta**2) / 2 * (1 / n - 1 / s)) if n > 0 else 0.0
    return (1 - n) + n * rho, -s * (1 - n) + n * rho * (1 - s), n * math.sqrt(1 - rho**2)


def gaussian_variances(sampler: str, eta: float, sigmas: Sequence[float], variance: float) -> list[float]:
    """Return P_i for centered Gaussian data under their exact velocity: P' = K^2 P + S^2 from P_0 = 1, K = A + B J."""
    found = [1.0]
    for s, n in itertools.pairwise(sigmas):
        slope = (s - (1 - s) * variance) / ((1 - s) ** 2 * variance + s**2)
        a, b, std = step_rule(sampler, eta, s, n)
        found.append((a + b * slope) ** 2 * found[-1] + std**2)
    return found


def _cosine(x: Decimal) -> Decimal:
    total = term = Decimal(1)
    for k in itertools.count(1):
        term *= -x * x / ((2 * k - 1) * (2 * k))
        if abs(term) < Decimal(10) ** -95:
            return total
        total += term
    raise AssertionError


def exact_coefficients(sampler: str, eta: float, s: float, n: float) -> tuple[float, float]:
    """Return how much of the predicted noise a step takes away and its std, from the plain formulas in 100 digits."""
    with localcontext(prec=100):
        e, here, there = Decimal(eta), Decimal(s), Decimal(n)
        if sampler in ("flow_grpo", "dance_grpo"):
            blank = there if s == 1 else here
            variance = e**2 * (here - there) * (here / (1 - blank) if sampler == "flow_grpo" else 1)
            return float(variance / (2 * here)), float(variance.sqrt())
        if sampler == "cps":
            rho = _cosine(e * PI / 2)
        elif n == 0 or (sampler == "precise" and s == 1):
            rho = Decimal(0)
        elif sampler == "precise":
            rho = (e**2 / 2 * (there * (1 - here) / (here * (1 - there))).ln()).exp()
        else:
            rho = (-(e**2) / 2 * (1 / there - 1 / here)).exp()
        return float(there * (1 - rho)), float(there * (1 - rho**2).sqrt())
