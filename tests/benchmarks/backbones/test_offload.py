"""Frozen parts that leave the device: the same results, text encoders freed, the autoencoder on the CPU but at work."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderKLLTX2Video
from torch import Tensor

from benchmarks.backbones import pipelines
from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.checkpoints import Checkpoint
from tests.support.families import FAMILIES, build_family, prompts_of

K = 2
families = pytest.mark.parametrize("family", FAMILIES)
AUTOENCODERS = (AutoencoderKL, AutoencoderKLLTX2Video)
ELSEWHERE = "cpu:0"
"""A name of the CPU that tells the device of work from where parts wait."""


@pytest.fixture(scope="module")
def spec_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkpoint]:
    made: dict[str, Checkpoint] = {}

    def of(family: str) -> Checkpoint:
        if family not in made:
            made[family] = build_family(family, tmp_path_factory.mktemp(family), decode_batch=1)
        return made[family]

    return of


def sample(backbone: AdaptedBackbone, family: str) -> Tensor:
    x = torch.randn(2, *backbone.latent_shape, generator=torch.Generator().manual_seed(3))
    condition = backbone.encode(prompts_of(family))
    with torch.no_grad():
        return backbone.decode(x - backbone.velocity(x, torch.tensor([0.3, 0.9]), condition))


def encoders_of(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    """Watch the text encoders that are loaded from now on."""
    found: list[weakref.ref[Any]] = []
    load = pipelines.load_pipeline

    def watched(kind: Any, *rest: Any) -> Any:
        pipeline = load(kind, *rest)
        parts = {name: part for name, part in pipeline.components.items() if name.startswith("text_encoder")}
        found.extend(weakref.ref(part) for part in parts.values() if part is not None)
        return pipeline

    monkeypatch.setattr(pipelines, "load_pipeline", watched)
    return found


@families
def test_samples_are_the_same_bit_for_bit_and_encoders_are_freed(
    family: str, spec_of: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    encoders = encoders_of(monkeypatch)
    found = []
    for offload in (False, True):
        backbone = replace(spec_of(family), offload=offload, cache=tmp_path / str(offload)).build(K, 0)
        before = len(encoders)
        found.append(sample(backbone, family))
        gc.collect()
        loaded = encoders[before:]
        assert loaded
        assert all((encoder() is None) == offload for encoder in loaded)
    assert torch.equal(*found)
    assert float(found[0].std()) > 0.01


def test_encoders_that_fail_are_freed_and_what_was_encoded_before_is_kept(
    spec_of: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    encoders = encoders_of(monkeypatch)
    backbone = replace(spec_of("sd3"), offload=True, cache=tmp_path).build(K, 0)
    encode, calls = pipelines.CachedText._store, []

    def fail(self: Any, prompt: str, row: Any) -> None:
        calls.append(prompt)
        if prompt == "bad":
            raise OSError("no room")
        encode(self, prompt, row)

    monkeypatch.setattr(pipelines.CachedText, "_store", fail)
    with pytest.raises(OSError, match="no room"):
        backbone.prepare(["good", "bad"])
    gc.collect()
    assert encoders
    assert all(encoder() is None for encoder in encoders)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1


@families
@pytest.mark.parametrize("offload", [False, True])
def test_the_autoencoder_is_on_the_device_only_while_it_works(
    family: str, offload: bool, spec_of: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    events: list[str] = []
    for kind in AUTOENCODERS:
        for name in ("encode", "decode", "to"):
            original = vars(kind).get(name) or getattr(kind, name)

            def watched(
                self: Any, given: Any, *rest: Any, _name: str = name, _original: Any = original, **more: Any
            ) -> Any:
                events.append(str(given) if _name == "to" else _name)
                return _original(self, given, *rest, **more)

            monkeypatch.setattr(kind, name, watched)
    backbone = replace(spec_of(family), device=ELSEWHERE, offload=offload, cache=tmp_path).build(K, 0)
    sample(backbone, family)
    events = [event for event in events if event in ("cpu", ELSEWHERE, "encode", "decode")]
    encoded = ["encode", "encode"] if family == "flux-kontext" else []
    if offload:
        encoded = [ELSEWHERE, *encoded, "cpu"] if encoded else []
        assert events == ["cpu", *encoded, ELSEWHERE, "decode", "decode", "cpu"]
    else:
        assert events == [ELSEWHERE, *encoded, "decode", "decode"]


@families
def test_the_switch_is_no_part_of_what_results_are_compared_by(
    family: str, spec_of: Callable[[str], Checkpoint]
) -> None:
    spec = spec_of(family)
    assert replace(spec, offload=True).describe() == spec.describe()
    assert replace(spec, offload=True).origin() == spec.origin()


@families
def test_prompts_are_prepared_ahead_and_then_no_encoder_is_loaded(
    family: str, spec_of: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = replace(spec_of(family), offload=True, cache=tmp_path)
    expected = replace(spec, cache=tmp_path / "other").build(K, 0).encode(prompts_of(family))
    spec.build(K, 0).prepare(prompts_of(family))
    backbone = spec.build(K, 0)
    loaded = encoders_of(monkeypatch)
    found = backbone.encode(prompts_of(family))
    backbone.encode([""])
    assert not loaded
    for one, other in zip(vars(found).values(), vars(expected).values(), strict=True):
        # Prompts share a batch with the empty one, or not.
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
