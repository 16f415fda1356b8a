"""The renderer of the image world: 32 x 32 RGB pictures of scenes, drawn from signed distances with smooth edges."""

import colorsys
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.tasks.shapes.glyphs import ADVANCE, CELL, FINE, glyphs
from benchmarks.tasks.shapes.language import COLORS, Pair, Scene, Several, Sign, Thing

SIZE = 32
"""Height and width of a picture in pixels."""
GAP = 1.5
"""Least distance in pixels between two things, and between a thing and the edge of the picture."""
INKS = ((0.05, 0.05, 0.08), (0.05, 0.10, 0.45), (0.45, 0.05, 0.08), (0.02, 0.30, 0.10))
PLATES = ((0.98, 0.98, 0.96), (0.97, 0.93, 0.78), (0.86, 0.95, 0.98))

Place = tuple[float, float, float]
"""Center x (to the right), center y (down) and radius of a thing, in pixels."""


class Renderer:
    """Draws scenes; everything a sentence leaves open (places, sizes, background) comes from the generator."""

    def __init__(self) -> None:
        """Read the font.

        Raises:
            UsageError: If it is missing.
        """
        self._glyphs = glyphs()
        # Centers of the pixels.
        self._y, self._x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) + 0.5

    def __call__(self, scenes: Sequence[Scene], generator: np.random.Generator) -> Tensor:
        """Return pictures [N, 3, 32, 32] in [0, 1] of N scenes."""
        pictures = np.stack([self._picture(scene, generator) for scene in scenes])
        return torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32))

    def _picture(self, scene: Scene, generator: np.random.Generator) -> np.ndarray:
        picture = self._background(generator)
        match scene:
            case Sign(text):
                return self._sign(picture, text, generator)
            case Several(thing, count):
                things = [thing] * count
                places = _scattered(count, generator)
            case Pair(first, second, relation):
                things = [first, second]
                places = _scattered(2, generator) if relation is None else _placed(relation, generator)
        for thing, place in zip(things, places, strict=True):
            picture = _over(picture, _jittered(COLORS[thing.color], generator), self._coverage(thing, place))
        return picture

    def _background(self, generator: np.random.Generator) -> np.ndarray:
        # Pale enough that every color of things stands out: plain, a gradient, or faint stripes.
        first, second = _pale(generator), _pale(generator)
        angle, kind = generator.uniform(0, 2 * math.pi), generator.choice(3, p=(0.5, 0.35, 0.15))
        along = ((self._x - SIZE / 2) * math.cos(angle) + (self._y - SIZE / 2) * math.sin(angle)) / SIZE
        if kind == 0:
            share = np.zeros_like(along)
        elif kind == 1:
            share = np.clip(along + 0.5, 0, 1)
        else:
            share = 0.5 * (0.5 + 0.5 * np.sin(2 * math.pi * along * generator.uniform(3, 6)))
        colors: np.ndarray = first + share[..., None] * (second - first)
        return colors

    def _coverage(self, thing: Thing, place: Place) -> np.ndarray:
        center_x, center_y, radius = place
        dx, dy = self._x - center_x, self._y - center_y
        if thing.shape == "circle":
            distance = np.hypot(dx, dy) - radius
        elif thing.shape == "square":
            distance = np.maximum(abs(dx), abs(dy)) - 0.9 * radius
        else:
            # Apex up; both sides leave the apex with half the base's width over the whole height.
            height, half = 1.9 * radius, 1.1 * radius
            slope = math.hypot(height, half)
            sides = (abs(dx) * height - (dy + radius) * half) / slope
            distance = np.maximum(sides, dy - (height - radius))
        coverage: np.ndarray = np.clip(0.5 - distance, 0, 1)
        return coverage

    def _sign(self, picture: np.ndarray, text: str, generator: np.random.Generator) -> np.ndarray:
        half_width, half_height = ADVANCE * len(text) / 2 + 2, CELL[0] / 2 + 2
        room = SIZE / 2 - half_width - 0.25
        x = SIZE / 2 + generator.uniform(-1, 1) * min(3.0, room)
        y = SIZE / 2 + generator.uniform(-4, 4)
        plate = np.maximum(abs(self._x - x) - half_width, abs(self._y - y) - half_height)
        color = np.asarray(PLATES[generator.integers(len(PLATES))])
        ink = _jittered(INKS[generator.integers(len(INKS))], generator)
        picture = _over(picture, color, np.clip(0.5 - plate, 0, 1))
        return _over(picture, ink, self._text(text, x, y))

    def _text(self, text: str, x: float, y: float) -> np.ndarray:
        fine = np.zeros((SIZE * FINE, SIZE * FINE), dtype=np.float32)
        row = np.concatenate([self._glyphs[character] for character in text], axis=1)
        top = round(y * FINE - row.shape[0] / 2)
        left = round(x * FINE - row.shape[1] / 2)
        fine[top : top + row.shape[0], left : left + row.shape[1]] = row
        coverage: np.ndarray = fine.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3))
        return coverage


def _over(picture: np.ndarray, color: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    painted: np.ndarray = picture + coverage[..., None] * (color - picture)
    return painted


def _jittered(color: Sequence[float], generator: np.random.Generator) -> np.ndarray:
    return np.clip(np.asarray(color) + generator.uniform(-0.04, 0.04, 3), 0, 1)


def _pale(generator: np.random.Generator) -> np.ndarray:
    hue, saturation, value = generator.uniform(), generator.uniform(0, 0.35), generator.uniform(0.3, 0.72)
    return np.asarray(colorsys.hsv_to_rgb(hue, saturation, value))


def _radii(count: int, generator: np.random.Generator) -> np.ndarray:
    low, high = ((4.5, 8.0), (4.5, 6.5), (4.0, 5.2), (4.0, 5.0))[count - 1]
    return generator.uniform(low, high, count)


def _scattered(count: int, generator: np.random.Generator) -> list[Place]:
    # Rejection: four things find room within a few tries; smaller ones are tried when they do not.
    shrink = 1.0
    while True:
        radii = np.maximum(_radii(count, generator) * shrink, 3.6)
        places = _try_places(radii, generator)
        if places is not None:
            return places
        shrink *= 0.98


def _try_places(radii: np.ndarray, generator: np.random.Generator) -> list[Place] | None:
    places: list[Place] = []
    for radius in radii:
        reach = 1.1 * radius
        for _ in range(20):
            x, y = generator.uniform(reach + GAP, SIZE - reach - GAP, 2)
            # Bounding boxes apart, so that no two things ever touch.
            if all(max(abs(x - u), abs(y - v)) >= reach + 1.1 * r + GAP for u, v, r in places):
                places.append((float(x), float(y), float(radius)))
                break
        else:
            return None
    return places


def _placed(relation: str, generator: np.random.Generator) -> list[Place]:
    while True:
        first, second = _scattered(2, generator)
        dx, dy = first[0] - second[0], first[1] - second[1]
        # Clearly on that side: the other offset is at most two thirds of it.
        offsets = {"left of": (-dx, dy), "right of": (dx, dy), "above": (-dy, dx), "below": (dy, dx)}
        along, across = offsets[relation]
        if along > 0 and abs(across) <= along * 2 / 3:
            return [first, second]
