"""Samples kept as pictures: one PNG sheet a point of the front, and an index that says what is on them.

    <run>/samples/index.json                 tile size, prompts, and one entry a sheet
    <run>/samples/step00000-point000.png     one row of tiles a prompt, one column a sample, no margins

Column j of every sheet started from the same noise, so sheets can be compared tile by tile. Step 0 is the base model.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from benchmarks.records import RecordError, UsageError, write_bytes, write_json

SAMPLES_FOLDER = "samples"
INDEX_FILE = "index.json"
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Gallery:
    """Which samples a benchmark keeps as pictures.

    Attributes:
        prompts: The prompts shown, in order, distinct.
        samples: How many samples of each, the first ones, >= 1.
    """

    prompts: tuple[str, ...]
    samples: int

    def __post_init__(self) -> None:
        """Check that there is something to show.

        Raises:
            UsageError: If there is no prompt, a prompt comes twice, or `samples` is below 1.
        """
        if not self.prompts or len(set(self.prompts)) != len(self.prompts):
            raise UsageError(f"gallery: expected distinct prompts, at least one, found {list(self.prompts)!r:.80}")
        if self.samples < 1:
            raise UsageError(f"gallery: expected samples >= 1, found {self.samples}")


def to_bytes(samples: Tensor) -> bytes:
    """Return the PNG of a sheet: one row of tiles a prompt, one column a sample, 8 bits a channel.

    Args:
        samples: Pictures [P, S, 3, H, W] in [0, 1], up to rounding.

    Raises:
        ValueError: If they have another shape, or hold NaN or a value outside [0, 1].

    Example:
        >>> import torch
        >>> to_bytes(torch.zeros(1, 2, 3, 4, 4))[1:4]
        b'PNG'
    """
    shape = tuple(samples.shape)
    if len(shape) != 5 or shape[2] != 3 or 0 in shape:
        raise ValueError(f"samples must have shape [P, S, 3, H, W], found {list(shape)}")
    low, high = (float(end) for end in samples.detach().aminmax())
    # Written so that NaN, which answers False to every comparison, fails as well.
    if not (low >= -TOLERANCE and high <= 1 + TOLERANCE):
        raise ValueError(f"samples must lie in [0, 1], found values from {low:g} to {high:g}")
    n_prompts, n_samples, _, height, width = shape
    levels = (samples.detach().clamp(0, 1) * 255).round().cpu().numpy().astype(np.uint8)
    sheet = levels.transpose(0, 3, 1, 4, 2).reshape(n_prompts * height, n_samples * width, 3)
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, format="PNG", compress_level=9)
    return stream.getvalue()


def sheet_name(step: int, point: int) -> str:
    """Return the file name of a sheet.

    Example:
        >>> sheet_name(40, 3)
        'step00040-point003.png'
    """
    return f"step{step:05d}-point{point:03d}.png"


def add_sheets(
    folder: Path,
    gallery: Gallery,
    step: int,
    first_point: int,
    preferences: Sequence[Sequence[float]],
    pictures: Tensor,
) -> None:
    """Write the sheets of some points of a checkpoint, then enter them into the index.

    A sheet of the same step and point is replaced, so doing it again gives the same bytes; a cut in between leaves
    an index whose files are all there.

    Args:
        folder: The run's folder.
        gallery: What is shown.
        step: The checkpoint, in gradient steps of each model; 0 is the base model.
        first_point: Number of the first point.
        preferences: What each point stands for [n_points][K].
        pictures: Samples [n_points, P, S, 3, H, W] in [0, 1], prompts and samples as in the gallery.

    Raises:
        ValueError: If the pictures do not fit the gallery and the preferences, or are no pictures.
        RecordError: If the stored index is damaged or of another gallery, or the folder cannot be written to.
    """
    expected = (len(preferences), len(gallery.prompts), gallery.samples)
    if pictures.ndim != 6 or tuple(pictures.shape[:3]) != expected:
        raise ValueError(f"pictures must have shape {[*expected]} + [3, H, W], found {list(pictures.shape)}")
    path = folder / SAMPLES_FOLDER / INDEX_FILE
    head = {"tile": list(pictures.shape[4:]), "prompts": list(gallery.prompts), "samples": gallery.samples}
    sheets = {(sheet["step"], sheet["point"]): sheet for sheet in _stored(path, head)}
    for index, (preference, samples) in enumerate(zip(preferences, pictures, strict=True)):
        point = first_point + index
        name = sheet_name(step, point)
        write_bytes(path.parent / name, to_bytes(samples))
        asked = [float(weight) for weight in preference]
        sheets[step, point] = {"step": step, "point": point, "preference": asked, "file": name}
    write_json(path, head | {"sheets": [sheets[key] for key in sorted(sheets)]})


def _stored(path: Path, head: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of an index that an earlier checkpoint wrote, none if there is no index."""
    try:
        content = json.loads(path.read_text())
        sheets: list[dict[str, Any]] = content["sheets"]
        found = {key: content[key] for key in head}
        damaged = any(not isinstance(sheet[key], int) for sheet in sheets for key in ("step", "point"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{path} is damaged: expected an index of sheets, found: {error!r:.80}") from error
    if damaged:
        raise RecordError(f"{path} is damaged: expected sheets with whole numbers for step and point, found others")
    for key, expected in head.items():
        if found[key] != expected:
            raise RecordError(f"{path}: expected {key} {expected!r:.60}, found {found[key]!r:.60}")
    return sheets
