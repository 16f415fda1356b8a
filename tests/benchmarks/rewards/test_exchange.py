"""One request and its answer: what is tried again, what is not, and what is never said."""

import re

import pytest

from benchmarks.records import UsageError
from benchmarks.rewards import exchange
from benchmarks.rewards.exchange import Endpoint, checked_url
from benchmarks.rewards.faults import PermanentError, TemporaryError
from benchmarks.rewards.wire import WireError
from tests.support.servers import Reply, Scripted, free_port, scripted

SECRET = "sk-very-secret"


def post(script: Scripted, path: str = "", key: str | None = None, timeout: float = 30.0) -> bytes:
    with scripted(script) as url:
        return Endpoint(url + path, timeout, key).post("/score", b"question", "text/plain")


def test_a_request_carries_body_type_and_key_and_brings_the_answer() -> None:
    script = Scripted([Reply(b"answer")])
    assert post(script, path="/v1/", key=SECRET) == b"answer"
    (asked,) = script.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/score", b"question")
    assert asked.headers["Content-Type"] == "text/plain"
    assert asked.headers["Authorization"] == f"Bearer {SECRET}"
    assert asked.headers["Connection"] == "close"


def test_without_a_key_none_is_sent() -> None:
    script = Scripted([Reply(b"x" * 200_000)])
    assert post(script) == b"x" * 200_000, "answers come in parts"
    assert "Authorization" not in script.asked[0].headers


@pytest.mark.parametrize("status", [500, 502, 503, 408, 429])
def test_statuses_that_may_pass(status: int) -> None:
    with pytest.raises(TemporaryError, match=f"expected status 200, found {status}: too busy"):
        post(Scripted([Reply(b'{"error": "too\\nbusy"}', status)]))


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 301, 204])
def test_statuses_that_will_not_pass(status: int) -> None:
    with pytest.raises(PermanentError, match=f"expected status 200, found {status}"):
        post(Scripted([Reply(b"", status)]))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"error": {"message": "no such model"}}', "found 400: no such model"),
        (b"<html>\nBad   Request</html>", "found 400: <html> Bad Request</html>"),
        (b'{"error": 7}', "found 400"),
        (b"\xff\xfe", "found 400"),
        (b"x" * 1000, "found 400: " + "x" * 159 + "…"),
    ],
)
def test_the_words_of_a_refusal_are_told_in_one_line(body: bytes, says: str) -> None:
    with pytest.raises(PermanentError, match=re.escape(says)) as refused:
        post(Scripted([Reply(body, 400)]))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_the_key_is_in_no_error(status: int) -> None:
    with pytest.raises((PermanentError, TemporaryError), match=str(status)) as refused:
        post(Scripted([Reply(f"bad key {SECRET}, {SECRET[:6]}...".encode(), status)]), key=SECRET)
    assert SECRET not in str(refused.value)
    if status in (401, 403):
        assert SECRET[:6] not in str(refused.value)
    assert SECRET not in repr(Endpoint("http://h", 1.0, SECRET))


def test_a_slow_server_is_not_waited_for() -> None:
    with pytest.raises(TemporaryError, match=re.escape("expected an answer within 0.1 s, found none")):
        post(Scripted([Reply(b"answer", seconds=9.0)]), timeout=0.1)


def test_an_answer_cut_short_is_noticed() -> None:
    with pytest.raises(TemporaryError, match="expected an answer of 6 bytes, found its end after 4"):
        post(Scripted([Reply(b"answer", missing=2)]))


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_REPLY", 10)
    with pytest.raises(WireError, match="expected at most 10 bytes, found more"):
        post(Scripted([Reply(b"x" * 11)]))


def test_nobody_there() -> None:
    with pytest.raises(TemporaryError, match="expected an answer, found: Connection refused"):
        Endpoint(f"http://127.0.0.1:{free_port()}", 5.0).get("/health")


@pytest.mark.parametrize("url", ["http://a", "https://a.b:80/c/d", "http://[::1]:8000", "HTTP://a"])
def test_addresses_of_services_pass(url: str) -> None:
    assert checked_url(url, "reward r").hostname


BAD = ["", "a:80", "ftp://a", "http://", "http://a:x", "http://a:99999", "http://a:0", "http://a?q=1", "http://a/#f",
       "http://a b", "http://a\n", "http://[::1"]  # fmt: skip


@pytest.mark.parametrize("url", BAD)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(
        UsageError, match=re.escape(f"reward r: expected a url http(s)://host[:port][/path], found {url!r}")
    ):
        checked_url(url, "reward r")


def test_an_address_with_a_password_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="found one with a user or password") as refused:
        checked_url(f"http://me:{SECRET}@a", "reward r")
    assert SECRET not in str(refused.value)
