"""Checkpoints of real families as backbones: where they are, how large their samples are, how they are adapted.

Nothing of diffusers is imported before a backbone is built, for that takes seconds.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize

if TYPE_CHECKING:
    from benchmarks.backbones.adapted import AdaptedBackbone, Precision

CACHE = Path("~/.cache/flowfront/embeddings")


@dataclass(frozen=True, kw_only=True)
class Checkpoint(ABC):
    """What all families have in common.

    Attributes:
        path: A folder in the layout of diffusers, or owner/name of a repository on the Hugging Face Hub.
        revision: Commit of a repository; it is part of what results are compared by.
        lora: Size of the LoRA.
        preference: Size of the preference modules; None makes none.
        precision: "bfloat16" loads frozen weights in it and runs the transformer under autocast; what is trained is
            always float32.
        device: Of torch.
        checkpointing: Recompute blocks in the backward pass instead of keeping their activations.
        decode_batch: Samples decoded at once.
        batch: Latents of one pass without gradient, in rollouts, evaluations and for the old and reference weights;
            those with one are the recipe's `micro_batch`.
        text_length: Text tokens of a prompt.
        cache: Folder of prompt embeddings.
        offload: Free the text encoders once a prompt's embeddings are stored, and keep the autoencoder on the CPU but
            for the time of its work. Results are the same.
    """

    path: str
    revision: str | None = None
    lora: LoraSize = field(default_factory=LoraSize)
    preference: PreferenceSize | None = field(default_factory=PreferenceSize)
    precision: "Precision" = "bfloat16"
    device: str = "cuda"
    checkpointing: bool = True
    decode_batch: int = 8
    batch: int = 32
    text_length: int = 256
    cache: Path = CACHE
    offload: bool = False

    family: ClassVar[str]
    _SAME_RESULTS: ClassVar[tuple[str, ...]] = ("device", "checkpointing", "decode_batch", "batch", "cache", "offload")

    @abstractmethod
    def build(self, n_objectives: int, seed: int) -> "AdaptedBackbone":
        """Return a backbone whose trainable weights depend on the seed alone.

        Raises:
            UsageError: If the checkpoint cannot be read or is of another family, or a size does not fit it.
        """

    def describe(self) -> Mapping[str, Any]:
        """Return the checkpoint's identity and every setting that results depend on.

        Raises:
            UsageError: If the path is neither a folder nor the name of a repository.
        """
        from benchmarks.hub import identity

        settings = {key: value for key, value in asdict(self).items() if key not in (*self._SAME_RESULTS, "path")}
        return {"kind": self.family, "checkpoint": identity(self.path, self.revision), **settings}

    def text_of(self, prompt: str) -> str:
        """Return what of a prompt the text encoders read."""
        return prompt

    def origin(self) -> Mapping[str, Any]:
        """Return what prompt embeddings depend on besides the prompt."""
        found = self.describe()
        return {key: found[key] for key in ("kind", "checkpoint", "precision", "text_length")}


@dataclass(frozen=True, kw_only=True)
class SD3Spec(Checkpoint):
    """Stable Diffusion 3 or 3.5.

    Attributes:
        side: Height and width of images in pixels.
        guidance: Scale of classifier-free guidance; 1 is none, as in DiffusionNFT and ParetoSlider.
    """

    family: ClassVar[str] = "sd3"
    side: int = 512
    guidance: float = 1.0

    def build(self, n_objectives: int, seed: int) -> "AdaptedBackbone":
        """Return a backbone; see `Checkpoint.build`."""
        from benchmarks.backbones.sd3 import build

        return build(self, n_objectives, seed)


@dataclass(frozen=True, kw_only=True)
class FluxKontextSpec(Checkpoint):
    """FLUX.1 Kontext; prompts are "FILE: instruction".

    Attributes:
        sources: Folder of the source images.
        side: Height and width of images and sources in pixels.
        embedded_guidance: The guidance that the distilled model takes as an input.
        guidance: Scale of classifier-free guidance besides; 1 is none.
    """

    family: ClassVar[str] = "flux-kontext"
    sources: Path
    side: int = 512
    embedded_guidance: float = 3.5
    guidance: float = 1.0
    text_length: int = 512

    def describe(self) -> Mapping[str, Any]:
        """Return identity and settings, with the hashes of the sources in place of where they are."""
        found = {key: value for key, value in super().describe().items() if key != "sources"}
        files = sorted(self.sources.glob("*.png"))
        return {**found, "sources": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}}

    def text_of(self, prompt: str) -> str:
        """Return the instruction."""
        from benchmarks.tasks.edits import split_edit

        return split_edit(prompt)[1] if prompt else ""

    def build(self, n_objectives: int, seed: int) -> "AdaptedBackbone":
        """Return a backbone; see `Checkpoint.build`."""
        from benchmarks.backbones.flux_kontext import build

        return build(self, n_objectives, seed)


@dataclass(frozen=True, kw_only=True)
class LTX2Spec(Checkpoint):
    """LTX-2.

    Attributes:
        height: Rows of pixels.
        width: Columns of pixels.
        frames: Frames of a video.
        frame_rate: Frames a second.
        guidance: Scale of classifier-free guidance of video and sound; 1 is none.
        cross_timestep: True for LTX-2.3 and later, False for LTX-2.0.
    """

    family: ClassVar[str] = "ltx2"
    height: int = 512
    width: int = 768
    frames: int = 25
    frame_rate: float = 24.0
    guidance: float = 1.0
    cross_timestep: bool = True
    text_length: int = 1024

    def build(self, n_objectives: int, seed: int) -> "AdaptedBackbone":
        """Return a backbone; see `Checkpoint.build`."""
        from benchmarks.backbones.ltx2 import build

        return build(self, n_objectives, seed)
