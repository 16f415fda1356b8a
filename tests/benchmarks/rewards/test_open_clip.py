"""Conversion from open_clip: the folder embeds as a forward pass written on open_clip's own tensors does."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import conv2d, gelu, layer_norm, normalize, scaled_dot_product_attention

from benchmarks.records import UsageError
from benchmarks.rewards.clip_images import clip_pixels
from benchmarks.rewards.clip_model import Clip
from benchmarks.rewards.open_clip import convert, main, renamed
from tests.support.reward_models import CLIP_LENGTH, CLIP_WIDTH, pictures, write_clip

HIDDEN, HEADS, LAYERS, PATCH, VOCABULARY = 32, 2, 2, 8, 514
Tensors = dict[str, Tensor]


def open_clip_tensors() -> Tensors:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return 0.3 * torch.randn(shape, generator=generator, dtype=torch.float32)

    found = {
        "positional_embedding": drawn(CLIP_LENGTH, HIDDEN),
        "token_embedding.weight": drawn(VOCABULARY, HIDDEN),
        "text_projection": drawn(HIDDEN, CLIP_WIDTH),
        "logit_scale": torch.tensor(4.6, dtype=torch.float32),
        "visual.class_embedding": drawn(HIDDEN),
        "visual.positional_embedding": drawn(17, HIDDEN),
        "visual.proj": drawn(HIDDEN, CLIP_WIDTH),
        "visual.conv1.weight": drawn(HIDDEN, 3, PATCH, PATCH),
    }
    norms = ["ln_final", "visual.ln_pre", "visual.ln_post"]
    for block in [f"{side}transformer.resblocks.{i}" for side in ("", "visual.") for i in range(LAYERS)]:
        norms += [f"{block}.ln_1", f"{block}.ln_2"]
        found |= {
            f"{block}.attn.in_proj_weight": drawn(3 * HIDDEN, HIDDEN),
            f"{block}.attn.in_proj_bias": drawn(3 * HIDDEN),
            f"{block}.attn.out_proj.weight": drawn(HIDDEN, HIDDEN),
            f"{block}.attn.out_proj.bias": drawn(HIDDEN),
            f"{block}.mlp.c_fc.weight": drawn(2 * HIDDEN, HIDDEN),
            f"{block}.mlp.c_fc.bias": drawn(2 * HIDDEN),
            f"{block}.mlp.c_proj.weight": drawn(HIDDEN, 2 * HIDDEN),
            f"{block}.mlp.c_proj.bias": drawn(HIDDEN),
        }
    for norm in norms:
        found |= {f"{norm}.weight": 1 + drawn(HIDDEN), f"{norm}.bias": drawn(HIDDEN)}
    return found


def normed(x: Tensor, tensors: Tensors, name: str) -> Tensor:
    return layer_norm(x, (HIDDEN,), tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def linear(x: Tensor, tensors: Tensors, name: str, joint: str = ".") -> Tensor:
    return x @ tensors[f"{name}{joint}weight"].T + tensors[f"{name}{joint}bias"]


def transformed(x: Tensor, tensors: Tensors, side: str, causal: bool) -> Tensor:
    for i in range(LAYERS):
        block = f"{side}transformer.resblocks.{i}"
        joint = linear(normed(x, tensors, f"{block}.ln_1"), tensors, f"{block}.attn.in_proj", "_")
        query, key, value = (part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in joint.chunk(3, dim=2))
        mixed = scaled_dot_product_attention(query, key, value, is_causal=causal).transpose(1, 2).flatten(2)
        x = x + linear(mixed, tensors, f"{block}.attn.out_proj")
        inner = gelu(linear(normed(x, tensors, f"{block}.ln_2"), tensors, f"{block}.mlp.c_fc"))
        x = x + linear(inner, tensors, f"{block}.mlp.c_proj")
    return x


def embedded_pictures(drawn: Tensor, tensors: Tensors) -> Tensor:
    patches = conv2d(clip_pixels(drawn, 32), tensors["visual.conv1.weight"], stride=PATCH).flatten(2).mT
    first = tensors["visual.class_embedding"].expand(len(drawn), 1, -1)
    x = torch.cat([first, patches], dim=1) + tensors["visual.positional_embedding"]
    x = transformed(normed(x, tensors, "visual.ln_pre"), tensors, "visual.", causal=False)
    return normalize(normed(x[:, 0], tensors, "visual.ln_post") @ tensors["visual.proj"], dim=1)


def embedded_tokens(tokens: Tensor, tensors: Tensors) -> Tensor:
    x = tensors["token_embedding.weight"][tokens] + tensors["positional_embedding"][: tokens.shape[1]]
    x = normed(transformed(x, tensors, "", causal=True), tensors, "ln_final")
    # The token that ends a prompt has the highest number.
    ends = x[torch.arange(len(x)), tokens.argmax(1)]
    return normalize(ends @ tensors["text_projection"], dim=1)


def test_the_converted_model_embeds_as_the_original(tmp_path: Path) -> None:
    tensors, drawn, prompts = open_clip_tensors(), pictures(3, 40, 32), ["a dog", "two red cats"]
    save_file(tensors, tmp_path / "weights.safetensors")
    convert(tmp_path / "weights.safetensors", write_clip(tmp_path / "like", seed=5), tmp_path / "out")
    clip = Clip(tmp_path / "out")
    torch.testing.assert_close(clip.pictures(drawn), embedded_pictures(drawn, tensors), atol=1e-5, rtol=0)
    tokens = clip.tokens(prompts, padding=True, return_tensors="pt")["input_ids"]
    torch.testing.assert_close(clip.texts(prompts), embedded_tokens(tokens, tensors), atol=1e-5, rtol=0)
    assert clip.network.logit_scale.item() == pytest.approx(4.6)


def test_a_foreign_or_missing_tensor_is_named(tmp_path: Path) -> None:
    tensors = open_clip_tensors()
    with pytest.raises(UsageError, match=r"found visual\.trunk\.stem"):
        renamed({**tensors, "visual.trunk.stem": torch.zeros(1)})
    with pytest.raises(UsageError, match=r"found transformer\.resblocks\.0\.attn\.q_weight"):
        renamed({**tensors, "transformer.resblocks.0.attn.q_weight": torch.zeros(1)})
    like = write_clip(tmp_path / "like")
    path = tmp_path / "weights.safetensors"
    del tensors["ln_final.bias"]
    save_file(tensors, path)
    with pytest.raises(UsageError, match=r"expected text_model\.final_layer_norm\.bias of shape \(32,\), found None"):
        convert(path, like, tmp_path / "out")
    save_file({**tensors, "ln_final.bias": torch.zeros(3)}, path)
    with pytest.raises(UsageError, match=r"of shape \(32,\), found \(3,\)"):
        convert(path, like, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["open_clip", str(tmp_path / "none"), str(tmp_path), str(tmp_path / "out")])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("error: cannot read ")
