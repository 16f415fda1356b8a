"""LPIPS to the source picture of an editing prompt, for an environment of its own.

The package `lpips` brings torchvision and unpickles its weights by itself; that happens in that environment alone.
Nothing of the project is imported here, for its packages are not there; so what an editing prompt is, is said again.
`benchmarks.rewards.isolated` runs it:

    IsolatedReward(
        python="/path/to/that/environment/bin/python",
        factory="benchmarks.rewards.lpips_worker:LPIPSDistance",
        folder=ROOT,  # this checkout, as benchmarks.environment has it
        name="lpips", version="0.1.4", unit="LPIPS (alex)", higher_is_better=False, range=(0.0, None),
        arguments={"net": "alex"}, where={"folder": "/path/to/the/source/pictures"},
    )

The preservation that the literature trades off is mean(1 - LPIPS, SSIM): `benchmarks.rewards.mean` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

SMALLEST = 32
"""Pixels along a side below which the deepest maps of the networks are empty."""
_PART = r"(?!\.\.?/)[^/\\:\n]+"
_EDIT = re.compile(rf"((?:{_PART}/)*[^/\\:\n]+\.png): (\S.*)", re.DOTALL)


@dataclass(frozen=True)
class LPIPSDistance:
    """The perceptual distance of a picture and the source of its editing prompt, `FILE.png: instruction`; 0 if equal.

    A source of another size is resized to the sample's, as `benchmarks.rewards.preservation` does.

    Attributes:
        folder: Folder of the source pictures.
        net: The package's name of the network: alex, vgg or squeeze.
        device: Where it computes.
        name: Name of the reward.

    Source:
        Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric"; with alex it is
        half of the source preservation of ParetoSlider's reward server.
    """

    folder: str
    net: str = "alex"
    device: str = "cpu"
    name: str = "lpips"
    unit: str = "LPIPS"
    higher_is_better: bool = False
    range: tuple[float | None, float | None] = (0.0, None)

    @cached_property
    def _network(self) -> Any:
        try:
            package = import_module("lpips")
        except ImportError as error:
            raise RuntimeError(
                f"{self.name}: expected the package lpips in this environment, found: {error}; it needs torchvision "
                "and pickled weights, so install it into an environment of its own and run the reward isolated there"
            ) from error
        return package.LPIPS(net=self.net).eval().to(self.device)

    @torch.no_grad()
    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the distances [B] of pictures [B, 3, H, W] in [0, 1] and their sources.

        Raises:
            ValueError: If the samples are no pictures of at least 32 x 32 pixels, a prompt is no editing prompt, or its
                source cannot be read.
            RuntimeError: If the package is missing.
        """
        if samples.ndim != 4 or samples.shape[1] != 3 or min(samples.shape[2:]) < SMALLEST:
            raise ValueError(
                f"{self.name}: expected pictures [B, 3, H, W] of at least {SMALLEST} x {SMALLEST} pixels, "
                f"found shape {list(samples.shape)}"
            )
        size = (samples.shape[2], samples.shape[3])
        sources = {prompt: self._source(prompt, size) for prompt in dict.fromkeys(prompts)}
        found = []
        for sample, prompt in zip(samples.float().to(self.device), prompts, strict=True):
            # The networks take [-1, 1].
            found.append(self._network(2 * sample[None] - 1, 2 * sources[prompt] - 1).reshape(()))
        return torch.stack(found).cpu() if found else samples.new_zeros(0)

    def _source(self, prompt: str, size: tuple[int, int]) -> Tensor:
        from PIL import Image

        match = _EDIT.fullmatch(prompt)
        if match is None:
            raise ValueError(f"editing prompt: expected 'FILE.png: instruction', found {prompt!r:.120}")
        path = Path(self.folder) / match[1]
        try:
            with Image.open(path, formats=("PNG",)) as picture:
                pixels = np.asarray(picture.convert("RGB")).transpose(2, 0, 1).copy()
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(f"source picture {path}: expected a PNG, found: {error}") from error
        source = (torch.from_numpy(pixels).float() / 255)[None].to(self.device)
        if tuple(source.shape[2:]) == size:
            return source
        return interpolate(source, size=size, mode="bicubic", antialias=True).clamp(0, 1)

    def describe(self) -> Mapping[str, Any]:
        """Return the network's name."""
        return {"metric": "lpips", "net": self.net}
