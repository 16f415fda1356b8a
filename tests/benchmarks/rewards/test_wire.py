"""What travels arrives, and what is not what it should be is refused in one line."""

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from benchmarks.rewards import wire
from benchmarks.rewards.wire import (
    WireError,
    decode_object,
    decode_request,
    decode_scores,
    encode_request,
    encode_scores,
    quantized,
    unit,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)
PROMPTS = ["a cat", 'ein "Zeichen": ü, 猫\n']
FOLDER = Path(wire.__file__).parent


def request(shape: Any = (2, 3, 4, 5), prompts: Any = PROMPTS, dtype: str = "U8", **entries: Any) -> bytes:
    """Return a message with one thing changed."""
    size = 2 * 3 * 4 * 5
    header: dict[str, Any] = {
        "__metadata__": {"prompts": json.dumps(prompts)},
        "samples": {"dtype": dtype, "shape": list(shape), "data_offsets": [0, size]},
    }
    text = json.dumps(header | entries).encode()
    return len(text).to_bytes(8, "little") + text + bytes(size)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rounding_moves_a_sample_by_half_a_step_at_most(dtype: torch.dtype) -> None:
    samples = torch.rand(1000, generator=torch.Generator().manual_seed(0)).to(dtype)
    back = torch.from_numpy(unit(quantized(samples)))
    assert (back.double() - samples.double()).abs().max() <= 1 / 510 + 1e-7


def test_multiples_of_a_step_arrive_unchanged() -> None:
    steps = torch.arange(256, dtype=torch.float32) / 255
    assert torch.equal(torch.from_numpy(unit(quantized(steps))), steps)


