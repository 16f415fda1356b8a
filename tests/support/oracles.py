"""Slow, obvious twins of the formulas in `methods`, written from their definitions in plain loops and float64."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Matrix = list[list[float]]


def flat_gradient(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Return the gradient [P] of one scalar by one backward pass of its own; the graph is kept."""
    pieces = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    zeros = [torch.zeros_like(p) if piece is None else piece for p, piece in zip(parameters, pieces, strict=True)]
    return torch.cat([piece.flatten() for piece in zeros])


def naive_advantages(rewards: Matrix, groups: Sequence[int], *, over_batch: bool = False) -> Matrix:
    """Return (R - mean) / (std + 1e-4) per group and column; NaN counts for nothing and becomes 0."""
    n_objectives = len(rewards[0])
    advantages = [[0.0] * n_objectives for _ in rewards]
    for k in range(n_objectives):
        column = [row[k] for row in rewards]
        spread: dict[int, float] = {}
        center: dict[int, float] = {}
        for group in set(groups):
            inside = [r for r, g in zip(column, groups, strict=True) if g == group and not math.isnan(r)]
            if inside:
                center[group] = math.fsum(inside) / len(inside)
                spread[group] = math.sqrt(math.fsum((r - center[group]) ** 2 for r in inside) / len(inside))
        known = [r for r in column if not math.isnan(r)]
        if over_batch and known:
            middle = math.fsum(known) / len(known)
            whole = math.sqrt(math.fsum((r - middle) ** 2 for r in known) / len(known))
            spread = dict.fromkeys(spread, whole)
        for i, (reward, group) in enumerate(zip(column, groups, strict=True)):
            if not math.isnan(reward):
                advantages[i][k] = (reward - center[group]) / (spread[group] + 1e-4)
    return advantages


def naive_branches(
    x: Tensor, sigma: float, velocity: Tensor, old: Tensor, clean: Tensor, beta: float
) -> tuple[Tensor, Tensor, float, float]:
    """Return L_pos, L_neg (differentiable in the velocity) and their normalizers for one point, from the definition."""
    v_pos = (1 - beta) * old.detach() + beta * velocity
    v_neg = (1 + beta) * old.detach() - beta * velocity
    errors = [((x - sigma * v) - clean).flatten() for v in (v_pos, v_neg)]
    scales = [max(math.fsum(map(abs, error.tolist())) / len(error), 1e-5) for error in errors]
    losses = [
        sum((e * e / scale for e in error), torch.zeros(())) / len(error)
        for error, scale in zip(errors, scales, strict=True)
    ]
    return losses[0], losses[1], scales[0], scales[1]


def naive_nft_losses(
    x: Tensor, sigma: Tensor, velocity: Tensor, old: Tensor, clean: Tensor, advantages: Tensor, beta: float, clip: float
) -> Tensor:
    """Return the policy losses [N, K], factor clip / beta included, one point and one reward at a time."""
    rows = []
    for n in range(len(x)):
        positive, negative, _, _ = naive_branches(x[n], float(sigma[n]), velocity[n], old[n], clean[n], beta)
        row = []
        for advantage in advantages[n].tolist():
            r = 0.5 + 0.5 * max(-1.0, min(1.0, advantage / clip))
            row.append(clip * (r * positive + (1 - r) * negative) / beta)
        rows.append(torch.stack(row))
    return torch.stack(rows)


def gaussian_velocity(mean: float, variance: float) -> Callable[[float, float], float]:
    """Return the exact velocity (x, sigma) -> E[noise - clean | x] for clean ~ N(mean, variance) in one dimension."""

    def velocity(x: float, sigma: float) -> float:
        keep = 1 - sigma
        total = keep**2 * variance + sigma**2
        clean = mean + keep * variance / total * (x - keep * mean)
        noise = sigma / total * (x - keep * mean)
        return noise - clean

    return velocity


def euler_variance(sigmas: Sequence[float], variance: float) -> list[float]:
    """Return P_i of the Euler ODE for centered Gaussian data, by P_{i+1} = K_i^2 P_i from P_0 = 1."""
    found = [1.0]
    for here, there in itertools.pairwise(sigmas):
        slope = (here - (1 - here) * variance) / ((1 - here) ** 2 * variance + here**2)
        gain = 1 + (there - here) * slope
        found.append(gain**2 * found[-1])
    return found


def naive_dpm2(noise: float, velocity: Callable[[float, float], float], sigmas: Sequence[float]) -> list[float]:
    """Return the states of DPM-Solver++ 2M in its exponential form; the first and the last step are Euler steps."""
    states, x, previous = [noise], noise, 0.0
    for i in range(len(sigmas) - 1):
        here, there = sigmas[i], sigmas[i + 1]
        v = velocity(x, here)
        clean = x - here * v
        if i in (0, len(sigmas) - 2):
            x = x + (there - here) * v
        else:
            h = math.log((1 - there) / there) - math.log((1 - here) / here)
            before = sigmas[i - 1]
            bend = 0.0
            if before < 1:
                rho = (math.log((1 - here) / here) - math.log((1 - before) / before)) / h
                bend = (clean - previous) / rho
            x = there / here * x - (1 - there) * math.expm1(-h) * (clean + 0.5 * bend)
        previous = clean
        states.append(x)
    return states


def naive_lattice(n_objectives: int, divisions: int) -> set[tuple[int, ...]]:
    """Return all compositions of `divisions` into K non-negative integers, by trying every tuple."""
    return {c for c in itertools.product(range(divisions + 1), repeat=n_objectives) if sum(c) == divisions}


def naive_log_prob(x: Tensor, mean: Tensor, std: Tensor) -> list[float]:
    """Return per row the mean over dimensions of the log-density of a Gaussian."""
    found = []
    for n in range(len(x)):
        s = float(std[n])
        terms = [
            -((a - b) ** 2) / (2 * s * s) - math.log(s) - 0.5 * math.log(2 * math.pi)
            for a, b in zip(x[n].flatten().tolist(), mean[n].flatten().tolist(), strict=True)
        ]
        found.append(math.fsum(terms) / len(terms))
    return found
