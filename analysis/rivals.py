"""A benchmark's best method against each of the others: over seeds, over prompts, and over both.

Three questions have three answers. Would other trainings differ likewise, on these prompts? The t interval over seeds
and the sign-flip test of seeds. Do these trainings differ on prompts like these? The sign-flip test of prompts, on
common prompts and noise. Would other trainings differ on other prompts? The interval over both levels, which is the
one to read where a method is to be chosen for prompts that are not among the benchmark's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.findings import Finding, findings_of
from analysis.front import Front
from analysis.hypervolume import is_exact
from analysis.improvement import Improvement, probability_of_improvement
from analysis.intervals import TwoLevel, two_level
from analysis.states import read_state
from analysis.summary import BenchmarkSummary

ALPHA = 0.05
Shares = Mapping[int, Mapping[int, float]]
"""What each prompt contributes to a quantity, by seed; the mean over prompts is the quantity of the seed."""


@dataclass(frozen=True, eq=False)
class Rival:
    """What the best method has ahead of another.

    Attributes:
        method: The other method.
        seeds: Best minus other over the shared seeds, corrected for the number of others.
        prompts: The same over prompts, for these trainings only; None where prompts cannot be told apart.
        both: The difference with its interval for new seeds and new prompts; None likewise.
        improvement: Probability that a training of the best is better than one of the other.
    """

    method: str
    seeds: Finding
    prompts: Finding | None
    both: TwoLevel | None
    improvement: Improvement


def shares_by_method(part: BenchmarkSummary) -> dict[str, dict[int, dict[int, float]]]:
    """Return what each prompt contributes to the hypervolume of each method's last checkpoint, by method and seed.

    Runs whose hypervolume is approximate, or in which a reward applies to one prompt alone, are left out.

    Args:
        part: The benchmark; its evaluations are read again.

    Raises:
        RecordError: If a file has become damaged since the summary was made.
    """
    found: dict[str, dict[int, dict[int, float]]] = {}
    for one in part.measured:
        if not one.trained:
            continue
        rewards = read_state(one.run).rewards
        if is_exact(*rewards.points.shape):
            shares = rewards.contributions(lambda points: part.yardstick.hypervolume(Front(points)))
            if shares is not None:
                found.setdefault(one.run.record.method.name, {})[one.run.record.seed] = shares
    return found


def two_levels(shares: Shares, *, level: float = 1.0 - ALPHA) -> TwoLevel:
    """Return the mean over seeds with its interval for new seeds and new prompts.

    Args:
        shares: By seed and prompt; a prompt that a seed lacks does not apply to it.
        level: Probability that the interval covers the expectation, in (0, 1).

    Raises:
        ValueError: As `analysis.intervals.two_level`.

    Example:
        >>> found = two_levels({0: {7: 1.0, 8: 3.0, 9: 5.0}, 1: {7: 2.0, 8: 4.0, 9: 6.0}})
        >>> found.mean, round(found.low, 3), found.prompts
        (3.5, -0.837, 3.0)
    """
    prompts = sorted({prompt for by_prompt in shares.values() for prompt in by_prompt})
    return two_level([[by_prompt.get(p, np.nan) for p in prompts] for by_prompt in shares.values()], level=level)


def rivals_of(
    values: Mapping[str, Mapping[int, float]],
    shares: Mapping[str, Shares],
    best: str,
    *,
    alpha: float = ALPHA,
    generator: np.random.Generator,
) -> tuple[Rival, ...]:
    """Return what the best method has ahead of each other one that shares a seed with it.

    Args:
        values: Value by seed by method, more is better.
        shares: What prompts contribute to them, by method; a method or seed may be missing.
        best: One of the methods.
        alpha: Probability of any false finding at one level, in (0, 1).
        generator: Draws sign patterns where there are too many to count.

    Returns:
        In the order of `values`.

    Raises:
        ValueError: If a value is not finite or alpha is out of range.

    Example:
        >>> values = {"a": {0: 3.0, 1: 3.1, 2: 3.3}, "b": {0: 1.0, 1: 1.2, 2: 1.1}}
        >>> shares = {name: {s: {7: v - 0.5, 8: v + 0.5} for s, v in by.items()} for name, by in values.items()}
        >>> (found,) = rivals_of(values, shares, "a", generator=np.random.default_rng(0))
        >>> round(found.seeds.test.difference, 3), found.seeds.adjusted_p, found.seeds.verdict
        (2.033, 0.25, 'not decidable')
        >>> found.prompts.adjusted_p, round(found.both.mean, 3), found.improvement.probability
        (0.5, 2.033, 1.0)
    """
    others = [name for name in values if name != best and values[name].keys() & values[best].keys()]
    gaps = {
        name: {seed: values[best][seed] - values[name][seed] for seed in sorted(values[best]) if seed in values[name]}
        for name in others
    }
    tables = {name: _differences(shares.get(best, {}), shares.get(name, {}), sorted(gaps[name])) for name in others}
    known = [name for name in others if tables[name]]
    seeds = _findings([gaps[name] for name in others], "seeds", alpha, generator)
    prompts = dict(
        zip(known, _findings([_by_prompt(tables[name]) for name in known], "prompts", alpha, generator), strict=True)
    )
    return tuple(
        Rival(
            method=name,
            seeds=finding,
            prompts=prompts.get(name),
            both=two_levels(tables[name], level=1.0 - alpha) if name in known else None,
            improvement=probability_of_improvement(
                [list(values[best].values())], [list(values[name].values())], level=1.0 - alpha
            ),
        )
        for name, finding in zip(others, seeds, strict=True)
    )


def _differences(best: Shares, other: Shares, seeds: Sequence[int]) -> Shares:
    """Return the difference of contributions by seed and prompt, nothing unless all seeds share a prompt."""
    if any(seed not in best or seed not in other for seed in seeds):
        return {}
    tables = {
        seed: {p: value - other[seed][p] for p, value in best[seed].items() if p in other[seed]} for seed in seeds
    }
    return tables if _by_prompt(tables) else {}


def _by_prompt(tables: Shares) -> dict[int, float]:
    """Return the mean over seeds of each prompt that every seed has."""
    rows = list(tables.values())
    shared = [prompt for prompt in rows[0] if all(prompt in row for row in rows)] if rows else []
    return {prompt: float(np.mean([row[prompt] for row in rows])) for prompt in shared}


def _findings(
    differences: Sequence[Mapping[int, float]], unit: str, alpha: float, generator: np.random.Generator
) -> list[Finding]:
    better = [True] * len(differences)
    return findings_of(differences, better, unit=unit, alpha=alpha, generator=generator)
