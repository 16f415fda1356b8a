"""Exported models against what was trained: by plain diffusers, by our loader, and by hand from the sidecar alone."""

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import linear, relu, silu
from torch.utils.hooks import RemovableHandle

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.checkpoints import Checkpoint
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.pipelines import TEXT_PARTS
from benchmarks.checkpoints import load_tensors
from benchmarks.export import write_export
from benchmarks.exports import PIPELINES
from benchmarks.hub import quiet
from benchmarks.inference import of_export, of_run, sample
from benchmarks.restored import Restored, load_export
from tests.support.families import FAMILIES, build_family, prompts_of
from tests.support.trained import family_run, store

STEPS, SIDE = 3, 64
PREFERENCE = (0.3, 0.7)


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    """A small checkpoint of each family; alpha is 3/2 of the rank."""
    size = {"lora": LoraSize(2, 3.0)}
    return {family: build_family(family, tmp_path_factory.mktemp(family), **size) for family in FAMILIES}


def restored_run(spec: Checkpoint, out: Path, method: str) -> Restored:
    run = family_run(spec, out, method)
    folder = store(run, scale=0.3)
    backbone = spec.build(2, 0)
    backbone.snapshots.load(load_tensors(folder, "model0"))
    return Restored(run, folder, backbone, 0)


def pipeline_of(spec: Checkpoint, *without: str) -> Any:
    kind = getattr(diffusers, PIPELINES[spec.family])
    with quiet():
        pipeline = kind.from_pretrained(spec.path, dtype=torch.float32, **dict.fromkeys(without))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def check_equal(found: Tensor, expected: Tensor, otherwise: Tensor) -> None:
    # Pictures are at most 1, velocities larger. What is not trained must differ, or equality would say nothing.
    scale = max(1.0, float(expected.abs().max()))
    assert float((otherwise - expected).abs().max()) > 0.5 * scale
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)


def test_plain_diffusers_makes_the_picture_that_was_trained(specs: dict[str, Checkpoint], tmp_path: Path) -> None:
    spec = specs["sd3"]
    restored = restored_run(spec, tmp_path / "out", "weighted_sum")
    write_export(restored, tmp_path / "exported")
    assert not (tmp_path / "exported" / "preference.json").exists()
    prompt = prompts_of("sd3")[1]
    noise = torch.randn(1, *restored.backbone.latent_shape, generator=torch.Generator().manual_seed(3))

    pipeline = pipeline_of(spec)

    def theirs() -> Tensor:
        found: Tensor = pipeline(
            prompt, height=SIDE, width=SIDE, num_inference_steps=STEPS, guidance_scale=1.0, latents=noise,
            max_sequence_length=16, output_type="pt",
        ).images  # fmt: skip
        return found

    backbone = restored.backbone
    condition, x = backbone.encode([prompt]), noise
    with torch.no_grad(), backbone.snapshots.using("evaluation"):
        for sigma, lower in pairwise(backbone.schedule(STEPS).float()):
            x = x + (lower - sigma) * backbone.velocity(x, sigma.expand(1), condition)
    untrained = theirs()
    with quiet():
        pipeline.load_lora_weights(tmp_path / "exported")
    check_equal(theirs(), backbone.decode(x), untrained)


@pytest.fixture(scope="module", params=FAMILIES)
def exported(
    request: pytest.FixtureRequest, specs: dict[str, Checkpoint], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Restored, Path]:
    """A model with preference modules of each family, and its export."""
    folder = tmp_path_factory.mktemp("exported")
    restored = restored_run(specs[request.param], folder / "out", "pareto_slider")
    write_export(restored, folder / "model")
    return restored, folder / "model"


@pytest.fixture(scope="module")
def plain(exported: tuple[Restored, Path]) -> Any:
    """The family's transformer as its pipeline has it after `load_lora_weights`."""
    restored, folder = exported
    spec: Any = restored.run.benchmark.backbone
    pipeline = pipeline_of(spec, *(name for name in TEXT_PARTS if name in signature_of(spec)), "vae")
    with quiet():
        pipeline.load_lora_weights(folder)
    return pipeline.transformer


def signature_of(spec: Checkpoint) -> set[str]:
    return set(inspect.signature(getattr(diffusers, PIPELINES[spec.family]).__init__).parameters)


def velocities(backbone: AdaptedBackbone, family: str, preference: tuple[float, ...] | None) -> Tensor:
    noise = torch.randn(2, *backbone.latent_shape, generator=torch.Generator().manual_seed(4))
    rows = None if preference is None else torch.tensor([preference] * 2)
    with torch.no_grad():
        return backbone.velocity(noise, torch.tensor([0.9, 0.4]), backbone.encode(prompts_of(family)), rows)


