"""Finds the things of a picture by matching pursuit with templates of shapes: a second opinion on object scenes.

It shares neither method nor code with the detector that composition is rewarded by, so that what only fools that one
shows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.tasks.shapes.language import COLORS, SHAPES, Pair, Several, Thing

PALE_VALUES = (0.3, 0.72)
PALE_SATURATION = 0.35
"""Hue, saturation, value of the renderer's backgrounds: any hue, at most this saturation, a value in that range."""
SPREAD = 0.07
"""Distance in RGB within which a pixel has the pure color: the most by which the renderer varies one, 0.04 sqrt(3)."""

RADII = tuple(3 + 0.25 * step for step in range(23))
"""Radii of the fine templates in pixels, 3 to 8.5; the renderer draws 3.6 to 8."""
COARSE_RADII = (3.5, 4.5, 5.5, 7.0, 8.0)
OFFSETS = tuple(-1 + 0.5 * step for step in range(7))
"""Where a fine template's center may lie, in pixels from the center of the middle pixel of its window.

A coarse place is half a pixel right of and below that; it may be wrong by one and a half pixels.
"""
REACH = 11
"""Pixels of a window on either side of its middle pixel: room for the largest template."""
SUBPIXELS = 4
"""Points of a pixel, along each side, of which a template's coverage is the mean."""

LEAST_GAIN = 14.0
"""Squared coverage in pixels that a thing explains at least: half a circle of the least radius."""
MOST_THINGS = 6
"""Things of one color after which the search ends."""
SPOT = 4
"""Pixels along each side of the spots over which what the things found do not explain is averaged."""
MOST_REST = 0.3
"""Largest such mean that is forgiven; soft edges and noise of standard deviation 0.05 stay below it."""


class Found(NamedTuple):
    """A thing found: center to the right and down, and radius, in pixels."""

    thing: Thing
    x: float
    y: float
    radius: float


class Sight(NamedTuple):
    """The things found in a picture, and how far they are from explaining it, in [0, 1] or little above.

    `rest` is the largest mean over a spot of SPOT x SPOT pixels by which a color covers more, or less, than they say.
    """

    things: tuple[Found, ...]
    rest: float


def color_maps(pictures: Tensor) -> Tensor:
    """Return how much of each pixel each color of `COLORS` covers, about, [B, 6, H, W] in [0, 1].

    With a the distance in RGB from the nearest color (less SPREAD) and b that from the nearest pale color, the nearest
    color covers b / (a + b) of the pixel, and the others nothing. No background is estimated.

    Args:
        pictures: RGB in [0, 1], [B, 3, H, W].

    Example:
        >>> red, gray = torch.tensor(COLORS["red"]), torch.full((3,), 0.5)
        >>> color_maps(torch.stack([red, gray])[:, :, None, None])[:, 0].flatten().tolist()
        [1.0, 0.0]
    """
    value = pictures.amax(1, keepdim=True).clamp(*PALE_VALUES)
    nearest_pale = torch.minimum(torch.maximum(pictures, (1 - PALE_SATURATION) * value), value)
    pale = (pictures - nearest_pale).square().sum(1, keepdim=True).sqrt()
    palette = pictures.new_tensor(list(COLORS.values()))
    away = torch.stack([(pictures - color[:, None, None]).square().sum(1).sqrt() for color in palette], 1)
    # Within the spread of a color no pale one is near, so the denominator is positive.
    share = pale / (pale + (away - SPREAD).clamp_min(0))
    return torch.where(away == away.amin(1, keepdim=True), share, 0.0)


@dataclass(frozen=True)
class Templates:
    """Coverage of windows by shapes.

    Attributes:
        masks: Coverage [N, S, S] in [0, 1].
        energies: Sums of its squares [N].
        kinds: Shape, radius and center (to the right and down of the window's), in pixels, of each.
    """

    masks: Tensor
    energies: Tensor
    kinds: tuple[tuple[str, float, float, float], ...]

    @classmethod
    def draw(cls, radii: Sequence[float], offsets: Sequence[float], reach: int, pixel: float = 1) -> "Templates":
        """Return all shapes of all radii at all pairs of offsets, in windows of 2 * reach + 1 pixels of a size."""
        side = 2 * reach + 1
        axis = pixel * ((np.arange(side * SUBPIXELS) + 0.5) / SUBPIXELS - side / 2)
        right, down = axis[None, :], axis[:, None]
        kinds = [(shape, radius, x, y) for shape in SHAPES for radius in radii for x in offsets for y in offsets]
        masks = np.empty((len(kinds), side, side), dtype=np.float32)
        for i, (shape, radius, x, y) in enumerate(kinds):
            points = _inside(shape, (right - x) / radius, (down - y) / radius)
            masks[i] = points.reshape(side, SUBPIXELS, side, SUBPIXELS).mean((1, 3))
        tensor = torch.from_numpy(masks)
        return cls(tensor, tensor.square().sum((1, 2)), tuple(kinds))


