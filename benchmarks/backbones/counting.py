"""How many numbers the parts of a checkpoint have, without reading a weight and without network."""

import importlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from benchmarks.backbones.checkpoints import Checkpoint, FluxKontextSpec, LTX2Spec
from benchmarks.backbones.preference import PreferenceModules
from benchmarks.hub import named_on_hub, quiet

STEMS = ("diffusion_pytorch_model", "model")
LIBRARIES = ("diffusers", "transformers")
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Files:
    """The files of a checkpoint that are on this machine: in its folder, or in the Hub's cache."""

    path: str
    revision: str | None = None

    def find(self, name: str) -> Path | None:
        """Return where a file is, None where it is not."""
        if not named_on_hub(self.path):
            file = Path(self.path) / name
            return file if file.is_file() else None
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.path, name, revision=self.revision)
        return Path(found) if isinstance(found, str) else None

    def json(self, name: str) -> dict[str, Any] | None:
        """Return the content of a JSON file, None where it is not there or is none."""
        file = self.find(name)
        try:
            content = None if file is None else json.loads(file.read_text())
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def shapes(self, part: str) -> Shapes | None:
        """Return the shapes of a part's weights by name, None where they cannot be told.

        They are read off the headers of its safetensors files. Where those are not here, its configuration is built
        without memory, on the device "meta".
        """
        files = self._weights(part)
        if files is None:
            return self._of_config(part)
        found: dict[str, tuple[int, ...]] = {}
        try:
            for file in files:
                with safe_open(file, framework="pt") as content:
                    found |= {name: tuple(content.get_slice(name).get_shape()) for name in content.keys()}  # noqa: SIM118
        except (OSError, SafetensorError):
            return None
        return found

    def _weights(self, part: str) -> list[Path] | None:
        for stem in STEMS:
            whole = self.find(f"{part}/{stem}.safetensors")
            if whole is not None:
                return [whole]
            index = self.json(f"{part}/{stem}.safetensors.index.json")
            if index is not None and isinstance(index.get("weight_map"), dict):
                files = [self.find(f"{part}/{name}") for name in sorted(set(index["weight_map"].values()))]
                present = [file for file in files if file is not None]
                return present if len(present) == len(files) else None
        return None

    def _of_config(self, part: str) -> Shapes | None:
        index, config = self.json("model_index.json"), self.json(f"{part}/config.json")
        if index is None or config is None:
            return None
        library, name = (*index.get(part, ()), None, None)[:2]
        if library not in LIBRARIES:
            return None
        try:
            with quiet(), torch.device("meta"):
                kind: Any = getattr(importlib.import_module(library), str(name))
                known = config if library == "diffusers" else kind.config_class.from_dict(config)
                model = kind.from_config(known) if library == "diffusers" else kind(known)
        except (AttributeError, ImportError, KeyError, RuntimeError, TypeError, ValueError):
            return None
        # Files hold tied weights once.
        once = {id(tensor): (key, tuple(tensor.shape)) for key, tensor in model.state_dict(keep_vars=True).items()}
        return dict(once.values())


@dataclass(frozen=True)
class Numbers:
    """How many numbers the parts of a checkpoint have; None where that cannot be told here.

    Attributes:
        transformer: Frozen weights of the transformer.
        trained: Trained weights: LoRA and preference modules.
        vae: The autoencoder that decodes.
        text: Text encoders, with what lies between them and the transformer.
        configs: The configurations of transformer and autoencoders, as far as they are here.
    """

    transformer: int | None
    trained: int | None
    vae: int | None
    text: int | None
    configs: Mapping[str, Mapping[str, Any]]


def numbers_of(spec: Checkpoint, n_objectives: int) -> Numbers:
    """Return the numbers of a checkpoint trained on K objectives."""
    files = Files(spec.path, spec.revision)
    shapes, vae = files.shapes("transformer"), files.shapes("vae")
    names = ("transformer", "vae", "audio_vae")
    configs = {name: config for name in names if (config := files.json(f"{name}/config.json")) is not None}
    index = files.json("model_index.json")
    encoders = [
        files.shapes(part)
        for part, about in (index or {}).items()
        if part.startswith(("text_encoder", "connectors")) and isinstance(about, list) and about[0] is not None
    ]
    known = [total(encoder) for encoder in encoders if encoder is not None]
    return Numbers(
        None if shapes is None else total(shapes),
        _trained(spec, n_objectives, shapes, configs.get("transformer")),
        None if vae is None else total(vae),
        None if index is None or len(known) < len(encoders) else sum(known),
        configs,
    )


def _trained(
    spec: Checkpoint, n_objectives: int, shapes: Shapes | None, config: Mapping[str, Any] | None
) -> int | None:
    if shapes is None or config is None:
        return None
    found = lora_numbers(shapes, _targets(spec), spec.lora.rank)
    if spec.preference is None:
        return found
    sizes = [config.get(name) for name in ("num_attention_heads", "attention_head_dim")]
    if not all(isinstance(size, int) for size in sizes):
        return None
    width = math.prod(size for size in sizes if isinstance(size, int))
    with torch.device("meta"):
        modules = PreferenceModules(n_objectives, width, spec.preference)
    return found + sum(parameter.numel() for parameter in modules.parameters())


def _targets(spec: Checkpoint) -> Sequence[str]:
    # Imported here, for families bring diffusers.
    if isinstance(spec, FluxKontextSpec):
        from benchmarks.backbones import flux_kontext

        return flux_kontext.TARGETS
    if isinstance(spec, LTX2Spec):
        from benchmarks.backbones import ltx2

        return ltx2.TARGETS
    from benchmarks.backbones import sd3

    return sd3.TARGETS


def total(shapes: Shapes) -> int:
    """Return how many numbers weights of some shapes have.

    Example:
        >>> total({"weight": (3, 4), "bias": (3,), "scale": ()})
        16
    """
    return sum(math.prod(shape) for shape in shapes.values())


def lora_numbers(shapes: Shapes, targets: Sequence[str], rank: int) -> int:
    """Return how many numbers a LoRA of a rank has on the linear layers whose names end as the targets do.

    Example:
        >>> shapes = {"block.attn.to_q.weight": (6, 4), "block.attn.to_q.bias": (6,), "block.attn2.to_q.weight": (6, 4)}
        >>> lora_numbers(shapes, ["attn.to_q"], 2)
        20
    """
    ends = tuple(f".{target}.weight" for target in targets)
    return sum(rank * sum(shape) for name, shape in shapes.items() if f".{name}".endswith(ends) and len(shape) == 2)
