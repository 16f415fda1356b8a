"""Finds the things in pictures of the image world by rules: where they are, their color, and how well each shape fits.

No model and no training: the background is estimated, what differs from it is segmented by color, and each piece is
compared with the circle, the square and the triangle of its own size. Written for generated pictures as well, with
noise, soft edges and things that are nothing; signs are not read here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from benchmarks.tasks.shapes.language import COLORS, SHAPES
from benchmarks.tasks.shapes.render import SIZE

SAME_COLOR = 0.35
"""Largest distance in RGB at which a pixel still has one of the world's colors; their least distance is 0.5."""
SAME_COLOR_OF_A_THING = 0.3
"""The same for the mean color of a thing."""
LEAST_CONTRAST = 0.22
"""Distance in RGB between a thing and its background below which it counts as only partly there."""
LEAST_SHARE = 0.1
"""Share of a thing in a pixel that is taken for noise."""
LEAST_AREA = 20.0
"""Smallest thing in pixels; the smallest triangle that is ever drawn has 27."""
WIDTHS = (1.0, 2.0)
"""Widths in pixels of the edges that a shape may have: as rendered, and a little blurred."""
REACH = 3
"""Pixels that a thing extends beyond its core: one that erosion took, one of a corner, one of the soft edge."""

DETECTOR = {
    "version": 1,
    "same_color": SAME_COLOR,
    "same_color_of_a_thing": SAME_COLOR_OF_A_THING,
    "least_contrast": LEAST_CONTRAST,
    "least_share": LEAST_SHARE,
    "least_area": LEAST_AREA,
    "widths": WIDTHS,
    "reach": REACH,
}
"""What defines the detector; the version stands for the rules and changes with them."""

_PALETTE = np.asarray(tuple(COLORS.values()), dtype=np.float32)
_Y, _X = (axis.ravel() for axis in np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) + 0.5)
_OTHER, _NOTHING = len(COLORS), -1


@dataclass(frozen=True)
class Found:
    """A thing found in a picture.

    Attributes:
        color: Name of its color, None if it is none of the world's.
        fits: Intersection over union with the circle, square and triangle (`SHAPES`) of its area and center of mass.
        x: Center of mass, to the right, in pixels.
        y: Center of mass, downwards, in pixels.
        area: Area in pixels.
    """

    color: str | None
    fits: tuple[float, float, float]
    x: float
    y: float
    area: float

    @property
    def shape(self) -> str:
        """The shape that fits best."""
        return SHAPES[self.fits.index(max(self.fits))]


def detect(pictures: np.ndarray) -> list[list[Found]]:
    """Return the things found in each picture [B, 3, 32, 32] in [0, 1], the largest first."""
    flat = np.ascontiguousarray(pictures, dtype=np.float32).reshape(len(pictures), 3, SIZE * SIZE)
    nearest, distance = _nearest_color(flat)
    background = _background(flat)
    core, owner = _segments(nearest, distance, _squared_distance(flat, background))
    found: list[list[Found]] = [[] for _ in pictures]
    for picture, thing in _things(flat, background, core, owner):
        found[picture].append(thing)
    return [sorted(things, key=lambda thing: -thing.area) for things in found]


def _squared_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    difference = first - second
    squared: np.ndarray = np.einsum("bcp,bcp->bp", difference, difference)
    return squared


