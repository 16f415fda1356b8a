"""The tables of a report: the headline a reader sees first, every quantity in full, and the paired comparisons."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence

from analysis.ranking import by_hypervolume
from analysis.statistics import Comparison, Interval, paired_difference
from analysis.summary import BASE, BenchmarkSummary, Row, Summary
from analysis.tables import MARKS_NOTE, Cell, Column, Table
from analysis.ties import TiedSet, separation_p, tied_set

THOUSAND, MILLION = 1e3, 1e6
MOST_CHECKPOINTS = 4
"""Checkpoints before the last that the headline shows; those of a method with more are in `summary.csv` alone."""
HEADLINE = (
    Column("benchmark", "benchmark", text=True),
    Column("label", "method", text=True),
    Column("share_of_true_hypervolume", "HV share", intervals=True),
    Column("hypervolume", "hypervolume", intervals=True),
    Column("exact_front_share", "exact"),
    Column("points", "points"),
    Column("million_velocity_evaluations", "M evals"),
    Column("million_velocity_evaluations_per_model", "each"),
    Column("thousand_reward_calls", "calls", decimals=1),
    Column("seconds", "sec", decimals=1),
    Column("seeds", "seeds"),
)
COLUMNS_NOTE = (
    "mean ± half of the 95 % t interval over seeds, for new trainings on the same prompts; HV share: hypervolume "
    "over that of the true front; exact: "
    "share that the true front itself reaches at the same preferences (no bound: drifting points may lie better "
    "spread); points: of the front, of which hypervolume favors many; M evals: million velocity evaluations of "
    "training, all models of the front together; calls: thousand samples scored, likewise; sec: seconds of training"
)


COMPARISON_NOTE = (
    "paired by seed: difference with its 95 % t interval, which is corrected for nothing; p: of the one-sided test "
    "that the verdict and the marks = rest on, times the number of the other methods; higher: p < 0.05, the "
    "other method cannot be the best"
)


def headline_table(summary: Summary, *, with_suite: bool = False) -> Table:
    """Return the table that answers who is best at what cost, one row a benchmark, method and checkpoint.

    Columns without a value are left out of the table of one suite.

    Args:
        summary: The suite.
        with_suite: Whether the benchmarks carry the name of the suite, for a table of several suites.
    """
    prefix = f"{summary.suite}/" if with_suite else ""
    rows = []
    for part in summary.benchmarks:
        best, tied = best_and_tied(part)
        for row in _shown(part):
            marks = (row.last and row.method == best, row.last and row.method in tied)
            rows.append(_headline_row(prefix + part.record.name, row, *marks))
    notes = (COLUMNS_NOTE, MARKS_NOTE) if any(cell.best for row in rows for cell in row) else (COLUMNS_NOTE,)
    table = Table(HEADLINE, tuple(rows), notes)
    # Tables of several suites are put together, so they need the same columns.
    return table if with_suite else table.without_empty()


def _shown(part: BenchmarkSummary) -> list[Row]:
    """Return the rows of a benchmark: the base model, then the best method first.

    Checkpoints before the last are left out where they are many enough for a curve.
    """
    before = Counter(row.method for row in part.rows if not row.last)
    places = {BASE: -1} | {method: place for place, method in enumerate(by_hypervolume(part))}
    shown = [row for row in part.rows if row.last or before[row.method] <= MOST_CHECKPOINTS]
    return sorted(shown, key=lambda row: places[row.method])


def _headline_row(benchmark: str, row: Row, best: bool, tied: bool) -> tuple[Cell, ...]:
    found = row.quantities
    volume, exact_front_share = found["hypervolume"], found.get("exact_front_share")
    trained = row.method != BASE
    return (
        Cell(benchmark),
        Cell(row.label),
        Cell(found.get("share_of_true_hypervolume"), best, tied, not row.exact),
        Cell(volume, best, tied, not row.exact),
        Cell(None if exact_front_share is None else exact_front_share.mean),
        Cell(row.points),
        Cell(found["velocity_evaluations"].mean / MILLION if trained else None),
        Cell(found["velocity_evaluations_per_model"].mean / MILLION if trained else None),
        Cell(found["reward_calls"].mean / THOUSAND if trained else None),
        Cell(found["seconds"].mean if trained else None),
        Cell(volume.seeds),
    )


def best_and_tied(part: BenchmarkSummary, quantity: str = "hypervolume") -> tuple[str | None, frozenset[str]]:
    """Return the method with the largest mean of a quantity, and those that are not separable from it.

    The last checkpoints compete, corrected for their number (`analysis.ties`). Nobody is best alone: with fewer than
    two methods there is no mark.

    Args:
        part: The benchmark.
        quantity: Name of a quantity of which more is better; methods without it do not compete.
    """
    found = tied_set_of(part, quantity)
    return (None, frozenset()) if found is None else (found.best, found.tied)


def tied_set_of(part: BenchmarkSummary, quantity: str = "hypervolume") -> TiedSet | None:
    """Return the same as a set that says besides of which methods nothing can be said; None for fewer than two."""
    rows = [row for row in part.last_rows if quantity in row.quantities]
    return tied_set({row.method: row.quantities[quantity].values for row in rows})


def full_table(summary: Summary) -> Table:
    """Return every quantity of every row, for CSV."""
    parts = [(part, row) for part in summary.benchmarks for row in part.rows]
    names = list(dict.fromkeys(name for _, row in parts for name in row.quantities))
    heads = ("suite", "benchmark", "method", "label")
    counts = ("step", "points", "models", "seeds")
    columns = (
        *(Column(name, name, text=True) for name in heads),
        *(Column(name, name) for name in counts),
        *(Column(name, name, intervals=True) for name in names),
    )
    rows = []
    for part, row in parts:
        texts = (summary.suite, part.record.name, row.method, row.label)
        numbers = (row.step, row.points, row.models, row.quantities["hypervolume"].seeds)
        values = [row.quantities.get(name) for name in names]
        rows.append(tuple(Cell(value) for value in (*texts, *numbers, *values)))
    return Table(columns, tuple(rows))


def indicator_table(summary: Summary) -> Table:
    """Return the indicators that need normalized rewards, and the gain in each reward, methods' last checkpoints."""
    columns = (
        Column("benchmark", "benchmark", text=True),
        Column("method", "method", text=True),
        Column("igd_plus", "IGD+", intervals=True),
        Column("epsilon_plus", "epsilon+", intervals=True),
        Column("expected_utility", "expected utility", intervals=True),
        Column("gains", "mean gain over the base model", text=True),
    )
    rows = []
    for part in summary.benchmarks:
        for row in part.rows:
            if row.last:
                indicators = [row.quantities.get(column.key) for column in columns[2:5]]
                gains = None if row.method == BASE else _gains(row.quantities)
                rows.append(tuple(Cell(value) for value in (part.record.name, row.method, *indicators, gains)))
    return Table(columns, tuple(rows), _reference_notes(summary.benchmarks))


