"""Tables for print: the headline of a benchmark for one column, gains across the page, and all benchmarks at once."""

import math
from collections.abc import Mapping, Sequence

from analysis.report.across import across_table
from analysis.report.headline import MILLION, best_and_tied
from analysis.report.single_models import single_model_table
from analysis.statistics import Interval
from analysis.summary import BASE, BenchmarkSummary, Row, Summary
from analysis.tables import Cell, Column, Table

SHARE, VOLUME = "share_of_true_hypervolume", "hypervolume"
DIGITS = 4
"""Significant digits of the largest hypervolume of a table."""
PLAIN = ("preference", "improved", "worsened", "seeds")
"""Columns of single models that a paper's text says or leaves out."""


def headline_table(part: BenchmarkSummary, clean: Mapping[str, Interval]) -> Table:
    """Return what each method reached at what cost, narrow enough for a column; columns of nothing are left out.

    The largest hypervolume and those not separable from it carry the marks of the report's headline.

    Args:
        part: The benchmark.
        clean: Hypervolume without flagged points by method, of those of which it is known.
    """
    best, tied = best_and_tied(part)
    rows = [row for row in part.rows if row.last]
    volumes = [row.quantities[VOLUME].mean for row in rows]
    decimals = decimals_for(volumes)
    columns = [
        Column("method", "method", text=True),
        Column(VOLUME, "hypervolume", decimals=decimals, intervals=True),
        Column("share", "share"),
        Column("models", "models"),
        Column("million_velocity_evaluations", "M evals", decimals=2),
        Column("clean_hypervolume", "clean", decimals=decimals),
        Column("seeds", "seeds"),
    ]
    table = [_row(row, row.method == best, row.method in tied, clean.get(row.method)) for row in rows]
    kept = {"method", VOLUME, "models", "million_velocity_evaluations"}
    kept |= {"share"} if any(SHARE in row.quantities for row in rows) else set()
    kept |= {"clean_hypervolume"} if clean else set()
    kept |= {"seeds"} if len({row.quantities[VOLUME].seeds for row in rows}) > 1 else set()
    return _narrowed(Table(tuple(columns), tuple(table)), [column.key for column in columns if column.key in kept])


def _row(row: Row, best: bool, tied: bool, clean: Interval | None) -> tuple[Cell, ...]:
    found, trained = row.quantities, row.method != BASE
    return (
        Cell(row.method),
        Cell(found[VOLUME], best, tied, not row.exact),
        Cell(found[SHARE].mean if SHARE in found else None, best, tied, not row.exact),
        Cell(row.models if trained else None),
        Cell(found["velocity_evaluations"].mean / MILLION if trained else None),
        Cell(None if clean is None else clean.mean),
        Cell(found[VOLUME].seeds),
    )


def decimals_for(values: Sequence[float]) -> int:
    """Return the decimals that give the largest of some numbers four significant digits, at most four.

    Example:
        >>> decimals_for([0.5, 34.98]), decimals_for([40933.1]), decimals_for([0.01]), decimals_for([])
        (2, 0, 4, 4)
    """
    largest = max((abs(value) for value in values), default=0.0)
    whole = math.floor(math.log10(largest)) + 1 if largest >= 1.0 else 0
    return max(0, DIGITS - whole)


def gains_table(part: BenchmarkSummary) -> Table:
    """Return the gains of each method's most balanced model or point over the base model, for the width of a page."""
    table = single_model_table(part)
    return _narrowed(table, [column.key for column in table.columns if column.key not in PLAIN])


def suite_table(summary: Summary) -> Table:
    """Return what every method reaches on every benchmark, without rows for fewer than two of either."""
    table = across_table(summary)
    return Table(table.columns, table.rows)


def _narrowed(table: Table, keys: Sequence[str]) -> Table:
    """Return the columns of a table with these keys, without notes, which a caption says."""
    places = [index for index, column in enumerate(table.columns) if column.key in keys]
    rows = tuple(tuple(row[index] for index in places) for row in table.rows)
    return Table(tuple(table.columns[index] for index in places), rows)
