"""Checkpoints that cannot be used: each is one line that says what to do, before or while they are loaded."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError

from benchmarks.backbones.checkpoints import Checkpoint, FluxKontextSpec, LTX2Spec, SD3Spec
from benchmarks.records import UsageError
from tests.benchmarks.test_hub import of_hub
from tests.support.families import FAMILIES, LIGHT, SIDE, build_family

KINDS: dict[str, Callable[..., Checkpoint]] = {
    "sd3": SD3Spec,
    "flux-kontext": lambda **given: FluxKontextSpec(sources=Path("sources"), **given),
    "ltx2": LTX2Spec,
}
PIPELINES = {"sd3": "StableDiffusion3Pipeline", "flux-kontext": "FluxKontextPipeline", "ltx2": "LTX2Pipeline"}


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def of(family: str) -> Path:
        if family not in made:
            made[family] = Path(build_family(family, tmp_path_factory.mktemp(family)).path)
        return made[family]

    return of


def refused(spec: Checkpoint) -> str:
    with pytest.raises(UsageError) as caught:
        spec.build(2, 0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("family", "other"), [*permutations(FAMILIES, 2)])
def test_a_checkpoint_of_another_family_is_refused(
    family: str, other: str, folder_of: Callable[[str], Path], tmp_path: Path
) -> None:
    line = refused(KINDS[family](path=str(folder_of(other)), cache=tmp_path, **LIGHT))
    assert line == f"{folder_of(other)}: expected a checkpoint of {PIPELINES[family]}, found {PIPELINES[other]}"


@pytest.mark.parametrize("part", ["transformer", "vae"])
def test_weights_that_are_missing_are_named(part: str, tmp_path: Path) -> None:
    spec = build_family("sd3", tmp_path)
    missing = tmp_path / "model" / part / "diffusion_pytorch_model.safetensors"
    missing.unlink()
    line = refused(spec)
    assert line.startswith(f"cannot load {tmp_path / 'model'}")
    assert missing.name in line


def test_a_text_encoder_that_is_missing_is_told_when_it_is_needed(tmp_path: Path) -> None:
    spec = build_family("sd3", tmp_path)
    (tmp_path / "model" / "text_encoder_2" / "model.safetensors").unlink()
    backbone = spec.build(2, 0)
    with pytest.raises(UsageError, match=r"^cannot load .*model") as caught:
        backbone.encode(["a red cube"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (GatedRepoError, "it is gated; accept its licence on huggingface.co and set HF_TOKEN, or give a folder"),
        (LocalEntryNotFoundError, "huggingface.co cannot be reached and no copy is cached; without network give a"),
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_repositories_that_are_gated_or_out_of_reach_are_told(
    family: str, kind: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import diffusers

    def fail(*_: Any, **__: Any) -> None:
        raise of_hub(kind)

    monkeypatch.setattr(getattr(diffusers, PIPELINES[family]), "load_config", fail)
    line = refused(KINDS[family](path="owner/name", cache=tmp_path, **LIGHT))
    assert line.startswith(f"cannot load owner/name: {words}")


@pytest.mark.parametrize("path", ["nowhere/at/all", "./model"])
def test_a_path_that_is_neither_folder_nor_repository_is_told(path: str, tmp_path: Path) -> None:
    line = refused(SD3Spec(path=path, cache=tmp_path, **LIGHT))
    assert line == f"cannot read {path}: expected a folder or owner/name of a repository, found neither"


@pytest.mark.parametrize(
    ("device", "words"),
    [("cuda", "cuda: expected a GPU, found none"), ("abacus", "expected a device of torch such as cuda or cpu, found")],
)
def test_a_device_that_is_not_there_is_told_before_anything_is_loaded(
    device: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    line = refused(SD3Spec(path="owner/name", cache=tmp_path, **{**LIGHT, "device": device}))
    assert line.startswith("backbone.device: ")
    assert words in line


@pytest.mark.parametrize(
    ("frames", "rate", "words"),
    [
        (489, 24.0, "video length: expected at most 20 s, found 489 frames at 24 a second"),
        (25, 1.0, "video length: expected at most 20 s, found 25 frames at 1 a second"),
    ],
)
def test_a_video_longer_than_the_model_has_positions_is_refused(
    frames: int, rate: float, words: str, folder_of: Callable[[str], Path], tmp_path: Path
) -> None:
    spec = LTX2Spec(path=str(folder_of("ltx2")), cache=tmp_path, height=SIDE, width=SIDE, frames=9, **LIGHT)
    assert refused(replace(spec, frames=frames, frame_rate=rate)) == words


def test_a_source_of_another_size_is_told_before_text_encoders_are_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = build_family("flux-kontext", tmp_path)
    backbone = replace(spec, side=SIDE + 16).build(2, 0)
    monkeypatch.setattr("benchmarks.backbones.pipelines.load_pipeline", lambda *_: pytest.fail("loads encoders"))
    with pytest.raises(UsageError, match="expected 80 x 80 pixels") as caught:
        backbone.encode(["one.png: make it blue"])
    assert "\n" not in str(caught.value)
