"""Real HTTP servers on this machine that answer as a test says, and stop with all their threads."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.rewards.wire import decode_request, encode_scores


@dataclass(frozen=True)
class Reply:
    """How one POST is answered: a body, or what makes it of the request; `seconds` late; `missing` bytes cut off."""

    body: bytes | Callable[[bytes], bytes] = b"{}"
    status: int = 200
    seconds: float = 0.0
    missing: int = 0


def brightness(request: bytes) -> bytes:
    """Answer a request with the mean of each sample's bytes; null for prompts that begin with `skip`."""
    pixels, prompts = decode_request(request)
    means = pixels.reshape(len(prompts), -1).mean(1)
    return encode_scores(
        float("nan") if prompt.startswith("skip") else float(mean) for prompt, mean in zip(prompts, means, strict=True)
    )


FINE = Reply(brightness)


@dataclass(frozen=True)
class Asked:
    """A request that a server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass
class Scripted:
    """What a server answers, and what it was asked.

    The n-th POST gets the n-th reply, all behind the last one the last; every GET gets `health`.
    """

    replies: Sequence[Reply] = (FINE,)
    health: Reply = Reply(b'{"name": "brightness", "version": "1"}')
    asked: list[Asked] = field(default_factory=list)

    @property
    def posts(self) -> list[Asked]:
        """The POSTs so far."""
        return [asked for asked in self.asked if asked.method == "POST"]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them

    def __init__(self, script: Scripted, port: int) -> None:
        self.script, self.over, self.lock = script, threading.Event(), threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        script = self.server.script
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with self.server.lock:
            script.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            n = len(script.posts)
        reply = script.replies[min(n, len(script.replies)) - 1] if self.command == "POST" else script.health
        self.server.over.wait(reply.seconds)
        content = reply.body if isinstance(reply.body, bytes) else reply.body(body)
        try:
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) - reply.missing])
        except OSError:
            # Whoever asked did not wait.
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    """Serve in a thread of this process; gives the url."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        if isinstance(server, _Server):
            server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def scripted(script: Scripted, port: int = 0) -> Iterator[str]:
    """Run a server that follows a script; gives its url."""
    with running(_Server(script, port)) as url:
        yield url


def free_port() -> int:
    """Return a port where nobody listens."""
    server = _Server(Scripted(), 0)
    server.server_close()
    return int(server.server_port)
