"""Pictures as PNG and base64, for services that speak JSON only.

A request is {"prompts": [text, ...], "images": [png, ...]} or, for videos, "videos": [[png, ...], ...], each picture an
8-bit RGB PNG in base64. What `benchmarks.rewards.wire` says of rounding and of the reply holds here too.
"""

import base64
import io
import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.rewards.wire import MOST_REQUEST, WireError, decode_object, decode_prompts

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
"""What Pillow raises for files that are damaged or no pictures."""


def to_png(picture: np.ndarray) -> bytes:
    """Return a picture uint8 [3, H, W] as PNG."""
    stream = io.BytesIO()
    # Speed counts more than size here: nothing of it is kept.
    Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def from_png(content: bytes) -> np.ndarray:
    """Return a PNG of 8-bit RGB as uint8 [3, H, W].

    Raises:
        WireError: If it is none.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            picture.load()
            mode, pixels = picture.mode, np.asarray(picture)
    except UNREADABLE as error:
        raise WireError(f"expected a PNG, found {len(content)} bytes that are none") from error
    if mode != "RGB":
        raise WireError(f"expected a PNG of mode RGB, found {mode}")
    return pixels.transpose(2, 0, 1)


def to_text(picture: np.ndarray) -> str:
    """Return a picture uint8 [3, H, W] as PNG in base64."""
    return base64.b64encode(to_png(picture)).decode()


def encode_json_request(pixels: np.ndarray, prompts: Sequence[str]) -> bytes:
    """Return samples uint8 [B, 3, H, W] or [B, F, 3, H, W] and their prompts as one JSON message."""
    content: dict[str, Any] = {"prompts": list(prompts)}
    if pixels.ndim == 5:
        content["videos"] = [[to_text(picture) for picture in video] for video in pixels]
    else:
        content["images"] = [to_text(picture) for picture in pixels]
    return json.dumps(content).encode()


def decode_json_request(payload: bytes) -> tuple[np.ndarray, list[str]]:
    """Return samples uint8 [B, 3, H, W] or [B, F, 3, H, W] and their prompts.

    Raises:
        WireError: If the message is not one that `encode_json_request` could have made of at least one sample.
    """
    content = decode_object(payload, most=MOST_REQUEST)
    prompts = decode_prompts(content.get("prompts"))
    kinds = [kind for kind in ("images", "videos") if kind in content]
    samples = content.get(kinds[0]) if len(kinds) == 1 else None
    if not isinstance(samples, list) or not samples:
        raise WireError(f"expected either images or videos as a list, found {', '.join(kinds) or 'neither'}")
    if len(samples) != len(prompts):
        raise WireError(f"expected one prompt a sample, found {len(prompts)} prompts for {len(samples)} samples")
    if kinds == ["images"]:
        return _stacked([_picture(text) for text in samples]), prompts
    if not all(isinstance(video, list) and video for video in samples):
        raise WireError("expected each video as a list of pictures, found another value")
    return _stacked([_stacked([_picture(text) for text in video]) for video in samples]), prompts


def _picture(text: Any) -> np.ndarray:
    if not isinstance(text, str):
        raise WireError(f"expected a picture as base64, found {text!r:.60}")
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise WireError(f"expected a picture as base64, found {text!r:.60}") from error
    return from_png(content)


def _stacked(parts: Sequence[np.ndarray]) -> np.ndarray:
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise WireError(f"expected samples of one shape, found {sorted(map(list, shapes))!r:.120}")
    return np.stack(parts)
