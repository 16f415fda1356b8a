"""LTX-2: videos with sound. A latent is one vector: the video's numbers, then the sound's."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone, AdaptedNetwork, Embeddings, modules_for
from benchmarks.backbones.checkpoints import LTX2Spec
from benchmarks.backbones.pipelines import (
    adapted_transformer,
    backbone_of,
    cached_text,
    frozen,
    levels,
    shift_of,
    without_text,
)
from benchmarks.backbones.preference import PreferenceModules, Reader
from benchmarks.hub import quiet
from benchmarks.records import UsageError

ATTENTIONS = ("attn1", "attn2", "audio_attn1", "audio_attn2", "audio_to_video_attn", "video_to_audio_attn")
TARGETS = [f"{attention}.{name}" for attention in ATTENTIONS for name in ("to_q", "to_k", "to_v", "to_out.0")]
"""All attention projections of both streams and between them. ParetoSlider's targets here are not published."""

SHIFT_DEFAULTS = (1024, 4096, 0.95, 2.05)
"""Of diffusers' pipeline; see `pipelines.shift_of`."""


@dataclass(frozen=True)
class VideoSize:
    """Shape of the latents of one video with its sound.

    Attributes:
        channels: Of a video latent.
        frames: Latent frames.
        height: Latent rows.
        width: Latent columns.
        audio_channels: Of a sound latent.
        audio_frames: Latent frames of the sound.
        mel_bins: Latent frequency bins.
        frame_rate: Frames a second.
    """

    channels: int
    frames: int
    height: int
    width: int
    audio_channels: int
    audio_frames: int
    mel_bins: int
    frame_rate: float

    @property
    def video(self) -> tuple[int, int, int, int]:
        """(channels, frames, height, width)."""
        return (self.channels, self.frames, self.height, self.width)

    @property
    def audio(self) -> tuple[int, int, int]:
        """(channels, frames, bins)."""
        return (self.audio_channels, self.audio_frames, self.mel_bins)

    def split(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Return video [B, C, F, H, W] and sound [B, C, L, M] of latents [B, D]."""
        size = math.prod(self.video)
        return latents[:, :size].reshape(-1, *self.video), latents[:, size:].reshape(-1, *self.audio)

    def join(self, video: Tensor, audio: Tensor) -> Tensor:
        """Return latents [B, D] of video [B, C, F, H, W] and sound [B, C, L, M]."""
        return torch.cat((video.flatten(1), audio.flatten(1)), dim=1)


def video_size(pipeline: Any, channels: int, height: int, width: int, frames: int, frame_rate: float) -> VideoSize:
    """Return the latents' shape of a video of some pixels and frames.

    Args:
        pipeline: An `LTX2Pipeline`.
        channels: Of a video latent.
        height: Rows of pixels.
        width: Columns of pixels.
        frames: Frames.
        frame_rate: Frames a second.

    Raises:
        UsageError: If the autoencoder makes no video of that size.
    """
    space, time = pipeline.vae_spatial_compression_ratio, pipeline.vae_temporal_compression_ratio
    if min(height, width) < space or height % space or width % space:
        raise UsageError(f"video size: expected height and width in multiples of {space}, found {height} x {width}")
    if frames < 1 or (frames - 1) % time:
        raise UsageError(f"video length: expected a multiple of {time} frames and one more, found {frames}")
    audio = pipeline.audio_vae.config
    rate = pipeline.audio_sampling_rate / pipeline.audio_hop_length / pipeline.audio_vae_temporal_compression_ratio
    return VideoSize(
        channels, (frames - 1) // time + 1, height // space, width // space,
        audio.latent_channels, round(frames / frame_rate * rate),
        audio.mel_bins // pipeline.audio_vae_mel_compression_ratio, frame_rate,
    )  # fmt: skip


def check_length(config: Any, frames: int, frame_rate: float) -> None:
    """Check that a video is no longer than the positions, in seconds, that a transformer of a configuration has.

    Raises:
        UsageError: If it is not.
    """
    longest = config.pos_embed_max_pos
    if not frames <= longest * frame_rate:
        raise UsageError(
            f"video length: expected at most {longest} s, found {frames} frames at {frame_rate:g} a second"
        )


@dataclass(frozen=True)
class VideoEmbedding(Embeddings):
    """What the connectors make of prompts: tokens for the video [B, T, C] and for the sound, and their mask [B, T]."""

    video: Tensor
    audio: Tensor
    mask: Tensor


class LTX2Network(AdaptedNetwork):
    """An `LTX2VideoTransformer3DModel` on latents [B, D].

    The preference conditions the video stream; the sound hears of it through the attention between the two.
    """

    def __init__(
        self, transformer: Any, preference: PreferenceModules | None, size: VideoSize, *, cross_timestep: bool
    ) -> None:
        """Take a transformer without patches, unattached modules of its width, the latents' shape, and the version.

        Args:
            transformer: The transformer.
            preference: The modules.
            size: Shape of the latents.
            cross_timestep: True for LTX-2.3 and later, False for LTX-2.0.

        Raises:
            UsageError: If the transformer joins latents to patches, as no released one does.
        """
        super().__init__(transformer, preference)
        self._size, self._cross_timestep = size, cross_timestep
        patches = (transformer.config.patch_size, transformer.config.patch_size_t)
        if patches != (1, 1):
            raise UsageError(f"LTX-2 transformer: expected patches of (1, 1), found {patches}")
        if preference is not None:
            time = transformer.time_embed
            blocks = [Reader(block, 4, "temb", block.ff) for block in transformer.transformer_blocks]
            preference.attach(time.emb, blocks, carrier=time, usual=time.linear.out_features)

    def call(self, x: Tensor, sigma: Tensor, condition: VideoEmbedding) -> Tensor:
        """Return the velocity of both; times are sigma times the model's own multiplier."""
        size, (video, audio) = self._size, self._size.split(x)
        time = self.transformer.config.timestep_scale_multiplier * sigma
        moved, heard = self.transformer(
            hidden_states=video.flatten(2).transpose(1, 2),
            audio_hidden_states=audio.transpose(1, 2).flatten(2),
            encoder_hidden_states=condition.video,
            audio_encoder_hidden_states=condition.audio,
            timestep=time,
            sigma=time,
            encoder_attention_mask=condition.mask,
            audio_encoder_attention_mask=condition.mask,
            num_frames=size.frames,
            height=size.height,
            width=size.width,
            fps=size.frame_rate,
            audio_num_frames=size.audio_frames,
            use_cross_timestep=self._cross_timestep,
            return_dict=False,
        )
        sound = heard.unflatten(2, (size.audio_channels, size.mel_bins)).transpose(1, 2)
        return size.join(moved.transpose(1, 2), sound)


class VideoText:
    """Prompts by the pipeline's own text encoder and connectors; see `adapted.TextEncoding`."""

    def __init__(self, pipeline: Any, length: int) -> None:
        """Take a pipeline with text encoder and connectors, and the number of text tokens."""
        self._pipeline, self._length = pipeline, length

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> VideoEmbedding:
        """Return the embeddings of prompts, one row each."""
        pipeline = self._pipeline
        tokens, mask, _, _ = pipeline.encode_prompt(
            list(prompts), do_classifier_free_guidance=False, max_sequence_length=self._length
        )
        side = pipeline.tokenizer.padding_side
        return VideoEmbedding(*pipeline.connectors(tokens, mask, padding_side=side))


def video_decoder(pipeline: Any, size: VideoSize) -> Callable[[Tensor], Tensor]:
    """Return what maps latents [B, D] to videos [B, F, 3, H, W] in [0, 1]. Rewards see no sound.

    Raises:
        UsageError: If the decoder wants a noise level, as no released one does.
    """
    vae = pipeline.vae
    if vae.config.timestep_conditioning:
        raise UsageError("LTX-2 autoencoder: expected one without timestep conditioning, found one with it")

    def decode(latents: Tensor) -> Tensor:
        video, _ = size.split(latents)
        mean, std = (t.view(1, -1, 1, 1, 1).to(video) for t in (vae.latents_mean, vae.latents_std))
        found: Tensor = vae.decode(
            (video * std / vae.config.scaling_factor + mean).to(vae.dtype), None, return_dict=False
        )[0]
        return (found.float().transpose(1, 2) / 2 + 0.5).clamp(0, 1)

    return decode


def build(spec: LTX2Spec, n_objectives: int, seed: int) -> AdaptedBackbone:
    """Return the backbone of a checkpoint.

    Raises:
        UsageError: If the checkpoint cannot be read or is of another family, or the size of videos does not fit it.
    """
    with quiet():
        from diffusers import LTX2Pipeline, LTX2VideoTransformer3DModel

    pipeline = without_text(LTX2Pipeline, spec, "connectors", "vocoder")
    transformer = adapted_transformer(LTX2VideoTransformer3DModel, spec, TARGETS, seed)
    channels = transformer.config.in_channels
    size = video_size(pipeline, channels, spec.height, spec.width, spec.frames, spec.frame_rate)
    vae = frozen(pipeline.vae, spec)
    check_length(transformer.config, spec.frames, spec.frame_rate)
    width = transformer.time_embed.linear.in_features
    modules = modules_for(transformer, width, spec.preference, n_objectives, seed)
    network = LTX2Network(transformer, modules, size, cross_timestep=spec.cross_timestep)
    text = cached_text(
        LTX2Pipeline, spec, VideoEmbedding, lambda loaded: VideoText(loaded, spec.text_length),
        ("vae", "audio_vae", "vocoder"),
    )  # fmt: skip
    mu = shift_of(pipeline.scheduler, math.prod(size.video[1:]), SHIFT_DEFAULTS)
    return backbone_of(
        spec, network, text, vae, video_decoder(pipeline, size), (math.prod(size.video) + math.prod(size.audio),),
        spec.guidance, lambda steps: levels(pipeline.scheduler, steps, mu, even=True),
    )  # fmt: skip
