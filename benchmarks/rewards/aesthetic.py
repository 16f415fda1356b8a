"""How beautiful a picture is: LAION's aesthetic predictor, a small head on CLIP's image embedding."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from benchmarks.base import RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.clip_model import CLIP_L14, Clip
from benchmarks.rewards.images import check_pictures

WIDTHS = {"layers.0": 1024, "layers.2": 128, "layers.4": 64, "layers.6": 16, "layers.7": 1}
"""Tensors of the head, each a `.weight` and a `.bias`, and the width of what they give. The gaps are its dropout."""


def head_from(path: Path) -> nn.Sequential:
    """Return the head of a safetensors file: five linear layers, nothing between them at inference.

    Raises:
        UsageError: If the file is missing or damaged, or holds other tensors.
    """
    try:
        tensors = load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise UsageError(f"cannot read {path}: expected the head as safetensors, found: {error}") from error
    expected = sorted(f"{layer}.{part}" for layer in WIDTHS for part in ("weight", "bias"))
    if sorted(tensors) != expected:
        raise UsageError(f"{path}: expected the tensors {', '.join(expected)}, found {', '.join(sorted(tensors))}")
    layers, width = [], tensors["layers.0.weight"].shape[-1]
    for name, out in WIDTHS.items():
        weight, bias = tensors[f"{name}.weight"].float(), tensors[f"{name}.bias"].float()
        if tuple(weight.shape) != (out, width) or tuple(bias.shape) != (out,):
            raise UsageError(
                f"{path}: expected {name} of shapes {[out, width]} and {[out]}, "
                f"found {list(weight.shape)} and {list(bias.shape)}"
            )
        layer = nn.Linear(width, out, dtype=torch.float32)
        layer.load_state_dict({"weight": weight, "bias": bias})
        layers.append(layer)
        width = out
    return nn.Sequential(*layers).requires_grad_(False)


@dataclass(frozen=True)
class Aesthetic:
    """The rating from about 1 to 10 that people would give a picture, whatever the prompt.

    The head comes as `sac+logos+ava1-l14-linearMSE.pth` of LAION's repository, a file that this project never loads,
    because it unpickles. Convert it once, in an environment of your choice:

        from safetensors.torch import save_file; from torch import load
        save_file(load("sac+logos+ava1-l14-linearMSE.pth", weights_only=True), "aesthetic.safetensors")

    Attributes:
        head: The safetensors file, with `layers.{0,2,4,6,7}.{weight,bias}`; it is read at the first score.
        model: Folder or repository of the `CLIPModel` the head was trained on, ViT-L/14.
        revision: Commit, tag or branch of the repository.
        name: Name of the reward.

    Source:
        Schuhmann 2022, improved aesthetic predictor (LAION-Aesthetics V2): linear layers of widths 1024, 128, 64, 16
        and 1 on the embedding of length 1.
    """

    head: Path
    model: str | Path = CLIP_L14
    revision: str | None = None
    name: str = "aesthetic"
    unit: str = "rating, about 1 to 10"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)

    @cached_property
    def clip(self) -> Clip:
        """The image-text model, of which the image part is used."""
        return Clip(self.model, self.revision)

    @cached_property
    def _head(self) -> nn.Sequential:
        return head_from(self.head)

    @torch.no_grad()
    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures, or model or head cannot be loaded.
        """
        check_pictures(samples, self.name, size=None)
        if len(samples) == 0:
            return samples.new_zeros(0)
        try:
            head = self._head.to(samples.device)
            embedded = self.clip.pictures(samples)
            if embedded.shape[1] != head[0].in_features:
                raise UsageError(
                    f"{self.head}: expected a head for embeddings of width {embedded.shape[1]}, those of {self.model}, "
                    f"found one for {head[0].in_features}"
                )
        except UsageError as error:
            raise RewardError(f"reward {self.name}: {error}") from error
        scores: Tensor = head(embedded)[:, 0]
        return scores.to(torch.promote_types(samples.dtype, torch.float32))

    def describe(self) -> Mapping[str, Any]:
        """Return the identity of the model and the SHA-256 of the head, which has a few megabytes.

        Raises:
            UsageError: If the head's file is missing.
        """
        try:
            digest = hashlib.sha256(self.head.read_bytes()).hexdigest()
        except OSError as error:
            raise UsageError(f"cannot read {self.head}: expected the head as safetensors, found: {error}") from error
        return {**self.clip.describe(), "head": digest}
