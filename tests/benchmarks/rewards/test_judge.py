"""A judge is asked as it should be, its digits become scores, and its key stays secret."""

import base64
import json
import math
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.judge import JudgeReward
from benchmarks.rewards.png import from_png, to_png
from benchmarks.rewards.retries import Retries
from benchmarks.rewards.rubrics import EDIT_SUCCESS_RUBRIC, SOURCE_PRESERVATION_RUBRIC, STYLE_RUBRIC
from benchmarks.rewards.wire import quantized
from tests.support.servers import Asked, Reply, Scripted, scripted

SECRET = "sk-very-secret"
RUBRIC = "Score {prompt} from 0 to {top}."
PICTURES = torch.rand(4, 3, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
PROMPTS = ["a {top} hat", "b", "b", "c"]


def completion(probabilities: dict[str, float]) -> bytes:
    entries = [{"token": token, "logprob": math.log(p)} for token, p in probabilities.items()]
    choice = {"message": {"content": "4"}, "logprobs": {"content": [{"top_logprobs": entries}]}}
    return json.dumps({"choices": [choice]}).encode()


def text(content: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}}]}).encode()


FOUR = Reply(completion({"4": 0.6, "2": 0.2, "The": 0.2}))
"""An expected digit of (0.6 * 4 + 0.2 * 2) / 0.8 = 3.5."""


def judge(url: str, **fields: Any) -> JudgeReward:
    settings: dict[str, Any] = {"rubric": RUBRIC, "timeout": 30.0, "retries": Retries(times=2, pause=0.0)}
    return JudgeReward(url + "/v1", "some-vlm", name="verdict", **(settings | fields))


def parts(asked: Asked) -> list[dict[str, Any]]:
    (message,) = asked.json()["messages"]
    assert message["role"] == "user"
    found: list[dict[str, Any]] = message["content"]
    return found


def pictures(asked: Asked) -> list[np.ndarray]:
    urls = [part["image_url"]["url"] for part in parts(asked) if part["type"] == "image_url"]
    return [from_png(base64.b64decode(url.removeprefix("data:image/png;base64,"))) for url in urls]


def test_it_asks_for_the_first_token_of_one_picture_at_temperature_0() -> None:
    script = Scripted([FOUR])
    with scripted(script) as url:
        found = judge(url)(PICTURES[:1], ["a {top} hat"])
    assert found.tolist() == pytest.approx([3.5 / 5])
    (asked,) = script.asked
    assert (asked.path, asked.headers["Content-Type"]) == ("/v1/chat/completions", "application/json")
    assert "Authorization" not in asked.headers
    body = asked.json()
    del body["messages"]
    assert body == {"model": "some-vlm", "temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": 20}
    assert parts(asked)[0] == {"type": "text", "text": "Score a {top} hat from 0 to 5."}, "prompts hold no placeholders"
    (picture,) = pictures(asked)
    np.testing.assert_array_equal(picture, quantized(PICTURES[0]))


def by_picture(body: bytes) -> bytes:
    # The digit is the picture's own: its first byte modulo 10.
    (picture,) = pictures(Asked("POST", "", {}, body))
    return completion({str(picture[0, 0, 0] % 10): 1.0})


@pytest.mark.parametrize("parallel", [1, 3])
def test_scores_are_in_the_order_of_the_samples(parallel: int) -> None:
    script, before = Scripted([Reply(by_picture)]), set(threading.enumerate())
    with scripted(script) as url:
        found = judge(url, top=9, parallel=parallel)(PICTURES, PROMPTS)
    expected = [int(picture[0, 0, 0]) % 10 / 9 for picture in quantized(PICTURES)]
    assert found.tolist() == pytest.approx(expected)
    assert len(set(expected)) > 1
    assert len(script.posts) == 4
    assert set(threading.enumerate()) == before, "no thread is left over"


def test_without_log_probabilities_the_text_is_read() -> None:
    script = Scripted([Reply(text("Score: 4"))])
    with scripted(script) as url:
        assert judge(url, from_logprobs=False)(PICTURES[:1], ["a"]).tolist() == pytest.approx([0.8])
    body = script.asked[0].json()
    assert body["max_tokens"] == 16
    assert not {"logprobs", "top_logprobs"} & set(body)


def test_a_text_is_never_read_in_place_of_log_probabilities() -> None:
    with (
        scripted(Scripted([Reply(text("4"))])) as url,
        pytest.raises(RewardError, match="expected logprobs") as refused,
    ):
        judge(url)(PICTURES[:1], ["a"])
    assert str(refused.value).startswith(f"reward verdict: {url}/v1: ")
    assert str(refused.value).endswith("(tried once)")


@pytest.mark.parametrize("probabilities", [{"The": 1.0}, {"The": 0.99, "4": 0.009}])
def test_digits_that_were_not_going_to_be_said_mean_nothing(probabilities: dict[str, float]) -> None:
    with scripted(Scripted([Reply(completion(probabilities))])) as url:
        with pytest.raises(RewardError, match=r"expected digits 0\.\.5 with a probability of 0\.01 or more") as refused:
            judge(url)(PICTURES[:1], ["a"])
        assert "'The'" in str(refused.value)
        if "4" in probabilities:
            assert judge(url, least_mass=0.0)(PICTURES[:1], ["a"]).tolist() == pytest.approx([0.8])


