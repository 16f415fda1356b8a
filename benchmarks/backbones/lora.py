"""Low-rank adapters by peft, and the file of an adapter: LoRA and preference weights of any backbone, by name."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from benchmarks.backbones.preference import PreferenceModules
from benchmarks.draws import derived_seed
from benchmarks.records import UsageError, write_bytes

NAME = "default"
"""Name of the adapter within peft; part of the parameters' names."""

FORMAT = "flowfront-adapter-1"


@dataclass(frozen=True)
class LoraSize:
    """Rank r, and alpha: what the adapter adds is multiplied by alpha / r. None stands for 2 r.

    Source: DiffusionNFT and ParetoSlider, released code: rank 32, alpha 64.
    """

    rank: int = 32
    alpha: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: If a number is out of range.
        """
        if self.rank < 1:
            raise ValueError(f"rank must be at least 1, found {self.rank}")
        if not 0 < self.resolved_alpha < math.inf:
            raise ValueError(f"alpha must be positive and finite, found {self.alpha}")

    @property
    def resolved_alpha(self) -> float:
        """Alpha, 2 r where it is None."""
        return 2.0 * self.rank if self.alpha is None else self.alpha


def add_lora(transformer: Any, targets: Sequence[str], size: LoraSize, seed: int) -> None:
    """Freeze a diffusers model and give it an adapter, which changes nothing yet: its second factor is zero.

    The first factor is normal with standard deviation 1 / r and depends on the seed alone.

    Args:
        transformer: A diffusers model that takes peft adapters; changed in place.
        targets: Names of linear layers, as the names of modules end. A block that lacks one goes without it.
        size: Rank and alpha.
        seed: Seed.
    """
    transformer.requires_grad_(False)
    # Imported here, for peft takes seconds and the sizes are named by code that trains nothing.
    from peft import LoraConfig

    # peft declares alpha as an integer and uses it as a number.
    alpha: Any = size.resolved_alpha
    config = LoraConfig(r=size.rank, lora_alpha=alpha, init_lora_weights="gaussian", target_modules=list(targets))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "lora"))
        transformer.add_adapter(config, NAME)


def _metadata(network: nn.Module, base: str) -> dict[str, str]:
    # What the weights mean beyond their names and shapes, read off the network itself.
    from peft.tuners.lora import LoraLayer

    layers = [module for module in network.modules() if isinstance(module, LoraLayer)]
    modules = [module for module in network.modules() if isinstance(module, PreferenceModules)]
    found: dict[str, set[Any]] = {
        "format": {FORMAT},
        "base": {base},
        "rank": {layer.r[NAME] for layer in layers},
        "alpha": {float(layer.lora_alpha[NAME]) for layer in layers},
        "n_objectives": {module.n_objectives for module in modules},
        "fraction": {module.size.fraction for module in modules},
    }
    return {key: ", ".join(map(str, sorted(values))) or "none" for key, values in found.items()}


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def save_adapter(path: Path, network: nn.Module, base: str) -> None:
    """Write the trainable weights of a network as one safetensors file, whole or not at all.

    To save a snapshot, call it within `backbone.snapshots.using(name)`.

    Args:
        path: The file.
        network: A network with a LoRA, with preference modules or without.
        base: What tells the frozen weights from others: a hash, or repository and revision.

    Raises:
        RecordError: If the folder cannot be written to.
    """
    tensors = {name: p.detach().cpu().contiguous().clone() for name, p in _trained(network).items()}
    write_bytes(path, save(tensors, metadata=_metadata(network, base)))


def load_adapter(path: Path, network: nn.Module, base: str) -> None:
    """Read what `save_adapter` wrote into the trainable weights of a network; all is checked before any is changed.

    Snapshots of the network that exist already keep their weights.

    Args:
        path: The file.
        network: A network of the same kind.
        base: What tells its frozen weights from others.

    Raises:
        UsageError: If the file is missing, damaged or another network's.
    """
    tensors, metadata = _read(path)
    for key, expected in _metadata(network, base).items():
        if metadata.get(key) != expected:
            raise UsageError(f"{path}: expected an adapter with {key} {expected!r}, found {metadata.get(key)!r}")
    parameters = _trained(network)
    _check(path, tensors, parameters)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or str(error).splitlines()[0]}") from error
    except SafetensorError as error:
        raise UsageError(f"{path} is damaged: expected safetensors, found: {error}") from error


def _check(path: Path, tensors: Mapping[str, Tensor], parameters: Mapping[str, nn.Parameter]) -> None:
    lacking, unknown = sorted(set(parameters) - set(tensors)), sorted(set(tensors) - set(parameters))
    if lacking:
        raise UsageError(f"{path}: expected {len(parameters)} tensors of this network, found no {lacking[0]}")
    if unknown:
        raise UsageError(f"{path}: expected {len(parameters)} tensors of this network, found also {unknown[0]}")
    for name, parameter in parameters.items():
        if tensors[name].shape != parameter.shape:
            raise UsageError(
                f"{path}: {name}: expected shape {list(parameter.shape)}, found {list(tensors[name].shape)}"
            )
        if not tensors[name].is_floating_point() or not bool(tensors[name].isfinite().all()):
            raise UsageError(f"{path}: {name}: expected finite numbers, found others")
