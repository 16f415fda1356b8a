"""Weights of SD3 from folders: what is missing, damaged or another model's is refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmarks.backbones.sd3 import load_transformer
from benchmarks.records import UsageError
from tests.support.sd3 import SD35, tiny_inputs, tiny_transformer

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"


def shipped(folder: Path) -> Path:
    """A folder as SD3 has it; returns where the files are."""
    tiny_transformer(**SD35).save_pretrained(folder / "transformer")
    return folder / "transformer"


@pytest.mark.parametrize("subfolder", ["transformer", None])
def test_weights_come_back_in_float32_and_without_a_word(
    tmp_path: Path, subfolder: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    files = shipped(tmp_path)
    found = load_transformer(tmp_path if subfolder else str(files), subfolder)
    assert found.dtype == torch.float32
    x, sigma, condition = tiny_inputs()
    inputs = (x.float(), condition.tokens.float(), condition.pooled.float(), 1000 * sigma.float())
    assert torch.equal(found(*inputs).sample, tiny_transformer(**SD35).float()(*inputs).sample)
    assert capfd.readouterr() == ("", "")


def test_half_precision_files_are_widened(tmp_path: Path) -> None:
    files = shipped(tmp_path)
    save_file({name: tensor.bfloat16() for name, tensor in load_file(files / WEIGHTS).items()}, files / WEIGHTS)
    assert {p.dtype for p in load_transformer(tmp_path).parameters()} == {torch.float32}


def with_config(**changes: object) -> Callable[[Path], object]:
    def change(files: Path) -> None:
        content = json.loads((files / CONFIG).read_text()) | changes
        (files / CONFIG).write_text(json.dumps(content))

    return change


def without_a_tensor(files: Path) -> None:
    tensors = load_file(files / WEIGHTS)
    del tensors["proj_out.bias"]
    save_file(tensors, files / WEIGHTS)


def with_another_tensor(files: Path) -> None:
    save_file(load_file(files / WEIGHTS) | {"foreign": torch.zeros(1)}, files / WEIGHTS)


def cut_off(files: Path) -> None:
    (files / WEIGHTS).write_bytes((files / WEIGHTS).read_bytes()[:-10])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda files: (files / CONFIG).unlink(), "no file named config.json"),
        (lambda files: (files / CONFIG).write_text("{"), "not a valid JSON file"),
        (lambda files: (files / CONFIG).write_text("[]"), "expected the model class SD3Transformer2DModel, found None"),
        (
            with_config(_class_name="FluxTransformer2DModel"),
            "expected the model class SD3Transformer2DModel, found FluxTransformer2DModel",
        ),
        (with_config(num_layers=3), r"cannot load .*/transformer: .*transformer_blocks\.1"),
        (with_config(attention_head_dim=8), r"cannot load .*/transformer: .*expected shape"),
        (with_config(attention_head_dim="wide"), r"cannot load .*/transformer: "),
        (lambda files: (files / WEIGHTS).unlink(), f"no file named {WEIGHTS}"),
        (lambda files: (files / WEIGHTS).write_bytes(b"nothing of the kind"), "cannot load .*/transformer: "),
        (cut_off, r"cannot load .*/transformer: "),
        (without_a_tensor, r"expected the weights of its config.json, found missing keys: proj_out\.bias"),
        (with_another_tensor, "expected the weights of its config.json, found unexpected keys: foreign"),
    ],
)
def test_files_that_are_damaged_or_of_another_model_are_refused(
    tmp_path: Path, spoil: Callable[[Path], object], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    spoil(shipped(tmp_path))
    before = torch.get_default_dtype()
    with pytest.raises(UsageError, match=message) as caught:
        load_transformer(tmp_path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    assert torch.get_default_dtype() == before


@pytest.mark.parametrize("source", [Path("no/folder"), "no/such/folder", "./missing", "/missing/here", "missing"])
def test_what_is_neither_folder_nor_repository_is_refused(source: str | Path) -> None:
    with pytest.raises(UsageError, match=f"^cannot read {source}: expected a folder or owner/name of a repository"):
        load_transformer(source)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="expected a folder"):
        load_transformer(tmp_path / "file")
