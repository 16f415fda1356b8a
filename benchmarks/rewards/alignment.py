"""How well a picture fits its prompt: the cosine of their embeddings in a model trained on pairs of this world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.images import check_pictures
from benchmarks.tasks.shapes.contrastive import ContrastiveModel, load_contrastive
from benchmarks.weights import listed_hashes

WEIGHTS = Path(__file__).parent / "weights" / "shapes_alignment"
"""The image-text model that ships with the project."""


@dataclass(frozen=True)
class Alignment:
    """Cosine of the embeddings of picture and prompt, for every prompt of the image world.

    Attributes:
        folder: Folder of the image-text model; it is read at the first score.

    Source:
        Hessel et al., "CLIPScore", 2021, without its factor 2.5 and its cut at 0, on this world's own model.
    """

    folder: Path = WEIGHTS
    name: str = "alignment"
    unit: str = "cosine similarity"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (-1.0, 1.0)

    @torch.no_grad()
    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, 32, 32] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures, a prompt is none of the image world, or the model's files are
                missing or damaged.
        """
        check_pictures(samples, self.name)
        # Rows repeat few prompts, so each is embedded once.
        row_of = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
        rows = torch.tensor([row_of[prompt] for prompt in prompts], dtype=torch.int64, device=samples.device)
        try:
            model = self._model.to(samples.device)
            captions = model.embed_prompts(list(row_of))
        except UsageError as error:
            raise RewardError(f"reward {self.name}: {error}") from error
        cosines = (model.embed_pictures(samples) * captions[rows]).sum(1)
        # Rounding may leave the length of an embedding a little above 1.
        return cosines.clamp(-1, 1).to(samples.dtype)

    @cached_property
    def _model(self) -> ContrastiveModel:
        return load_contrastive(self.folder)

    def describe(self) -> Mapping[str, Any]:
        """Return the SHA-256 of the model's files, as their list has them; nothing else is read.

        Raises:
            UsageError: If the list is missing or damaged.
        """
        return {"model": "image-text model of shapes", "sha256": listed_hashes(self.folder)}
