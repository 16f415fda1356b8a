"""How often and how soon is tried again, and what is said when it was in vain."""

import re
import time

import pytest

from benchmarks.base import RewardError
from benchmarks.rewards.faults import PermanentError, TemporaryError
from benchmarks.rewards.retries import Retries, persist
from benchmarks.rewards.wire import WireError


@pytest.mark.parametrize(("failures", "expected"), [(0, []), (1, [0.5]), (3, [0.5, 1.0, 1.5])])
def test_pauses_double_up_to_the_longest_and_are_never_random(
    monkeypatch: pytest.MonkeyPatch, failures: int, expected: list[float]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    left = iter([TemporaryError("x"), WireError("y"), TemporaryError("z")][:failures])

    def attempt() -> str:
        for error in left:
            raise error
        return "done"

    assert persist(attempt, Retries(times=3, pause=0.5, longest=1.5), "here") == "done"
    assert slept == expected


@pytest.mark.parametrize(("times", "says"), [(0, "tried once"), (2, "tried 3 times")])
def test_the_last_failure_is_told_with_the_number_of_attempts(times: int, says: str) -> None:
    calls = iter(range(9))

    def attempt() -> None:
        raise TemporaryError(f"expected 1, found {next(calls)}")

    with pytest.raises(RewardError, match=re.escape(f"here: expected 1, found {times} ({says})")):
        persist(attempt, Retries(times=times, pause=0.0), "here")
    assert next(calls) == times + 1


def test_what_cannot_pass_is_not_tried_again() -> None:
    calls = iter(range(9))

    def attempt() -> None:
        next(calls)
        raise PermanentError("expected a key, found none")

    with pytest.raises(RewardError, match=re.escape("here: expected a key, found none (tried once)")):
        persist(attempt, Retries(), "here")
    assert next(calls) == 1


def test_faults_of_ours_are_not_hidden() -> None:
    def attempt() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        persist(attempt, Retries(), "here")


def test_many_retries_have_finite_pauses() -> None:
    assert Retries(times=5000, pause=1e-3, longest=2.0).pauses[-1] == 2.0


@pytest.mark.parametrize("fields", [{"times": -1}, {"pause": -1.0}, {"longest": float("inf")}, {"pause": float("nan")}])
def test_numbers_out_of_range_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"retries.{next(iter(fields))}"):
        Retries(**fields)  # type: ignore[arg-type]