def _inside(shape: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which points, in radii right of and below the center, are in a shape of radius 1."""
    if shape == "circle":
        return np.asarray(x**2 + y**2 <= 1)
    if shape == "square":
        return np.asarray(np.maximum(abs(x), abs(y)) <= 0.9)
    # From the apex (0, -1) to the base between (-1.1, 0.9) and (1.1, 0.9).
    return np.asarray((y <= 0.9) & (abs(x) <= 1.1 / 1.9 * (y + 1)))


class SecondLook:
    """Explains the color maps of a picture by shapes, one after the other, whatever the prompt.

    The gain of a template t on a map m is |m|^2 - |m - t|^2. Coarse templates say where a map has the largest, fine
    ones which shape it is there; it is taken off the map, and the search goes on until nothing gains enough. The best
    template is the least-squares fit: a smaller one leaves color over, a larger one covers what has none.

    Source:
        Mallat and Zhang 1993, "Matching pursuits with time-frequency dictionaries", with templates of fixed amplitude.
    """

    def __init__(self) -> None:
        """Draw the templates."""
        self._fine = Templates.draw(RADII, OFFSETS, REACH)
        self._coarse = Templates.draw(COARSE_RADII, (0.0,), REACH // 2, pixel=2)

    def __call__(self, pictures: Tensor) -> list[Sight]:
        """Return what pictures [B, 3, H, W] in [0, 1] show; H and W are even."""
        maps = color_maps(pictures.detach().float().cpu())
        rest = functional.pad(maps, (REACH,) * 4).flatten(0, 1)
        things: list[list[Found]] = [[] for _ in maps]
        active = (rest.sum((1, 2)) >= LEAST_GAIN).nonzero()[:, 0]
        for _ in range(MOST_THINGS):
            places = self._places(rest[active])
            gains, best = self._fits(rest[active], places)
            kept = gains >= LEAST_GAIN
            active = active[kept]
            for at, (y, x), kind in zip(active.tolist(), places[kept].tolist(), best[kept].tolist(), strict=True):
                window = rest[at, y : y + 2 * REACH + 1, x : x + 2 * REACH + 1]
                window -= self._fine.masks[kind]
                shape, radius, right, down = self._fine.kinds[kind]
                thing = Thing(list(COLORS)[at % len(COLORS)], shape)
                things[at // len(COLORS)].append(Found(thing, x + 0.5 + right, y + 0.5 + down, radius))
        spots = functional.avg_pool2d(rest[:, None], SPOT, stride=1).abs().amax((1, 2, 3)).view(-1, len(COLORS)).amax(1)
        return [Sight(tuple(found), spot) for found, spot in zip(things, spots.tolist(), strict=True)]

    def _places(self, maps: Tensor) -> Tensor:
        # Middle pixels [N, 2] (down, right) of the windows of padded maps [N, H + 2 REACH, W + 2 REACH] that gain most.
        halved = functional.avg_pool2d(maps[:, None, REACH:-REACH, REACH:-REACH], 2)
        matched = functional.conv2d(halved, self._coarse.masks[:, None], padding=REACH // 2)
        gains = (2 * matched - self._coarse.energies[:, None, None]).amax(1)
        at = gains.flatten(1).argmax(1)
        return 2 * torch.stack([at // gains.shape[2], at % gains.shape[2]], 1)

    def _fits(self, maps: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        # The largest gain [N] of a fine template in windows of padded maps, and which template it is [N].
        side = 2 * REACH + 1
        windows = maps.unfold(1, side, 1).unfold(2, side, 1)[torch.arange(len(maps)), places[:, 0], places[:, 1]]
        best = (2 * windows.flatten(1) @ self._fine.masks.flatten(1).T - self._fine.energies).max(1)
        return best.values, best.indices


def agrees(sight: Sight, scene: Several | Pair) -> bool:
    """Return whether a picture shows just what a scene says: these things, well formed, in their places, nothing else.

    A thing is left of another if its center is, by more than it is above or below; and so on.

    Example:
        >>> circle, square = Thing("red", "circle"), Thing("blue", "square")
        >>> sight = Sight((Found(circle, 8.0, 16.0, 5.0), Found(square, 24.0, 12.0, 5.0)), rest=0.0)
        >>> agrees(sight, Pair(circle, square, "left of")), agrees(sight, Pair(circle, square, "below"))
        (True, False)
    """
    wanted = [scene.thing] * scene.count if isinstance(scene, Several) else [scene.first, scene.second]
    if Counter(wanted) != Counter(found.thing for found in sight.things):
        return False
    if sight.rest > MOST_REST:
        return False
    if isinstance(scene, Several) or scene.relation is None:
        return True
    by_thing = {found.thing: found for found in sight.things}
    first, second = by_thing[scene.first], by_thing[scene.second]
    right, down = first.x - second.x, first.y - second.y
    along, across = {
        "left of": (-right, down),
        "right of": (right, down),
        "above": (-down, right),
        "below": (down, right),
    }[scene.relation]
    return along > abs(across)
