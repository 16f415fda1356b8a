"""A vision-language model as a judge, behind any endpoint that speaks OpenAI's chat completions."""

import json
import math
import os
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.rewards.batches import check_settings, scored_in_batches
from benchmarks.rewards.completions import digit_in_text, expected_digit, likeliest_first_tokens, text_of
from benchmarks.rewards.exchange import Endpoint, checked_url
from benchmarks.rewards.faults import PermanentError, one_line
from benchmarks.rewards.images import check_pictures
from benchmarks.rewards.png import to_text
from benchmarks.rewards.retries import Retries, persist
from benchmarks.rewards.rubrics import EDIT_SUCCESS_RUBRIC, SOURCE_PRESERVATION_RUBRIC
from benchmarks.rewards.wire import quantized
from benchmarks.tasks.edits import Sources, split_edit

PATH = "/chat/completions"
PLACEHOLDERS = {"{prompt}", "{top}"}
_PLACEHOLDER = re.compile(r"\{\w*\}")


@dataclass(frozen=True)
class JudgeReward:
    """The digit that a vision-language model gives a picture, divided by the highest one.

    The score is the expected digit over the digit tokens 0..top among the likeliest first tokens, renormalized, at
    temperature 0; so it is not limited to whole steps. With `from_logprobs` off it is the integer in the text.
    Pictures travel with 8 bits a channel. Faults are met as `benchmarks.rewards.remote` meets them.

    Attributes:
        base_url: Address up to and without `/chat/completions`. Where a judge lives is no part of its definition.
        model: Name of the model at that endpoint.
        rubric: What the judge is told, with the placeholders {prompt} and {top}; see `benchmarks.rewards.rubrics`.
        name: Name of the reward.
        version: Version of what the endpoint serves; it enters the fingerprint.
        top: Highest digit, 1..9; the score is the digit / top.
        from_logprobs: Whether the score is the expected digit; if not, it is read from the text.
        top_logprobs: How many of the likeliest first tokens are asked for.
        least_mass: Probability that the digits must have together; below it, the model was about to say something else
            and its digits mean nothing.
        most_tokens: Longest answer where the score is read from the text.
        sources: Folder of source pictures of editing prompts (`benchmarks.tasks.edits`); where it is set, the source
            is sent before the picture, and {prompt} is the instruction alone.
        key_variable: Name of the environment variable with the key of the endpoint; None sends none. The key itself is
            in no record and no error.
        parallel: Requests at a time.
        timeout: Seconds that one request may take.
        retries: How often and how soon a failed request is repeated.

    Source:
        ParetoSlider (arXiv 2604.20816), released code: expected digit over 0..5 of the 20 likeliest first tokens,
        divided by 5. `least_mass` and the rubrics' words are ours.
    """

    base_url: str
    model: str
    rubric: str
    name: str
    version: str = ""
    unit: str = "digit / highest digit"
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (0.0, 1.0)
    top: int = 5
    from_logprobs: bool = True
    top_logprobs: int = 20
    least_mass: float = 0.01
    most_tokens: int = 16
    sources: Path | None = None
    key_variable: str | None = None
    parallel: int = 8
    timeout: float = 60.0
    retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: If one is out of range, a placeholder is unknown, or the rubric needs sources.
        """
        where = f"reward {self.name}"
        checked_url(self.base_url, where)
        check_settings(self.name, 1 / 9, 1, self.timeout)
        if not 1 <= self.top <= 9:
            raise ValueError(f"{where}: top must be in 1..9, one digit, found {self.top}")
        for field_name in ("top_logprobs", "most_tokens", "parallel"):
            if vars(self)[field_name] < 1:
                raise ValueError(f"{where}: {field_name} must be at least 1, found {vars(self)[field_name]}")
        if not 0 <= self.least_mass <= 1:
            raise ValueError(f"{where}: least_mass must be in [0, 1], found {self.least_mass}")
        unknown = sorted(set(_PLACEHOLDER.findall(self.rubric)) - PLACEHOLDERS)
        if unknown:
            raise ValueError(f"{where}: rubric must have no placeholders but {{prompt}} and {{top}}, found {unknown}")
        if self.rubric in (EDIT_SUCCESS_RUBRIC, SOURCE_PRESERVATION_RUBRIC) and self.sources is None:
            raise ValueError(f"{where}: this rubric compares with a source, so sources must be set, found None")

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are no pictures, the key is missing, or the judge gives no digit.
            UsageError: If sources are set and a prompt or its source is at fault.
        """
        check_pictures(samples, self.name, size=None)
        return scored_in_batches(
            self._ask, samples, prompts, reward=self.name, batch=max(1, len(prompts)), scale=1 / self.top
        )

    def _ask(self, pixels: np.ndarray, prompts: Sequence[str]) -> list[float]:
        endpoint = Endpoint(self.base_url, self.timeout, self._key())
        # Prompts repeat, so each one's text and source are made once.
        heads = {prompt: self._head(prompt) for prompt in dict.fromkeys(prompts)}

        def digit(picture: np.ndarray, prompt: str) -> float:
            body = self._request([*heads[prompt], *_announced("Picture to score:", picture)])

            def attempt() -> float:
                # Once a picture has failed, no more is asked: its error is raised whatever the others' results.
                return math.nan if failed.is_set() else self._digit(endpoint.post(PATH, body, "application/json"))

            try:
                return persist(attempt, self.retries, f"reward {self.name}: {self.base_url}")
            except RewardError:
                failed.set()
                raise

        failed = threading.Event()
        # Leaving the block waits for every thread.
        with ThreadPoolExecutor(self.parallel) as pool:
            return list(pool.map(digit, pixels, prompts))

    def _head(self, prompt: str) -> list[dict[str, Any]]:
        said = prompt if self.sources is None else split_edit(prompt)[1]
        filled = _PLACEHOLDER.sub(lambda match: {"{prompt}": said, "{top}": str(self.top)}[match[0]], self.rubric)
        parts: list[dict[str, Any]] = [{"type": "text", "text": filled}]
        if self.sources is not None:
            parts += _announced("Source picture:", quantized(Sources(self.sources).image(prompt)))
        return parts

    def _request(self, parts: Sequence[Mapping[str, Any]]) -> bytes:
        body: dict[str, Any] = {
            "model": self.model,
            "temperature": 0,
            "max_tokens": 1 if self.from_logprobs else self.most_tokens,
            "messages": [{"role": "user", "content": list(parts)}],
        }
        if self.from_logprobs:
            body |= {"logprobs": True, "top_logprobs": self.top_logprobs}
        return json.dumps(body).encode()

    def _digit(self, reply: bytes) -> float:
        if not self.from_logprobs:
            return float(digit_in_text(text_of(reply), self.top))
        likeliest = likeliest_first_tokens(reply)
        mean, mass = expected_digit(likeliest, self.top)
        if math.isnan(mean) or mass < self.least_mass:
            tokens = ", ".join(repr(token) for token, _ in likeliest[:3])
            raise PermanentError(
                f"expected digits 0..{self.top} with a probability of {self.least_mass:g} or more as the first token, "
                f"found {mass:.2g} (the first tokens are {one_line(tokens, most=80)})"
            )
        return mean

    def _key(self) -> str | None:
        if self.key_variable is None:
            return None
        key = os.environ.get(self.key_variable, "").strip()
        # Checked here, because the error of whoever builds the header would show it.
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            found = "none" if not key else "characters that no key has"
            raise RewardError(
                f"reward {self.name}: expected a key in the environment variable {self.key_variable}, found {found}"
            )
        return key

    def describe(self) -> Mapping[str, Any]:
        """Return what defines the score; nobody is asked."""
        return {
            "judge": self.model,
            "version": self.version,
            "rubric": self.rubric,
            "top": self.top,
            "from_logprobs": self.from_logprobs,
            "top_logprobs": self.top_logprobs,
            "source": self.sources is not None,
            "bits": 8,
        }


def _announced(words: str, picture: np.ndarray) -> list[dict[str, Any]]:
    url = f"data:image/png;base64,{to_text(picture)}"
    return [{"type": "text", "text": words}, {"type": "image_url", "image_url": {"url": url}}]
