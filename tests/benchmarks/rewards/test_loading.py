"""Loading of models: what is refused, in one line, and what tells models apart without loading them."""

import json
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub.utils import logging as hub_logging
from safetensors.torch import load_file, save_file
from transformers import CLIPModel, CLIPVisionModelWithProjection
from transformers.utils import logging as transformers_logging

from benchmarks.records import UsageError
from benchmarks.rewards.loading import load_model, load_tokenizer
from tests.support.reward_models import write_clip

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip")


def verbosity() -> tuple[int, int, bool]:
    bars = transformers_logging.is_progress_bar_enabled()
    return transformers_logging.get_verbosity(), hub_logging.get_verbosity(), bars


def refused(source: str | Path, match: str) -> None:
    before = verbosity()
    with pytest.raises(UsageError, match=match) as caught:
        load_model(CLIPModel, source)
    assert "\n" not in str(caught.value)
    assert verbosity() == before


def test_a_model_is_frozen_and_in_float32_whatever_is_the_default(folder: Path) -> None:
    before, verbosities = torch.get_default_dtype(), verbosity()
    model = load_model(CLIPModel, folder)
    assert not model.training
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())
    assert torch.get_default_dtype() == before
    assert verbosity() == verbosities


def test_what_is_neither_folder_nor_repository_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "expected a folder or owner/name of a repository")
    refused(str(tmp_path / "nowhere"), "expected a folder or owner/name of a repository")
    refused("a/b/c", "expected a folder or owner/name of a repository")


def test_a_repository_without_network_says_that_a_folder_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    refused("nobody/nothing-of-this-name", "cannot load CLIPModel from nobody/.*without network give a folder")
    with pytest.raises(UsageError, match="without network give a folder") as caught:
        load_tokenizer("nobody/nothing-of-this-name")
    assert "\n" not in str(caught.value)


def test_an_empty_folder_and_missing_weights_are_refused(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "cannot load CLIPModel")
    (folder / WEIGHTS).unlink()
    refused(folder, "cannot load CLIPModel")


def test_pickled_weights_are_not_loaded(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()
    refused(folder, "cannot load CLIPModel")


def test_damaged_weights_are_refused(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:1000])
    refused(folder, "cannot load CLIPModel")


def test_weights_of_another_model_are_refused(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    saved = dict(tensors)
    del saved["visual_projection.weight"]
    save_file(saved, folder / WEIGHTS, metadata={"format": "pt"})
    refused(folder, "found missing keys: visual_projection.weight")
    save_file({**tensors, "extra.weight": torch.zeros(1)}, folder / WEIGHTS, metadata={"format": "pt"})
    refused(folder, "found unexpected keys: extra.weight")
    # A table that the model makes itself, as old checkpoints carry it, is no fault.
    table = {"vision_model.embeddings.position_ids": torch.arange(17)[None]}
    save_file({**tensors, **table}, folder / WEIGHTS, metadata={"format": "pt"})
    load_model(CLIPModel, folder)


def test_weights_of_another_size_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["projection_dim"] = 8
    (folder / "config.json").write_text(json.dumps(config))
    refused(folder, "cannot load CLIPModel")


def test_a_part_of_the_model_is_another_model(folder: Path) -> None:
    with pytest.raises(UsageError, match="found unexpected keys: "):
        load_model(CLIPVisionModelWithProjection, folder)
