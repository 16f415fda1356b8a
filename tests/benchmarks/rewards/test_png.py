"""Pictures as PNG in JSON: nothing is lost, and what is none is refused."""

import base64
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.rewards.png import decode_json_request, encode_json_request, from_png, to_png
from benchmarks.rewards.wire import WireError

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)


def picture(mode: str = "RGB", kind: str = "PNG", size: tuple[int, int] = (5, 4)) -> str:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, format=kind)
    return base64.b64encode(stream.getvalue()).decode()


def test_a_png_keeps_every_pixel_and_is_one_for_others() -> None:
    content = to_png(PIXELS[0])
    np.testing.assert_array_equal(from_png(content), PIXELS[0])
    with Image.open(io.BytesIO(content)) as found:
        assert (found.format, found.mode, found.size) == ("PNG", "RGB", (5, 4))
        assert found.getpixel((3, 2)) == tuple(PIXELS[0, :, 2, 3])


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 3, 4, 5), (1, 3, 1, 1)])
def test_a_request_arrives_as_it_was_sent(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    prompts = ["a cat", "ein Tür"][: shape[0]]
    found, said = decode_json_request(encode_json_request(pixels, prompts))
    np.testing.assert_array_equal(found, pixels)
    assert said == prompts


def request(**content: Any) -> bytes:
    return json.dumps({"prompts": ["a", "b"]} | content).encode()


REQUESTS = {
    "neither": (request(), "expected either images or videos as a list, found neither"),
    "both": (request(images=[1], videos=[1]), "found images, videos"),
    "no list": (request(images="x"), "expected either images or videos as a list, found images"),
    "none": (b'{"prompts": [], "images": []}', "expected either images or videos as a list"),
    "prompts": (request(prompts="a", images=[]), "expected prompts as a list of texts"),
    "count": (request(images=[picture()]), "expected one prompt a sample, found 2 prompts for 1 samples"),
    "number": (request(images=[1, 2]), "expected a picture as base64, found 1"),
    "base64": (request(images=["?", "?"]), "expected a picture as base64, found '?'"),
    "no png": (request(images=["AAAA", "AAAA"]), "expected a PNG, found 3 bytes that are none"),
    "jpeg": (request(images=[picture(kind="JPEG")] * 2), "expected a PNG, found"),
    "cut": (request(images=[picture(size=(200, 200))[:40]] * 2), "expected a PNG, found"),
    "gray": (request(images=[picture(mode="L")] * 2), "expected a PNG of mode RGB, found L"),
    "sizes": (request(images=[picture(), picture(size=(5, 5))]), "expected samples of one shape, found [[3, 4, 5], "),
    "video": (request(videos=[[], [picture()]]), "expected each video as a list of pictures"),
    "lengths": (request(videos=[[picture()], [picture()] * 2]), "expected samples of one shape"),
    "json": (b"{", "expected JSON, found"),
}


@pytest.mark.parametrize(("payload", "says"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_that_is_none_is_refused(payload: bytes, says: str) -> None:
    with pytest.raises(WireError, match=re.escape(says)) as refused:
        decode_json_request(payload)
    assert "\n" not in str(refused.value)
