"""Trying again: how often, after how long, and the one line that says it was in vain."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.base import RewardError
from benchmarks.rewards.faults import PermanentError, TemporaryError
from benchmarks.rewards.wire import WireError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Retries:
    """How often a failed request is repeated, and the pauses before it: doubling, up to a longest one, never random.

    Attributes:
        times: Attempts after the first one.
        pause: Seconds before the second attempt.
        longest: Seconds that no pause exceeds.

    Example:
        >>> Retries(times=5, pause=0.5, longest=3.0).pauses
        (0.5, 1.0, 2.0, 3.0, 3.0)
    """

    times: int = 5
    pause: float = 0.5
    longest: float = 30.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: If a number is out of range.
        """
        if self.times < 0:
            raise ValueError(f"retries.times must be at least 0, found {self.times}")
        if not (0 <= self.pause < math.inf and 0 <= self.longest < math.inf):
            raise ValueError(
                f"retries.pause and retries.longest must be finite and not negative, found {self.pause}, {self.longest}"
            )

    @property
    def pauses(self) -> tuple[float, ...]:
        """Seconds before each attempt but the first."""
        # The exponent is bounded: 2.0**1024 is no number, and any pause has met its bound long before.
        return tuple(min(self.pause * 2.0 ** min(i, 64), self.longest) for i in range(self.times))


def persist(attempt: Callable[[], Result], retries: Retries, where: str) -> Result:
    """Return what the first attempt that succeeds returns.

    Args:
        attempt: Tries once; a TemporaryError or WireError of it is a reason to try again.
        retries: How often and how soon.
        where: Who was asked, the beginning of the error line.

    Raises:
        RewardError: If an attempt cannot succeed or all have failed; it says what was expected, what was found in the
            last attempt, and how often it was tried.
    """
    pauses = retries.pauses
    for done in range(len(pauses) + 1):
        try:
            return attempt()
        except PermanentError as error:
            raise RewardError(f"{where}: {error} ({_times(done + 1)})") from error
        except (TemporaryError, WireError) as error:
            if done == len(pauses):
                raise RewardError(f"{where}: {error} ({_times(done + 1)})") from error
        time.sleep(pauses[done])
    raise AssertionError("the last attempt returns or raises")


def _times(count: int) -> str:
    return f"tried {count} times" if count > 1 else "tried once"
