"""Chat completions as endpoints send them, and the digits in them."""

import json
import math
import re
from typing import Any

import pytest

from benchmarks.rewards.completions import digit_in_text, expected_digit, likeliest_first_tokens, text_of
from benchmarks.rewards.faults import PermanentError
from benchmarks.rewards.wire import WireError


def tokens(**probabilities: float) -> list[tuple[str, float]]:
    return [(token.strip("t"), math.log(probability)) for token, probability in probabilities.items()]


def test_the_mean_is_over_digits_alone() -> None:
    assert expected_digit(tokens(t0=0.1, t5=0.3, The=0.6), 5) == pytest.approx((3.75, 0.4))
    assert expected_digit(tokens(t3=1.0), 5) == pytest.approx((3.0, 1.0))


def test_digits_above_the_top_and_longer_numbers_do_not_count() -> None:
    assert expected_digit([("6", -0.1), ("10", -0.1), ("1.", -0.1), ("²", -0.1), ("2", -5.0)], 5)[0] == 2.0
    assert expected_digit([("9", 0.0)], 9) == (9.0, 1.0)


def test_one_digit_may_be_several_tokens() -> None:
    found = expected_digit(
        [("4", math.log(0.2)), (" 4", math.log(0.2)), ("4\n", math.log(0.2)), ("0", math.log(0.2))], 5
    )
    assert found == pytest.approx((3.0, 0.8))


def test_the_mean_exists_however_unlikely_digits_are() -> None:
    mean, mass = expected_digit([("1", -9999.0), ("3", -9999.0)], 5)
    assert (mean, mass) == (2.0, 0.0)


def test_without_digits_there_is_no_mean() -> None:
    mean, mass = expected_digit([("The", -0.1)], 5)
    assert math.isnan(mean)
    assert mass == 0.0


@pytest.mark.parametrize(("text", "digit"), [("4", 4), (" 0\n", 0), ("Score: 3.", 3), ("5/5", 5), ("**2**", 2)])
def test_the_first_number_of_a_text(text: str, digit: int) -> None:
    assert digit_in_text(text, 5) == digit


@pytest.mark.parametrize("text", ["", "four", "6", "-1", "3.5", "3,5", "10", "a\nb"])
def test_a_text_without_a_digit_in_range_is_refused(text: str) -> None:
    with pytest.raises(PermanentError, match=re.escape("expected an integer in 0..5, found ")) as refused:
        digit_in_text(text, 5)
    assert "\n" not in str(refused.value)


def reply(**choice: Any) -> bytes:
    return json.dumps({"choices": [choice]}).encode()


def with_tokens(entries: Any) -> bytes:
    return reply(logprobs={"content": [{"top_logprobs": entries}]})


def test_what_endpoints_send_is_read() -> None:
    assert text_of(reply(message={"role": "assistant", "content": "4"})) == "4"
    entries = [{"token": "4", "logprob": -0.5, "bytes": [52]}, {"token": "The", "logprob": -9999}]
    assert likeliest_first_tokens(with_tokens(entries)) == [("4", -0.5), ("The", -9999)]


BAD_TEXTS = [b"{", b"{}", b'{"choices": []}', b'{"choices": [1]}', reply(), reply(message="4"), reply(message={}),
             reply(message={"content": None})]  # fmt: skip


@pytest.mark.parametrize("content", BAD_TEXTS)
def test_a_completion_without_a_text_is_refused(content: bytes) -> None:
    with pytest.raises(WireError, match=r"^expected "):
        text_of(content)


BAD_TOKENS = [b"{", b"{}", b'{"choices": []}', reply(logprobs=1), reply(logprobs={"content": []}),
              reply(logprobs={"content": None}), with_tokens(None), with_tokens([1]), with_tokens([{"token": "4"}]),
              with_tokens([{"token": 4, "logprob": -1.0}]), with_tokens([{"token": "4", "logprob": "-1"}]),
              with_tokens([{"token": "4", "logprob": 0.5}]), with_tokens([{"token": "4", "logprob": True}]),
              with_tokens([{"token": "4", "logprob": -1e99}])]  # fmt: skip


@pytest.mark.parametrize("content", BAD_TOKENS)
def test_a_completion_without_log_probabilities_is_refused(content: bytes) -> None:
    with pytest.raises(WireError, match=r"^expected "):
        likeliest_first_tokens(content)


@pytest.mark.parametrize("content", [reply(message={"content": "4"}), reply(logprobs=None)])
def test_an_endpoint_that_gives_none_is_told_what_to_do(content: bytes) -> None:
    with pytest.raises(PermanentError, match=r"expected logprobs, found none \(from_logprobs=False reads the text"):
        likeliest_first_tokens(content)
