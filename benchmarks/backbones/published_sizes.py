"""Configurations of the published networks, and small ones of the same shape, for models built without weights.

Arguments are those of diffusers' classes; what is not given has their defaults. Nothing is imported here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.records import UsageError
from benchmarks.settings import nearest


@dataclass(frozen=True)
class PublishedSize:
    """One configuration of a family.

    Attributes:
        transformer: Arguments of the transformer's class.
        autoencoder: Arguments of the autoencoder's class.
        text_tokens: Text tokens that the transformer reads.
        side: Height of pictures in pixels where none is asked for, and their width; videos are half as wide again.
        frames: Frames of a video where none are asked for; 1 for pictures.
        mel_bins: Frequency bins of a video's sound; 0 for pictures.
        sound_channels: Channels of the latents of a video's sound; 0 for pictures.
    """

    transformer: Mapping[str, Any]
    autoencoder: Mapping[str, Any]
    text_tokens: int
    side: int
    frames: int = 1
    mel_bins: int = 0
    sound_channels: int = 0


_IMAGE_AUTOENCODER = {
    "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 16, "sample_size": 1024,
    "use_quant_conv": False, "use_post_quant_conv": False,
}  # fmt: skip
_SMALL_AUTOENCODER = {
    **_IMAGE_AUTOENCODER, "block_out_channels": (8, 8, 16, 16), "layers_per_block": 1, "norm_num_groups": 4,
    "sample_size": 64,
}  # fmt: skip
_STABLE_SCALE = {"scaling_factor": 1.5305, "shift_factor": 0.0609}
_FLUX_SCALE = {"scaling_factor": 0.3611, "shift_factor": 0.1159}

_STABLE = {
    "sample_size": 128, "patch_size": 2, "in_channels": 16, "out_channels": 16, "attention_head_dim": 64,
    "joint_attention_dim": 4096, "pooled_projection_dim": 2048, "qk_norm": "rms_norm",
}  # fmt: skip
_STABLE_TEXT = 77 + 256
"""Tokens of the two CLIP encoders, side by side in width, then those of T5."""

_VIDEO_AUTOENCODER = {"decoder_causal": False, "spatial_compression_ratio": 32, "temporal_compression_ratio": 8}

SIZES: dict[str, dict[str, PublishedSize]] = {
    "sd35": {
        "medium": PublishedSize(
            {
                **_STABLE, "num_layers": 24, "num_attention_heads": 24, "caption_projection_dim": 1536,
                "pos_embed_max_size": 384, "dual_attention_layers": tuple(range(13)),
            },
            {**_IMAGE_AUTOENCODER, **_STABLE_SCALE}, _STABLE_TEXT, 512,
        ),
        "large": PublishedSize(
            {
                **_STABLE, "num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432,
                "pos_embed_max_size": 192,
            },
            {**_IMAGE_AUTOENCODER, **_STABLE_SCALE}, _STABLE_TEXT, 512,
        ),
        "small": PublishedSize(
            {
                **_STABLE, "sample_size": 8, "num_layers": 3, "attention_head_dim": 16, "num_attention_heads": 4,
                "joint_attention_dim": 96, "caption_projection_dim": 64, "pooled_projection_dim": 48,
                "pos_embed_max_size": 16, "dual_attention_layers": (0, 1),
            },
            {**_SMALL_AUTOENCODER, **_STABLE_SCALE}, 16, 64,
        ),
    },
    "kontext": {
        "full": PublishedSize(
            {
                "in_channels": 64, "num_layers": 19, "num_single_layers": 38, "attention_head_dim": 128,
                "num_attention_heads": 24, "joint_attention_dim": 4096, "pooled_projection_dim": 768,
                "guidance_embeds": True, "axes_dims_rope": (16, 56, 56),
            },
            {**_IMAGE_AUTOENCODER, **_FLUX_SCALE}, 512, 512,
        ),
        "small": PublishedSize(
            {
                "in_channels": 64, "num_layers": 2, "num_single_layers": 2, "attention_head_dim": 16,
                "num_attention_heads": 4, "joint_attention_dim": 96, "pooled_projection_dim": 48,
                "guidance_embeds": True, "axes_dims_rope": (4, 6, 6),
            },
            {**_SMALL_AUTOENCODER, **_FLUX_SCALE}, 16, 64,
        ),
    },
    "ltx2": {
        "full": PublishedSize({"rope_type": "split"}, _VIDEO_AUTOENCODER, 1024, 512, 25, 64, 8),
        "small": PublishedSize(
            {
                "in_channels": 16, "out_channels": 16, "num_attention_heads": 2, "attention_head_dim": 16,
                "cross_attention_dim": 32, "audio_in_channels": 16, "audio_out_channels": 16,
                "audio_num_attention_heads": 2, "audio_attention_head_dim": 8, "audio_cross_attention_dim": 16,
                "num_layers": 2, "caption_channels": 48, "rope_type": "split",
            },
            {
                **_VIDEO_AUTOENCODER, "latent_channels": 16, "block_out_channels": (16,) * 4,
                "layers_per_block": (1,) * 5, "decoder_block_out_channels": (8, 16, 32),
                "decoder_layers_per_block": (1,) * 4,
            },
            16, 64, 9, 16, 4,
        ),
    },
}  # fmt: skip
"""Sizes by family, the one that is meant where none is named first.

Source: the configurations published with Stable Diffusion 3.5 medium and large, FLUX.1 Kontext dev and LTX-2, the last
one being the defaults of diffusers' class but for its rotary embedding. `small` is nothing published.
"""


def find_size(family: str, size: str | None) -> tuple[str, PublishedSize]:
    """Return the name and the configuration of a family's size, of its first one for None.

    Raises:
        UsageError: If there is none of that name.

    Example:
        >>> find_size("sd35", None)[0], find_size("kontext", "small")[1].side
        ('medium', 64)
    """
    if family not in SIZES:
        raise UsageError(f"no family {family!r}: {nearest(family, SIZES)}")
    sizes = SIZES[family]
    name = next(iter(sizes)) if size is None else size
    if name not in sizes:
        raise UsageError(f"no size {name!r} of {family}: {nearest(name, sizes)}")
    return name, sizes[name]
