"""Pictures of things drawn by counting subpixels, a second way to what the renderer does with distances."""

from collections.abc import Sequence

import numpy as np

from benchmarks.tasks.shapes.language import COLORS

FINE = 8
Drawn = tuple[str | tuple[float, float, float], str, float, float, float]
"""Color (name or RGB), shape, center of mass x and y, and area, in pixels."""


def inside(shape: str, dx: np.ndarray, dy: np.ndarray, area: float) -> np.ndarray:
    """Whether points at offsets from the center of mass belong to a shape of that area."""
    if shape == "circle":
        return dx**2 + dy**2 <= area / np.pi
    if shape == "square":
        return np.maximum(abs(dx), abs(dy)) <= area**0.5 / 2
    # Height 1.9 and half the base 1.1 radii; the center of mass is a third of the height above the base.
    radius = (area / (1.9 * 1.1)) ** 0.5
    share = (dy + 1.9 * radius * 2 / 3) / (1.9 * radius)
    return (share >= 0) & (share <= 1) & (abs(dx) <= share * 1.1 * radius)


def draw(things: Sequence[Drawn], background: tuple[float, float, float] = (0.5, 0.5, 0.5)) -> np.ndarray:
    """Return a picture [3, 32, 32]; later things cover earlier ones."""
    y, x = (np.mgrid[0 : 32 * FINE, 0 : 32 * FINE] + 0.5) / FINE
    fine = np.broadcast_to(np.asarray(background)[:, None, None], (3, 32 * FINE, 32 * FINE)).copy()
    for color, shape, center_x, center_y, area in things:
        rgb = COLORS[color] if isinstance(color, str) else color
        fine[:, inside(shape, x - center_x, y - center_y, area)] = np.asarray(rgb)[:, None]
    picture: np.ndarray = fine.reshape(3, 32, FINE, 32, FINE).mean(axis=(2, 4)).astype(np.float32)
    return picture
