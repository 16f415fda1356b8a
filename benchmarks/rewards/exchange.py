"""One HTTP request and its answer: no proxy, no redirect, a connection of its own that is closed at once."""

import time
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from benchmarks.records import UsageError
from benchmarks.rewards.faults import PermanentError, TemporaryError, one_line
from benchmarks.rewards.wire import MOST_REPLY, WireError, decode_object

COME_AGAIN = (408, 429)
"""The two statuses below 500 that ask for another try: too slow, too many requests."""
UNAUTHORIZED = (401, 403)
CHUNK = 2**16


def checked_url(url: str, what: str) -> SplitResult:
    """Return the parts of the address of a service.

    Raises:
        UsageError: If it is not http(s)://host[:port][/path]; a user, a password or a query is refused, because
            addresses are shown in errors.
    """
    expected = f"{what}: expected a url http(s)://host[:port][/path]"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{expected}, found {url!r}") from error
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{expected}, found one with a user or password in it")
    plain = not (parts.query or parts.fragment) and not any(c.isspace() or not c.isprintable() for c in url)
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not plain:
        raise UsageError(f"{expected}, found {url!r}")
    return parts


@dataclass(frozen=True)
class Endpoint:
    """Where requests go.

    Attributes:
        url: Address that paths are put behind.
        timeout: Seconds that connecting, sending and each wait for a part of the answer may take, and after which an
            answer that still goes on is given up.
        key: Secret sent as a bearer token; it is in no text that this file makes.
    """

    url: str
    timeout: float
    key: str | None = field(default=None, repr=False)

    def get(self, path: str) -> bytes:
        """Return the body of the answer to a GET; see `post`."""
        return self._exchange("GET", path, None, {})

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        """Return the body of the answer to a POST.

        Raises:
            TemporaryError: If there is no server, no complete answer in time, or an answer of status 5xx, 408 or 429.
            PermanentError: If the answer has another status than 200.
            WireError: If it is longer than any reply.
        """
        return self._exchange("POST", path, body, {"Content-Type": content_type})

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        parts = checked_url(self.url, "endpoint")
        assert parts.hostname is not None
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        headers = headers | {"Connection": "close"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        deadline = time.monotonic() + self.timeout
        with closing(kind(parts.hostname, parts.port, timeout=self.timeout)) as connection:
            try:
                connection.request(method, parts.path.rstrip("/") + path, body, headers)
                with connection.getresponse() as response:
                    content = self._read(response, deadline)
                    status = response.status
            except TimeoutError as error:
                raise self._late() from error
            except (OSError, HTTPException) as error:
                found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                text = f"expected an answer, found: {one_line(found) or type(error).__name__}"
                raise TemporaryError(self._hidden(text)) from error
        self._check_status(status, content)
        return content

    def _read(self, response: HTTPResponse, deadline: float) -> bytes:
        content, promised = bytearray(), response.length
        while (promised is None or len(content) < promised) and (chunk := response.read1(CHUNK)):
            content += chunk
            if len(content) > MOST_REPLY:
                raise WireError(f"expected at most {MOST_REPLY} bytes, found more")
            if time.monotonic() > deadline:
                raise self._late()
        if promised is not None and len(content) < promised:
            raise TemporaryError(f"expected an answer of {promised} bytes, found its end after {len(content)}")
        return bytes(content)

    def _late(self) -> TemporaryError:
        return TemporaryError(f"expected an answer within {self.timeout:g} s, found none")

    def _check_status(self, status: int, content: bytes) -> None:
        if status == 200:
            return
        # Services like to quote the key that they refuse, in parts too.
        said = "" if status in UNAUTHORIZED else _said(content)
        text = self._hidden(f"expected status 200, found {status}{said}")
        raise TemporaryError(text) if status >= 500 or status in COME_AGAIN else PermanentError(text)

    def _hidden(self, text: str) -> str:
        return text if self.key is None else text.replace(self.key, "[key]")


def _said(content: bytes) -> str:
    # The words of a fault in an answer: {"error": text}, {"error": {"message": text}}, or whatever it is.
    try:
        error = decode_object(content).get("error")
        words = error.get("message") if isinstance(error, dict) else error
    except WireError:
        words = content.decode(errors="replace")
    return f": {one_line(words)}" if isinstance(words, str) and words.strip() else ""
