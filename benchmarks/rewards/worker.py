"""The far side of `benchmarks.rewards.isolated`: a script that scores samples in an environment of its own.

Run as `python worker.py` by that environment's interpreter. It needs numpy, and torch if samples are asked for as
tensors; nothing of this project is imported but the file `wire.py` beside it. It runs on Python 3.8.

Messages are frames (`wire.frame`) on what were its stdin and stdout. The first one says what to load, as JSON:
{"factory": "module:Class", "arguments": {...}, "folder": text or null, "arrays": "torch" or "numpy"}; it is answered by
{"ready": true}. Each further one is a request with samples, answered by {"scores": [...]}. A fault is answered by
{"error": text}. The script ends with its input.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import IO, Any


def load_wire() -> Any:
    """Return the module `wire.py` of this folder, under a name that no other package has."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire.py")
    spec = importlib.util.spec_from_file_location("flowfront_wire", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def private_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Return what were stdin and stdout; from now on the former is empty and the latter is stderr.

    Whatever the reward prints, in Python or in C, cannot mix with the messages, and what it reads is none of them.
    """
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return source, sink


def load(order: Any) -> Any:
    """Return what the factory of an order makes: something that scores."""
    # The script's own folder is the first place modules are looked for; its files are not meant to be found there.
    sys.path[0] = order["folder"] or os.getcwd()
    module, _, name = order["factory"].partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found(**order["arguments"])


def answer(wire: Any, scorer: Callable[[Any, Any], Any], request: bytes, arrays: str) -> bytes:
    """Return the reply to a request: scores, or what went wrong.

    Args:
        wire: The module `wire`.
        scorer: Called with samples float32 in [0, 1] and prompts; returns B numbers in whatever form.
        request: Samples and prompts.
        arrays: Whether samples are passed as tensors of `torch` or as arrays of `numpy`.
    """
    try:
        pixels, prompts = wire.decode_request(request)
        samples: Any = wire.unit(pixels)
        quiet: Any = contextlib.nullcontext()
        if arrays == "torch":
            import torch

            samples, quiet = torch.from_numpy(samples), torch.no_grad()
        with quiet:
            scores = scorer(samples, prompts)
        reply: bytes = wire.encode_scores(scores.tolist() if hasattr(scores, "tolist") else scores)
    except Exception as error:
        # Rewards are other people's code; whatever they raise is told, and the next request may succeed.
        return fault(error)
    return reply


def fault(error: Exception) -> bytes:
    """Return an exception as a reply; its traceback goes to stderr."""
    traceback.print_exception(type(error), error, error.__traceback__)
    return json.dumps({"error": f"{type(error).__name__}: {error}"}).encode()


def main() -> None:
    """Load, then answer until the input ends."""
    wire = load_wire()
    source, sink = private_streams()

    def send(payload: bytes) -> None:
        sink.write(wire.frame(payload))
        sink.flush()

    first = wire.read_frame(source)
    if first is None:
        return
    order = wire.decode_object(first)
    try:
        scorer = load(order)
    except Exception as error:
        send(fault(error))
        return
    send(b'{"ready": true}')
    while True:
        request = wire.read_frame(source)
        if request is None:
            return
        send(answer(wire, scorer, request, order["arrays"]))


if __name__ == "__main__":
    main()
