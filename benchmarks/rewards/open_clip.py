"""A checkpoint of open_clip as a folder that transformers reads: `python -m benchmarks.rewards.open_clip`.

HPS v2.1 is published as `HPS_v2.1_compressed.pt`, which has the weights of open_clip's ViT-H-14 under "state_dict".
This project unpickles nothing, so make them a safetensors file first, in an environment of your choice:

    from safetensors.torch import save_file; from torch import load
    tensors = load("HPS_v2.1_compressed.pt", map_location="cpu", weights_only=True)["state_dict"]
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, "hps.safetensors")

and then the folder, after a `CLIPModel` of the same size, the one HPS v2.1 was tuned from:

    python -m benchmarks.rewards.open_clip hps.safetensors laion/CLIP-ViT-H-14-laion2B-s32B-b79K hps_v2.1
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.records import UsageError
from benchmarks.rewards.loading import load_model, load_tokenizer

_TOP = {
    "logit_scale": "logit_scale",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "text_projection": "text_projection.weight",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.proj": "visual_projection.weight",
}
_NORMS = {
    "ln_final": "text_model.final_layer_norm",
    "visual.ln_pre": "vision_model.pre_layrnorm",
    "visual.ln_post": "vision_model.post_layernorm",
}
_PARTS = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
"""Names of open_clip and of transformers, which spells `pre_layrnorm` so."""
_BLOCK = re.compile(r"(visual\.)?transformer\.resblocks\.(\d+)\.(.+?)[._](weight|bias)")


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of an open_clip `CLIP` with a vision transformer, under the names of a `CLIPModel`.

    The projections are transposed, and the joint one of queries, keys and values is cut into its three.

    Raises:
        UsageError: If a name is none of open_clip's.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        norm, _, part = name.rpartition(".")
        block = _BLOCK.fullmatch(name)
        if name in _TOP:
            found[_TOP[name]] = tensor.T if name in ("text_projection", "visual.proj") else tensor
        elif norm in _NORMS:
            found[f"{_NORMS[norm]}.{part}"] = tensor
        elif block is not None and block[3] in (*_PARTS, "attn.in_proj"):
            layer = f"{'vision' if block[1] else 'text'}_model.encoder.layers.{block[2]}"
            if block[3] == "attn.in_proj":
                for kind, third in zip("qkv", tensor.chunk(3), strict=True):
                    found[f"{layer}.self_attn.{kind}_proj.{block[4]}"] = third
            else:
                found[f"{layer}.{_PARTS[block[3]]}.{block[4]}"] = tensor
        else:
            raise UsageError(f"expected the tensors of a CLIP model of open_clip, found {name}")
    return found


def convert(tensors: Path, like: str | Path, folder: Path, revision: str | None = None) -> None:
    """Write a folder with a `CLIPModel` and its tokenizer from the weights of an open_clip model.

    Args:
        tensors: The weights as safetensors, under open_clip's names.
        like: Folder or repository of a `CLIPModel` of the same size, with its tokenizer.
        folder: Where to write.
        revision: Commit, tag or branch of the repository.

    Raises:
        UsageError: If a file is missing, or the weights are not those of a model of that size.
    """
    from transformers import CLIPModel

    try:
        weights = renamed(load_file(tensors))
    except (OSError, SafetensorError) as error:
        raise UsageError(f"cannot read {tensors}: expected safetensors, found: {error}") from error
    model: Any = load_model(CLIPModel, like, revision)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items() if "position_ids" not in name}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(shapes.keys() | found.keys()):
        if shapes.get(name) != found.get(name):
            raise UsageError(f"{tensors}: expected {name} of shape {shapes.get(name)}, found {found.get(name)}")
    model.load_state_dict(weights, strict=False)
    model.save_pretrained(folder)
    load_tokenizer(like, revision).save_pretrained(folder)


def main() -> None:
    """Read, convert, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tensors", type=Path, help="the weights as safetensors, under open_clip's names")
    parser.add_argument("like", help="folder or repository of a CLIPModel of the same size")
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--revision", help="commit, tag or branch of the repository")
    given = parser.parse_args()
    try:
        convert(given.tensors, given.like, given.folder, given.revision)
    except UsageError as error:
        parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
    main()
