"""Small random checkpoints of the real classes that rewards load, the same for the same seed."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import (
    CLIPConfig,
    CLIPModel,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    SwinConfig,
)
from transformers.utils import logging as transformers_logging

from benchmarks.rewards.aesthetic import WIDTHS
from benchmarks.tasks.geneval_prompts import CLASSES

CLIP_SIDE = 32
CLIP_WIDTH = 16
CLIP_LENGTH = 20
"""Side of pictures in pixels, width of embeddings, and tokens of a prompt with its two ends, of the small CLIP."""


def byte_symbols() -> list[str]:
    """Return the 256 characters that stand for bytes in the vocabulary of byte-level pair encoding."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


def write_tokenizer(folder: Path) -> int:
    """Write a CLIP tokenizer that spells every word by its bytes; return the size of its vocabulary."""
    ends = ["<|startoftext|>", "<|endoftext|>"]
    symbols = byte_symbols()
    words = [*symbols, *(f"{symbol}</w>" for symbol in symbols), *ends]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    special = {"bos_token": ends[0], "eos_token": ends[1], "unk_token": ends[1], "pad_token": ends[1]}
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": CLIP_LENGTH, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return len(words)


def quiet_save(model: Any, folder: Path) -> None:
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    if bars:
        transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def spread_out(model: Any, seed: int, std: float) -> None:
    """Draw all matrices anew, so that random embeddings of different inputs differ clearly."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float32)
                parameter.copy_(std * drawn)


def write_clip(folder: Path, seed: int = 0, width: int = CLIP_WIDTH, hidden: int = 32) -> Path:
    """Write a small `CLIPModel` with its tokenizer into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder)
    common = {"intermediate_size": 2 * hidden, "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_act": "gelu"}
    text = {"vocab_size": vocabulary, "max_position_embeddings": CLIP_LENGTH}
    text |= {"bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1, "pad_token_id": vocabulary - 1}
    config = CLIPConfig(
        text_config={**common, **text, "hidden_size": hidden, "projection_dim": width},
        vision_config={**common, "hidden_size": hidden, "projection_dim": width, "image_size": 32, "patch_size": 8},
        projection_dim=width,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIPModel(config).float()
    spread_out(model, seed, 0.2)
    quiet_save(model, folder)
    return folder


def write_detector(folder: Path, seed: int = 0, favorite: str = "dog", sure: float = 12.0) -> Path:
    """Write a small `Mask2Former` of COCO's classes, whose ten queries all see `favorite`, with random masks."""
    width = 32
    swin = SwinConfig(
        image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        drop_path_rate=0.0, out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = Mask2FormerConfig(
        backbone_config=swin, feature_size=width, mask_feature_size=width, hidden_dim=width,
        encoder_feedforward_dim=width, dim_feedforward=width, encoder_layers=1, decoder_layers=2,
        num_attention_heads=2, num_queries=10, id2label=dict(enumerate(CLASSES)),
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Mask2FormerForUniversalSegmentation(config).float()
    with torch.no_grad():
        model.class_predictor.bias[CLASSES.index(favorite)] = sure
    quiet_save(model, folder)
    return folder


def head_tensors(width: int = CLIP_WIDTH, seed: int = 0) -> dict[str, Tensor]:
    """Return random tensors of an aesthetic head for embeddings of a width."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, out in WIDTHS.items():
        found[f"{name}.weight"] = torch.randn(out, width, generator=generator, dtype=torch.float32) / width**0.5
        found[f"{name}.bias"] = torch.randn(out, generator=generator, dtype=torch.float32)
        width = out
    return found


def write_head(path: Path, width: int = CLIP_WIDTH, seed: int = 0) -> Path:
    """Write a random aesthetic head for embeddings of a width."""
    save_file(head_tensors(width, seed), path)
    return path


def pictures(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Return smooth random pictures [n, 3, height, width] in [0, 1], float32."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 6, 6, generator=generator, dtype=torch.float32)
    fine = 0.2 * torch.rand(n, 3, height, width, generator=generator, dtype=torch.float32)
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    return 0.8 * smooth + fine