def evaluated(restored: Restored, preference: tuple[float, ...] | None) -> Tensor:
    backbone = restored.backbone
    assert isinstance(backbone, AdaptedBackbone)
    with backbone.snapshots.using("evaluation"):
        return velocities(backbone, restored.run.benchmark.name, preference)


def without_modules(restored: Restored) -> AdaptedBackbone:
    spec: Any = replace(restored.run.benchmark.backbone, preference=None)  # type: ignore[type-var]
    backbone: AdaptedBackbone = spec.build(2, 0)
    return backbone


def test_diffusers_takes_the_lora_of_every_family(exported: tuple[Restored, Path], plain: Any) -> None:
    restored, family = exported[0], exported[0].run.benchmark.name
    fresh = without_modules(restored)
    before = velocities(fresh, family, None)
    fresh.network.transformer = plain
    check_equal(velocities(fresh, family, None), evaluated(restored, None), before)


def test_our_loader_makes_the_samples_that_were_trained(exported: tuple[Restored, Path]) -> None:
    restored, folder = exported
    spec = restored.run.benchmark.backbone
    loaded = load_export(replace(spec, lora=LoraSize(4), preference=None), folder)  # type: ignore[type-var]
    prompts = prompts_of(restored.run.benchmark.name)
    theirs = sample(of_export(loaded), prompts, [PREFERENCE, (1.0, 0.0)], seed=5)
    ours = sample(of_run(restored), prompts, [PREFERENCE, (1.0, 0.0)], seed=5)
    other = sample(of_run(restored, "reference"), prompts, [PREFERENCE, (1.0, 0.0)], seed=5)
    check_equal(theirs, ours, other)
    assert float((ours[0] - ours[1]).abs().max()) > 1e-3


def by_hand(transformer: nn.Module, folder: Path, preference: Tensor, text_tokens: int) -> list[RemovableHandle]:
    """Attach a preference [B, K], from what the sidecar says and nothing else."""
    record, weights = json.loads((folder / "preference.json").read_text()), load_file(folder / "preference.safetensors")

    def layer(name: str, x: Tensor) -> Tensor:
        return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    embedding = layer("embedding.last", silu(layer("embedding.first", preference)))
    angles = torch.pi * preference[:, :, None] * 2.0 ** torch.arange(record["size"]["bands"])
    x = layer("projector.first", layer("projector.read", torch.cat((angles.sin(), angles.cos()), 2).flatten(1)))
    for name in ("second", "third", "last"):
        x = layer(f"projector.{name}", relu(x))
    modulation = x[:, None]

    def embed(module: nn.Module, given: Any, output: Tensor) -> Tensor:
        return output + embedding

    def hook(first: int) -> Callable[..., Tensor]:
        return lambda module, given, output: torch.cat((output[:, :first], output[:, first:] + modulation), 1)

    handles = [transformer.get_submodule(record["embedding"]).register_forward_hook(embed)]
    for entry in record["modulated"]:
        first = text_tokens if entry["tokens"] == "behind text" else 0
        handles.append(transformer.get_submodule(entry["module"]).register_forward_hook(hook(first)))
    return handles


def test_the_sidecar_says_all_that_another_program_needs(exported: tuple[Restored, Path], plain: Any) -> None:
    restored, folder = exported
    family, spec = restored.run.benchmark.name, restored.run.benchmark.backbone
    assert isinstance(spec, Checkpoint)
    fresh = without_modules(restored)
    fresh.network.transformer = plain
    handles = by_hand(plain, folder, torch.tensor([PREFERENCE] * 2), spec.text_length)
    found = velocities(fresh, family, None)
    for handle in handles:
        handle.remove()
    check_equal(found, evaluated(restored, PREFERENCE), evaluated(restored, None))


def test_the_card_runs(exported: tuple[Restored, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    restored, folder = exported
    family = restored.run.benchmark.name
    monkeypatch.chdir(folder)
    blocks = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    found: dict[str, Any] = {}
    for block in blocks:
        exec(block, found)
    expected = sample(of_run(restored), prompts_of(family)[:1], [(1.0, 0.0)], seed=0)
    torch.testing.assert_close(found["pictures"], expected, rtol=0, atol=1e-5)
    if family == "ltx2":
        assert len(found["video"]) == 9
    else:
        assert found["picture"].size == (SIDE, SIDE)
