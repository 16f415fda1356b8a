"""Grids of noise levels, from 1 (noise) to 0 (data)."""

import torch
from torch import Tensor


def shifted_sigmas(steps: int, shift: float = 1.0) -> Tensor:
    """Return the sigmas shift * u / (1 + (shift - 1) * u) for u evenly spaced from 1 to 0.

    Args:
        steps: Number of steps S >= 1.
        shift: Resolution shift > 0; 1 keeps the grid even, 3 is SD3's.

    Returns:
        [S + 1], strictly decreasing from 1 to 0, float64.

    Raises:
        ValueError: If steps or shift is out of range.

    Source: Stable Diffusion 3 (arXiv 2403.03206), the timestep shift.

    Example:
        >>> shifted_sigmas(4).tolist()
        [1.0, 0.75, 0.5, 0.25, 0.0]
        >>> shifted_sigmas(2, shift=3.0).tolist()
        [1.0, 0.75, 0.0]
    """
    if steps < 1 or not shift > 0:
        raise ValueError(f"shifted_sigmas needs steps >= 1 and shift > 0, found {steps} and {shift}")
    even = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    return shift * even / (1 + (shift - 1) * even)


def check_sigmas(sigmas: Tensor) -> None:
    """Raise ValueError unless sigmas [S + 1] fall strictly and lie in [0, 1]."""
    if sigmas.ndim != 1 or len(sigmas) < 2:
        raise ValueError(f"sigmas must be a vector of at least 2 entries, found shape {tuple(sigmas.shape)}")
    if not bool((sigmas[1:] < sigmas[:-1]).all()) or sigmas[0] > 1 or sigmas[-1] < 0:
        raise ValueError(f"sigmas must fall strictly within [0, 1], found {sigmas.tolist()}")
