"""The script of a worker process, called in this one; `test_processes` runs it as it is run."""

import json
import os
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from benchmarks.rewards import wire, worker

PIXELS = np.array([0, 51, 255] * 2, dtype=np.uint8).reshape(2, 3, 1, 1)


def test_it_reads_the_file_beside_it_under_a_name_of_its_own() -> None:
    found = worker.load_wire()
    assert found.__name__ == "flowfront_wire"
    assert os.path.samefile(found.__file__, wire.__file__)
    assert "flowfront_wire" not in sys.modules


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(("arrays", "kind"), [("torch", torch.Tensor), ("numpy", np.ndarray)])
def test_scores_may_be_tensors_arrays_and_lists(arrays: str, kind: type, listed: bool) -> None:
    request = wire.encode_request(PIXELS, ["a", "b"])

    def scorer(samples: np.ndarray, prompts: Sequence[str]) -> object:
        assert isinstance(samples, kind)
        assert samples.shape == (2, 3, 1, 1)
        assert prompts == ["a", "b"]
        means = samples.reshape(2, 3).mean(1)
        return [float(mean) for mean in means] if listed else means

    found = wire.decode_scores(worker.answer(wire, scorer, request, arrays), 2)
    assert found == pytest.approx([0.4, 0.4])


def test_a_fault_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    reply = worker.answer(wire, lambda samples, prompts: samples[9], b"", "numpy")
    assert json.loads(reply) == {"error": "WireError: expected safetensors, found 0 bytes"}
    reply = worker.answer(wire, lambda samples, prompts: 1 / 0, wire.encode_request(PIXELS, ["a", "b"]), "numpy")
    assert json.loads(reply) == {"error": "ZeroDivisionError: division by zero"}
    assert capsys.readouterr().err.endswith("ZeroDivisionError: division by zero\n")


def test_a_factory_may_be_nested_and_gets_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["script's folder", *sys.path[1:]])
    order = {"factory": "json.decoder:JSONDecoder.decode", "arguments": {"self": json.JSONDecoder(), "s": "[1]"}}
    assert worker.load(order | {"folder": None}) == [1]
    assert sys.path[0] == os.getcwd()
