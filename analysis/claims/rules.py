"""Rules from intervals to verdicts. A rule stands with its threshold beside the claim.

Thresholds and margins follow a paper's numbers where it has some; else they are 0 or this project's choice.

A verdict needs the whole 95 % interval on one side. One seed has no interval and decides nothing. Of several effects
all must hold for `supported`, and one that fails is enough for `not supported`, so that no correction for their number
is needed for the former.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.claims.base import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, Decision, Effect

NO_INTERVAL = "one seed has no interval"
CONTRARY, SMALL = "the other way", "too small to matter"


@dataclass(frozen=True)
class Beyond:
    """The effect lies on one side of a threshold.

    Attributes:
        threshold: The threshold.
        upward: Whether above it supports the claim.
        closed: Whether the threshold itself does.
        margin: An interval that is no further than this from the threshold on the claim's side does not support it:
            the effect is too small to matter.
    """

    threshold: float = 0.0
    upward: bool = True
    closed: bool = False
    margin: float = 0.0

    @property
    def text(self) -> str:
        """The rule in words.

        Example:
            >>> above(0.5).text
            'supported if the interval lies above 0.5, not supported if none of it does'
            >>> at_most(0.0).text
            'supported if the interval lies at or below 0, not supported if none of it does'
            >>> at_least(-0.5).text
            'supported if the interval lies at or above -0.5 (0.5 less is allowed), not supported if none of it does'
        """
        side = {True: "above", False: "below"}[self.upward]
        small = f" or it lies within {self.margin:g} of it" if self.margin else ""
        at = "at or " if self.closed else ""
        less = f" ({-self.threshold:g} less is allowed)" if self.closed and self.upward and self.threshold < 0 else ""
        where = f"{at}{side} {self.threshold:g}{less}"
        return f"supported if the interval lies {where}, not supported if none of it does{small}"

    def __call__(self, effects: Sequence[Effect]) -> Decision:
        """Return the verdict; where a claim is not supported, with what speaks against it."""
        return combined(effects, self._judge, self._against)

    def _against(self, low: float, high: float) -> str:
        """Return what speaks against the claim: that an effect is small, or on the other side."""
        if max(abs(low - self.threshold), abs(high - self.threshold)) <= self.margin:
            return SMALL
        # With another threshold than 0 an effect may fall short of it without going the other way.
        return CONTRARY if self.threshold == 0.0 else f"not {'above' if self.upward else 'below'} {self.threshold:g}"

    def _judge(self, low: float, high: float) -> str:
        sign = 1.0 if self.upward else -1.0
        near, far = sorted((sign * (low - self.threshold), sign * (high - self.threshold)))
        if far < 0 or (not self.closed and far <= 0):
            return NOT_SUPPORTED
        if self.margin and max(abs(near), abs(far)) <= self.margin:
            return NOT_SUPPORTED
        return SUPPORTED if near > 0 or (self.closed and near >= 0) else INCONCLUSIVE


def above(threshold: float, margin: float = 0.0) -> Beyond:
    """Return the rule that the effect lies above a threshold."""
    return Beyond(threshold, margin=margin)


def below(threshold: float, margin: float = 0.0) -> Beyond:
    """Return the rule that the effect lies below a threshold."""
    return Beyond(threshold, upward=False, margin=margin)


def at_least(threshold: float) -> Beyond:
    """Return the rule that the effect is no less than a threshold; a negative one allows to be worse by so much."""
    return Beyond(threshold, closed=True)


def at_most(threshold: float) -> Beyond:
    """Return the rule that the effect is no more than a threshold."""
    return Beyond(threshold, upward=False, closed=True)


@dataclass(frozen=True)
class Within:
    """The effect is no further from a value than a margin of equivalence."""

    margin: float
    center: float = 0.0

    @property
    def text(self) -> str:
        """The rule in words.

        Example:
            >>> Within(0.02).text
            'supported if the interval lies in [-0.02, 0.02], not supported if none of it does'
        """
        return (
            f"supported if the interval lies in [{self.center - self.margin:g}, {self.center + self.margin:g}], "
            "not supported if none of it does"
        )

    def __call__(self, effects: Sequence[Effect]) -> Decision:
        """Return the verdict."""
        return combined(effects, self._judge)

    def _judge(self, low: float, high: float) -> str:
        if low - self.center > self.margin or high - self.center < -self.margin:
            return NOT_SUPPORTED
        inside = low - self.center >= -self.margin and high - self.center <= self.margin
        return SUPPORTED if inside else INCONCLUSIVE


def combined(
    effects: Sequence[Effect],
    judge: Callable[[float, float], str],
    against: Callable[[float, float], str] | None = None,
) -> Decision:
    """Return the verdict on all effects together, and which of them stand against it.

    Args:
        effects: At least one.
        judge: From the ends of an interval to a verdict.
        against: From the ends of one that does not support the claim to what speaks against it.

    Raises:
        ValueError: If there is no effect.

    Example:
        >>> sure, one = Effect("a", 1.0, 0.5, 1.5, (0, 1), ""), Effect("b", 1.0, None, None, (0,), "")
        >>> combined([sure], above(0.0)._judge).verdict, combined([sure, one], above(0.0)._judge)
        ('supported', Decision(verdict='inconclusive', reason='b: one seed has no interval'))
    """
    if not effects:
        raise ValueError("effects must be at least one, found none")
    verdicts = [INCONCLUSIVE if one.low is None or one.high is None else judge(one.low, one.high) for one in effects]
    for verdict in (NOT_SUPPORTED, INCONCLUSIVE):
        hit = [one for one, own in zip(effects, verdicts, strict=True) if own == verdict]
        if hit:
            return Decision(verdict, "; ".join(_why(one, verdict, len(effects), against) for one in hit))
    reasons = [f"all {len(effects)} comparisons"] if len(effects) > 1 else []
    if any(one.low == one.high and len(one.seeds) > 1 for one in effects):
        reasons.append("no spread over seeds, so the interval says nothing of rarer cases")
    return Decision(SUPPORTED, "; ".join(reasons))


def _why(effect: Effect, verdict: str, count: int, against: Callable[[float, float], str] | None) -> str:
    if effect.low is None or effect.high is None:
        return f"{effect.name}: {NO_INTERVAL}"
    how = against(effect.low, effect.high) if against is not None and verdict == NOT_SUPPORTED else ""
    if count == 1:
        return how
    return f"{effect.name}: {verdict}{f' ({how})' if how else ''}"
