"""Small complete checkpoints of Stable Diffusion 3.5, FLUX.1 Kontext and LTX-2: folders as their pipelines save them.

Every part is of the published one's class and laid out like it: compression of the autoencoders, packing, rotary
embeddings, schedulers and text lengths are the published ones, widths and depths as small as they get. Weights are
random, and large enough that prompts, noise and source pictures are seen in the samples; the seed determines each byte.

    python -m tests.support.checkpoints sd3 DIR

saves one of sd3, flux-kontext and ltx2 as DIR/model, and settings that fit it as DIR/settings.txt, so that any suite
on that family can be tried on a laptop with `flowfront run SUITE --set @DIR/settings.txt`.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLLTX2Audio,
    AutoencoderKLLTX2Video,
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    FluxTransformer2DModel,
    LTX2Pipeline,
    LTX2VideoTransformer3DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3TextConfig,
    SiglipVisionConfig,
    T5Config,
    T5EncoderModel,
)

from benchmarks.draws import derived_seed
from benchmarks.hub import quiet
from tests.support.vocabularies import IMAGE_TOKENS, clip_tokenizer, gemma_tokenizer, t5_tokenizer

TEXT_WIDTH, LATENTS = 48, 16
ACTIVATED = 2**0.5
"""Gain of layers whose inputs have mostly passed an activation, which takes about half of their squares away."""

QUERY_AND_KEY_NORMS = ("norm_q", "norm_k", "norm_added_q", "norm_added_k")


def build_sd3(folder: Path, seed: int = 0, **transformer: Any) -> Path:
    """Save a `StableDiffusion3Pipeline`, by default for 64 x 64 pixels, 16 image tokens; return its folder.

    Keywords change the transformer: `dual_attention_layers=(0, 1)` makes it like 3.5 medium, else it is like 3.5 large.
    """
    settings = {
        "sample_size": 8, "patch_size": 2, "in_channels": LATENTS, "out_channels": LATENTS, "num_layers": 3,
        "attention_head_dim": 16, "num_attention_heads": 2, "joint_attention_dim": TEXT_WIDTH,
        "caption_projection_dim": 32, "pooled_projection_dim": 40, "pos_embed_max_size": 16, "qk_norm": "rms_norm",
        **transformer,
    }  # fmt: skip
    StableDiffusion3Pipeline(
        transformer=_random(seed, "transformer", partial(SD3Transformer2DModel, **settings), ACTIVATED),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_image_autoencoder(seed, scaling_factor=1.5305, shift_factor=0.0609),
        text_encoder=_clip(seed, "text_encoder", CLIPTextModelWithProjection, 16),
        tokenizer=clip_tokenizer(),
        text_encoder_2=_clip(seed, "text_encoder_2", CLIPTextModelWithProjection, 24),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=_t5(seed, "text_encoder_3"),
        tokenizer_3=t5_tokenizer(),
    ).save_pretrained(folder)
    return folder


def build_flux_kontext(folder: Path, seed: int = 0, **transformer: Any) -> Path:
    """Save a `FluxKontextPipeline` and return its folder; keywords change the transformer.

    The pipeline's own sizes are those of a million pixels: for 64 x 64 it also takes `max_area=64 * 64` and
    `_auto_resize=False`.
    """
    settings = {
        "patch_size": 1, "in_channels": 4 * LATENTS, "num_layers": 2, "num_single_layers": 2, "attention_head_dim": 16,
        "num_attention_heads": 2, "joint_attention_dim": TEXT_WIDTH, "pooled_projection_dim": 24,
        "guidance_embeds": True, "axes_dims_rope": (4, 6, 6), **transformer,
    }  # fmt: skip
    FluxKontextPipeline(
        transformer=_random(seed, "transformer", partial(FluxTransformer2DModel, **settings), ACTIVATED),
        scheduler=FlowMatchEulerDiscreteScheduler(
            shift=3.0, use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15, base_image_seq_len=256,
            max_image_seq_len=4096,
        ),
        vae=_image_autoencoder(seed, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=_clip(seed, "text_encoder", CLIPTextModel, 24),
        tokenizer=clip_tokenizer(),
        text_encoder_2=_t5(seed, "text_encoder_2"),
        tokenizer_2=t5_tokenizer(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def build_ltx2(folder: Path, seed: int = 0, **transformer: Any) -> Path:
    """Save an `LTX2Pipeline` and return its folder; keywords change the transformer.

    The smallest video is of 64 x 64 pixels, 2 x 2 latents, for the decoder reflects at its borders; 9 frames are 2
    latent ones. The autoencoders' statistics are not 0 and 1, so latents and what is decoded differ, as published.
    """
    width, audio_width = 32, 16
    settings = {
        "in_channels": LATENTS, "out_channels": LATENTS, "num_attention_heads": 2, "attention_head_dim": width // 2,
        "cross_attention_dim": width, "audio_in_channels": LATENTS, "audio_out_channels": LATENTS,
        "audio_num_attention_heads": 2, "audio_attention_head_dim": audio_width // 2,
        "audio_cross_attention_dim": audio_width, "num_layers": 2, "caption_channels": TEXT_WIDTH,
        "rope_type": "split", **transformer,
    }  # fmt: skip
    tokenizer = gemma_tokenizer()
    LTX2Pipeline(
        transformer=_random(seed, "transformer", partial(LTX2VideoTransformer3DModel, **settings), ACTIVATED),
        scheduler=FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, base_image_seq_len=1024,
            max_image_seq_len=4096, shift_terminal=0.1,
        ),
        vae=_video_autoencoder(seed),
        audio_vae=_audio_autoencoder(seed),
        vocoder=_vocoder(seed),
        text_encoder=_gemma(seed, len(tokenizer)),
        tokenizer=tokenizer,
        connectors=_connectors(seed),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def _random(seed: int, part: str, build: Callable[[], Any], gain: float = 1.0) -> Any:
    # Single precision also where a test run has another; each part has a seed of its own, so that a change of one
    # leaves the others as they are.
    before = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, part))
        torch.set_default_dtype(torch.float32)
        try:
            model = build()
            _enliven(model, gain)
        finally:
            torch.set_default_dtype(before)
    return model.eval()


@torch.no_grad()
def _enliven(model: nn.Module, gain: float) -> None:
    # The libraries start small, for training. Here no training follows, so layers keep the scale of what they are
    # given, and attention is sharp enough for a few words to be found among a thousand tokens of padding.
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d):
            module.weight.normal_(std=gain * module.weight[0].numel() ** -0.5)
            if module.bias is not None:
                module.bias.normal_(std=0.1)
        elif name.rpartition(".")[2] in QUERY_AND_KEY_NORMS:
            nn.init.constant_(module.get_parameter("weight"), 2.0)
    # After the linear layers, because a language model's last one is its embedding.
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.weight.normal_()
    for name, buffer in model.named_buffers():
        if name == "latents_mean":
            buffer.normal_(std=0.3)
        elif name == "latents_std":
            buffer.uniform_(0.5, 1.5)


def _clip(seed: int, part: str, kind: Callable[[CLIPTextConfig], Any], width: int) -> Any:
    tokenizer = clip_tokenizer()
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=2 * width, projection_dim=width,
        num_hidden_layers=2, num_attention_heads=2, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return _random(seed, part, lambda: kind(config))


def _t5(seed: int, part: str) -> Any:
    config = T5Config(
        vocab_size=len(t5_tokenizer()), d_model=TEXT_WIDTH, d_kv=12, d_ff=64, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    return _random(seed, part, lambda: T5EncoderModel(config))


def _gemma(seed: int, vocabulary: int) -> Any:
    text = Gemma3TextConfig(
        vocab_size=vocabulary, hidden_size=TEXT_WIDTH, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, query_pre_attn_scalar=16, sliding_window=1024,
        layer_types=["sliding_attention", "full_attention"],
    )  # fmt: skip
    vision = SiglipVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=4, patch_size=2,
        vision_use_head=False,
    )  # fmt: skip
    begin, end, image = range(5, 5 + len(IMAGE_TOKENS))
    config = Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=1, boi_token_index=begin, eoi_token_index=end,
        image_token_index=image,
    )  # fmt: skip
    return _random(seed, "text_encoder", lambda: Gemma3ForConditionalGeneration(config))


def _connectors(seed: int) -> Any:
    # One register more, and a text of ten words would be lost among the copies of them.
    size = {"num_attention_heads": 2, "attention_head_dim": TEXT_WIDTH // 2, "num_layers": 1}
    size["num_learnable_registers"] = 2
    settings = {f"{stream}_connector_{name}": value for stream in ("video", "audio") for name, value in size.items()}
    build = partial(
        LTX2TextConnectors, caption_channels=TEXT_WIDTH, text_proj_in_factor=3, rope_type="split", **settings
    )
    return _random(seed, "connectors", build, ACTIVATED)


def _image_autoencoder(seed: int, scaling_factor: float, shift_factor: float) -> Any:
    build = partial(
        AutoencoderKL, down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 16, 16), layers_per_block=1, norm_num_groups=4, latent_channels=LATENTS,
        sample_size=64, use_quant_conv=False, use_post_quant_conv=False, scaling_factor=scaling_factor,
        shift_factor=shift_factor,
    )  # fmt: skip
    autoencoder = _random(seed, "vae", build)
    with torch.no_grad():
        # So that encoded pictures, scaled, are about as large as noise; a trained encoder's are, too.
        autoencoder.encoder.conv_out.weight.mul_(2 / scaling_factor)
    return autoencoder


def _video_autoencoder(seed: int) -> Any:
    build = partial(
        AutoencoderKLLTX2Video, latent_channels=LATENTS, block_out_channels=(16,) * 4, layers_per_block=(1,) * 5,
        decoder_block_out_channels=(8, 16, 32), decoder_layers_per_block=(1,) * 4, decoder_causal=False,
        spatial_compression_ratio=32, temporal_compression_ratio=8,
    )  # fmt: skip
    return _random(seed, "vae", build)


def _audio_autoencoder(seed: int) -> Any:
    # Its statistics have `base_channels` entries and apply to latent channels times latent bands: 16 = 4 * 16 / 4.
    build = partial(
        AutoencoderKLLTX2Audio, base_channels=LATENTS, ch_mult=(1, 1, 1), num_res_blocks=1, latent_channels=4,
        mel_bins=16,
    )  # fmt: skip
    return _random(seed, "audio_vae", build)


def _vocoder(seed: int) -> Any:
    build = partial(LTX2Vocoder, in_channels=32, hidden_channels=32, resnet_kernel_sizes=[3], resnet_dilations=[[1, 3]])
    return _random(seed, "vocoder", build)


LIGHT = """
backbone.lora.rank=2
backbone.preference.hidden=8
backbone.precision=float32
backbone.device=cpu
backbone.checkpointing=false
backbone.text_length=16
recipe.prompts_per_step=4
recipe.group_size=6
recipe.rollout_steps=2
recipe.threads=1
budget.steps=2
evaluation.samples=1
evaluation.steps=2
benchmark.n_prompts=8
benchmark.n_evaluation_prompts=3
"""
FAMILIES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "sd3": (build_sd3, "backbone.side=64\n"),
    "flux-kontext": (build_flux_kontext, "backbone.side=64\n"),
    "ltx2": (build_ltx2, "backbone.height=64\nbackbone.width=64\nbackbone.frames=9\n"),
}


def save(family: str, folder: Path) -> Path:
    """Save a checkpoint and settings of `flowfront run` for it below a folder; return the file of settings.

    A side of 64 pixels, a LoRA of rank 2, and trainings of two steps on the CPU.
    """
    build, size = FAMILIES[family]
    model = build(folder / "model").resolve()
    places = f"backbone.path={model}\nbackbone.cache={model.parent / 'cache'}"
    settings = folder / "settings.txt"
    settings.write_text(
        f"# A small checkpoint of the family {family}, and trainings of two steps.\n{places}{LIGHT}{size}"
    )
    return settings


def main(arguments: Sequence[str]) -> int:
    """Run the command: a family and a folder."""
    if len(arguments) != 2 or arguments[0] not in FAMILIES:
        print(f"usage: python -m tests.support.checkpoints {{{','.join(FAMILIES)}}} DIR", file=sys.stderr)
        return 2
    with quiet():
        settings = save(arguments[0], Path(arguments[1]))
    print(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
