"""A reward behind HTTP scores as the server does, survives what passes, and says what does not."""

import re
import threading
import time
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.png import decode_json_request
from benchmarks.rewards.remote import RemoteReward
from benchmarks.rewards.retries import Retries
from benchmarks.rewards.wire import encode_request, encode_scores, quantized
from tests.support.servers import FINE, Reply, Scripted, brightness, free_port, scripted

PICTURES = torch.rand(5, 3, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
PROMPTS = ["a", "b", "skip c", "d", "e"]
HEALTH = b'{"name": "brightness", "version": "1"}'


def remote(url: str, **fields: Any) -> RemoteReward:
    settings: dict[str, Any] = {"timeout": 30.0, "retries": Retries(times=2, pause=0.0)}
    return RemoteReward(url, "brightness", "1", **(settings | fields))


def expected(pictures: Tensor = PICTURES) -> Tensor:
    """The same in this process: means of the rounded samples, with the same prompt left out."""
    means = torch.from_numpy(quantized(pictures)).double().flatten(1).mean(1)
    means[2] = torch.nan
    return means.float()


@pytest.mark.parametrize(("batch", "posts"), [(1, 5), (2, 3), (5, 1), (64, 1)])
def test_scores_come_in_batches_and_in_order(batch: int, posts: int) -> None:
    script = Scripted()
    with scripted(script) as url:
        found = remote(url, batch=batch)(PICTURES, PROMPTS)
    torch.testing.assert_close(found, expected(), rtol=0, atol=0, equal_nan=True)
    assert len(script.posts) == posts
    assert [asked.path for asked in script.asked] == ["/health"] + ["/score"] * posts


def test_the_scale_is_a_factor_and_half_precision_does_not_round_scores() -> None:
    half = PICTURES.bfloat16()
    with scripted(Scripted()) as url:
        found = remote(url, scale=-0.25)(half, PROMPTS)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, -0.25 * expected(half), rtol=0, atol=0, equal_nan=True)


def test_videos_travel_too() -> None:
    videos = PICTURES.unflatten(0, (1, 5))
    with scripted(Scripted()) as url:
        found = remote(url)(videos, ["a"])
    assert found.item() == pytest.approx(quantized(videos).mean(), rel=1e-6)


def test_services_that_speak_json_only_get_png() -> None:
    def by_png(body: bytes) -> bytes:
        return brightness(encode_request(*decode_json_request(body)))

    script = Scripted([Reply(by_png)])
    with scripted(script) as url:
        found = remote(url, encoding="png")(PICTURES, PROMPTS)
    torch.testing.assert_close(found, expected(), rtol=0, atol=0, equal_nan=True)
    assert script.posts[0].headers["Content-Type"] == "application/json"


def test_nothing_is_asked_for_no_samples() -> None:
    script = Scripted()
    with scripted(script) as url:
        assert remote(url)(PICTURES[:0], []).shape == (0,)
    assert script.asked == []


PASSING = {
    "500": (Reply(b'{"error": "out of memory"}', 500), "expected status 200, found 500: out of memory"),
    "429": (Reply(b"", 429), "expected status 200, found 429"),
    "length": (Reply(b'{"scores": [1]}'), "expected 5 scores, found 1"),
    "nan": (Reply(b'{"scores": [1, NaN, 2, 3, 4]}'), "expected JSON, found the literal NaN"),
    "text": (Reply(b'{"scores": [1, 2, 3, 4, "5"]}'), "expected a number or null as score 4, found '5'"),
    "malformed": (Reply(b'{"scores": [1, 2'), "expected JSON, found b'"),
    "cut": (Reply(encode_scores([1.0] * 5), missing=3), "found its end after"),
    "nothing": (Reply(b""), "expected JSON, found b''"),
}
faults = pytest.mark.parametrize(("reply", "says"), PASSING.values(), ids=PASSING.keys())


@faults
def test_what_passes_is_survived(reply: Reply, says: str) -> None:
    script = Scripted([reply, reply, FINE])
    with scripted(script) as url:
        found = remote(url)(PICTURES, PROMPTS)
    torch.testing.assert_close(found, expected(), rtol=0, atol=0, equal_nan=True)
    bodies = {asked.body for asked in script.posts}
    assert len(script.posts) == 3
    assert len(bodies) == 1, "the same is asked again"


@faults
def test_what_does_not_pass_ends_in_one_line(reply: Reply, says: str) -> None:
    script = Scripted([reply])
    with scripted(script) as url, pytest.raises(RewardError) as refused:
        remote(url)(PICTURES, PROMPTS)
    text = str(refused.value)
    assert text.startswith(f"reward brightness: {url}: ")
    assert says in text
    assert text.endswith("(tried 3 times)")
    assert "\n" not in text
    assert len(script.posts) == 3


def test_a_slow_server_is_asked_again() -> None:
    script = Scripted([Reply(brightness, seconds=9.0), FINE])
    with scripted(script) as url:
        found = remote(url, timeout=0.3)(PICTURES, PROMPTS)
    torch.testing.assert_close(found, expected(), rtol=0, atol=0, equal_nan=True)


def test_a_server_that_stays_slow_ends_in_one_line() -> None:
    slow = Reply(brightness, seconds=9.0)
    with scripted(Scripted([slow])) as url, pytest.raises(RewardError) as refused:
        remote(url, timeout=0.1, retries=Retries(times=1, pause=0.0))(PICTURES, PROMPTS)
    assert str(refused.value).endswith(f"{url}: expected an answer within 0.1 s, found none (tried 2 times)")


