"""Backbones of small checkpoints of the three families, and what a benchmark on them needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from benchmarks.backbones.checkpoints import Checkpoint, FluxKontextSpec, LTX2Spec, SD3Spec
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize
from tests.support.checkpoints import build_flux_kontext, build_ltx2, build_sd3

FAMILIES = ("sd3", "flux-kontext", "ltx2")
SIDE = 64
LIGHT: dict[str, Any] = {
    "lora": LoraSize(2), "preference": PreferenceSize(hidden=8), "precision": "float32", "device": "cpu",
    "checkpointing": False, "text_length": 16,
}  # fmt: skip


def write_sources(folder: Path) -> None:
    """Write two pictures of noise."""
    folder.mkdir()
    generator = torch.Generator().manual_seed(1)
    for name in ("one.png", "two.png"):
        values = (255 * torch.rand(SIDE, SIDE, 3, generator=generator)).byte()
        Image.fromarray(values.numpy()).save(folder / name)


def build_family(family: str, folder: Path, **changes: Any) -> Checkpoint:
    """Save a small checkpoint of a family below a folder, and return its spec; keywords change the spec."""
    given = {**LIGHT, "cache": folder / "cache", **changes}
    if family == "sd3":
        return SD3Spec(path=str(build_sd3(folder / "model")), side=SIDE, **given)
    if family == "ltx2":
        return LTX2Spec(path=str(build_ltx2(folder / "model")), height=SIDE, width=SIDE, frames=9, **given)
    write_sources(folder / "sources")
    path = str(build_flux_kontext(folder / "model"))
    return FluxKontextSpec(path=path, sources=folder / "sources", side=SIDE, **given)


def prompts_of(family: str) -> tuple[str, str]:
    """Return two prompts of a family."""
    words = ("make it blue", "two dogs bark")
    return (f"one.png: {words[0]}", f"two.png: {words[1]}") if family == "flux-kontext" else words


@dataclass(frozen=True)
class Channel:
    """Mean of a color channel of pictures [B, 3, H, W] or videos [B, F, 3, H, W]."""

    index: int
    name: str
    unit: str = "share"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the means [B]."""
        return samples.movedim(-3, 1)[:, self.index].flatten(1).mean(1)

    def describe(self) -> Mapping[str, Any]:
        """The channel."""
        return {"channel": self.index}
