"""What the adapters of all families share: a checkpoint's noise levels, its decoder, its text part."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone, AdaptedNetwork, Embeddings, TextEncoding
from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.backbones.embeddings import CachedText
from benchmarks.backbones.loading import load_model, load_pipeline
from benchmarks.backbones.lora import add_lora
from benchmarks.records import UsageError

TEXT_PARTS = ("text_encoder", "text_encoder_2", "text_encoder_3", "tokenizer", "tokenizer_2", "tokenizer_3")


def dtype_of(spec: Checkpoint) -> torch.dtype:
    """Return the type of frozen weights."""
    return torch.bfloat16 if spec.precision == "bfloat16" else torch.float32


def check_device(name: str) -> None:
    """Check that torch has a device.

    Raises:
        UsageError: If it has not.
    """
    try:
        kind = torch.device(name).type
    except RuntimeError as error:
        raise UsageError(f"backbone.device: expected a device of torch such as cuda or cpu, found {name!r}") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"backbone.device: {name}: expected a GPU, found none; backbone.device=cpu does without one")


def frozen(module: Any, spec: Checkpoint) -> Any:
    """Return a module without gradients, in evaluation mode, where it waits: on its device, or on the CPU."""
    return module.requires_grad_(False).eval().to("cpu" if spec.offload else spec.device)


@contextmanager
def at_work(module: Any, spec: Checkpoint) -> Iterator[None]:
    """Run the block with a module on its device; one that waits on the CPU goes back there."""
    if not spec.offload:
        yield
        return
    module.to(spec.device)
    try:
        yield
    finally:
        module.to("cpu")


def adapted_transformer(kind: Any, spec: Checkpoint, targets: Sequence[str], seed: int) -> Any:
    """Return a checkpoint's transformer, frozen, on its device, with a LoRA whose weights are float32.

    Raises:
        UsageError: If it cannot be read.
    """
    transformer = load_model(kind, spec.path, "transformer", spec.revision, dtype_of(spec)).to(spec.device)
    add_lora(transformer, targets, spec.lora, seed)
    for parameter in transformer.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return transformer


def without_text(kind: Any, spec: Checkpoint, *also: str) -> Any:
    """Return a checkpoint's pipeline without transformer and text parts (and others).

    Raises:
        UsageError: If it cannot be read, or its device is not there.
    """
    check_device(spec.device)
    parts = [name for name in (*TEXT_PARTS, "transformer", *also) if name in _components(kind)]
    return load_pipeline(kind, spec.path, spec.revision, dtype_of(spec), parts)


def cached_text(
    kind: Any, spec: Checkpoint, embeddings: type[Embeddings], make: Callable[[Any], TextEncoding],
    without: Sequence[str] = (), also: Callable[[str], str] | None = None,
) -> CachedText:  # fmt: skip
    """Return a checkpoint's text part behind a cache; `make` gets a pipeline without transformer once it is needed."""

    def load() -> TextEncoding:
        return make(
            load_pipeline(kind, spec.path, spec.revision, dtype_of(spec), ("transformer", *without)).to(spec.device)
        )

    return CachedText(embeddings, load, spec.cache.expanduser(), spec.origin(), also, keep=not spec.offload)


def backbone_of(
    spec: Checkpoint, network: AdaptedNetwork, text: TextEncoding, vae: Any, decode: Callable[[Tensor], Tensor],
    latent_shape: tuple[int, ...], guidance: float, sigmas: Callable[[int], Tensor],
) -> AdaptedBackbone:  # fmt: skip
    """Return the backbone of a network with a checkpoint's settings; `decode` uses the autoencoder `vae`."""
    if spec.checkpointing:
        network.enable_gradient_checkpointing()

    def decoder(latents: Tensor) -> Tensor:
        with at_work(vae, spec):
            return in_parts(decode, latents, size=spec.decode_batch)

    return AdaptedBackbone(
        network, text, decoder, latent_shape, precision=spec.precision, guidance=guidance, sigmas=sigmas,
        batch=spec.batch,
    )  # fmt: skip


def _components(kind: Any) -> set[str]:
    return set(inspect.signature(kind.__init__).parameters)


def shift_of(scheduler: Any, n_tokens: int, defaults: tuple[int, int, float, float]) -> float | None:
    """Return the mu of a scheduler that shifts by the number of image tokens, a line through two points; else None.

    Args:
        scheduler: A scheduler of diffusers.
        n_tokens: Image tokens.
        defaults: Smaller and larger number of tokens, and mu at each, for what the scheduler's configuration lacks.
            They are those of the family's pipeline.
    """
    config = dict(scheduler.config)
    if not config.get("use_dynamic_shifting", False):
        return None
    names = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
    few, many, low, high = (config.get(name, default) for name, default in zip(names, defaults, strict=True))
    return float(low + (high - low) * (n_tokens - few) / (many - few))


def levels(scheduler: Any, steps: int, mu: float | None, *, even: bool) -> Tensor:
    """Return the noise levels [S + 1] that a flow-matching scheduler takes S steps at, from its first to 0, float64.

    Args:
        scheduler: A `FlowMatchEulerDiscreteScheduler`; its state is changed.
        steps: S.
        mu: Dynamic shift, or None.
        even: Start from levels 1, 1 - 1/S, ..., 1/S, as the pipelines of FLUX and LTX do; else its own.
    """
    given: dict[str, Any] = {"sigmas": np.linspace(1.0, 1 / steps, steps)} if even else {"num_inference_steps": steps}
    scheduler.set_timesteps(**given, **({} if mu is None else {"mu": mu}))
    found: Tensor = scheduler.sigmas
    return found.cpu().double()


def in_parts(decode: Callable[[Tensor], Tensor], latents: Tensor, *, size: int) -> Tensor:
    """Return what `decode` makes of latents [B, ...], at most `size` at a time; decoders take the most memory."""
    return torch.cat([decode(part) for part in torch.split(latents, size)])


def image_decoder(vae: Any) -> Callable[[Tensor], Tensor]:
    """Return what maps latents [B, C, h, w] to images [B, 3, H, W] in [0, 1] by a VAE with a shift and a scale."""

    def decode(latents: Tensor) -> Tensor:
        given = (latents / vae.config.scaling_factor + vae.config.shift_factor).to(vae.dtype)
        images: Tensor = vae.decode(given, return_dict=False)[0].float()
        return (images / 2 + 0.5).clamp(0, 1)

    return decode


def side_of_latents(side: int, factor: int) -> int:
    """Return the side of latents for images of a side in pixels, each latent standing for `factor` pixels.

    Raises:
        UsageError: If it is no multiple.

    Example:
        >>> side_of_latents(512, 8)
        64
    """
    if side < factor or side % factor:
        raise UsageError(f"image side: expected a multiple of {factor} pixels, found {side}")
    return side // factor
