"""Adapters: what peft is asked for, and files that are loaded whole or not at all."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from benchmarks.backbones import lora
from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.lora import LoraSize, add_lora, load_adapter, save_adapter
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.backbones.sd3 import TARGETS
from benchmarks.records import RecordError, UsageError
from tests.support.sd3 import K, moved, tiny_backbone, tiny_inputs, tiny_preferences, tiny_transformer

BASE = "tiny"


def trained(transformer: Any) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in transformer.named_parameters() if p.requires_grad}


def saved(path: Path, **changes: Any) -> AdaptedBackbone:
    backbone = tiny_backbone(**changes)
    moved(backbone.network)
    save_adapter(path, backbone.network, BASE)
    return backbone


def test_every_attention_projection_that_a_block_has_is_adapted_and_nothing_else() -> None:
    # The layout of Stable Diffusion 3.5: a second attention in the first block, normalized queries and keys.
    transformer = tiny_transformer(num_layers=3, dual_attention_layers=(0,), qk_norm="rms_norm")
    transformer.requires_grad_(True)
    add_lora(transformer, TARGETS, LoraSize(2), 0)
    found = {name.split(".lora_")[0] for name in trained(transformer)}
    projections = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"]
    expected = {f"transformer_blocks.{i}.attn.{name}" for i in range(3) for name in projections}
    assert found == expected - {"transformer_blocks.2.attn.to_add_out"}
    assert all(".lora_A." in name or ".lora_B." in name for name in trained(transformer))


@pytest.mark.parametrize(("size", "factor"), [(LoraSize(4), 2.0), (LoraSize(4, 1.0), 0.25), (LoraSize(1, 0.5), 0.5)])
def test_alpha_over_rank_multiplies_the_product_of_the_factors(size: LoraSize, factor: float) -> None:
    transformer, plain = tiny_transformer(), tiny_transformer()
    add_lora(transformer, TARGETS, size, 0)
    moved(transformer)
    layer = transformer.transformer_blocks[0].attn.to_q
    x = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    product = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    assert layer.lora_A["default"].weight.shape == (size.rank, 32)
    expected = plain.transformer_blocks[0].attn.to_q(x) + factor * x @ product.T
    torch.testing.assert_close(layer(x), expected)


def test_initial_weights_depend_on_the_seed_alone() -> None:
    found = []
    state = torch.get_rng_state()
    for seed in (0, 0, 1):
        transformer = tiny_transformer()
        add_lora(transformer, TARGETS, LoraSize(8), seed)
        found.append(trained(transformer))
        assert torch.equal(torch.get_rng_state(), state)
        torch.rand(1)
        state = torch.get_rng_state()
    first, same, other = found
    assert all(torch.equal(first[name], same[name]) for name in first)
    thin = [name for name in first if ".lora_A." in name]
    assert not any(torch.equal(first[name], other[name]) for name in thin)
    assert not any(tensor.any() for name, tensor in first.items() if ".lora_B." in name)
    joined = torch.cat([first[name].flatten() for name in thin])
    assert float(joined.std()) == pytest.approx(1 / 8, rel=0.05)


def test_an_adapter_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "adapter.safetensors"
    backbone, other = saved(path), tiny_backbone(seed=1)
    x, sigma, condition = tiny_inputs()
    expected = backbone.velocity(x, sigma, condition, tiny_preferences())
    assert not torch.allclose(other.velocity(x, sigma, condition, tiny_preferences()), expected)
    load_adapter(path, other.network, BASE)
    assert torch.equal(other.velocity(x, sigma, condition, tiny_preferences()), expected)
    assert set(load(path.read_bytes())) == {n for n, p in other.network.named_parameters() if p.requires_grad}
    with other.snapshots.using("reference"):
        assert not torch.allclose(other.velocity(x, sigma, condition, tiny_preferences()), expected)


def test_a_snapshot_is_saved_while_it_is_in_place(tmp_path: Path) -> None:
    backbone = tiny_backbone()
    moved(backbone.network)
    with backbone.snapshots.using("evaluation"):
        save_adapter(tmp_path / "a", backbone.network, BASE)
    load_adapter(tmp_path / "a", backbone.network, BASE)
    for parameter, initial in zip(backbone.parameters(), tiny_backbone().parameters(), strict=True):
        assert torch.equal(parameter, initial)


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    saved(tmp_path / "a", preference=PreferenceSize(hidden=24, fraction=0.5))
    content = (tmp_path / "a").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"] == {
        "format": "flowfront-adapter-1", "base": "tiny", "rank": "2", "alpha": "4.0", "n_objectives": str(K),
        "fraction": "0.5",
    }  # fmt: skip
    saved(tmp_path / "b", preference=None)
    load_adapter(tmp_path / "b", tiny_backbone(preference=None).network, BASE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_objectives": 2}, "expected an adapter with n_objectives '2', found '3'"),
        ({"preference": None}, "expected an adapter with n_objectives 'none', found '3'"),
        (
            {"preference": PreferenceSize(hidden=24, fraction=0.5)},
            "expected an adapter with fraction '0.5', found '1.0'",
        ),
        (
            {"preference": PreferenceSize(hidden=12)},
            r"preference.projector.read.weight: expected shape \[12, 6\], found \[24, 6\]",
        ),
        ({"num_layers": 3}, r"expected 60 tensors of this network, found no transformer\.\S+to_add_out\S+"),
        ({"num_layers": 1}, r"expected 28 tensors of this network, found also transformer\.\S+"),
    ],
)
def test_the_adapter_of_another_network_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    saved(tmp_path / "a")
    network = tiny_backbone(**changes).network
    before = trained(network)
    with pytest.raises(UsageError, match=message) as caught:
        load_adapter(tmp_path / "a", network, BASE)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained(network).items())


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "expected an adapter with format 'flowfront-adapter-1', found None"),
        ({"base": "other"}, "expected an adapter with base 'tiny', found 'other'"),
        ({"rank": "4"}, "expected an adapter with rank '2', found '4'"),
        ({"alpha": "2.0"}, "expected an adapter with alpha '4.0', found '2.0'"),
    ],
)
def test_an_adapter_of_other_meaning_is_refused(tmp_path: Path, metadata: dict[str, str] | None, message: str) -> None:
    path = tmp_path / "a"
    network = saved(path).network
    own = {"format": "flowfront-adapter-1", "base": BASE, "rank": "2", "alpha": "4.0", "n_objectives": "3"}
    path.write_bytes(save(load(path.read_bytes()), metadata=None if metadata is None else own | metadata))
    with pytest.raises(UsageError, match=message):
        load_adapter(path, network, BASE)


@pytest.mark.parametrize("broken", [torch.tensor(float("nan")), torch.tensor(1)])
def test_numbers_that_are_none_are_refused_and_nothing_is_loaded(tmp_path: Path, broken: Tensor) -> None:
    path = tmp_path / "a"
    saved(path)
    network = tiny_backbone().network
    before, tensors = trained(network), load(path.read_bytes())
    content = path.read_bytes()
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    name = list(before)[-1]
    path.write_bytes(save(tensors | {name: broken.expand(tensors[name].shape).contiguous()}, metadata=metadata))
    with pytest.raises(UsageError, match=f"{name}: expected finite numbers"):
        load_adapter(path, network, BASE)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained(network).items())


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    network, path = tiny_backbone().network, tmp_path / "a"
    with pytest.raises(UsageError, match=f"^cannot read {path}: No such file"):
        load_adapter(path, network, BASE)
    saved(path)
    for content in (b"", b"nothing of the kind", path.read_bytes()[:-1]):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=f"^{path} is damaged: expected safetensors, found: ") as caught:
            load_adapter(path, network, BASE)
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match=f"^cannot read {tmp_path}: "):
        load_adapter(tmp_path, network, BASE)
    with pytest.raises(RecordError, match="cannot write"):
        save_adapter(path / "below", network, BASE)


@pytest.mark.parametrize(
    ("rank", "alpha", "message"),
    [
        (0, None, "rank must be at least 1, found 0"),
        (4, 0.0, "alpha must be positive and finite, found 0.0"),
        (4, float("nan"), "alpha must be positive and finite, found nan"),
    ],
)
def test_sizes_out_of_range_are_refused(rank: int, alpha: float | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LoraSize(rank, alpha)


def test_sizes_can_be_named_without_waiting_for_peft() -> None:
    assert lora.__file__ is not None
    body = ast.parse(Path(lora.__file__).read_text()).body
    imports = [ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    assert not [line for line in imports if "peft" in line or "diffusers" in line or "backbones.sd3" in line]
