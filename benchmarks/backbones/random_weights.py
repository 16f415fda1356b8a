"""Backbones of published sizes with random weights, for measuring speed and memory without a checkpoint.

Networks, adapters, latents and decoders are those of the families. The embeddings of texts, which training reads from a
cache, are random numbers of the published lengths and widths.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.backbones.adapted import AdaptedBackbone, AdaptedNetwork, Embeddings, Precision, modules_for
from benchmarks.backbones.lora import LoraSize, add_lora
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.backbones.published_sizes import PublishedSize, find_size
from benchmarks.backbones.random_models import frozen_random, made_of
from benchmarks.draws import derived_seed


@dataclass(frozen=True, kw_only=True)
class RandomWeightsSpec:
    """A family at one of its sizes.

    Attributes:
        family: "sd35", "kontext" or "ltx2".
        size: A name in `published_sizes.SIZES`; None takes the family's first.
        side: Height of samples in pixels; None takes the size's own. Videos are half as wide again.
        frames: Frames of videos; None takes the size's own.
        precision: "bfloat16" keeps frozen weights in it and runs the transformer under autocast.
        device: Of torch.
        checkpointing: Recompute blocks in the backward pass instead of keeping their activations.
        lora: Size of the LoRA.
        preference: Size of the preference modules; None makes none.
        decode_batch: Samples decoded at once.
    """

    family: str = "sd35"
    size: str | None = None
    side: int | None = None
    frames: int | None = None
    precision: Precision = "bfloat16"
    device: str = "cuda"
    checkpointing: bool = True
    lora: LoraSize = field(default_factory=LoraSize)
    preference: PreferenceSize | None = field(default_factory=PreferenceSize)
    decode_batch: int = 8
    batch: int = 32

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            UsageError: If there is no such family or size.
        """
        find_size(self.family, self.size)

    @property
    def published(self) -> PublishedSize:
        """The configuration."""
        return find_size(self.family, self.size)[1]

    @property
    def pixels(self) -> int:
        """Height of samples in pixels."""
        return self.published.side if self.side is None else self.side

    @property
    def dtype(self) -> torch.dtype:
        """Type of frozen weights."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    def build(self, n_objectives: int, seed: int) -> AdaptedBackbone:
        """Return a backbone whose weights depend on seed and device alone.

        Raises:
            UsageError: If samples of that size do not fit the model.
        """
        parts = PARTS[self.family](self)
        size, where = self.published, (self.device, self.dtype)
        transformer = frozen_random(parts.kind, size.transformer, *where, derived_seed(seed, "transformer"))
        vae = frozen_random(parts.autoencoder, size.autoencoder, *where, derived_seed(seed, "autoencoder"))
        add_lora(transformer, parts.targets, self.lora, seed)
        for parameter in transformer.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        modules = modules_for(transformer, parts.width(transformer), self.preference, n_objectives, seed)
        network = parts.network(transformer, modules)
        if self.checkpointing:
            network.enable_gradient_checkpointing()
        from benchmarks.backbones.pipelines import in_parts

        decoder = partial(in_parts, parts.decoder(vae), size=self.decode_batch)
        return AdaptedBackbone(
            network, parts.text, decoder, parts.latent_shape, precision=self.precision, batch=self.batch
        )

    def describe(self) -> Mapping[str, Any]:
        """Return the settings."""
        return {"kind": "random weights", **asdict(self)}


@dataclass(frozen=True)
class RandomEmbeddings:
    """A text part whose embeddings are normal numbers that depend on a prompt alone.

    Attributes:
        kind: The family's embeddings.
        shapes: Shape of one row of each of its tensors.
        mask: Length of a mask of ones that comes last; None for families without one.
    """

    kind: type[Embeddings]
    shapes: tuple[tuple[int, ...], ...]
    mask: int | None = None

    def encode(self, prompts: Sequence[str]) -> Embeddings:
        """Return the embeddings of prompts, one row each."""
        generators = [torch.Generator().manual_seed(derived_seed("prompt", prompt)) for prompt in prompts]
        rows = [
            torch.stack([torch.randn(shape, generator=g, dtype=torch.float32) for g in generators])
            for shape in self.shapes
        ]
        masks = [] if self.mask is None else [torch.ones(len(prompts), self.mask, dtype=torch.int64)]
        return self.kind(*rows, *masks)


@dataclass(frozen=True)
class Parts:
    """What a family adds: classes of diffusers, LoRA targets, and how network, text, latents and decoder are made."""

    kind: Any
    autoencoder: Any
    targets: Sequence[str]
    width: Callable[[Any], int]
    network: Callable[[Any, Any], AdaptedNetwork]
    text: RandomEmbeddings
    latent_shape: tuple[int, ...]
    decoder: Callable[[Any], Callable[[Tensor], Tensor]]


def _sd35(spec: RandomWeightsSpec) -> Parts:
    from diffusers import AutoencoderKL, SD3Transformer2DModel

    from benchmarks.backbones import sd3
    from benchmarks.backbones.pipelines import image_decoder, side_of_latents

    given, side = spec.published.transformer, side_of_latents(spec.pixels, 8)
    sd3.check_side(SimpleNamespace(**given), side)
    shapes = ((spec.published.text_tokens, given["joint_attention_dim"]), (given["pooled_projection_dim"],))
    return Parts(
        SD3Transformer2DModel, AutoencoderKL, sd3.TARGETS, lambda transformer: int(transformer.inner_dim),
        sd3.SD3Network, RandomEmbeddings(sd3.PromptEmbedding, shapes), (given["in_channels"], side, side),
        image_decoder,
    )  # fmt: skip


def _kontext(spec: RandomWeightsSpec) -> Parts:
    from diffusers import AutoencoderKL, FluxTransformer2DModel

    from benchmarks.backbones import flux_kontext
    from benchmarks.backbones.checkpoints import FluxKontextSpec
    from benchmarks.backbones.pipelines import image_decoder, side_of_latents

    given, side = spec.published.transformer, 2 * side_of_latents(spec.pixels, 16)
    latent = (given["in_channels"] // 4, side, side)
    shapes = ((spec.published.text_tokens, given["joint_attention_dim"]), (given["pooled_projection_dim"],), latent)
    return Parts(
        FluxTransformer2DModel, AutoencoderKL, flux_kontext.TARGETS, lambda transformer: int(transformer.inner_dim),
        lambda transformer, modules: flux_kontext.FluxKontextNetwork(
            transformer, modules, FluxKontextSpec.embedded_guidance
        ),
        RandomEmbeddings(flux_kontext.EditEmbedding, shapes), latent, image_decoder,
    )  # fmt: skip


def _ltx2(spec: RandomWeightsSpec) -> Parts:
    from diffusers import AutoencoderKLLTX2Video, LTX2VideoTransformer3DModel

    from benchmarks.backbones import ltx2
    from benchmarks.backbones.checkpoints import LTX2Spec

    size = spec.published
    frames = size.frames if spec.frames is None else spec.frames
    # The compression of the published autoencoders, where a pipeline would read it off them.
    sound = SimpleNamespace(latent_channels=size.sound_channels, mel_bins=size.mel_bins)
    pipeline = SimpleNamespace(
        vae_spatial_compression_ratio=32, vae_temporal_compression_ratio=8, audio_vae=SimpleNamespace(config=sound),
        audio_vae_temporal_compression_ratio=4, audio_vae_mel_compression_ratio=4, audio_sampling_rate=16000,
        audio_hop_length=160,
    )  # fmt: skip
    channels, width = size.transformer.get("in_channels", 128), size.transformer.get("caption_channels", 3840)
    shape = ltx2.video_size(
        pipeline, channels, spec.pixels, spec.pixels * 3 // 2 // 32 * 32, frames, LTX2Spec.frame_rate
    )
    latents = torch.Size(shape.video).numel() + torch.Size(shape.audio).numel()
    text = RandomEmbeddings(ltx2.VideoEmbedding, ((size.text_tokens, width),) * 2, size.text_tokens)
    return Parts(
        LTX2VideoTransformer3DModel, AutoencoderKLLTX2Video, ltx2.TARGETS,
        lambda transformer: int(transformer.time_embed.linear.in_features),
        lambda transformer, modules: ltx2.LTX2Network(transformer, modules, shape, cross_timestep=False), text,
        (latents,), lambda vae: ltx2.video_decoder(SimpleNamespace(vae=vae), shape),
    )  # fmt: skip


PARTS: dict[str, Callable[[RandomWeightsSpec], Parts]] = {"sd35": _sd35, "kontext": _kontext, "ltx2": _ltx2}


@dataclass(frozen=True)
class Counts:
    """Numbers of weights: of the transformer, of the autoencoder, of the LoRA."""

    transformer: int
    autoencoder: int
    lora: int


def count(spec: RandomWeightsSpec) -> Counts:
    """Return how many weights a backbone has, without building it.

    Raises:
        UsageError: If samples of that size do not fit the model.
    """
    parts = PARTS[spec.family](spec)
    with made_of("meta", spec.dtype):
        transformer = parts.kind(**spec.published.transformer)
        vae = parts.autoencoder(**spec.published.autoencoder)
    adapted = [
        module for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear) and any(name.endswith(f".{target}") for target in parts.targets)
    ]  # fmt: skip
    return Counts(
        sum(p.numel() for p in transformer.parameters()),
        sum(p.numel() for p in vae.parameters()),
        spec.lora.rank * sum(layer.in_features + layer.out_features for layer in adapted),
    )
