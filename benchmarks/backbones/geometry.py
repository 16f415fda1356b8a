"""How many numbers a sample of a checkpoint takes, from its configuration files: latents, embeddings, activations.

Nothing is loaded. The numbers kept for a backward pass are counted in widths of the transformer a token, as measured on
blocks of the published widths (SD3.5 medium, FLUX.1 Kontext, LTX-2) with LoRA of rank 32, preference modules and an
attention that keeps no matrix of scores: the bytes that autograd saved, by tensor hooks, less what belongs to weights.
Without preference modules they are up to a sixth fewer. Small models keep a tenth more, for what attention keeps a head
is no longer small; on a CPU in bfloat16 attention keeps its matrices, which are not counted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.backbones.checkpoints import Checkpoint, FluxKontextSpec, LTX2Spec, SD3Spec

Configs = Mapping[str, Mapping[str, Any]]
"""The configurations of transformer and autoencoders, by the names of their folders."""

CLIP_TOKENS = 77
JOINT = {"bfloat16": 24.2, "float32": 18.1}
JOINT_END = 7.0
DUAL = {"bfloat16": 11.1, "float32": 7.1}
DOUBLE = {"bfloat16": 22.1, "float32": 17.1}
SINGLE = {"bfloat16": 18.1, "float32": 14.1}
VIDEO = {"bfloat16": 46.0, "float32": 28.3}
VIDEO_TEXT = {"bfloat16": 9.1, "float32": 4.6}
VIDEO_OUTSIDE = {"bfloat16": 5.1, "float32": 4.0}
"""Widths a token that a block keeps: DUAL besides, an image token; JOINT_END fewer, a text token, in the last block,
where the text stream ends; VIDEO_TEXT a text token; VIDEO_OUTSIDE once, outside of the blocks."""

FORWARD_IMAGE, FORWARD_EDIT, FORWARD_VIDEO = 12.0, 17.0, 21.0
"""Widths a token at the peak of a pass without gradient, which is about what the backward pass takes besides."""

MAPS = 3
"""Largest feature maps that a decoder holds at once."""


@dataclass(frozen=True)
class Geometry:
    """Numbers, not bytes, of one sample.

    Attributes:
        latent: Of a latent.
        embedding: Of what is made of its prompt.
        sample: Of what is decoded.
        blocks: What each block keeps for the backward pass.
        inputs: What each block keeps where it is recomputed.
        outside: What is kept outside of the blocks.
        forward: At the peak of a pass without gradient.
        decoding: At the peak of decoding.
    """

    latent: int
    embedding: int
    sample: int
    blocks: tuple[float, ...]
    inputs: float
    outside: float
    forward: float
    decoding: float

    def kept(self, *, checkpointing: bool) -> float:
        """Return what is kept of a pass with gradient until its backward pass.

        Example:
            >>> one = Geometry(1, 1, 1, (20.0, 30.0), 2.0, 5.0, 10.0, 1.0)
            >>> one.kept(checkpointing=False), one.kept(checkpointing=True)
            (55.0, 9.0)
        """
        return self.outside + (len(self.blocks) * self.inputs if checkpointing else sum(self.blocks))

    def backward(self, *, checkpointing: bool) -> float:
        """Return what the backward pass takes at its peak, with the block that is recomputed.

        Example:
            >>> one = Geometry(1, 1, 1, (20.0, 30.0), 2.0, 5.0, 10.0, 1.0)
            >>> one.backward(checkpointing=False), one.backward(checkpointing=True)
            (65.0, 49.0)
        """
        return self.kept(checkpointing=checkpointing) + self.forward + (max(self.blocks) if checkpointing else 0)


def geometry_of(spec: Checkpoint, configs: Configs) -> Geometry | None:
    """Return the geometry of a checkpoint; None for a family that is not known here.

    Raises:
        KeyError: If a configuration lacks an entry.
    """
    if isinstance(spec, SD3Spec):
        return _sd3(spec, configs)
    if isinstance(spec, FluxKontextSpec):
        return _flux(spec, configs)
    return _ltx2(spec, configs) if isinstance(spec, LTX2Spec) else None


def _factor(vae: Mapping[str, Any]) -> int:
    return int(2 ** (len(vae["block_out_channels"]) - 1))


def _decoding(vae: Mapping[str, Any], side: int) -> int:
    # The last block works at full resolution on what the one before it gives.
    widths: Sequence[int] = vae["block_out_channels"]
    return MAPS * max(widths[:2]) * side * side


def _sd3(spec: SD3Spec, configs: Configs) -> Geometry:
    config, vae, kind = configs["transformer"], configs["vae"], spec.precision
    side = spec.side // _factor(vae)
    width = config["num_attention_heads"] * config["attention_head_dim"]
    image, text = (side // config["patch_size"]) ** 2, CLIP_TOKENS + spec.text_length
    tokens, dual = (image + text) * width, set(config["dual_attention_layers"])
    blocks = [JOINT[kind] * tokens + (i in dual) * DUAL[kind] * image * width for i in range(config["num_layers"])]
    blocks[-1] -= JOINT_END * text * width
    return Geometry(
        config["in_channels"] * side * side, text * config["joint_attention_dim"] + config["pooled_projection_dim"],
        3 * spec.side**2, tuple(blocks), tokens, 2 * image * width if spec.checkpointing else 0, FORWARD_IMAGE * tokens,
        _decoding(vae, spec.side),
    )  # fmt: skip


def _flux(spec: FluxKontextSpec, configs: Configs) -> Geometry:
    config, vae, kind = configs["transformer"], configs["vae"], spec.precision
    side = spec.side // _factor(vae)
    width, latent = config["num_attention_heads"] * config["attention_head_dim"], config["in_channels"] // 4 * side**2
    # The source's tokens are as many as the image's.
    tokens = (2 * (side // 2) ** 2 + spec.text_length) * width
    blocks = [DOUBLE[kind] * tokens] * config["num_layers"] + [SINGLE[kind] * tokens] * config["num_single_layers"]
    text = spec.text_length * config["joint_attention_dim"] + config["pooled_projection_dim"]
    return Geometry(
        latent, text + latent, 3 * spec.side**2, tuple(blocks), tokens, (1.8 if spec.checkpointing else 1.0) * tokens,
        FORWARD_EDIT * tokens, _decoding(vae, spec.side),
    )  # fmt: skip


def _ltx2(spec: LTX2Spec, configs: Configs) -> Geometry:
    config, vae, audio, kind = configs["transformer"], configs["vae"], configs["audio_vae"], spec.precision
    # None stands for what the published blocks make.
    space, time = vae["spatial_compression_ratio"] or 32, vae["temporal_compression_ratio"] or 8
    frames = (spec.frames - 1) // time + 1
    n_video = frames * (spec.height // space) * (spec.width // space)
    n_audio = round(spec.frames / spec.frame_rate * audio["sample_rate"] / audio["mel_hop_length"] / 4)
    width = config["num_attention_heads"] * config["attention_head_dim"]
    narrow = config["audio_num_attention_heads"] * config["audio_attention_head_dim"]
    tokens, text = n_video * width + n_audio * narrow, spec.text_length * (width + narrow)
    block = VIDEO[kind] * tokens + VIDEO_TEXT[kind] * spec.text_length * width
    outside = 3.1 * tokens + text if spec.checkpointing else VIDEO_OUTSIDE[kind] * tokens
    pixels = spec.frames * spec.height * spec.width
    return Geometry(
        config["in_channels"] * n_video + config["audio_in_channels"] * n_audio,
        2 * spec.text_length * config["caption_channels"], 3 * pixels, (block,) * config["num_layers"], tokens, outside,
        FORWARD_VIDEO * tokens + 1.5 * text,
        math.ceil(MAPS * vae["decoder_block_out_channels"][0] / vae["patch_size"] ** 2 * pixels),
    )  # fmt: skip
