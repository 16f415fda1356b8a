"""A CLIP model as a value: where its files lie, loaded when it first embeds a picture or a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.base import RewardError
from benchmarks.hub import identity
from benchmarks.records import UsageError
from benchmarks.rewards.clip_images import clip_pixels
from benchmarks.rewards.images import check_pictures
from benchmarks.rewards.loading import load_model, load_tokenizer

CHUNK = 64
"""Pictures or prompts of one forward pass."""

CLIP_L14 = "openai/clip-vit-large-patch14"
"""The model that the scores of the literature are made with."""


@dataclass(frozen=True)
class Clip:
    """A CLIP model of transformers, in float32, on the device of the pictures it is given.

    Attributes:
        model: Folder or repository of a `CLIPModel`.
        revision: Commit, tag or branch of the repository; pin a commit where results are to be compared.
        tokenizer: Folder or repository of its tokenizer, where that is another one.
        tokenizer_revision: Its revision.
    """

    model: str | Path = CLIP_L14
    revision: str | None = None
    tokenizer: str | Path | None = None
    tokenizer_revision: str | None = None

    @cached_property
    def network(self) -> Any:
        """The `CLIPModel`."""
        from transformers import CLIPModel

        return load_model(CLIPModel, self.model, self.revision)

    @cached_property
    def tokens(self) -> Any:
        """The tokenizer."""
        if self.tokenizer is None:
            return load_tokenizer(self.model, self.revision)
        return load_tokenizer(self.tokenizer, self.tokenizer_revision)

    @torch.no_grad()
    def pictures(self, pictures: Tensor) -> Tensor:
        """Return the embeddings [B, D] of pictures [B, 3, H, W] in [0, 1], each of length 1."""
        network = self.network.to(pictures.device)
        side = network.config.vision_config.image_size
        found = []
        for start in range(0, len(pictures), CHUNK):
            seen = network.vision_model(pixel_values=clip_pixels(pictures[start : start + CHUNK], side))
            found.append(network.visual_projection(seen.pooler_output))
        return normalize(torch.cat(found), dim=1)

    @torch.no_grad()
    def texts(self, prompts: Sequence[str], device: torch.device | str = "cpu") -> Tensor:
        """Return the embeddings [N, D] of prompts, each of length 1.

        A prompt is cut to the model's length; the token that ends it stays.
        """
        network = self.network.to(device)
        longest = network.config.text_config.max_position_embeddings
        found = []
        for start in range(0, len(prompts), CHUNK):
            chunk = list(prompts[start : start + CHUNK])
            tokens = self.tokens(chunk, padding=True, truncation=True, max_length=longest, return_tensors="pt")
            read = network.text_model(**{name: tokens[name].to(device) for name in ("input_ids", "attention_mask")})
            found.append(network.text_projection(read.pooler_output))
        return normalize(torch.cat(found), dim=1)

    def cosines(self, pictures: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the cosine [B] in [-1, 1] of each picture [B, 3, H, W] and its prompt."""
        # Rows repeat few prompts, so each is embedded once.
        row_of = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
        rows = torch.tensor([row_of[prompt] for prompt in prompts], device=pictures.device)
        captions = self.texts(list(row_of), pictures.device)
        # Rounding may leave the length of an embedding a little above 1.
        return (self.pictures(pictures) * captions[rows]).sum(1).clamp(-1, 1)

    def describe(self) -> Mapping[str, Any]:
        """Return what tells the model and its tokenizer from others; nothing is loaded.

        Raises:
            UsageError: If a source is neither a folder nor the name of a repository.
        """
        found: dict[str, Any] = {"clip": identity(self.model, self.revision)}
        if self.tokenizer is not None:
            found["tokenizer"] = identity(self.tokenizer, self.tokenizer_revision)
        return found


def clip_cosines(reward: str, clip: Clip, samples: Tensor, prompts: Sequence[str]) -> Tensor:
    """Return the cosine [B] of each sample and its prompt, in float32 or, where samples have it, float64.

    Args:
        reward: Name of the reward, for the message.
        clip: The model.
        samples: Pictures [B, 3, H, W] in [0, 1].
        prompts: One prompt a sample.

    Raises:
        RewardError: If the samples are no pictures or the model cannot be loaded, in one line.
    """
    check_pictures(samples, reward, size=None)
    if len(samples) == 0:
        return samples.new_zeros(0)
    try:
        cosines = clip.cosines(samples, prompts)
    except UsageError as error:
        raise RewardError(f"reward {reward}: {error}") from error
    return cosines.to(torch.promote_types(samples.dtype, torch.float32))


def check_scale(reward: str, scale: float) -> None:
    """Check that a scale is a positive finite number.

    Raises:
        UsageError: If it is not.
    """
    if not 0 < scale < float("inf"):
        raise UsageError(f"reward {reward}: expected a positive finite scale, found {scale}")


@dataclass(frozen=True)
class ScaledCosine:
    """Scale times the cosine of the embeddings of picture and prompt; what rewards made of that alone share.

    Attributes:
        model: Folder or repository of a `CLIPModel`; it is loaded at the first score.
        revision: Commit, tag or branch of the repository.
        scale: > 0.
        name: Name of the reward.
    """

    model: str | Path
    revision: str | None
    scale: float
    name: str
    unit: str = "scaled cosine similarity"
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        """Check the scale.

        Raises:
            UsageError: If it is not positive and finite.
        """
        check_scale(self.name, self.scale)

    @property
    def range(self) -> tuple[float | None, float | None]:
        """The scale, negative and positive."""
        return -self.scale, self.scale

    @cached_property
    def clip(self) -> Clip:
        """The model."""
        return Clip(self.model, self.revision)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures, or the model cannot be loaded.
        """
        return self.scale * clip_cosines(self.name, self.clip, samples, prompts)

    def describe(self) -> Mapping[str, Any]:
        """Return the model's identity and the scale."""
        return {**self.clip.describe(), "scale": self.scale}
