"""Source pictures and instructions of our own for editing: scenes of the image world, enlarged.

    python -m benchmarks.tasks.edit_scenes edit_scenes

writes scene000.png, scene001.png, ... of 512 x 512 pixels and prompts.txt with the prompts below, such as
"scene003.png: make the red circle blue". No scene is in both splits.
"""

import io
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.draws import derived_seed
from benchmarks.records import UsageError, write_bytes
from benchmarks.tasks.shapes.language import COLORS, COUNTS, SHAPES, Pair, Scene, Several, Thing
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import pick, split

SIDE = 512
N_TRAINING, N_TEST = 96, 24
"""Scenes of each split; the first numbers are those of training."""


def scenes(*, test: bool) -> list[Scene]:
    """Return the scenes of a split: things alike, and pairs."""
    n = N_TEST if test else N_TRAINING
    # Of things alike the test split has few.
    alike = n // 4
    several = pick(split("several", test=test), min(alike, len(split("several", test=test))), "edit scenes")
    return [*several, *pick(split("pair", test=test), n - len(several), "edit scenes")]


def prompts(*, test: bool) -> tuple[str, ...]:
    """Return the prompts of a split, three a scene: another color, another shape, and one thing gone or another place.

    Example:
        >>> len(prompts(test=True)) == 3 * N_TEST
        True
    """
    first = N_TRAINING if test else 0
    return tuple(
        f"{file_name(first + i)}: {instruction}"
        for i, scene in enumerate(scenes(test=test))
        for instruction in instructions(scene, derived_seed("edits", first + i))
    )


def file_name(number: int) -> str:
    """Return the file of a scene.

    Example:
        >>> file_name(3)
        'scene003.png'
    """
    return f"scene{number:03d}.png"


def instructions(scene: Scene, number: int) -> tuple[str, str, str]:
    """Return three instructions for a scene of things; `number` >= 0 decides what is asked for.

    Raises:
        ValueError: If the scene is a sign.

    Example:
        >>> instructions(Several(Thing("red", "circle"), 1), 0)
        ('make the red circle green', 'turn the red circle into a square', 'make the background dark')
    """
    match scene:
        case Several(thing, count):
            named = _named(thing, count)
            last = "make the background dark" if count == 1 else f"remove one of the {thing.color} {thing.shape}s"
            taken = thing
        case Pair(taken, other, _):
            named, count = _named(taken, 1), 1
            last = f"remove {_named(other, 1)}"
        case _:
            raise ValueError(f"scene must be of things, found {scene}")
    color = _another(tuple(COLORS), taken.color, number)
    shape = _another(SHAPES, taken.shape, number)
    into = f"a {shape}" if count == 1 else f"{shape}s"
    return f"make {named} {color}", f"turn {named} into {into}", last


def _named(thing: Thing, count: int) -> str:
    number = "" if count == 1 else f"{COUNTS[count - 1]} "
    return f"the {number}{thing.color} {thing.shape}{'' if count == 1 else 's'}"


def _another(names: Sequence[str], present: str, number: int) -> str:
    others = [name for name in names if name != present]
    return others[number % len(others)]


def picture(draw: Renderer, scene: Scene, number: int, side: int = SIDE) -> Image.Image:
    """Return the picture of a scene, `side` pixels high and wide; what the scene leaves open follows from `number`."""
    generator = np.random.default_rng(derived_seed("edit scene", number))
    drawn = draw([scene], generator)[0].permute(1, 2, 0).numpy()
    levels = (255 * drawn).round().astype(np.uint8)
    return Image.fromarray(levels).resize((side, side), Image.Resampling.BICUBIC)


def write_scenes(folder: Path, side: int = SIDE) -> int:
    """Write all source pictures and prompts.txt into a folder, and return how many pictures it has.

    Raises:
        RecordError: If the folder cannot be written to.
    """
    found, draw = [*scenes(test=False), *scenes(test=True)], Renderer()
    for number, scene in enumerate(found):
        stream = io.BytesIO()
        picture(draw, scene, number, side).save(stream, format="PNG")
        write_bytes(folder / file_name(number), stream.getvalue())
    lines = "".join(f"{prompt}\n" for prompt in (*prompts(test=False), *prompts(test=True)))
    write_bytes(folder / "prompts.txt", lines.encode())
    return len(found)


def main(arguments: Sequence[str]) -> int:
    """Run the command: a folder, and a side in pixels that is not 512."""
    say = partial(print, file=sys.stderr)
    try:
        folder, side = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else SIDE
        if side < 1 or len(arguments) > 2:
            raise ValueError
    except (IndexError, ValueError):
        say("usage: python -m benchmarks.tasks.edit_scenes DIR [SIDE]")
        return 2
    try:
        print(f"{folder}: {write_scenes(folder, side)} pictures, prompts.txt")
    except UsageError as error:
        say(f"error: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