def _nearest_color(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Number of the nearest color and squared distance to it, both [B, 1024].
    nearest = np.zeros((len(flat), flat.shape[2]), dtype=np.int8)
    least = np.full(nearest.shape, np.inf, dtype=np.float32)
    for number, color in enumerate(_PALETTE):
        distance = _squared_distance(flat, color[:, None])
        nearer = distance < least
        nearest[nearer] = number
        np.minimum(least, distance, out=least)
    return nearest, least


def _background(flat: np.ndarray) -> np.ndarray:
    # A plane through the colors, which gradients are and faint stripes stay near. Least squares, reweighted so that
    # things, being far from it, lose their say; at first what is far from the median color has little, and the frame
    # of the picture more than the rest. A quarter of the pixels is enough.
    some = np.flatnonzero((_X % 2 < 1) & (_Y % 2 < 1))
    design = np.stack([np.ones_like(_X), _X / SIZE - 0.5, _Y / SIZE - 0.5])
    points, colors = design[:, some], flat[:, :, some]
    products = (points[:, None] * points).reshape(9, -1)
    frame = np.minimum(np.minimum(_X, SIZE - _X), np.minimum(_Y, SIZE - _Y))[some] < 2
    far = _squared_distance(colors, np.median(colors, axis=2, keepdims=True))
    weights = np.where(frame, 1, 0.3).astype(np.float32) / (1 + far / 0.2**2)
    for _ in range(4):
        matrix = (weights @ products.T).reshape(-1, 3, 3) + 1e-3 * np.eye(3, dtype=np.float32)
        fit = np.linalg.solve(matrix, points @ (weights[:, None] * colors).transpose(0, 2, 1)).transpose(0, 2, 1)
        weights = 1 / (1 + _squared_distance(colors, fit @ points) / 0.08**2)
    background: np.ndarray = fit @ design
    return background


def _segments(nearest: np.ndarray, color_distance: np.ndarray, contrast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Whether a pixel [B, 1024] is in the core of a thing, and the number from 1 of the thing it may belong to, or 0.
    foreground = (contrast > np.minimum(color_distance, SAME_COLOR**2)).reshape(-1, SIZE, SIZE)
    label = np.where(color_distance > SAME_COLOR**2, _OTHER, nearest).reshape(foreground.shape)
    label = np.where(foreground, label, _NOTHING)
    # Core: the pixel and its four neighbors have one color. Cores of two colors therefore never touch.
    core = np.zeros_like(foreground)
    inner = label[:, 1:-1, 1:-1]
    core[:, 1:-1, 1:-1] = (inner != _NOTHING) & np.logical_and.reduce(
        [inner == other for other in (label[:, :-2, 1:-1], label[:, 2:, 1:-1], label[:, 1:-1, :-2], label[:, 1:-1, 2:])]
    )
    within = np.zeros((3, 3, 3), dtype=bool)
    within[1] = True
    owner, _ = ndimage.label(core, structure=within)
    for step in range(REACH):
        grown = ndimage.maximum_filter(owner, size=(1, 3, 3))
        # The last step takes in the soft edge, which is more background than thing.
        free = (owner == 0) & (foreground | (step == REACH - 1))
        owner = np.where(free, grown, owner)
    return core.reshape(nearest.shape), owner.reshape(nearest.shape)


def _things(flat: np.ndarray, background: np.ndarray, core: np.ndarray, owner: np.ndarray) -> list[tuple[int, Found]]:
    # Everything below runs over the pixels [N] of things alone.
    picture, pixel = np.nonzero(owner)
    if picture.size == 0:
        return []
    thing = owner[picture, pixel] - 1
    count = int(thing.max()) + 1
    colors, behind = flat[picture, :, pixel], background[picture, :, pixel]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(thing, values, minlength=count)

    inside = core[picture, pixel].astype(np.float32)
    mean = np.stack([total(inside * colors[:, c]) for c in range(3)], axis=1) / total(inside)[:, None]
    coverage = _coverage(colors, behind, mean.astype(np.float32)[thing])
    area = np.maximum(total(coverage), 1e-6)
    x, y = total(coverage * _X[pixel]) / area, total(coverage * _Y[pixel]) / area
    shared = _shared(coverage, _X[pixel] - x[thing], _Y[pixel] - y[thing], area[thing], total)
    # Thing and shape have the same area by construction.
    fits = shared / (2 * area - shared)
    distance = np.linalg.norm(mean[:, None] - _PALETTE, axis=2)
    names = [(*COLORS, None)[i] for i in np.where(distance.min(1) < SAME_COLOR_OF_A_THING, distance.argmin(1), _OTHER)]
    home = np.zeros(count, dtype=np.int64)
    home[thing] = picture
    return [
        (int(home[i]), Found(names[i], tuple(fits[:, i].tolist()), float(x[i]), float(y[i]), float(area[i])))
        for i in np.flatnonzero(area >= LEAST_AREA)
    ]


def _shared(
    coverage: np.ndarray, dx: np.ndarray, dy: np.ndarray, area: np.ndarray, total: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    # Intersection [3, things] of each thing with each shape, at the edge's width that suits it best.
    return np.stack(
        [
            np.max([total(np.minimum(coverage, np.clip(0.5 - edge / width, 0, 1))) for width in WIDTHS], axis=0)
            for edge in _edges(dx, dy, area)
        ]
    )


def _coverage(colors: np.ndarray, behind: np.ndarray, own: np.ndarray) -> np.ndarray:
    # The share of a thing in each pixel [N]: color = background + share * (own color - background).
    span = own - behind
    share = np.clip(((colors - behind) * span).sum(1) / np.maximum((span * span).sum(1), LEAST_CONTRAST**2), 0, 1)
    kept: np.ndarray = np.where(share < LEAST_SHARE, 0, share)
    return kept


def _edges(dx: np.ndarray, dy: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Signed distances [N] to circle, square and triangle of that area, as rendered, from their center of mass.
    circle = np.hypot(dx, dy) - np.sqrt(area / math.pi)
    square = np.maximum(abs(dx), abs(dy)) - np.sqrt(area) / 2
    height, half = 1.9, 1.1
    radius = np.sqrt(area / (height * half))
    below_apex = dy + radius * height * 2 / 3
    sides = (abs(dx) * height - below_apex * half) / math.hypot(height, half)
    triangle = np.maximum(sides, below_apex - radius * height)
    return circle, square, triangle
