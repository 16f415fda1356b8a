"""How the weights' snapshots follow the trained ones: schedules only; the weights live elsewhere.

A snapshot is updated as snapshot <- decay * snapshot + (1 - decay) * current after the optimizer's step, with
decay = schedule(s) and s the number of steps done so far.
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@runtime_checkable
class Decay(Protocol):
    """The decay [0, 1] after s >= 0 optimizer steps."""

    def __call__(self, step: int) -> float:
        """Return the decay in [0, 1]."""
        ...


@dataclass(frozen=True)
class OnPolicy:
    """Decay 0: the snapshot equals the trained weights after every step.

    Source: DiffusionNFT (arXiv 2509.16117), released configuration "decay type 0".

    Example:
        >>> OnPolicy()(500)
        0.0
    """

    def __call__(self, step: int) -> float:
        """Return 0."""
        return 0.0


@dataclass(frozen=True)
class LinearDecay:
    """Decay `initial` up to step `start`, then growing by `rate` a step up to `limit`.

    Source: DiffusionNFT, section on the soft update; (0, 0.001, 0.5) is its default and ParetoSlider's ("type 1"),
    (75, 0.0075, 0.999) its slow variant ("type 2"). The paper counts iterations, the released code optimizer steps,
    as here. (0, 0.005, 0.999, 0.25) is the old policy of CRD.

    Example:
        >>> [LinearDecay()(s) for s in (0, 1, 500, 1000)]
        [0.0, 0.001, 0.5, 0.5]
        >>> [round(LinearDecay(75, 0.0075, 0.999)(s), 4) for s in (75, 76, 100, 209)]
        [0.0, 0.0075, 0.1875, 0.999]
        >>> [round(LinearDecay(0, 0.005, 0.999, 0.25)(s), 4) for s in (0, 2, 100, 150)]
        [0.25, 0.26, 0.75, 0.999]
    """

    start: int = 0
    rate: float = 0.001
    limit: float = 0.5
    initial: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.rate < 0 or self.start < 0 or not 0 <= self.initial <= self.limit <= 1:
            raise ValueError(f"LinearDecay needs start >= 0, rate >= 0 and 0 <= initial <= limit <= 1, found {self}")

    def __call__(self, step: int) -> float:
        """Return the decay after `step` steps."""
        return min(self.initial + self.rate * max(step - self.start, 0), self.limit)


@dataclass(frozen=True)
class WarmupAverage:
    """The evaluation average: decay min((1 + s) / (10 + s), limit), s the steps done.

    Source: DiffusionNFT, released code, limit 0.9.

    Example:
        >>> [round(WarmupAverage()(s), 6) for s in (1, 10, 80, 1000)]
        [0.181818, 0.55, 0.9, 0.9]
    """

    limit: float = 0.9

    def __post_init__(self) -> None:
        """Check the range."""
        if not 0 <= self.limit < 1:
            raise ValueError(f"WarmupAverage needs limit in [0, 1), found {self.limit}")

    def __call__(self, step: int) -> float:
        """Return the decay after `step` steps."""
        return min((1 + step) / (10 + step), self.limit)


@dataclass(frozen=True)
class SnapshotSchedule:
    """One schedule a snapshot.

    `old` is the policy that losses contrast with; it also samples the rollouts unless `sampling` gives the sampling
    policy a schedule of its own (CRD's decoupling).
    """

    old: Decay = field(default_factory=LinearDecay)
    evaluation: Decay = field(default_factory=WarmupAverage)
    sampling: Decay | None = None

    def __post_init__(self) -> None:
        """Check that all are schedules."""
        for name in ("old", "evaluation", "sampling"):
            if not isinstance(vars(self)[name], Decay) and (name != "sampling" or self.sampling is not None):
                raise TypeError(f"{name} must be a Decay, found {type(vars(self)[name]).__name__}")

    @property
    def sampler(self) -> str:
        """Name of the snapshot that samples the rollouts."""
        return "old" if self.sampling is None else "sampling"
