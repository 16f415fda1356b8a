"""A reward in a process and a Python environment of its own, for packages that pin old versions of others."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from benchmarks.rewards.batches import check_settings, scored_in_batches
from benchmarks.rewards.processes import Worker
from benchmarks.rewards.retries import Retries, persist
from benchmarks.rewards.wire import decode_scores, encode_request


@dataclass(frozen=True)
class IsolatedReward:
    """A reward that a subprocess gives; it is started before the first score and ends with this object.

    Samples travel with 8 bits a channel (`benchmarks.rewards.wire`). The other environment needs Python 3.8 or later,
    numpy, torch unless `arrays` is `numpy`, and whatever the factory needs. A worker that dies or takes too long is
    started again, which counts as a retry; so does a score that raises. A factory that cannot be loaded ends the run
    at once.

    Attributes:
        python: Path of the other environment's interpreter. Where a reward lives is no part of its definition.
        factory: `module:Class` in that environment, called with `arguments`; what it returns is called with samples
            [b, 3, H, W] or [b, F, 3, H, W], float32 in [0, 1], and a list of b prompts, and returns b numbers, NaN
            where it does not apply.
        name: Name of the reward.
        version: Version of the reward, such as that of its packages and weights; it enters the fingerprint.
        arguments: Keyword arguments of the factory, JSON data.
        where: Further ones that only say where files lie, JSON data; they are no part of the definition.
        unit: Unit of the score, after scaling.
        higher_is_better: Direction of the score, after scaling.
        range: Lowest and highest possible score, after scaling.
        scale: What the worker's number is multiplied by.
        batch: Samples of one message, at most.
        timeout: Seconds that one message may take.
        start_timeout: Seconds that starting the worker and loading may take.
        retries: How often and how soon a failed message is repeated.
        folder: Where the worker looks for the module before its own packages; None takes the current folder.
        arrays: Whether the worker passes samples as tensors of torch or as arrays of numpy.
    """

    python: str
    factory: str
    name: str
    version: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)
    scale: float = 1.0
    batch: int = 16
    timeout: float = 60.0
    start_timeout: float = 600.0
    retries: Retries = field(default_factory=Retries)
    folder: Path | None = None
    arrays: Literal["torch", "numpy"] = "torch"

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: If one is out of range or of another form.
        """
        check_settings(self.name, self.scale, self.batch, self.timeout)
        check_settings(self.name, self.scale, self.batch, self.start_timeout)
        module, _, attribute = self.factory.partition(":")
        if not module or not attribute:
            raise ValueError(f"reward {self.name}: factory must be module:Class, found {self.factory!r}")
        if self.arrays not in ("torch", "numpy"):
            raise ValueError(f"reward {self.name}: arrays must be torch or numpy, found {self.arrays!r}")
        try:
            json.dumps([dict(self.arguments), dict(self.where)], allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"reward {self.name}: arguments must be JSON data, found: {error}") from error
        if twice := sorted(self.arguments.keys() & self.where.keys()):
            raise ValueError(f"reward {self.name}: where must have other names than arguments, found {twice}")

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the scores [B] of pictures [B, 3, H, W] or videos [B, F, 3, H, W] in [0, 1].

        Raises:
            RewardError: If the samples are neither, or the worker gives no scores however often it is asked.
        """
        return scored_in_batches(self._ask, samples, prompts, reward=self.name, batch=self.batch, scale=self.scale)

    def _ask(self, pixels: np.ndarray, prompts: Sequence[str]) -> list[float]:
        message = encode_request(pixels, prompts)

        def attempt() -> list[float]:
            return decode_scores(self._place.worker().ask(message, self.timeout), len(prompts))

        return persist(attempt, self.retries, f"reward {self.name}: {self.python}")

    @cached_property
    def _place(self) -> "_Place":
        order = {
            "factory": self.factory,
            "arguments": {**self.arguments, **self.where},
            "folder": None if self.folder is None else str(self.folder),
            "arrays": self.arrays,
        }
        return _Place(self.python, order, self.start_timeout)

    def close(self) -> None:
        """Stop the worker, if one runs; the next score starts another."""
        self._place.close()

    def describe(self) -> Mapping[str, Any]:
        """Return what defines the score; nothing is started."""
        return {
            "isolated": self.factory,
            "arguments": dict(self.arguments),
            "version": self.version,
            "scale": self.scale,
            "bits": 8,
        }


class _Place:
    # Holds the one worker of a reward, and another one after that has ended.

    def __init__(self, python: str, order: Mapping[str, Any], timeout: float) -> None:
        self._python, self._order, self._timeout = python, order, timeout
        self._worker: Worker | None = None

    def worker(self) -> Worker:
        if self._worker is None or not self._worker.alive:
            self.close()
            self._worker = Worker(self._python, self._order, self._timeout)
        return self._worker

    def close(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
