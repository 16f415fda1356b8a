"""What an OpenAI-compatible endpoint answers, and the digit that its answer stands for."""

import math
import re
from collections.abc import Sequence
from typing import Any

from benchmarks.rewards.faults import PermanentError, one_line
from benchmarks.rewards.wire import WireError, decode_object

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")


def expected_digit(likeliest: Sequence[tuple[str, float]], top: int) -> tuple[float, float]:
    """Return the expected digit among 0..top, and the probability of all these digits together.

    Args:
        likeliest: Tokens and their log-probabilities; space around a digit does not count.
        top: Highest digit, 1..9.

    Returns:
        The mean of the digit under probabilities renormalized over digits (NaN without any), and their sum before.

    Example:
        >>> tokens = [("4", math.log(0.5)), (" 2", math.log(0.25)), ("The", math.log(0.2)), ("9", math.log(0.05))]
        >>> [round(number, 6) for number in expected_digit(tokens, 5)]
        [3.333333, 0.75]
    """
    digits = {str(digit): digit for digit in range(top + 1)}
    found = [(digits[token.strip()], value) for token, value in likeliest if token.strip() in digits]
    if not found:
        return math.nan, 0.0
    # Relative to the likeliest, so that the mean exists however small all of them are.
    highest = max(value for _, value in found)
    weights = [math.exp(value - highest) for _, value in found]
    mean = math.fsum(w * digit for w, (digit, _) in zip(weights, found, strict=True)) / math.fsum(weights)
    return mean, math.fsum(math.exp(value) for _, value in found)


def digit_in_text(text: str, top: int) -> int:
    """Return the first number of a text.

    Raises:
        PermanentError: If there is none, or it is no integer in 0..top.

    Example:
        >>> digit_in_text("Score: 4/5", 5)
        4
    """
    match = _NUMBER.search(text)
    if match is None or not match[0].isdigit() or int(match[0]) > top:
        raise PermanentError(f"expected an integer in 0..{top}, found {one_line(text, most=80)!r}")
    return int(match[0])


def _first(entries: Any, what: str) -> dict[str, Any]:
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
        raise WireError(f"expected a list {what} that begins with an object, found {entries!r:.60}")
    return entries[0]


def text_of(reply: bytes) -> str:
    """Return the text of a chat completion.

    Raises:
        WireError: If the reply has none.
    """
    message = _first(decode_object(reply).get("choices"), "choices").get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(text, str):
        raise WireError(f"expected a text as message.content, found {text!r:.60}")
    return text


def likeliest_first_tokens(reply: bytes) -> list[tuple[str, float]]:
    """Return the likeliest first tokens of a chat completion and their log-probabilities.

    Raises:
        PermanentError: If the endpoint gives no log-probabilities.
        WireError: If the reply is no chat completion or they are no log-probabilities.
    """
    logprobs = _first(decode_object(reply).get("choices"), "choices").get("logprobs")
    if logprobs is None:
        raise PermanentError("expected logprobs, found none (from_logprobs=False reads the text of such endpoints)")
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    entries = _first(content, "logprobs.content").get("top_logprobs")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise WireError(f"expected a list top_logprobs of objects, found {entries!r:.60}")
    found = [(entry.get("token"), entry.get("logprob")) for entry in entries]
    for token, value in found:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(token, str) or not number or not -1e9 <= value <= 1e-3:
            raise WireError(f"expected a token and its log-probability, found {token!r:.40} and {value!r:.40}")
    return found
