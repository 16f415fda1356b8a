"""What an export says of its base model, and the way back to it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.backbones.checkpoints import Checkpoint, FluxKontextSpec, LTX2Spec, SD3Spec
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.shapes import ShapesSpec
from benchmarks.exports import BaseRecord, base_record, check_base, exportable, on_device, spec_of
from benchmarks.records import UsageError
from tests.support.suites import SPEC as TOY

LORA = LoraSize(7)


@pytest.fixture
def specs(tmp_path: Path) -> list[ShapesSpec | Checkpoint]:
    """One of each family, none of whose settings is the usual one."""
    for name in ("transformer", "sources"):
        (tmp_path / name).mkdir()
    (tmp_path / "transformer" / "config.json").write_text("{}")
    given: dict[str, Any] = {
        "path": str(tmp_path), "lora": LORA, "precision": "float32", "text_length": 9, "guidance": 2.5,
    }  # fmt: skip
    return [
        ShapesSpec(lora=LORA, precision="float32"),
        SD3Spec(side=72, **given),
        SD3Spec(**{**given, "path": "owner/model", "revision": "abc"}),
        FluxKontextSpec(side=72, sources=tmp_path / "sources", embedded_guidance=1.5, **given),
        LTX2Spec(height=96, width=64, frames=17, frame_rate=12.5, cross_timestep=False, **given),
    ]


def test_the_way_back_gives_the_same_base_model(specs: list[ShapesSpec | Checkpoint]) -> None:
    for spec in specs:
        record = base_record(spec)
        again = BaseRecord.model_validate_json(record.model_dump_json())
        found: Any = spec_of(again, None, None)
        # Sizes of what was trained are elsewhere in an export.
        assert replace(found, lora=LORA).describe() == spec.describe()
        check_base(again, found, "here")


def test_a_base_model_elsewhere_loses_its_revision(specs: list[ShapesSpec | Checkpoint]) -> None:
    found = spec_of(base_record(specs[2]), "other/model", None)
    assert isinstance(found, SD3Spec)
    assert (found.path, found.revision) == ("other/model", None)
    check_base(base_record(specs[2]), found, "names of repositories prove nothing")


def test_sources_may_be_elsewhere(specs: list[ShapesSpec | Checkpoint], tmp_path: Path) -> None:
    found = spec_of(base_record(specs[3]), None, tmp_path / "mine")
    assert isinstance(found, FluxKontextSpec)
    assert found.sources == tmp_path / "mine"


def test_another_family_and_other_files_are_refused(specs: list[ShapesSpec | Checkpoint], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="here: expected a base model of family sd3, found ltx2"):
        check_base(base_record(specs[1]), specs[4], "here")
    record = base_record(specs[1])
    (tmp_path / "note.txt").write_text("files beside the transformer may differ")
    check_base(record, specs[1], "here")
    (tmp_path / "transformer" / "more.safetensors").write_bytes(b"1")
    with pytest.raises(UsageError, match=r"expected the base model that was trained on, found another transformer/m"):
        check_base(record, specs[1], "here")


def test_settings_of_another_version_are_refused(specs: list[ShapesSpec | Checkpoint]) -> None:
    record = base_record(specs[1]).model_copy(update={"settings": {"sides": 64}})
    with pytest.raises(UsageError, match=r"settings of sd3: .*unexpected keyword argument 'sides'"):
        spec_of(record, None, None)


def test_only_models_with_a_lora_are_exported() -> None:
    with pytest.raises(UsageError, match="toy/x: expected a model of pictures or videos with a LoRA, found one on"):
        exportable(TOY, "toy/x")


@pytest.mark.parametrize("kind", [SD3Spec, LTX2Spec])
def test_a_model_of_a_gpu_goes_where_there_is_a_device(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = kind(path="owner/model")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert on_device(spec, None).device == "cpu"
    with pytest.raises(UsageError, match="--device: expected a device that is there, found cuda without a GPU"):
        on_device(spec, "cuda")
    with pytest.raises(UsageError, match="--device: expected a device of torch such as cpu or cuda, found 'abacus'"):
        on_device(spec, "abacus")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert on_device(spec, None).device == "cuda"
    assert on_device(spec, "cpu").device == "cpu"
