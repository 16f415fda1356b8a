"""SD3 under a preference: equal to the untouched transformer where it must be, in its blocks the paper's formula."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.backbones.preference import PreferenceSize
from benchmarks.backbones.sd3 import SD3Network
from tests.support.networks import drawn_from
from tests.support.sd3 import (
    SD35,
    SMALL,
    WIDTH,
    moved,
    tiny_backbone,
    tiny_inputs,
    tiny_modules,
    tiny_preferences,
    tiny_transformer,
)


def untouched(**changes: Any) -> Tensor:
    x, sigma, condition = tiny_inputs()
    found: Tensor = tiny_transformer(**changes)(x, condition.tokens, condition.pooled, 1000 * sigma).sample
    return found


def recorded(network: SD3Network, preference: Tensor | None) -> list[tuple[dict[str, Tensor], Tensor, Tensor | None]]:
    """What goes into each block, its image tokens and its text tokens."""
    found, inputs = [], {}

    def before(block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        inputs[block] = kwargs

    def after(block: nn.Module, args: tuple[Any, ...], output: tuple[Tensor | None, Tensor]) -> None:
        found.append((inputs[block], output[1], output[0]))

    blocks = network.transformer.transformer_blocks
    handles = [block.register_forward_pre_hook(before, with_kwargs=True) for block in blocks]
    handles += [block.register_forward_hook(after) for block in blocks]
    with torch.no_grad():
        network(*tiny_inputs(), preference)
    for handle in handles:
        handle.remove()
    return found


def with_modules(size: PreferenceSize = SMALL, **changes: Any) -> SD3Network:
    network = SD3Network(tiny_transformer(**changes), tiny_modules(size=size))
    moved(network)
    return network


def zero(layer: nn.Module) -> None:
    assert isinstance(layer, nn.Linear)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


@pytest.mark.parametrize("changes", [{}, SD35], ids=["SD3", "SD3.5"])
def test_without_a_preference_it_is_the_untouched_transformer(changes: dict[str, Any]) -> None:
    network = with_modules(**changes)
    expected = untouched(**changes)
    for preference in (None, tiny_preferences(), None):
        same = torch.equal(network(*tiny_inputs(), preference), expected)
        assert same == (preference is None)
    backbone = tiny_backbone(**changes)
    torch.testing.assert_close(backbone.velocity(*tiny_inputs()), expected, rtol=0, atol=1e-6)


def test_with_zeroed_last_layers_no_preference_has_an_effect() -> None:
    network = with_modules()
    assert network.preference is not None
    zero(network.preference.embedding[-1])
    zero(network.preference.projector[-1])
    for seed in range(3):
        torch.testing.assert_close(network(*tiny_inputs(), tiny_preferences(seed=seed)), untouched(), rtol=0, atol=1e-6)
    moved(network)
    assert not torch.allclose(network(*tiny_inputs(), tiny_preferences()), untouched())


def test_image_tokens_share_one_shift_and_text_tokens_have_none() -> None:
    network = with_modules()
    assert network.preference is not None
    zero(network.preference.embedding[-1])
    (inputs, image, text), *_ = recorded(network, tiny_preferences())
    (_, plain_image, plain_text), (_, _, nothing) = recorded(network, None)
    shift = image - plain_image
    assert shift.abs().max() > 0.01
    torch.testing.assert_close(shift, shift[:, :1].expand_as(shift), rtol=0, atol=1e-5)
    block = network.transformer.transformer_blocks[0]
    gate = block.norm1.linear(nn.functional.silu(inputs["temb"])).chunk(6, dim=1)[5]
    expected = gate * network.preference(tiny_preferences())[1]
    torch.testing.assert_close(shift[:, 0], expected, rtol=0, atol=1e-5)
    assert text is not None
    assert plain_text is not None
    assert torch.equal(text, plain_text)
    assert nothing is None, "the last block drops the text"


def test_a_closed_gate_lets_no_modulation_through() -> None:
    network = with_modules()
    assert network.preference is not None
    zero(network.preference.embedding[-1])
    with torch.no_grad():
        for block in network.transformer.transformer_blocks:
            for parameter in block.norm1.linear.parameters():
                parameter[5 * WIDTH :] = 0
    assert torch.equal(network(*tiny_inputs(), tiny_preferences()), network(*tiny_inputs()))


def attention(attn: Any, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
    """Joint attention over image and text tokens, two heads of 16 channels."""

    def heads(image_layer: nn.Module, text_layer: nn.Module) -> Tensor:
        joined = torch.cat((image_layer(image), text_layer(text)), dim=1)
        return joined.unflatten(2, (2, 16)).transpose(1, 2)

    query, key = heads(attn.to_q, attn.add_q_proj), heads(attn.to_k, attn.add_k_proj)
    weights = (query @ key.mT / 4).softmax(-1)
    mixed = (weights @ heads(attn.to_v, attn.add_v_proj)).transpose(1, 2).flatten(2)
    return attn.to_out[0](mixed[:, : image.shape[1]]), attn.to_add_out(mixed[:, image.shape[1] :])


def paper_block(block: Any, image: Tensor, text: Tensor, embedding: Tensor, modulation: Tensor) -> list[Tensor]:
    """A block written out, with the published modulation h + gate (ff + modulation) of the image stream."""

    def normal(x: Tensor) -> Tensor:
        return (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-6).sqrt()

    def feed_forward(ff: Any, x: Tensor) -> Tensor:
        first, last = ff.net[0].proj, ff.net[2]
        inner = nn.functional.gelu(nn.functional.linear(x, first.weight, first.bias), approximate="tanh")
        return nn.functional.linear(inner, last.weight, last.bias)

    signal = embedding * embedding.sigmoid()
    parts, normed = [], []
    for norm, x in ((block.norm1, image), (block.norm1_context, text)):
        parts.append([part[:, None] for part in norm.linear(signal).chunk(6, dim=1)])
        shift, scale = parts[-1][:2]
        normed.append(normal(x) * (1 + scale) + shift)
    found = []
    streams = zip((image, text), attention(block.attn, *normed), (block.ff, block.ff_context), parts, strict=True)
    for x, attended, ff, (_, _, attention_gate, shift, scale, gate) in streams:
        hidden = x + attention_gate * attended
        change = feed_forward(ff, normal(hidden) * (1 + scale) + shift)
        found.append(hidden + gate * (change + modulation[:, None] if x is image else change))
    return found


@pytest.mark.parametrize("lora", [False, True])
def test_a_block_computes_the_published_formula(lora: bool) -> None:
    with drawn_from(0, torch.float64), torch.no_grad():
        network = tiny_backbone().network if lora else with_modules()
        moved(network)
        assert network.preference is not None
        preference = tiny_preferences()
        (inputs, image, text), *_ = recorded(network, preference)
        modulation = network.preference(preference)[1]
        expected = paper_block(
            network.transformer.transformer_blocks[0], inputs["hidden_states"], inputs["encoder_hidden_states"],
            inputs["temb"], modulation,
        )  # fmt: skip
    for found, written in zip((image, text), expected, strict=True):
        assert found is not None
        torch.testing.assert_close(found, written, rtol=1e-10, atol=1e-10)


def test_every_norm_reads_time_and_text_with_the_embedding_added() -> None:
    network = with_modules()
    assert network.preference is not None
    _, sigma, condition = tiny_inputs()
    seen: list[Tensor] = []
    network.transformer.norm_out.register_forward_pre_hook(lambda module, args: seen.append(args[1]))
    blocks = recorded(network, tiny_preferences())
    with torch.no_grad():
        plain = network.transformer.time_text_embed(1000 * sigma, condition.pooled)
        expected = plain + network.preference(tiny_preferences())[0]
    for found in (*(inputs["temb"] for inputs, _, _ in blocks), *seen):
        torch.testing.assert_close(found, expected)