def _gains(quantities: Mapping[str, Interval]) -> str | None:
    gains = {name.removeprefix("gain_"): value for name, value in quantities.items() if name.startswith("gain_")}
    return ", ".join(f"{name} {value.mean:+.3f}" for name, value in gains.items()) or None


def _reference_notes(parts: Sequence[BenchmarkSummary]) -> tuple[str, ...]:
    sets = [f"{part.record.name}: {part.reference_set}" for part in parts]
    return (
        "IGD+ and epsilon+: less is better; measured against: " + "; ".join(sets),
        "rewards normalized by the bounds of the benchmark; gains in the units of each reward, positive is better",
    )


def comparison_table(summary: Summary) -> Table:
    """Return the paired difference in hypervolume between each benchmark's best method and its others.

    The last checkpoints are compared; a benchmark with one method has no row.
    """
    columns = (
        Column("benchmark", "benchmark", text=True),
        Column("first", "best method", text=True),
        Column("second", "minus", text=True),
        Column("difference", "difference in hypervolume", decimals=4, intervals=True),
        Column("seeds", "shared seeds"),
        Column("p", "adjusted p", decimals=3),
        Column("verdict", "verdict", text=True),
    )
    rows = []
    for part in summary.benchmarks:
        best, tied = best_and_tied(part)
        first = [row for row in part.last_rows if row.method == best]
        pairs = list(itertools.product(first, [row for row in part.last_rows if row.method != best]))
        values = [tuple(row.quantities["hypervolume"].values for row in pair) for pair in pairs]
        adjusted = [separation_p(own, others, rivals=len(pairs)) for own, others in values]
        for (one, other), found, p in zip(pairs, itertools.starmap(paired_difference, values), adjusted, strict=True):
            verdict = _verdict(found, tied=other.method in tied)
            cells = (part.record.name, *_difference(one, other, found), p, verdict)
            rows.append(tuple(Cell(value) for value in cells))
    return Table(columns, tuple(rows), (COMPARISON_NOTE,))


def _verdict(found: Comparison | None, *, tied: bool) -> str:
    if found is None:
        return "no shared seed"
    return "not separable" if tied else "higher"


def _difference(first: Row, second: Row, found: Comparison | None) -> tuple[str, str, Interval | None, int]:
    if found is None:
        return first.method, second.method, None, 0
    return first.method, second.method, found.difference, found.difference.seeds
