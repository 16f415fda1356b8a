"""How samples and prompts travel to a reward that lives elsewhere, and how its scores come back.

A request is the bytes of a safetensors file: one tensor `samples`, uint8 [B, 3, H, W] or [B, F, 3, H, W], and the B
prompts as a JSON list in the metadata entry `prompts`. A reply is JSON: {"scores": [number or null, ...]}, B of them,
null where the reward does not apply; other keys are ignored.

**Rounding to 8 bits is part of the contract:** a sample x in [0, 1] travels as round(255 x), half to even, and arrives
as that number / 255 in float32. It differs from x by at most 1/510; multiples of 1/255 arrive unchanged.

Worker processes load this file by its path in environments of their own, so it needs numpy and the standard library
only and runs on Python 3.8; that is why the format, a length and a JSON header before the numbers, is read here and not
by the library `safetensors`, which reads and writes the same bytes.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

MOST_REPLY = 16 * 2**20
"""Bytes of the longest reply that is read."""
MOST_REQUEST = 2**31
"""Bytes of the longest request that is read."""
_LENGTH = struct.Struct("<Q")


class WireError(ValueError):
    """A message that is not what it should be: `expected ..., found ...` in one line."""


def quantized(samples: Tensor) -> np.ndarray:
    """Return samples in [0, 1] as uint8 on the CPU, rounded half to even; the shape stays.

    Example:
        >>> import torch
        >>> quantized(torch.tensor([0.0, 0.5, 0.7, 1.0])).tolist()
        [0, 128, 178, 255]
    """
    pixels: np.ndarray = samples.detach().float().clamp(0, 1).mul(255).round().byte().cpu().numpy()
    return pixels


def unit(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 pixels as float32 in [0, 1].

    Example:
        >>> unit(np.array([0, 51, 255], dtype=np.uint8)).tolist()
        [0.0, 0.20000000298023224, 1.0]
    """
    found: np.ndarray = np.divide(pixels, 255, dtype=np.float32)
    return found


