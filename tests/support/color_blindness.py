"""How far apart colors are for readers with and without color blindness."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009,
# severity 1, for linear RGB.
VISION: dict[str, Array] = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
# sRGB to CIE XYZ, and the white point D65 (IEC 61966-2-1).
TO_XYZ: Array = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE: Array = TO_XYZ.sum(axis=1)
BREAK = 6.0 / 29.0


def lab(colors: Sequence[str], vision: str) -> Array:
    """Return the CIELAB coordinates [N, 3] of colors `#rrggbb` as a reader with some vision sees them."""
    rgb = np.array([[int(color[at : at + 2], 16) / 255.0 for at in (1, 3, 5)] for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ VISION[vision].T, 0.0, 1.0)
    ratios = seen @ TO_XYZ.T / WHITE
    roots = np.where(ratios > BREAK**3, np.cbrt(ratios), ratios / (3.0 * BREAK**2) + 4.0 / 29.0)
    x, y, z = roots.T
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=1)


def least_distance(colors: Sequence[str], vision: str) -> float:
    """Return the distance of the nearest two of some colors in CIELAB, where about 2 is just noticeable."""
    places = lab(colors, vision)
    return min(float(np.linalg.norm(one - other)) for one, other in itertools.combinations(places, 2))
