"""The only denoising loop."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from methods.base import Rollout, Sampler, per_row
from methods.samplers.ode import ODE
from methods.samplers.schedules import check_sigmas


def log_prob(x_next: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return the log-density of x_next [B, ...] under N(mean, std^2), averaged over dimensions [B].

    The mean over dimensions, not the sum, is the field's convention (Flow-GRPO); std [B] must be > 0.

    Example:
        >>> log_prob(torch.zeros(1, 2), torch.zeros(1, 2), torch.ones(1)).item()  # doctest: +ELLIPSIS
        -0.9189...
    """
    deviation = (x_next - mean) / per_row(std, mean)
    return -0.5 * deviation.square().flatten(1).mean(1) - std.log() - 0.5 * math.log(2 * math.pi)


@torch.no_grad()
def denoise(
    velocity: Callable[[Tensor, Tensor], Tensor],
    sampler: Sampler,
    noise: Tensor,
    sigmas: Tensor,
    step_noise: Callable[[int], Tensor] | None = None,
    *,
    noisy: Tensor | None = None,
    keep_path: bool = False,
) -> Rollout:
    """Lead noise to clean latents, without gradient.

    Args:
        velocity: Maps x [B, ...] and sigma [B] to the velocity [B, ...].
        sampler: The rule of one step.
        noise: Start at sigmas[0], [B, ...].
        sigmas: Strictly decreasing in [0, 1], [S + 1].
        step_noise: Gives the standard normal noise [B, ...] of step i; needed by stochastic samplers only.
        noisy: Steps [S] at which the sampler is used, the others being Euler steps of the ODE; None = all.
        keep_path: Also keep all states and the transitions' means and standard deviations.

    Returns:
        The rollout.

    Raises:
        ValueError: If sigmas do not fall strictly, or a stochastic sampler got no noise.
    """
    check_sigmas(sigmas)
    x, history, rows = noise, None, len(noise)
    # One level for all rows: samplers get it as [1], as exact as it came, and compute their coefficients once; the
    # network gets [B] in its own precision, in which neighboring levels may be equal.
    levels = sigmas.to(noise.device).unsqueeze(1).unbind()
    used = [True] * (len(sigmas) - 1) if noisy is None else noisy.tolist()
    path, means, stds = [x], [], []
    for i in range(len(sigmas) - 1):
        here, there = levels[i], levels[i + 1]
        rule = sampler if used[i] else ODE()
        step = rule.transition(x, velocity(x, here.to(noise.dtype).expand(rows)), here, there, history)
        x, history = step.mean, step.history
        if rule.stochastic and bool(step.std.any()):
            if step_noise is None:
                raise ValueError(f"{type(sampler).__name__} is stochastic and needs step_noise, found None")
            x = x + per_row(step.std, x) * step_noise(i)
        if keep_path:
            path.append(x)
            means.append(step.mean)
            stds.append(step.std[0])
    if not keep_path:
        return Rollout(x, sigmas)
    return Rollout(x, sigmas, torch.stack(path), torch.stack(means), torch.stack(stds), sampler)
