"""Where the time of a training step goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Seconds spent in named stages, added up over all uses.

    On a GPU a stage begins and ends with what was queued before it done.

    Example:
        >>> watch = Stopwatch("cpu")
        >>> with watch.stage("rollout"):
        ...     pass
        >>> list(watch.seconds), watch.seconds["rollout"] >= 0
        (['rollout'], True)
    """

    def __init__(self, device: str) -> None:
        """Take the type of the device, such as "cuda"."""
        self._cuda = device == "cuda"
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run the block and add its time to the stage; stages must not lie within each other."""
        started = self._now()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + self._now() - started

    def _now(self) -> float:
        if self._cuda:
            torch.cuda.synchronize()
        return time.perf_counter()
