"""A worker process: started with an order, asked by messages with a time-out, stopped for certain. No torch here."""

import json
import os
import selectors
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from benchmarks.rewards.faults import PermanentError, TemporaryError, one_line
from benchmarks.rewards.wire import MOST_REPLY, decode_object, frame, frame_length

SCRIPT = Path(__file__).with_name("worker.py")
GRACE = 1.0
"""Seconds that a worker has to end by itself when its input ends."""
CHUNK = 2**16
TAIL = 2**12
"""Bytes of a worker's errors in which the last line is looked for."""


class Worker:
    """A running worker; the process ends with this object, at `stop`, or with this interpreter, and leaves no zombie.

    What it writes to stdout or stderr goes to an unnamed temporary file, of which the last line explains a crash.
    """

    def __init__(self, python: str, order: Mapping[str, Any], timeout: float) -> None:
        """Start the process and wait until it has loaded what the order says.

        Args:
            python: Path of the interpreter.
            order: First message, see `benchmarks.rewards.worker`.
            timeout: Seconds that starting and loading may take.

        Raises:
            TemporaryError: If it ends or takes too long.
            PermanentError: If there is no such interpreter, or the factory fails.
        """
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by _end)
        # -E and -s: variables such as PYTHONPATH and the user's own packages are those of another environment.
        command = [python, "-E", "-s", str(SCRIPT)]
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0
            )
        except OSError as error:
            errors.close()
            raise PermanentError(f"expected a Python interpreter at {python}, found: {error.strerror}") from error
        self._errors = errors
        self.stop = weakref.finalize(self, _end, self.process, errors)
        assert self.process.stdin is not None
        os.set_blocking(self.process.stdin.fileno(), False)
        try:
            reply = decode_object(self._answer(json.dumps(order).encode(), timeout))
            if "error" in reply:
                raise PermanentError(f"expected {order['factory']} to load, found {one_line(str(reply['error']))}")
        except BaseException:
            self.stop()
            raise

    def ask(self, payload: bytes, timeout: float) -> bytes:
        """Return the reply to a message.

        After a fault the process has ended, unless it has told of the fault itself.

        Args:
            payload: The message.
            timeout: Seconds until the whole reply must be there.

        Raises:
            TemporaryError: If the reply is a fault, the process ended or takes too long.
            WireError: If the reply is no JSON object.
        """
        try:
            reply = self._answer(payload, timeout)
            told = decode_object(reply).get("error")
        except BaseException:
            # Also after an interrupt: half a message in a pipe would be taken for the beginning of the next.
            self.stop()
            raise
        if told is not None:
            raise TemporaryError(f"expected scores, found {one_line(str(told))}")
        return reply

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.stop.alive and self.process.poll() is None

    def _answer(self, payload: bytes, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        try:
            self._write(memoryview(frame(payload)), deadline)
            head = self._read(8, deadline)
            return self._read(frame_length(head, MOST_REPLY), deadline)
        except TimeoutError:
            self.process.kill()
            raise TemporaryError(f"expected an answer within {timeout:g} s, found none") from None
        except (BrokenPipeError, EOFError):
            raise TemporaryError(f"expected an answer, found that the worker ended{self._reason()}") from None

    def _write(self, message: memoryview, deadline: float) -> None:
        stream = self.process.stdin
        assert stream is not None
        while message:
            _wait_for(stream, selectors.EVENT_WRITE, deadline)
            message = message[os.write(stream.fileno(), message[:CHUNK]) :]

    def _read(self, length: int, deadline: float) -> bytes:
        stream, content = self.process.stdout, bytearray()
        assert stream is not None
        while len(content) < length:
            _wait_for(stream, selectors.EVENT_READ, deadline)
            chunk = os.read(stream.fileno(), min(CHUNK, length - len(content)))
            if not chunk:
                raise EOFError
            content += chunk
        return bytes(content)

    def _reason(self) -> str:
        try:
            code = f" with exit code {self.process.wait(GRACE)}"
        except subprocess.TimeoutExpired:
            code = ""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - TAIL))
        lines = [line for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        return code + (f": {one_line(lines[-1])}" if lines else "")


def _wait_for(stream: IO[bytes], event: int, deadline: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, event)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    errors.close()