def test_halves_go_to_the_even_number_and_rounding_errors_beyond_the_ends_are_cut() -> None:
    samples = torch.tensor([0.5, 1.5, 2.5, 253.5], dtype=torch.float64) / 255
    assert quantized(samples).tolist() == [0, 2, 2, 254]
    assert quantized(torch.tensor([-1e-6, 1 + 1e-6])).tolist() == [0, 255]


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 7, 3, 4, 5), (1, 3, 1, 1), (0, 3, 4, 5)])
def test_a_request_arrives_as_it_was_sent(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    prompts = PROMPTS[: shape[0]]
    found, said = decode_request(encode_request(pixels, prompts))
    np.testing.assert_array_equal(found, pixels)
    assert found.shape == shape
    assert said == prompts


def test_the_library_reads_what_is_sent_and_what_it_writes_is_read() -> None:
    np.testing.assert_array_equal(load(encode_request(PIXELS, PROMPTS))["samples"], PIXELS)
    found, said = decode_request(save({"samples": PIXELS}, metadata={"prompts": json.dumps(PROMPTS)}))
    np.testing.assert_array_equal(found, PIXELS)
    assert said == PROMPTS


REQUESTS = {
    "empty": (b"", "expected safetensors, found 0 bytes"),
    "header": ((2**40).to_bytes(8, "little") + b"{}", "expected a safetensors header of 1099511627776 bytes"),
    "not json": ((2).to_bytes(8, "little") + b"{]", "expected JSON, found"),
    "float": (request(dtype="F32"), "expected samples of dtype U8 with a shape, found F32"),
    "another tensor": (request(more={}), "expected one tensor named samples"),
    "no metadata": (request(__metadata__=None), "expected one tensor named samples"),
    "prompts": (request(prompts="a cat"), "expected prompts as a list of texts, found 'a cat'"),
    "numbers": (request(prompts=[1, 2]), "expected prompts as a list of texts"),
    "count": (request(prompts=["a cat"]), "expected one prompt a sample, found 1 prompts for 2 samples"),
    "channels": (request(shape=(2, 4, 3, 5)), "expected samples [B, 3, H, W] or [B, F, 3, H, W], found [2, 4, 3, 5]"),
    "picture": (request(shape=(3, 4, 5)), "expected samples [B, 3, H, W] or"),
    "negative": (request(shape=(2, 3, -4, -5)), "expected samples [B, 3, H, W] or"),
    "truth": (request(shape=(2, 3, True, 5)), "with a shape"),
    "short": (request()[:-1], "expected 120 bytes of samples [2, 3, 4, 5], found 119"),
    "long": (request() + b"x", "expected 120 bytes of samples [2, 3, 4, 5], found 121"),
    "overflow": (request(shape=(2, 3, 2**62, 2**62)), "bytes of samples"),
}


@pytest.mark.parametrize(("payload", "says"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_damaged_request_is_refused(payload: bytes, says: str) -> None:
    with pytest.raises(WireError, match=re.escape(says)) as refused:
        decode_request(payload)
    assert "\n" not in str(refused.value)


def outcome(payload: bytes) -> str:
    try:
        found, said = decode_request(payload)
    except WireError as refused:
        return str(refused)
    return f"{len(found)} samples, {len(said)} prompts"


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_request_with_one_byte_changed_is_read_or_refused_but_never_crashes(at: int, value: int) -> None:
    payload = bytearray(encode_request(PIXELS, PROMPTS))
    payload[at % len(payload)] = value
    said = outcome(bytes(payload))
    assert said == "2 samples, 2 prompts" or (said.startswith("expected") and "\n" not in said)


def test_what_is_no_picture_is_not_sent() -> None:
    for pixels, prompts in ((PIXELS.astype(np.float32), PROMPTS), (PIXELS, PROMPTS[:1]), (PIXELS[:, :2], PROMPTS)):
        with pytest.raises(WireError):
            encode_request(pixels, prompts)


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_scores_arrive_bit_by_bit_and_null_is_nan(scores: list[float | None]) -> None:
    sent = [np.nan if score is None else score for score in scores]
    np.testing.assert_array_equal(decode_scores(encode_scores(sent), len(sent)), sent)


SCORES = {
    "length": (b'{"scores": [1, 2, 3]}', "expected 2 scores, found 3"),
    "none": (b"{}", "expected a list named scores, found None"),
    "object": (b'{"scores": {"0": 1}}', "expected a list named scores, found {'0': 1}"),
    "nan": (b'{"scores": [1, NaN]}', "expected JSON, found the literal NaN"),
    "infinity": (b'{"scores": [1, -Infinity]}', "expected JSON, found the literal -Infinity"),
    "huge": (b'{"scores": [1, 1e999]}', "expected a finite number or null as score 1, found inf"),
    "long integer": (b'{"scores": [1, 1' + b"0" * 400 + b"]}", "expected a finite number or null as score 1"),
    "text": (b'{"scores": [1, "2"]}', "expected a number or null as score 1, found '2'"),
    "truth": (b'{"scores": [true, 1]}', "expected a number or null as score 0, found True"),
    "nested": (b'{"scores": [[1], [2]]}', "expected a number or null as score 0, found [1]"),
    "malformed": (b'{"scores": [1, 2', "expected JSON, found"),
    "page": (b"<html>\n<body>", "expected JSON, found b'<html>"),
    "nothing": (b"", "expected JSON, found b''"),
    "list": (b"[1, 2]", "expected a JSON object, found [1, 2]"),
    "bytes": (b'{"scores": "\xff"}', "expected JSON, found"),
    "deep": (b'{"scores": ' + b"[" * 100_000, "expected JSON, found"),
    "digits": (b'{"scores": [1, ' + b"1" * 5000 + b"]}", "expected JSON, found"),
}


@pytest.mark.parametrize(("payload", "says"), SCORES.values(), ids=SCORES.keys())
def test_a_reply_that_is_none_is_refused(payload: bytes, says: str) -> None:
    with pytest.raises(WireError, match=re.escape(says)) as refused:
        decode_scores(payload, 2)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250


def test_a_reply_that_is_too_large_is_refused() -> None:
    assert decode_object(b'{"a": 1}', most=8) == {"a": 1}
    with pytest.raises(WireError, match="expected at most 7 bytes, found 8"):
        decode_object(b'{"a": 1}', most=7)


@pytest.mark.parametrize("score", [float("inf"), "1", None, True, [1.0]])
def test_what_is_no_score_is_not_sent(score: Any) -> None:
    with pytest.raises(WireError, match="as score 1"):
        encode_scores([0.0, score])


@pytest.mark.parametrize("name", ["wire.py", "worker.py"])
def test_what_other_environments_run_needs_little_and_reads_as_python_3_8(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(), feature_version=(3, 8))
    names = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert {found.split(".")[0] for found in names} <= {*sys.stdlib_module_names, "numpy"}