def encode_request(pixels: np.ndarray, prompts: Sequence[str]) -> bytes:
    """Return samples and their prompts as one message.

    Args:
        pixels: uint8 [B, 3, H, W] or [B, F, 3, H, W].
        prompts: B texts.

    Raises:
        WireError: If shape, type or count is another.
    """
    _check_shape(pixels.shape, len(prompts))
    if pixels.dtype != np.uint8:
        raise WireError(f"expected samples of uint8, found {pixels.dtype}")
    header = {
        "__metadata__": {"prompts": json.dumps(list(prompts))},
        "samples": {"dtype": "U8", "shape": list(pixels.shape), "data_offsets": [0, pixels.size]},
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    # The format wants the numbers to begin at a multiple of 8 bytes.
    text += b" " * (-len(text) % _LENGTH.size)
    return _LENGTH.pack(len(text)) + text + pixels.tobytes()


def decode_request(payload: bytes) -> tuple[np.ndarray, list[str]]:
    """Return samples [B, ...] uint8 (read-only) and their prompts.

    Raises:
        WireError: If the message is not one that `encode_request` could have made.
    """
    if len(payload) < _LENGTH.size:
        raise WireError(f"expected safetensors, found {len(payload)} bytes")
    (length,) = _LENGTH.unpack_from(payload)
    start = _LENGTH.size + length
    if start > len(payload):
        raise WireError(f"expected a safetensors header of {length} bytes, found a message of {len(payload)}")
    header = decode_object(payload[_LENGTH.size : start], most=MOST_REQUEST)
    entry, metadata = header.get("samples"), header.get("__metadata__")
    if set(header) != {"samples", "__metadata__"} or not isinstance(entry, dict) or not isinstance(metadata, dict):
        raise WireError(f"expected one tensor named samples, and metadata, found {sorted(header)!r:.120}")
    prompts = decode_prompts(_json(metadata.get("prompts")))
    shape = entry.get("shape")
    if entry.get("dtype") != "U8" or not isinstance(shape, list) or any(type(n) is not int for n in shape):
        raise WireError(f"expected samples of dtype U8 with a shape, found {entry.get('dtype')} and {shape!r:.80}")
    _check_shape(shape, len(prompts))
    size = math.prod(shape)
    if entry.get("data_offsets") != [0, size] or len(payload) - start != size:
        raise WireError(f"expected {size} bytes of samples {shape}, found {len(payload) - start}")
    return np.frombuffer(payload, dtype=np.uint8, offset=start).reshape(shape), prompts


def _check_shape(shape: Sequence[int], count: int) -> None:
    if len(shape) not in (4, 5) or shape[-3] != 3 or min(shape[1:]) < 1:
        raise WireError(f"expected samples [B, 3, H, W] or [B, F, 3, H, W], found {list(shape)!r:.80}")
    if shape[0] != count:
        raise WireError(f"expected one prompt a sample, found {count} prompts for {shape[0]} samples")


def decode_prompts(content: Any) -> list[str]:
    """Return the prompts that a JSON value holds.

    Raises:
        WireError: If it is no list of texts.
    """
    if not isinstance(content, list) or not all(isinstance(prompt, str) for prompt in content):
        raise WireError(f"expected prompts as a list of texts, found {content!r:.80}")
    return content


def encode_scores(scores: Iterable[Any]) -> bytes:
    """Return scores as a reply, NaN as null.

    Raises:
        WireError: If a score is not a number or infinite.

    Example:
        >>> encode_scores([0.5, float("nan"), 2])
        b'{"scores": [0.5, null, 2.0]}'
    """
    values = [_number(score, i) for i, score in enumerate(scores)]
    return json.dumps({"scores": [None if math.isnan(value) else value for value in values]}).encode()


def decode_scores(payload: bytes, count: int, most: int = MOST_REPLY) -> list[float]:
    """Return the scores of a reply, null as NaN.

    Args:
        payload: The reply.
        count: Number of scores it must hold.
        most: Bytes that it may be long.

    Raises:
        WireError: If it is too long, not JSON (NaN and Infinity are not), has no list `scores` of that length, or holds
            anything but finite numbers and null.

    Example:
        >>> decode_scores(b'{"scores": [0.5, null]}', 2)
        [0.5, nan]
    """
    scores = decode_object(payload, most).get("scores")
    if not isinstance(scores, list):
        raise WireError(f"expected a list named scores, found {scores!r:.80}")
    if len(scores) != count:
        raise WireError(f"expected {count} scores, found {len(scores)}")
    return [math.nan if score is None else _number(score, i) for i, score in enumerate(scores)]


def _number(score: Any, index: int) -> float:
    if isinstance(score, (bool, np.bool_)) or not isinstance(score, (int, float, np.integer, np.floating)):
        raise WireError(f"expected a number or null as score {index}, found {score!r:.80}")
    try:
        value = float(score)
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise WireError(f"expected a finite number or null as score {index}, found {value}")
    return value


def decode_object(payload: bytes, most: int = MOST_REPLY) -> dict[str, Any]:
    """Return the JSON object that a message is.

    Raises:
        WireError: If it is longer than `most` bytes, not JSON, or not an object.

    Example:
        >>> decode_object(b'{"a": NaN}')
        Traceback (most recent call last):
        ...
        benchmarks.rewards.wire.WireError: expected JSON, found the literal NaN
    """
    if len(payload) > most:
        raise WireError(f"expected at most {most} bytes, found {len(payload)}")
    content = _json(payload)
    if not isinstance(content, dict):
        raise WireError(f"expected a JSON object, found {content!r:.80}")
    return content


def _json(payload: Any) -> Any:
    try:
        text = payload.decode() if isinstance(payload, bytes) else payload
        return json.loads(text, parse_constant=_refuse)
    except WireError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"expected JSON, found {payload!r:.60} ({' '.join(str(error).split())!s:.80})") from error


def _refuse(literal: str) -> Any:
    raise WireError(f"expected JSON, found the literal {literal}")


def frame(payload: bytes) -> bytes:
    """Return a message as it is written to a pipe: its length in 8 bytes, little endian, then the message."""
    return _LENGTH.pack(len(payload)) + payload


def frame_length(head: bytes, most: int) -> int:
    """Return the length that the first 8 bytes of a frame announce.

    Raises:
        WireError: If it is more than `most`.
    """
    (length,) = _LENGTH.unpack(head)
    if length > most:
        raise WireError(f"expected a message of at most {most} bytes, found one of {length}")
    return int(length)


def read_frame(stream: IO[bytes], most: int = MOST_REQUEST) -> bytes | None:
    """Return the next message of a blocking stream, None where the stream ends.

    Raises:
        WireError: If the stream ends within a message, or one is longer than `most`.
    """
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    length = frame_length(head, most) if len(head) == _LENGTH.size else -1
    payload = stream.read(length) if length >= 0 else b""
    if len(payload) != length:
        raise WireError(f"expected a message of {length} bytes, found the stream's end after {len(payload)}")
    return payload
