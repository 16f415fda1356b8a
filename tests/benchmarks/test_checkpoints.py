"""Resumable states: what is saved comes back, and `state.json` never names what is not there."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.checkpoints import (
    EvaluatedModel,
    Position,
    load_tensors,
    read_position,
    save_position,
    save_tensors,
)
from benchmarks.records import RecordError
from tests.support.records import bytes_below

EVALUATED = EvaluatedModel(model=0, step=2, velocity_evaluations=216, reward_calls=24, seconds=0.5)
POSITION = Position(
    model=1,
    step=3,
    seconds=1.25,
    velocity_evaluations=324,
    reward_calls=36,
    steps_offset=77,
    tensors="resume-model1-step3",
    gramians=4,
    evaluated=[EVALUATED],
    invariants=[{"name": "x", "passed": True, "value": 0.0, "requirement": "== 0"}],
)
TENSORS = {
    "weights": torch.randn(3, 2, generator=torch.Generator().manual_seed(0)),
    "exact": torch.tensor([0.1, -0.0, float("inf"), 1e-45], dtype=torch.float32),
    "count": torch.tensor(7, dtype=torch.int64),
    "half": torch.ones(2, dtype=torch.bfloat16),
}


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    save_tensors(tmp_path, "model0", TENSORS)
    found = load_tensors(tmp_path, "model0")
    assert set(found) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_shared_and_strided_tensors_can_be_saved(tmp_path: Path) -> None:
    base = torch.arange(6.0).reshape(2, 3)
    save_tensors(tmp_path, "views", {"a": base, "b": base, "transposed": base.T, "grad": base.clone().requires_grad_()})
    found = load_tensors(tmp_path, "views")
    assert torch.equal(found["transposed"], base.T)
    assert torch.equal(found["a"], found["b"])


def test_missing_and_damaged_tensors_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"cannot read .*gone\.safetensors: No such file"):
        load_tensors(tmp_path, "gone")
    save_tensors(tmp_path, "cut", TENSORS)
    path = tmp_path / "checkpoints" / "cut.safetensors"
    for keep in (0, 4, 40, -1):
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(RecordError, match=r"cut\.safetensors is damaged: expected safetensors, found: ") as refused:
            load_tensors(tmp_path, "cut")
        assert "\n" not in str(refused.value)


def test_a_position_comes_back(tmp_path: Path) -> None:
    save_position(tmp_path, POSITION, TENSORS)
    assert read_position(tmp_path) == POSITION
    assert POSITION.tensors is not None
    assert torch.equal(load_tensors(tmp_path, POSITION.tensors)["weights"], TENSORS["weights"])


def test_there_may_be_no_position_yet(tmp_path: Path) -> None:
    assert read_position(tmp_path) is None


def test_the_tensors_of_earlier_positions_are_removed_and_nothing_else(tmp_path: Path) -> None:
    save_tensors(tmp_path, "model0", TENSORS)
    save_position(tmp_path, POSITION, TENSORS)
    later = POSITION.model_copy(update={"step": 4, "tensors": "resume-model1-step4"})
    save_position(tmp_path, later, TENSORS)
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {"model0.safetensors", "resume-model1-step4.safetensors", "state.json"}
    save_position(tmp_path, later.model_copy(update={"tensors": None}), None)
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"model0.safetensors", "state.json"}


@pytest.mark.parametrize("nth", [1, 2])
def test_a_failed_save_leaves_the_earlier_position_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    # First the tensors are written, then state.json: whichever fails, the earlier position and its tensors are there.
    save_position(tmp_path, POSITION, TENSORS)
    before, replace, calls = bytes_below(tmp_path), os.replace, []

    def fails(*words: Any) -> None:
        calls.append(words)
        if len(calls) == nth:
            raise OSError(28, "No space left on device")
        replace(*words)

    monkeypatch.setattr(os, "replace", fails)
    later = POSITION.model_copy(update={"step": 4, "tensors": "resume-model1-step4"})
    with pytest.raises(RecordError, match="cannot write"):
        save_position(tmp_path, later, TENSORS)
    assert read_position(tmp_path) == POSITION
    after = bytes_below(tmp_path)
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.split("/")[-1].startswith(".")]


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in POSITION.model_dump(mode="json").items() if key != name}).encode()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe\x00", without("steps_offset"), b'{"model": "first"}', b"null"]
)
def test_a_damaged_state_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "state.json").write_bytes(content)
    with pytest.raises(RecordError, match=r"state\.json is damaged: expected the state of a run, found: ") as refused:
        read_position(tmp_path)
    assert "\n" not in str(refused.value)