@pytest.mark.parametrize("reply", [Reply(b"", 500), Reply(b"", 429), Reply(b"{"), Reply(b'{"choices": []}')])
def test_what_passes_is_survived_and_what_stays_ends_in_one_line(reply: Reply) -> None:
    with scripted(Scripted([reply, FOUR])) as url:
        assert judge(url)(PICTURES[:1], ["a"]).tolist() == pytest.approx([0.7])
    script = Scripted([reply])
    with scripted(script) as url, pytest.raises(RewardError) as refused:
        judge(url, parallel=1)(PICTURES, PROMPTS)
    assert re.fullmatch(rf"reward verdict: {url}/v1: expected .*, found .* \(tried 3 times\)", str(refused.value))
    assert len(script.posts) == 3, "the other pictures are not asked about"


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("SOME_JUDGE_KEY", SECRET + "\n")
    return {"key_variable": "SOME_JUDGE_KEY"}


def test_the_key_is_sent_and_is_nowhere_else(keyed: dict[str, Any]) -> None:
    script = Scripted([FOUR])
    with scripted(script) as url:
        reward = judge(url, **keyed)
        reward(PICTURES[:1], ["a"])
    assert script.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert SECRET.encode() not in script.asked[0].body
    assert SECRET not in repr(reward) + repr(vars(reward)) + json.dumps(reward.describe())


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_the_key_is_in_no_error(keyed: dict[str, Any], status: int) -> None:
    refusal = Reply(json.dumps({"error": {"message": f"bad key {SECRET}"}}).encode(), status)
    with scripted(Scripted([refusal])) as url, pytest.raises(RewardError, match=str(status)) as refused:
        judge(url, **keyed)(PICTURES[:1], ["a"])
    error: BaseException | None = refused.value
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__


@pytest.mark.parametrize("key", ["", "  ", "two words", "sk-\x00", "sk-ü", "a\nb"])
def test_a_key_that_is_none_is_told_without_showing_it(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    if "\x00" not in key:
        monkeypatch.setenv("SOME_JUDGE_KEY", key)
    with pytest.raises(
        RewardError, match="expected a key in the environment variable SOME_JUDGE_KEY, found"
    ) as refused:
        judge("http://nowhere.invalid", key_variable="SOME_JUDGE_KEY")(PICTURES[:1], ["a"])
    assert not key.strip() or key not in str(refused.value)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "cat.png").write_bytes(to_png(np.full((3, 2, 5), 77, dtype=np.uint8)))
    return tmp_path


@pytest.mark.parametrize("rubric", [EDIT_SUCCESS_RUBRIC, SOURCE_PRESERVATION_RUBRIC])
def test_the_source_goes_before_the_picture_and_the_instruction_alone_is_told(sources: Path, rubric: str) -> None:
    script = Scripted([FOUR])
    with scripted(script) as url:
        judge(url, rubric=rubric, sources=sources)(PICTURES[:2], ["cat.png: make it red"] * 2)
    for asked in script.posts:
        found = parts(asked)
        assert [part["text"] for part in found if part["type"] == "text"][1:] == [
            "Source picture:",
            "Picture to score:",
        ]
        assert [part["type"] for part in found] == ["text", "text", "image_url", "text", "image_url"]
        assert ": make it red\n" in found[0]["text"]
        assert "cat.png" not in found[0]["text"]
        assert (pictures(asked)[0] == 77).all()
    shown = {pictures(asked)[1].tobytes() for asked in script.posts}
    assert shown == {quantized(picture).tobytes() for picture in PICTURES[:2]}


@pytest.mark.parametrize(
    ("prompt", "says"), [("make it red", "expected 'FILE.png: instruction'"), ("dog.png: x", "found no such file")]
)
def test_a_prompt_without_a_source_is_refused_before_anyone_is_asked(sources: Path, prompt: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        judge("http://nowhere.invalid", sources=sources)(PICTURES[:1], [prompt])


def test_nobody_is_asked_for_a_description(sources: Path) -> None:
    one = judge("http://nowhere.invalid")
    assert one.describe() == {
        "judge": "some-vlm", "version": "", "rubric": RUBRIC, "top": 5, "from_logprobs": True, "top_logprobs": 20,
        "source": False, "bits": 8,
    }  # fmt: skip
    assert judge("http://other.invalid", timeout=1.0, parallel=1, key_variable="X").describe() == one.describe()
    for change in ({"rubric": "x"}, {"top": 9}, {"from_logprobs": False}, {"version": "2"}, {"sources": sources}):
        assert judge("http://nowhere.invalid", **change).describe() != one.describe()


@pytest.mark.parametrize("samples", [torch.zeros(1, 5, 3, 4, 4), torch.zeros(1, 2), torch.full((1, 3, 2, 2), -1.0)])
def test_what_is_no_picture_is_not_sent(samples: Tensor) -> None:
    with pytest.raises(RewardError, match="reward verdict: expected pictures"):
        judge("http://nowhere.invalid")(samples, ["a"])


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "top": ({"top": 10}, "top must be in 1..9, one digit, found 10"),
    "tokens": ({"top_logprobs": 0}, "top_logprobs must be at least 1, found 0"),
    "parallel": ({"parallel": 0}, "parallel must be at least 1, found 0"),
    "mass": ({"least_mass": 2.0}, "least_mass must be in [0, 1], found 2.0"),
    "placeholder": ({"rubric": STYLE_RUBRIC}, "rubric must have no placeholders but {prompt} and {top}, found"),
    "sources": ({"rubric": EDIT_SUCCESS_RUBRIC}, "this rubric compares with a source, so sources must be set"),
    "timeout": ({"timeout": 0.0}, "timeout must be positive"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "says"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_out_of_range_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"reward verdict: {re.escape(says)}"):
        judge("http://a", **fields)
