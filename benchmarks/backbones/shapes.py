"""The backbone of the image benchmark: a small SD3 that ships with the project, loaded as Stable Diffusion 3.5 is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.backbones.sentences import SentenceEncoder, SentenceSize
from benchmarks.records import UsageError
from benchmarks.weights import check_hashes, listed_hashes

if TYPE_CHECKING:
    from benchmarks.backbones.adapted import AdaptedBackbone
    from benchmarks.backbones.sd3 import PromptEmbedding

WEIGHTS = Path(__file__).parent / "weights" / "shapes"
"""The folder that `flowfront pretrain shapes` made and that ships."""


def load_sentence_encoder(folder: Path) -> SentenceEncoder:
    """Return the text encoder of a folder with `config.json` and `model.safetensors`, in float32 and frozen.

    Raises:
        UsageError: If a file is missing, damaged or another model's.
    """
    try:
        encoder = SentenceEncoder(SentenceSize(**json.loads((folder / "config.json").read_text())))
        tensors = load((folder / "model.safetensors").read_bytes())
        encoder.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}") from error
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        raise UsageError(
            f"{folder} is damaged: expected a text encoder of the image world, found: {str(error).splitlines()[0]}"
        ) from error
    return encoder.requires_grad_(False).eval()


class SentenceText:
    """The frozen text part of the backbone; see `benchmarks.backbones.adapted.TextEncoding`."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        """Take the encoder."""
        self._encoder = encoder

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> "PromptEmbedding":
        """Return the embeddings of prompts.

        Raises:
            PromptError: If a word is not of the image world.
        """
        from benchmarks.backbones.sd3 import PromptEmbedding

        return PromptEmbedding(*self._encoder(self._encoder.numbers(prompts)))


@dataclass(frozen=True)
class ShapesSpec:
    """The small SD3 with LoRA and preference modules.

    Attributes:
        lora: Size of the LoRA.
        preference: Size of the preference modules. Their hidden width is half the transformer's, as published. Their
            last layers start at zero, unlike the published ones, so a preference changes nothing at the start.
        precision: Of the transformer's passes.
        folder: Where the weights are.
    """

    lora: LoraSize = field(default_factory=lambda: LoraSize(rank=16))
    preference: PreferenceSize = field(
        default_factory=lambda: PreferenceSize(hidden=64, projector_std=0.0, embedding_std=0.0)
    )
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    folder: Path = WEIGHTS

    def build(self, n_objectives: int, seed: int) -> "AdaptedBackbone":
        """Return a backbone whose trainable weights depend on the seed alone.

        Raises:
            UsageError: If a file of the weights is missing, damaged or another one.
        """
        # diffusers and peft take seconds to import, which commands that build no such backbone should not pay.
        from benchmarks.backbones.sd3 import adapted, load_transformer, pixels

        check_hashes(self.folder)
        text = SentenceText(load_sentence_encoder(self.folder / "text_encoder"))
        return adapted(
            load_transformer(self.folder), text, pixels, self.lora, seed,
            n_objectives=n_objectives, preference=self.preference, precision=self.precision,
        )  # fmt: skip

    def describe(self) -> Mapping[str, Any]:
        """Return the sizes, and the SHA-256 of the weights' files as their list has them.

        Raises:
            UsageError: If the list is missing or damaged.
        """
        return {
            "kind": "shapes",
            "weights": listed_hashes(self.folder),
            "lora": asdict(self.lora),
            "preference": asdict(self.preference),
            "precision": self.precision,
        }
