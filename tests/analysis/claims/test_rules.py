"""Rules: a verdict needs the whole interval, one seed decides nothing, and one failure decides for many."""

import pytest

from analysis.claims.base import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, Effect, Rule
from analysis.claims.rules import NO_INTERVAL, Within, above, at_least, at_most, below

YES, NO, OPEN = SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE
CASES: list[tuple[Rule, float, float, str]] = [
    (above(0.5), 0.6, 0.7, YES),
    (above(0.5), 0.4, 0.6, OPEN),
    (above(0.5), 0.1, 0.4, NO),
    (above(0.5), 0.5, 0.5, NO),
    (at_least(0.5), 0.5, 0.5, YES),
    (at_least(0.5), 0.5, 0.9, YES),
    (at_least(0.5), 0.4, 0.5, OPEN),
    (at_least(0.5), 0.3, 0.4, NO),
    (below(-1.0), -3.0, -2.0, YES),
    (below(-1.0), -3.0, 0.0, OPEN),
    (below(-1.0), -0.5, 0.0, NO),
    (below(-1.0), -1.0, -1.0, NO),
    (at_most(0.0), 0.0, 0.0, YES),
    (at_most(0.0), -1.0, 0.5, OPEN),
    (at_most(0.0), 0.1, 0.5, NO),
    (above(0.0, margin=0.02), 0.001, 0.019, NO),
    (above(0.0, margin=0.02), -0.02, 0.02, NO),
    (above(0.0, margin=0.02), 0.001, 0.03, YES),
    (above(0.0, margin=0.02), -0.001, 0.03, OPEN),
    (below(0.0, margin=0.02), -0.019, -0.001, NO),
    (below(0.0, margin=0.02), -0.03, -0.001, YES),
    (Within(0.1), -0.1, 0.1, YES),
    (Within(0.1), 0.05, 0.15, OPEN),
    (Within(0.1), 0.11, 0.15, NO),
    (Within(0.1), -0.3, -0.11, NO),
    (Within(0.1, center=1.0), 0.95, 1.05, YES),
    (Within(0.1, center=1.0), 0.0, 0.5, NO),
]


def effect(low: float | None, high: float | None, name: str = "a") -> Effect:
    return Effect(name, 0.0 if low is None or high is None else (low + high) / 2, low, high, (0, 1), "")


@pytest.mark.parametrize(("rule", "low", "high", "expected"), CASES)
def test_a_verdict_needs_the_whole_interval(rule: Rule, low: float, high: float, expected: str) -> None:
    assert rule([effect(low, high)]).verdict == expected


@pytest.mark.parametrize("rule", [above(0.0), below(0.0), at_least(0.0), at_most(0.0), Within(0.1)])
def test_one_seed_decides_nothing(rule: Rule) -> None:
    decision = rule([effect(None, None)])
    assert decision.verdict == INCONCLUSIVE
    assert decision.reason == f"a: {NO_INTERVAL}"


@pytest.mark.parametrize("rule", [above(0.0), at_least(0.0), Within(0.1)])
def test_no_effect_is_refused(rule: Rule) -> None:
    with pytest.raises(ValueError, match="at least one"):
        rule([])


def test_all_must_hold_and_one_failure_is_enough() -> None:
    good, unsure, bad = effect(1.0, 2.0, "good"), effect(-1.0, 2.0, "unsure"), effect(-2.0, -1.0, "bad")
    assert above(0.0)([good, good]).verdict == SUPPORTED
    decision = above(0.0)([good, unsure])
    assert (decision.verdict, decision.reason) == (INCONCLUSIVE, "unsure: inconclusive")
    decision = above(0.0)([good, unsure, bad])
    assert (decision.verdict, decision.reason) == (NOT_SUPPORTED, "bad: not supported (the other way)")


@pytest.mark.parametrize(
    ("rule", "low", "high", "reason"),
    [
        (above(0.0), -2.0, -1.0, "the other way"),
        (above(0.0, margin=0.5), -0.2, 0.4, "too small to matter"),
        (above(0.0, margin=0.5), -0.4, -0.2, "too small to matter"),
        (above(0.0, margin=0.5), -0.8, -0.2, "the other way"),
        (below(0.0), 0.1, 0.2, "the other way"),
        (above(0.9), 0.5, 0.8, "not above 0.9"),
        (below(-0.5), -0.4, 0.3, "not below -0.5"),
        (at_most(0.05), 0.1, 0.2, "not below 0.05"),
        (Within(0.1), 0.2, 0.3, ""),
    ],
)
def test_what_speaks_against_a_claim_is_said(rule: Rule, low: float, high: float, reason: str) -> None:
    decision = rule([effect(low, high)])
    assert (decision.verdict, decision.reason) == (NOT_SUPPORTED, reason)


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        (above(0.3, margin=0.1), ("lies above 0.3", "within 0.1 of it")),
        (below(-0.2), ("lies below -0.2",)),
        (at_least(-0.02), ("at or above -0.02",)),
        (at_most(1.5), ("at or below 1.5",)),
        (Within(0.25, 1.0), ("in [0.75, 1.25]",)),
    ],
)
def test_the_words_name_side_and_numbers(rule: Rule, numbers: tuple[str, ...]) -> None:
    assert all(number in rule.text for number in numbers)
