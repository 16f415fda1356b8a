"""How sure a benchmark's best method is of its place, a table for each benchmark: over seeds, prompts, and both."""

import numpy as np

from analysis.findings import Finding
from analysis.intervals import TwoLevel
from analysis.ranking import by_hypervolume
from analysis.rivals import Rival, rivals_of, shares_by_method, two_levels
from analysis.statistics import Interval
from analysis.summary import BenchmarkSummary
from analysis.tables import Cell, Column, Table, Value

EXPLANATION = (
    "An interval over seeds speaks of new trainings on the benchmark's own prompts; one over both "
    "levels of new trainings and new prompts. The latter is the wider one where prompts differ more than seeds; where "
    "they do not, it can be a little narrower, because prompts lend it degrees of freedom. Tests are "
    "exact sign-flip tests of paired differences in hypervolume, those over prompts on common prompts and noise and of "
    "these trainings only; p-values are adjusted for the number of methods by flipping all comparisons together. A few "
    "seeds cannot reach 0.05 whatever they differ (three never less than 0.25): the test over seeds then says not "
    "decidable, and the t intervals, which assume normal differences, are all that speaks of new trainings."
)
COLUMNS = (
    Column("method", "method", text=True),
    Column("hypervolume", "hypervolume, new seeds", intervals=True),
    Column("hypervolume_both", "new seeds and prompts", intervals=True),
    Column("difference", "best - method, new seeds", intervals=True),
    Column("difference_both", "best - method, new seeds and prompts", intervals=True),
    Column("p_seeds", "adj. p, seeds"),
    Column("seeds_verdict", "best is, over seeds", text=True),
    Column("p_prompts", "adj. p, prompts"),
    Column("prompts_verdict", "best is, over prompts", text=True),
    Column("improvement", "P(best is better)", text=True),
    Column("seeds", "seeds"),
    Column("prompts", "prompts", decimals=1),
)


def rivals_table(part: BenchmarkSummary) -> Table:
    """Return one row a method, the best first; without rows for fewer than two methods.

    Args:
        part: The benchmark; its evaluations are read again.

    Raises:
        RecordError: If a file has become damaged since the summary was made.
    """
    methods = by_hypervolume(part)
    if len(methods) < 2:
        return Table(COLUMNS, ())
    rows = {row.method: row for row in part.last_rows}
    values = {method: rows[method].quantities["hypervolume"].values for method in methods}
    shares = shares_by_method(part)
    # The same records give the same p-values.
    rivals = rivals_of(values, shares, methods[0], generator=np.random.default_rng(0))
    by_method = {rival.method: rival for rival in rivals}
    lines = []
    for method in methods:
        volume = rows[method].quantities["hypervolume"]
        known = set(volume.values) == set(shares.get(method, {}))
        both = two_levels(shares[method]) if known else None
        cells: tuple[Value, ...] = (method, volume, _interval(both), *_against(by_method.get(method)), volume.seeds)
        lines.append(tuple(Cell(value) for value in (*cells, None if both is None else both.prompts)))
    return Table(COLUMNS, tuple(lines), (_note(methods[0]),))


def _against(rival: Rival | None) -> tuple[Value, ...]:
    """Return the cells that compare a method with the best."""
    if rival is None:
        return (None,) * 7
    test, better = rival.seeds.test, rival.improvement
    difference = Interval(test.difference, test.low, test.high, test.pairs, {})
    # A probability's interval has its ends at unequal distances.
    chance = f"{better.probability:.2f} [{better.low:.2f}, {better.high:.2f}]"
    return (difference, _interval(rival.both), *_tested(rival.seeds), *_tested(rival.prompts), chance)


def _tested(finding: Finding | None) -> tuple[Value, Value]:
    return (None, None) if finding is None else (f"{finding.adjusted_p:.2g}", finding.verdict)


def _interval(both: TwoLevel | None) -> Interval | None:
    return None if both is None else Interval(both.mean, both.low, both.high, both.seeds, {})


def _note(best: str) -> str:
    return (
        f"best: {best}, the largest mean, chosen after the fact; mean ± half of the 95 % interval; prompts: how many "
        "with equal counts weigh as much, fewer where rewards do not apply"
    )
