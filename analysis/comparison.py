"""Two folders of results side by side: how each metric differs, and whether that may be chance.

Two questions have two answers. Over seeds: would other trainings of the two differ likewise? A seed is one pair, and
fewer than six can never make a two-sided sign-flip test significant at 5 %. Over prompts, these seeds only: do these
very models differ on prompts like these? A prompt is one pair, the mean over the seeds of what it contributes. That
says nothing of another training, but it is what a check for regressions asks, and six prompts can answer it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.findings import WORSE, Finding, findings_of
from analysis.improvement import Improvement, probability_of_improvement
from analysis.intervals import TwoLevel, two_level
from analysis.matching import Match, Matched
from analysis.metrics import ALL, HYPERVOLUME, Values, default_metrics, values_of
from analysis.states import Sides, read_sides
from analysis.statistics import Interval, interval
from benchmarks.records import UsageError

Level = Literal["seeds", "prompts"]
SEEDS: Level = "seeds"
PROMPTS: Level = "prompts"


@dataclass(frozen=True, eq=False)
class Compared:
    """One metric of one match.

    Attributes:
        match: Who faces whom.
        metric: Name of the metric.
        higher_is_better: Its direction.
        first: Values of the first side on the shared seeds.
        second: Values of the second side.
        seeds: The difference over seeds.
        prompts: The difference over prompts, for these seeds only; None where prompts cannot be told apart.
        both: The difference with its interval for new seeds and new prompts; None likewise.
    """

    match: Match
    metric: str
    higher_is_better: bool
    first: Interval
    second: Interval
    seeds: Finding
    prompts: Finding | None
    both: TwoLevel | None

    def finding(self, level: Level) -> Finding | None:
        """Return what one of the two levels says."""
        return self.seeds if level == SEEDS else self.prompts


@dataclass(frozen=True, eq=False)
class Comparison:
    """All metrics of all matches of two folders.

    Attributes:
        compared: One entry a match and metric, matches in order.
        alpha: Level of the tests.
        improvement: Probability that a run of the second side has the larger hypervolume, over all matches; None
            where the hypervolume was not compared.
        n_prompts: Number of prompts, by name of the match.
        notes: Sentences about what was left out or differs.
    """

    compared: tuple[Compared, ...]
    alpha: float
    improvement: Improvement | None
    n_prompts: Mapping[str, int]
    notes: tuple[str, ...]

    def worse(self, level: Level) -> bool:
        """Return whether the second side is worse in any metric at a level."""
        findings = (one.finding(level) for one in self.compared)
        return any(finding is not None and finding.verdict == WORSE for finding in findings)


def compare(matched: Matched, metrics: Sequence[str], *, alpha: float, generator: np.random.Generator) -> Comparison:
    """Compare two folders.

    Args:
        matched: What they have in common.
        metrics: Names of `analysis.metrics`, `all`, or none for the hypervolume and every reward.
        alpha: Probability of any false finding at one level, in (0, 1); intervals cover 1 - alpha.
        generator: Draws sign patterns where there are too many to count.

    Raises:
        UsageError: If alpha is out of range or a metric is known of no match.
        RecordError: If a record is damaged.
    """
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"--alpha: expected a number between 0 and 1, found {alpha:g}")
    sides = [read_sides(match) for match in matched.matches]
    found = [(side, values) for side in sides for values in values_of(side, metrics or default_metrics(side.match))]
    _require_known(metrics, sides, {values.metric for _, values in found})
    volumes = [values for _, values in found if values.metric == HYPERVOLUME]
    return Comparison(
        compared=_compared(found, alpha, generator),
        alpha=alpha,
        improvement=_improvement(volumes, 1.0 - alpha) if volumes else None,
        n_prompts={side.match.name: side.n_prompts for side in sides},
        notes=(*matched.notes, *_noise_notes(sides)),
    )


def _require_known(metrics: Sequence[str], sides: Sequence[Sides], found: set[str]) -> None:
    for metric in metrics:
        if metric not in found and metric != ALL:
            known = dict.fromkeys(values.metric for side in sides for values in values_of(side, [ALL]))
            raise UsageError(f"--metric: expected all or one of {', '.join(known)}, found {metric}")


def _noise_notes(sides: Sequence[Sides]) -> list[str]:
    notes = []
    for side in sides:
        seeds = ", ".join(map(str, side.other_noise()))
        if seeds:
            notes.append(f"{side.match.name}: base models differ in seeds {seeds}: pairs share prompts, but no noise")
    return notes


def _compared(
    found: Sequence[tuple[Sides, Values]], alpha: float, generator: np.random.Generator
) -> tuple[Compared, ...]:
    every = [values for _, values in found]
    over_prompts = [_over_prompts(values) for values in every]
    seeds = findings_of(
        [_over_seeds(values) for values in every],
        [values.higher_is_better for values in every],
        unit=SEEDS, alpha=alpha, generator=generator,
    )  # fmt: skip
    prompts = iter(
        findings_of(
            [gaps for gaps in over_prompts if gaps],
            [values.higher_is_better for values, gaps in zip(every, over_prompts, strict=True) if gaps],
            unit=PROMPTS, alpha=alpha, generator=generator,
        )
    )  # fmt: skip
    return tuple(
        Compared(
            match=side.match,
            metric=values.metric,
            higher_is_better=values.higher_is_better,
            first=interval(values.first, level=1.0 - alpha),
            second=interval(values.second, level=1.0 - alpha),
            seeds=over_seeds,
            prompts=next(prompts) if gaps else None,
            both=_both_levels(values, 1.0 - alpha) if gaps else None,
        )
        for (side, values), over_seeds, gaps in zip(found, seeds, over_prompts, strict=True)
    )


def _over_seeds(values: Values) -> dict[int, float]:
    return {seed: values.second[seed] - values.first[seed] for seed in values.first}


def _over_prompts(values: Values) -> dict[int, float]:
    """Return what each prompt contributes to the difference, the mean over seeds, of prompts that every seed has."""
    tables = list((values.prompts or {}).values())
    shared = [prompt for prompt in tables[0] if all(prompt in table for table in tables)] if tables else []
    return {prompt: float(np.mean([table[prompt] for table in tables])) for prompt in shared}


def _both_levels(values: Values, level: float) -> TwoLevel:
    tables = list((values.prompts or {}).values())
    prompts = sorted({prompt for table in tables for prompt in table})
    return two_level([[table.get(prompt, np.nan) for prompt in prompts] for table in tables], level=level)


def _improvement(volumes: Sequence[Values], level: float) -> Improvement:
    first = [list(values.first.values()) for values in volumes]
    second = [list(values.second.values()) for values in volumes]
    return probability_of_improvement(second, first, level=level)
