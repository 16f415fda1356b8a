"""The drawing of the golden pictures: scenes of the image world, icons, text cards, plain ones, and broken ones.

All of them are this project's own. What they show is chosen so that every reward has something to score: objects and
prompts of GenEval's form, quoted texts, sentences of the image world, edits with their sources, short videos.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.tasks.shapes.language import Pair, Scene, Several, Sign, Thing
from benchmarks.tasks.shapes.render import Renderer

SIDE = 256
FRAME = 64
FINE = 4
"""Subpixels of a pixel, along each side, in which icons are drawn."""
Picture = Image.Image

SCENES: dict[str, Scene] = {
    "one-circle": Several(Thing("red", "circle"), 1),
    "three-squares": Several(Thing("blue", "square"), 3),
    "placed": Pair(Thing("red", "circle"), Thing("blue", "square"), "left of"),
    "pair": Pair(Thing("yellow", "triangle"), Thing("purple", "square"), None),
    "sign": Sign("A7"),
    "long-sign": Sign("X0K"),
    "two-squares": Several(Thing("green", "square"), 2),
}
"""Name and content of the pictures of the image world."""

SETS: dict[str, list[tuple[str, str, str, str]]] = {
    "world": [
        ("one-circle", "world-one-circle", "a red circle", "a green triangle"),
        ("three-squares", "world-three-squares", "three blue squares", "two yellow circles"),
        ("placed", "world-placed", "a red circle left of a blue square", "a red circle right of a blue square"),
        ("pair", "world-pair", "a yellow triangle and a purple square", "a white circle and a green square"),
        ("sign", "world-sign", "a sign that reads A7", "a sign that reads 31"),
        ("long-sign", "world-long-sign", "a sign that reads X0K", "a sign that reads H5"),
        ("miscounted", "world-two-squares", "three green squares", "a red circle"),
        ("misread", "world-sign", "a sign that reads A1", "a sign that reads 5"),
        ("blurred", "world-blurred", "three blue squares", "two yellow circles"),
        ("overexposed", "world-overexposed", "a red circle left of a blue square", "a white triangle"),
        ("noise", "world-noise", "a red circle", "a sign that reads A7"),
    ],
    "pictures": [
        ("stop-sign", "stop-sign", "a photo of a stop sign", "a photo of two clocks"),
        ("clock", "clock", "a photo of a clock", "a photo of a stop sign"),
        ("two-clocks", "two-clocks", "a photo of two clocks", "a photo of a red apple"),
        ("beside", "beside", "a photo of a stop sign left of a clock", "a photo of a stop sign right of a clock"),
        ("apple", "apple", "a photo of a red apple", "a photo of a blue bench"),
        ("card", "card", 'a card that says "FRESH BREAD"', 'a card that says "QUIET HARBOR"'),
        ("board", "board", 'a board that says "OPEN 24 HOURS"', 'a board that says "LUCKY ZEBRA"'),
        ("misspelled", "misspelled", 'a banner that says "GRAND OPENING"', 'a banner that says "SALTY ROCKET"'),
        ("squares", "squares", "three blue squares", "a photo of a dog in the snow"),
        ("gradient", "gradient", "a smooth gradient from blue to yellow", "a photo of a stop sign"),
        ("noise", "noise", "colorful noise of many small squares", "a photo of a clock"),
        ("gray", "gray", "a plain gray wall", "a card that says FRESH BREAD"),
        ("blurred", "stop-sign-blurred", "a photo of a stop sign", "a photo of two clocks"),
        ("overexposed", "stop-sign-overexposed", "a photo of a stop sign", "a photo of two clocks"),
    ],
    "edits": [
        ("unchanged", "stop-sign", "stop-sign.png: keep it as it is", "clock.png: keep it as it is"),
        ("blurred", "stop-sign-blurred", "stop-sign.png: blur the picture", "clock.png: blur the picture"),
        ("overexposed", "stop-sign-overexposed", "stop-sign.png: overexpose it", "clock.png: overexpose it"),
        ("replaced", "clock", "stop-sign.png: show a clock instead", "card.png: show a clock instead"),
    ],
    "videos": [
        ("still", "0 0 0 0", "a red ball that lies still", "a clock that falls down"),
        ("moving", "0 1 2 3", "a red ball that moves to the right", "a clock that falls down"),
        ("jumping", "0 3 0 3", "a red ball that jumps to and fro", "a clock that falls down"),
        ("flickering", "0 blurred 0 blurred", "a red ball that goes in and out of focus", "a clock that falls down"),
    ],
}
"""By set: name of a sample, its file (the frames for videos), its own prompt and one that is wrong."""


def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
    return ImageFont.truetype(str(path), size)


def _fine(background: str, draw: Callable[[ImageDraw.ImageDraw], None], side: int = SIDE) -> Picture:
    # Drawn large and averaged, which smooths the edges.
    large = Image.new("RGB", (side * FINE, side * FINE), background)
    draw(ImageDraw.Draw(large))
    return large.resize((side, side), Image.Resampling.BOX)


def _stop_sign(draw: ImageDraw.ImageDraw, x: int, y: int, radius: int) -> None:
    corners = [
        (
            FINE * (x + radius * math.cos((i + 0.5) * math.pi / 4)),
            FINE * (y + radius * math.sin((i + 0.5) * math.pi / 4)),
        )
        for i in range(8)
    ]
    draw.rectangle([FINE * (x - 5), FINE * y, FINE * (x + 5), FINE * SIDE], fill="#8a8a8a")
    draw.polygon(corners, fill="#c8102e", outline="white", width=FINE * 4)
    draw.text((FINE * x, FINE * y), "STOP", fill="white", font=_font(FINE * radius // 2), anchor="mm")


def _clock(draw: ImageDraw.ImageDraw, x: int, y: int, radius: int) -> None:
    def at(hour: float, length: float) -> tuple[float, float]:
        angle = hour * math.pi / 6
        return FINE * (x + length * radius * math.sin(angle)), FINE * (y - length * radius * math.cos(angle))

    box = [FINE * (x - radius), FINE * (y - radius), FINE * (x + radius), FINE * (y + radius)]
    draw.ellipse(box, fill="#fbfbf4", outline="#2b2b2b", width=FINE * radius // 10)
    for hour in range(12):
        draw.line([at(hour, 0.72), at(hour, 0.84)], fill="#2b2b2b", width=FINE * 3)
    draw.line([at(10.2, 0.0), at(10.2, 0.5)], fill="#2b2b2b", width=FINE * 5)
    draw.line([at(2.0, 0.0), at(2.0, 0.7)], fill="#2b2b2b", width=FINE * 3)


def _apple(draw: ImageDraw.ImageDraw) -> None:
    for left in (64, 104):
        draw.ellipse([FINE * left, FINE * 84, FINE * (left + 88), FINE * 204], fill="#d01c2a")
    draw.line([FINE * 128, FINE * 98, FINE * 138, FINE * 60], fill="#5b3a1e", width=FINE * 7)
    draw.ellipse([FINE * 138, FINE * 58, FINE * 178, FINE * 78], fill="#3a8f3a")


def _ball(draw: ImageDraw.ImageDraw, x: int) -> None:
    draw.ellipse([FINE * (x - 8), FINE * 24, FINE * (x + 8), FINE * 40], fill="#c8102e")


def _card(lines: str, ink: str, paper: str) -> Picture:
    image = Image.new("RGB", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(image)
    draw.multiline_text((SIDE / 2, SIDE / 2), lines, fill=ink, font=_font(36), anchor="mm", align="center", spacing=18)
    return image


def _gradient() -> Picture:
    share = np.linspace(0, 1, SIDE)[None, :, None]
    row = (1 - share) * np.array([40, 70, 200]) + share * np.array([250, 220, 60])
    return Image.fromarray(np.broadcast_to(row.round(), (SIDE, SIDE, 3)).astype(np.uint8))


def _noise(cells: int, side: int) -> Picture:
    levels = np.random.default_rng(0).integers(0, 256, (cells, cells, 3)).astype(np.uint8)
    return _enlarged(Image.fromarray(levels), side)


def _enlarged(picture: Picture, side: int) -> Picture:
    return picture.resize((side, side), Image.Resampling.NEAREST)


def _overexposed(picture: Picture) -> Picture:
    return picture.point(lambda level: min(255, round(1.7 * level + 30)))


def _world() -> dict[str, Picture]:
    renderer, found = Renderer(), {}
    for i, (name, scene) in enumerate(SCENES.items()):
        pixels = renderer([scene], np.random.default_rng(i))[0].permute(1, 2, 0).numpy()
        found[f"world-{name}"] = Image.fromarray((255 * pixels).round().astype(np.uint8))
    found["world-blurred"] = found["world-three-squares"].filter(ImageFilter.GaussianBlur(1.2))
    found["world-overexposed"] = _overexposed(found["world-placed"])
    found["world-noise"] = _noise(32, 32)
    return found


def _icons() -> dict[str, Picture]:
    def beside(draw: ImageDraw.ImageDraw) -> None:
        _stop_sign(draw, 70, 120, 56)
        _clock(draw, 192, 128, 48)

    def two_clocks(draw: ImageDraw.ImageDraw) -> None:
        _clock(draw, 68, 118, 50)
        _clock(draw, 188, 140, 54)

    return {
        "stop-sign": _fine("#9cc4e4", lambda draw: _stop_sign(draw, 128, 110, 88)),
        "clock": _fine("#d9c7a3", lambda draw: _clock(draw, 128, 128, 92)),
        "two-clocks": _fine("#c9d8c5", two_clocks),
        "beside": _fine("#b7cfe0", beside),
        "apple": _fine("#e8e3d3", _apple),
    }


def drawn() -> Mapping[str, Picture]:
    """Return every golden picture by the name of its file, without `.png`."""
    found = _world() | _icons()
    found["card"] = _card("FRESH\nBREAD", "#1d2f6f", "#f4efe0")
    found["board"] = _card("OPEN\n24 HOURS", "#fdf6d8", "#2c4a36")
    found["misspelled"] = _card("GRAND\nOPENIN", "#7a1020", "#f2f2f2")
    found["squares"] = _enlarged(found["world-three-squares"], SIDE)
    found["gradient"], found["noise"] = _gradient(), _noise(64, SIDE)
    found["gray"] = Image.new("RGB", (SIDE, SIDE), "#808080")
    found["stop-sign-blurred"] = found["stop-sign"].filter(ImageFilter.GaussianBlur(6))
    found["stop-sign-overexposed"] = _overexposed(found["stop-sign"])
    for i in range(4):
        found[f"frame-{i}"] = _fine("#d8dde2", partial(_ball, x=14 + 12 * i), FRAME)
    found["frame-blurred"] = found["frame-0"].filter(ImageFilter.GaussianBlur(2))
    return found


def listed() -> dict[str, Any]:
    """Return what `pictures.json` says: by set, each sample's name, files, own prompt and a wrong one."""

    def files(kind: str, file: str) -> list[str]:
        return [f"frame-{i}.png" for i in file.split()] if kind == "videos" else [f"{file}.png"]

    return {
        kind: [
            {"name": name, "files": files(kind, file), "prompt": prompt, "wrong": wrong}
            for name, file, prompt, wrong in samples
        ]
        for kind, samples in SETS.items()
    }
