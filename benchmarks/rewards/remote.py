"""A reward behind HTTP: `python -m benchmarks.rewards.serve` is one other end, any service that speaks so another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from torch import Tensor

from benchmarks.rewards.batches import check_settings, scored_in_batches
from benchmarks.rewards.exchange import Endpoint, checked_url
from benchmarks.rewards.faults import PermanentError, TemporaryError
from benchmarks.rewards.png import encode_json_request
from benchmarks.rewards.retries import Retries, persist
from benchmarks.rewards.wire import WireError, decode_object, decode_scores, encode_request

SAFETENSORS, JSON = "application/x-safetensors", "application/json"
"""Content types of the two encodings."""


@dataclass(frozen=True)
class RemoteReward:
    """A reward that a server gives: `GET <url>/health` says which one it is, `POST <url>/score` scores.

    Samples travel with 8 bits a channel (`benchmarks.rewards.wire`). Name and version are asked for before the first
    score, and again whenever a request failed, because another server may answer after that. A fault that may pass
    (no connection, no answer in time, status 5xx, 408 or 429, an answer that is not what it should be) is met by
    trying again; any other ends the run at once. A run that ends so can be resumed: what it was doing depends on
    seed and step alone, so the step is repeated with the same samples.

    Attributes:
        url: Address of the server, `http(s)://host[:port][/path]`. Where a reward lives is no part of its definition.
        name: Name of the reward; the server must say the same.
        version: Version of the reward; the server must say the same, and it enters the fingerprint.
        unit: Unit of the score, after scaling.
        higher_is_better: Direction of the score, after scaling.
        range: Lowest and highest possible score, after scaling.
        scale: What the server's number is multiplied by.
        batch: Samples of one request, at most.
        timeout: Seconds that one request may take.
        retries: How often and how soon a failed request is repeated.
        encoding: `safetensors`, or `png` for services that speak JSON only.
    """

    url: str
    name: str
    version: str
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)
    scale: float = 1.0
    batch: int = 16
    timeout: float = 60.0
    retries: Retries = field(default_factory=Retries)
    encoding: Literal["safetensors", "png"] = "safetensors"

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: If one is out of range or the url is none.
        """
        checked_url(self.url, f"reward {self.name}")
        check_settings(self.name, self.scale, self.batch, self.timeout)
        if self.encoding not in ("safetensors", "png"):
            raise ValueError(f"reward {self.name}: encoding must be safetensors or png, found {self.encoding!r}")

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] or videos [B, F, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are neither, the server is another or gives no scores however often it is asked.
        """
        return scored_in_batches(self._ask, samples, prompts, reward=self.name, batch=self.batch, scale=self.scale)

    def _ask(self, pixels: np.ndarray, prompts: Sequence[str]) -> list[float]:
        encode, content_type = (encode_json_request, JSON) if self.encoding == "png" else (encode_request, SAFETENSORS)
        body = encode(pixels, prompts)

        def attempt() -> list[float]:
            try:
                self._known  # noqa: B018 (asks the server who it is, unless it has said so)
                return decode_scores(self._endpoint.post("/score", body, content_type), len(prompts))
            except (TemporaryError, WireError):
                # A frozen dataclass forbids `del`; the property is asked again after this.
                vars(self).pop("_known", None)
                raise

        return persist(attempt, self.retries, f"reward {self.name}: {self.url}")

    def check_health(self) -> None:
        """Ask the server who it is, unless it has said so.

        Raises:
            RewardError: If it does not answer, or is another.
        """
        persist(lambda: self._known, self.retries, f"reward {self.name}: {self.url}")

    @property
    def _endpoint(self) -> Endpoint:
        return Endpoint(self.url, self.timeout)

    @cached_property
    def _known(self) -> bool:
        health = decode_object(self._endpoint.get("/health"))
        found = health.get("name"), health.get("version")
        if found != (self.name, self.version):
            raise PermanentError(
                f"expected a server of {self.name!r}, version {self.version!r}, "
                f"found {found[0]!r:.80}, version {found[1]!r:.80}"
            )
        return True

    def describe(self) -> Mapping[str, Any]:
        """Return what defines the score; the server is not asked."""
        return {"remote": self.name, "version": self.version, "scale": self.scale, "bits": 8}