def test_a_server_that_is_not_there_ends_in_one_line() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RewardError) as refused:
        remote(url)(PICTURES, PROMPTS)
    assert str(refused.value) == (
        f"reward brightness: {url}: expected an answer, found: Connection refused (tried 3 times)"
    )


def test_a_server_that_starts_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    port, slept = free_port(), []
    server = scripted(Scripted(), port)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            server.__enter__()

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", sleep)
        found = remote(f"http://127.0.0.1:{port}", retries=Retries(3, 0.5))(PICTURES, PROMPTS)
    server.__exit__(None, None, None)
    torch.testing.assert_close(found, expected(), rtol=0, atol=0, equal_nan=True)
    assert slept == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refused_request_is_not_repeated(status: int) -> None:
    script = Scripted([Reply(b'{"error": "expected a prompt, found none"}', status)])
    with scripted(script) as url, pytest.raises(RewardError) as refused:
        remote(url)(PICTURES, PROMPTS)
    line = f"{url}: expected status 200, found {status}: expected a prompt, found none (tried once)"
    assert str(refused.value).endswith(line)
    assert len(script.posts) == 1


@pytest.mark.parametrize(
    ("health", "found"),
    [
        (b'{"name": "sharpness", "version": "1"}', "found 'sharpness', version '1'"),
        (b'{"name": "brightness", "version": "2"}', "found 'brightness', version '2'"),
        (b'{"name": "brightness", "version": 1}', "found 'brightness', version 1"),
        (b"{}", "found None, version None"),
    ],
)
def test_another_server_gets_no_samples(health: bytes, found: str) -> None:
    script = Scripted(health=Reply(health))
    with scripted(script) as url, pytest.raises(RewardError) as refused:
        remote(url)(PICTURES, PROMPTS)
    assert f"{url}: expected a server of 'brightness', version '1', {found} (tried once)" in str(refused.value)
    assert len(script.asked) == 1


def test_health_that_is_no_json_may_pass() -> None:
    with scripted(Scripted(health=Reply(b"<html>"))) as url, pytest.raises(RewardError, match=r"\(tried 3 times\)"):
        remote(url)(PICTURES, PROMPTS)


def test_health_is_asked_for_once_and_again_after_a_fault() -> None:
    script = Scripted([FINE, FINE, Reply(b"", 500), FINE])
    with scripted(script) as url:
        reward = remote(url)
        for _ in range(3):
            reward(PICTURES, PROMPTS)
        assert [asked.path for asked in script.asked] == [
            "/health", "/score", "/score", "/score", "/health", "/score",
        ]  # fmt: skip


def test_a_server_replaced_by_another_one_is_noticed() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    reward = remote(url)
    with scripted(Scripted(), port):
        reward(PICTURES, PROMPTS)
    other = Scripted([Reply(b"", 500)], Reply(HEALTH.replace(b"1", b"2")))
    with scripted(other, port), pytest.raises(RewardError, match="version '1', found 'brightness', version '2'"):
        reward(PICTURES, PROMPTS)


def test_no_thread_is_left_over() -> None:
    before = set(threading.enumerate())
    with scripted(Scripted()) as url:
        inside = set(threading.enumerate())
        remote(url, batch=1)(PICTURES, PROMPTS)
        started = {thread for thread in threading.enumerate() if "process_request" not in thread.name}
        assert started <= inside
    assert set(threading.enumerate()) == before


def test_where_a_reward_lives_is_no_part_of_its_definition() -> None:
    one = remote("http://nowhere.invalid:1", batch=1)
    other = remote("https://elsewhere.invalid/x", timeout=9.0, encoding="png")
    assert one.describe() == other.describe() == {"remote": "brightness", "version": "1", "scale": 1.0, "bits": 8}
    assert one.describe() != remote("http://nowhere.invalid:1", scale=2.0).describe()
    assert one.describe() != RemoteReward("http://nowhere.invalid:1", "brightness", "2").describe()


@pytest.mark.parametrize("samples", [torch.zeros(5, 2), torch.zeros(5, 4, 4, 4), torch.full((5, 3, 2, 2), 2.0)])
def test_what_is_no_picture_is_not_sent(samples: Tensor) -> None:
    with pytest.raises(RewardError, match="reward brightness: expected pictures"):
        remote("http://nowhere.invalid")(samples, PROMPTS)
    with pytest.raises(RewardError, match="expected one prompt a sample, found 1 for 5"):
        remote("http://nowhere.invalid")(PICTURES, ["a"])


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "url": ({"url": "localhost"}, "expected a url"),
    "scale": ({"scale": 0.0}, "scale must be finite and not 0"),
    "batch": ({"batch": 0}, "batch must be at least 1"),
    "timeout": ({"timeout": float("inf")}, "timeout must be positive and finite"),
    "encoding": ({"encoding": "jpeg"}, "encoding must be safetensors or png"),
}


@pytest.mark.parametrize(("fields", "says"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_out_of_range_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"reward brightness: {re.escape(says)}"):
        remote(**({"url": "http://a"} | fields))


def test_health_can_be_asked_for_alone() -> None:
    script = Scripted()
    with scripted(script) as url:
        reward = remote(url)
        reward.check_health()
        reward.check_health()
        assert [asked.path for asked in script.asked] == ["/health"]
        with pytest.raises(RewardError, match="expected a server of 'brightness', version '2', found 'brightness'"):
            RemoteReward(url, "brightness", "2").check_health()
    with pytest.raises(RewardError, match=r"expected an answer, found: .* \(tried 3 times\)"):
        remote(f"http://127.0.0.1:{free_port()}").check_health()
