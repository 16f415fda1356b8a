"""A served reward scores as it does in process, and a bad request gets one line."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.colorfulness import Colorfulness
from benchmarks.rewards.remote import RemoteReward
from benchmarks.rewards.retries import Retries
from benchmarks.rewards.serve import RewardServer, build_reward, definition_version, main
from benchmarks.rewards.wire import encode_request
from tests.support.servers import running

# Multiples of 1/255 travel without a change.
PICTURES = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0)).float() / 255
REQUEST = encode_request(np.zeros((1, 3, 2, 2), dtype=np.uint8), ["a"])
BINARY = "application/x-safetensors"


@dataclass(frozen=True)
class Moody:
    """A reward that does what its first prompt says."""

    folder: Path | None = None
    name: str = "moody"
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, None)

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        assert not torch.is_grad_enabled()
        match prompts[0]:
            case "refuses":
                raise UsageError("prompt: expected another,\nfound this")
            case "breaks":
                raise KeyError("colour")
            case "infinite":
                return torch.full((len(prompts),), torch.inf)
            case "too few":
                return torch.zeros(0)
        return torch.tensor([torch.nan if prompt == "skip" else float(len(prompt)) for prompt in prompts])

    def describe(self) -> Mapping[str, Any]:
        return {"folder": str(self.folder)}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(RewardServer(Moody(), ("127.0.0.1", 0), version="7", most=20_000)) as found:
        yield found


def ask(url: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=30.0)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        assert response.headers["Content-Type"] == "application/json"
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize("encoding", ["safetensors", "png"])
def test_a_served_reward_scores_as_it_does_in_process(encoding: Any) -> None:
    reward = Colorfulness()
    with running(RewardServer(reward, ("127.0.0.1", 0))) as url:
        version = definition_version(reward)
        remote = RemoteReward(url, reward.name, version, batch=2, timeout=30.0, encoding=encoding)
        torch.testing.assert_close(remote(PICTURES, ["a"] * 3), reward(PICTURES, ["a"] * 3), rtol=0, atol=0)


def test_scores_are_numbers_or_null(url: str) -> None:
    body = encode_request(np.zeros((2, 3, 2, 2), dtype=np.uint8), ["four", "skip"])
    assert ask(url, "POST", "/score", body, Content_Type=BINARY) == (200, {"scores": [4.0, None]})


def test_health_says_name_and_version(url: str) -> None:
    assert ask(url, "GET", "/health") == (200, {"name": "moody", "version": "7"})


def test_the_version_follows_the_definition() -> None:
    assert definition_version(Moody()) == definition_version(Moody())
    assert definition_version(Moody()) != definition_version(Moody(Path("x")))
    assert definition_version(Moody()) != definition_version(Moody(unit="x"))
    assert re.fullmatch("[0-9a-f]{12}", definition_version(Moody()))


def said(prompt: str) -> bytes:
    return encode_request(np.zeros((1, 3, 2, 2), dtype=np.uint8), [prompt])


REQUESTS: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "garbage": (b"garbage!", {}, 400, "expected a safetensors header of"),
    "malformed": (b"{", {"Content_Type": "application/json"}, 400, "expected JSON, found b'{'"),
    "type": (REQUEST, {"Content_Type": "text/html"}, 400, "expected content type application/x-safetensors or"),
    "large": (b"x" * 20_001, {}, 413, "expected at most 20000 bytes, found 20001"),
    "refused": (said("refuses"), {}, 400, "prompt: expected another, found this"),
    "broken": (said("breaks"), {}, 500, "reward moody: KeyError: 'colour'"),
    "infinite": (said("infinite"), {}, 500, "reward moody: expected a finite number or null as score 0, found inf"),
    "few": (said("too few"), {}, 500, "reward moody: expected scores of shape (1,), found (0,)"),
}


@pytest.mark.parametrize(("body", "headers", "status", "says"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_bad_request_gets_one_line(
    url: str, capsys: pytest.CaptureFixture[str], body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    found, answer = ask(url, "POST", "/score", body, **({"Content_Type": BINARY} | headers))
    assert found == status
    assert set(answer) == {"error"}
    assert answer["error"].startswith(says)
    assert "\n" not in answer["error"]
    assert f"{status} {says}" in capsys.readouterr().err, "whoever serves sees it too"


def test_other_paths_are_not_found(url: str) -> None:
    for method, path in (("GET", "/"), ("GET", "/score"), ("POST", "/health"), ("POST", "/score/x")):
        assert ask(url, method, path, b"" if method == "POST" else None) == (
            404, {"error": f"expected /health or /score, found {path}"},
        )  # fmt: skip


def test_a_request_must_say_its_length(url: str) -> None:
    status, answer = ask(url, "POST", "/score", REQUEST, Content_Length="many")
    assert (status, answer["error"]) == (400, "expected a header Content-Length, found 'many'")


def test_a_client_that_leaves_does_not_stop_the_server(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30.0) as client:
        client.sendall(b"POST /score HTTP/1.0\r\nContent-Length: 100\r\n\r\nabc")
        client.shutdown(socket.SHUT_WR)
        assert b"expected 100 bytes, found 3" in client.makefile("rb").read()
    assert ask(url, "GET", "/health")[0] == 200
    assert "Traceback" not in capsys.readouterr().err


def test_a_refused_request_ends_the_remote_reward_at_once(url: str) -> None:
    remote = RemoteReward(url, "moody", "7", timeout=30.0, retries=Retries(3, 9.0))
    with pytest.raises(RewardError, match=r"found 400: prompt: expected another, found this \(tried once\)"):
        remote(PICTURES, ["refuses", "b", "c"])


REFERENCE = "benchmarks.rewards.alignment:Alignment"


def test_paths_and_ranges_come_from_texts_and_lists() -> None:
    found = build_reward(REFERENCE, {"folder": "weights/x", "range": [0, None]})
    assert vars(found) | {"folder": Path("weights/x"), "range": (0.0, None)} == vars(found)


BUILDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "form": ("Alignment", {}, "reward: expected module:Name, found 'Alignment'"),
    "module": ("nowhere:Reward", {}, "reward nowhere:Reward: cannot import nowhere"),
    "class": ("benchmarks.rewards.alignment:Alinement", {}, "no Alinement in it, expected one of Alignment"),
    "argument": (REFERENCE, {"size": 3}, f"reward {REFERENCE}: Alignment.__init__() got an unexpected keyword"),
    "value": (REFERENCE, {"folder": 3}, f"reward {REFERENCE}: 1 validation error"),
    "no class": ("benchmarks.rewards.alignment:WEIGHTS", {}, "expected a class, found "),
    "no reward": ("pathlib:Path", {}, "expected a reward, found PosixPath without ['unit', "),
}


@pytest.mark.parametrize(("reference", "arguments", "says"), BUILDS.values(), ids=BUILDS.keys())
def test_what_makes_no_reward_is_refused(reference: str, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)) as refused:
        build_reward(reference, arguments)
    assert "\n" not in str(refused.value)


WORDS = {
    "reward": (["nowhere:X"], "error: reward nowhere:X: cannot import nowhere"),
    "arguments": ([REFERENCE, "--json-arguments", "[1]"], "error: --json-arguments: expected a JSON object, found [1]"),
    "json": ([REFERENCE, "--json-arguments", "{a"], "error: --json-arguments: expected JSON"),
    "port": ([REFERENCE, "--port", "70000"], "error: cannot serve at 127.0.0.1:70000"),
}


@pytest.mark.parametrize(("words", "says"), WORDS.values(), ids=WORDS.keys())
def test_the_command_ends_with_2_on_bad_input(capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert err.startswith(says)
    assert err.count("\n") == 1


def test_a_port_that_is_taken_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=r"cannot serve at 127\.0\.0\.1:.*Address already in use"):
        RewardServer(Moody(), ("127.0.0.1", int(url.rsplit(":", 1)[1])))


def test_the_command_serves_until_it_is_told_to_end() -> None:
    words = ["benchmarks.rewards.colorfulness:Colorfulness", "--port", "0", "--version", "x"]
    command = [sys.executable, "-m", "benchmarks.rewards.serve", *words]
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root) as served:
        try:
            assert served.stdout is not None
            assert served.stderr is not None
            line = served.stdout.readline()
            match = re.fullmatch(r"reward colourfulness, version x, at (http://127\.0\.0\.1:\d+)\n", line)
            assert match is not None, line
            found = RemoteReward(match[1], "colourfulness", "x", timeout=30.0)(PICTURES, ["a"] * 3)
            served.terminate()
            assert served.wait(60) == 0
            assert (served.stdout.read(), served.stderr.read()) == ("stopped\n", "")
        finally:
            served.kill()
    torch.testing.assert_close(found, Colorfulness()(PICTURES, ["a"] * 3), rtol=0, atol=0)
