"""Any reward over HTTP: `python -m benchmarks.rewards.serve module:Class --json-arguments '{}' --port 8000`.

`GET /health` answers {"name": ..., "version": ...}. `POST /score` takes samples and prompts as
`benchmarks.rewards.wire` (content type application/x-safetensors) or `benchmarks.rewards.png` (application/json) has
them, and answers {"scores": [...]}. Every other answer is {"error": one line}: 400 for a bad request and for samples or
prompts that the reward refuses, 404 for another path, 413 for too long a request, 500 if the reward fails. Requests are
scored one at a time; health is answered meanwhile. There is no access control: listen where only friends can ask.
"""

import argparse
import hashlib
import json
import signal
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, get_type_hints

import torch
from pydantic import PydanticUserError, TypeAdapter

from benchmarks.base import Reward
from benchmarks.records import UsageError
from benchmarks.rewards import wire
from benchmarks.rewards.faults import one_line
from benchmarks.rewards.png import decode_json_request
from benchmarks.settings import load_attribute

DECODERS = {"application/x-safetensors": wire.decode_request, "application/json": decode_json_request}
IDLE = 60.0
"""Seconds that a client may keep a connection waiting."""


def definition_version(reward: Reward) -> str:
    """Return the first 12 digits of the SHA-256 of what defines a reward."""
    definition = {
        "name": reward.name,
        "unit": reward.unit,
        "higher_is_better": reward.higher_is_better,
        "range": reward.range,
        "definition": dict(reward.describe()),
    }
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:12]


class RefusedError(Exception):
    """A request that gets an answer other than scores."""

    def __init__(self, status: int, text: str) -> None:
        """Keep the status."""
        super().__init__(text)
        self.status = status


class RewardServer(ThreadingHTTPServer):
    """A server of one reward."""

    daemon_threads = False  # closing waits for what is being answered

    def __init__(
        self, reward: Reward, address: tuple[str, int], version: str | None = None, most: int = wire.MOST_REQUEST
    ) -> None:
        """Bind the address.

        Args:
            reward: What scores.
            address: Host and port; port 0 takes a free one, see `server_port`.
            version: What `/health` says; by default `definition_version`.
            most: Bytes of the longest request.

        Raises:
            UsageError: If the address cannot be had.
        """
        self.reward, self.most, self.turn = reward, most, threading.Lock()
        self.health = {"name": reward.name, "version": version or definition_version(reward)}
        try:
            super().__init__(address, _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(f"cannot serve at {address[0]}:{address[1]}: {error}") from error


class _Handler(BaseHTTPRequestHandler):
    server: RewardServer
    timeout = IDLE

    def handle(self) -> None:
        try:
            super().handle()
        except OSError as error:
            self.log_error("the connection ended early: %s", error)

    def do_GET(self) -> None:
        if self.path == "/health":
            self._send(200, json.dumps(self.server.health).encode())
        else:
            self._send_fault(RefusedError(404, f"expected /health or /score, found {self.path}"))

    def do_POST(self) -> None:
        try:
            body = self._body()
            if self.path != "/score":
                raise RefusedError(404, f"expected /health or /score, found {self.path}")
            scores = self._scores(body)
        except RefusedError as refused:
            self._send_fault(refused)
        else:
            self._send(200, scores)

    def _body(self) -> bytes:
        text = self.headers.get("Content-Length", "")
        if not (text.isascii() and text.isdigit()):
            raise RefusedError(400, f"expected a header Content-Length, found {text!r}")
        length = int(text)
        if length > self.server.most:
            # Read and dropped, as a client that is cut off while it sends would not read the answer.
            while length > 0 and (chunk := self.rfile.read(min(length, 2**16))):
                length -= len(chunk)
            raise RefusedError(413, f"expected at most {self.server.most} bytes, found {text}")
        body = self.rfile.read(length)
        if len(body) != length:
            raise RefusedError(400, f"expected {length} bytes, found {len(body)}")
        return body

    def _scores(self, body: bytes) -> bytes:
        content_type = self.headers.get_content_type()
        if content_type not in DECODERS:
            raise RefusedError(400, f"expected content type {' or '.join(DECODERS)}, found {content_type}")
        try:
            pixels, prompts = DECODERS[content_type](body)
        except wire.WireError as error:
            raise RefusedError(400, str(error)) from error
        try:
            samples = torch.from_numpy(wire.unit(pixels))
            with self.server.turn, torch.no_grad():
                scores: Any = self.server.reward(samples, prompts)
            if tuple(scores.shape) != (len(prompts),):
                raise wire.WireError(f"expected scores of shape ({len(prompts)},), found {tuple(scores.shape)}")
            return wire.encode_scores(scores.tolist())
        except wire.WireError as error:
            raise RefusedError(500, f"reward {self.server.reward.name}: {error}") from error
        except UsageError as error:
            raise RefusedError(400, str(error)) from error
        except Exception as error:
            # Rewards are other people's code: whatever they raise is told, and the server goes on.
            raise RefusedError(500, f"reward {self.server.reward.name}: {type(error).__name__}: {error}") from error

    def _send_fault(self, refused: RefusedError) -> None:
        line = one_line(str(refused), most=400)
        self.log_error("%d %s", refused.status, line)
        self._send(refused.status, json.dumps({"error": line}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing for answers; faults have a line of their own."""


def build_reward(reference: str, arguments: Mapping[str, Any]) -> Reward:
    """Return the reward `module:Class` made of JSON arguments; fields of a dataclass get their declared types.

    Raises:
        UsageError: If there is no such class, an argument does not fit, or what it makes is no reward.
    """
    kind = load_attribute(reference, "reward")
    if not callable(kind):
        raise UsageError(f"reward {reference}: expected a class, found {kind!r:.80}")
    try:
        hints = get_type_hints(kind) if isinstance(kind, type) else {}
        values = {
            name: TypeAdapter(hints[name]).validate_python(value) if name in hints else value
            for name, value in arguments.items()
        }
        found = kind(**values)
    except (TypeError, ValueError, NameError, OSError, PydanticUserError) as error:
        # Among them pydantic's ValidationError, which is a ValueError.
        raise UsageError(f"reward {reference}: {one_line(str(error), most=300)}") from error
    missing = [name for name in ("name", "unit", "higher_is_better", "range", "describe") if not hasattr(found, name)]
    if missing or not callable(found):
        raise UsageError(f"reward {reference}: expected a reward, found {type(found).__name__} without {missing}")
    reward: Reward = found
    return reward


def _arguments(text: str) -> dict[str, Any]:
    try:
        return wire.decode_object(text.encode())
    except wire.WireError as error:
        raise UsageError(f"--json-arguments: {error}") from error


def main(words: Sequence[str] | None = None) -> None:
    """Serve until interrupted or terminated."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("reward", help="module:Class of the reward")
    parser.add_argument("--json-arguments", default="{}", metavar="JSON", help="its keyword arguments")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 is all of this machine's")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at; 0 takes a free one")
    parser.add_argument("--version", help="version to tell; by default a hash of the reward's definition")
    options = parser.parse_args(words)
    try:
        reward = build_reward(options.reward, _arguments(options.json_arguments))
        server = RewardServer(reward, (options.host, options.port), options.version)
    except UsageError as error:
        parser.exit(2, f"error: {error}\n")
    with server:
        host, port = server.server_address[:2]
        # Asked to end by a supervisor is the same as being interrupted by a person.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        print(f"reward {reward.name}, version {server.health['version']}, at http://{host!s}:{port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped", flush=True)


if __name__ == "__main__":
    main()
