"""Editing prompts, `FILE.png: instruction`, and the source pictures they name."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.records import UsageError
from benchmarks.rewards.png import UNREADABLE
from benchmarks.rewards.wire import unit

_PART = r"(?!\.\.?/)[^/\\:\n]+"
_EDIT = re.compile(rf"((?:{_PART}/)*[^/\\:\n]+\.png): (\S.*)", re.DOTALL)


def split_edit(prompt: str) -> tuple[str, str]:
    """Return the file, relative to the folder of sources, and the instruction of an editing prompt.

    Raises:
        UsageError: If it has not the form `FILE.png: instruction`, or the file lies outside the folder.

    Example:
        >>> split_edit("cats/one.png: make it snow: a lot")
        ('cats/one.png', 'make it snow: a lot')
    """
    match = _EDIT.fullmatch(prompt)
    if match is None:
        raise UsageError(f"editing prompt: expected 'FILE.png: instruction', FILE in the folder, found {prompt!r:.120}")
    return match[1], match[2]


@dataclass(frozen=True)
class Sources:
    """The source pictures of editing prompts.

    Attributes:
        folder: Where the files lie.
        size: Height and width in pixels that every picture must have; None allows any.
    """

    folder: Path
    size: tuple[int, int] | None = None

    def image(self, prompt: str) -> Tensor:
        """Return the source picture [3, H, W] of a prompt, float32 in [0, 1].

        Raises:
            UsageError: If the prompt is no editing prompt, or the file is missing, no 8-bit PNG without transparency,
                or of another size.
        """
        path = self._path(prompt)
        expected = f"source picture {path}: expected"
        try:
            with Image.open(path, formats=("PNG",)) as picture:
                picture.load()
                # Sixteen bits and transparency have no one meaning in three channels of eight bits.
                if picture.mode not in ("RGB", "RGBA", "L", "LA", "P", "1") or _see_through(picture):
                    raise UsageError(f"{expected} 8 bits a channel, no transparency, found mode {picture.mode}")
                pixels = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
        except UsageError:
            raise
        except FileNotFoundError as error:
            raise UsageError(f"{expected} a PNG, found no such file") from error
        except UNREADABLE as error:
            raise UsageError(f"{expected} a PNG, found a file that is none or is damaged") from error
        if self.size is not None and pixels.shape[1:] != tuple(self.size):
            found = " x ".join(map(str, pixels.shape[1:]))
            raise UsageError(f"{expected} {self.size[0]} x {self.size[1]} pixels (height x width), found {found}")
        return torch.from_numpy(unit(np.ascontiguousarray(pixels)))

    def hashes(self, prompts: Sequence[str]) -> dict[str, str]:
        """Return the SHA-256 of every file that the prompts name, by its name.

        Raises:
            UsageError: If a prompt is no editing prompt or a file cannot be read.
        """
        found: dict[str, str] = {}
        for prompt in prompts:
            file, path = split_edit(prompt)[0], self._path(prompt)
            if file in found:
                continue
            try:
                found[file] = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                raise UsageError(f"source picture {path}: expected a file, found: {error.strerror}") from error
        return found

    def _path(self, prompt: str) -> Path:
        return self.folder / split_edit(prompt)[0]


def _see_through(picture: Image.Image) -> bool:
    return picture.has_transparency_data and bool(np.asarray(picture.convert("RGBA").getchannel("A")).min() < 255)
