"""Whether the ranking hangs on the reference point, one row a benchmark."""

from collections.abc import Mapping

import numpy as np

from analysis.sensitivity import LEVELS, Sensitivity
from analysis.tables import Cell, Column, Table

EXPLANATION = (
    "The hypervolume depends on the reference point that each benchmark froze. Here it is moved in every reward, "
    "towards the base model (which leaves only what was gained) and outwards, in shares of the way to the base model: "
    f"{', '.join(f'{level:+g}' for level in LEVELS if level)}; with two rewards in all combinations, with more in all "
    "rewards alike and in each alone. In the picture, for moves in all rewards alike, filled marks are the best method "
    "and those tied with it, hollow ones lie significantly below, by the test that marks ties in the results."
)
NOTE = (
    "best stays first, first or tied: share of the reference points above which the best method above the frozen one "
    "has the largest mean, or is tied with the method that has it (as in the results); tau: "
    "Kendall's rank correlation (tau-b, tied methods as ties) of each ranking with the frozen one; no volume: methods "
    "without any hypervolume above some reference point"
)
ONE_SEED = "benchmarks of one shared seed: the order of the values counts, there are no ties"


def sensitivity_table(found: Mapping[str, Sensitivity]) -> Table:
    """Return how stable the ranking of each benchmark is.

    Args:
        found: What is known of each benchmark, by name.
    """
    columns = (
        Column("benchmark", "benchmark", text=True),
        Column("best", "best method", text=True),
        Column("reference_points", "reference points"),
        Column("stays_first", "best stays first", decimals=2),
        Column("first_or_tied", "first or tied", decimals=2),
        Column("mean_tau", "mean tau", decimals=2),
        Column("least_tau", "least tau", decimals=2),
        Column("unranked", "all tied"),
        Column("no_volume", "no volume", text=True),
    )
    rows = tuple(tuple(Cell(value) for value in _row(name, one)) for name, one in found.items())
    notes = (NOTE, "all tied: reference points above which no two methods differ, so that there is no tau")
    return Table(columns, rows, (*notes, ONE_SEED) if any(one.single_seed for one in found.values()) else notes)


def _row(name: str, one: Sensitivity) -> tuple[str | int | float | None, ...]:
    moved = one.taus[1:]
    taus = moved[np.isfinite(moved)]
    zero = (np.nanmax(one.volumes, axis=2) <= 0.0).any(axis=0)
    empty = ", ".join(method for method, none in zip(one.methods, zero, strict=True) if none)
    return (
        name,
        one.winner,
        len(one.shifts),
        float(one.first.mean()),
        float(one.first_or_tied.mean()),
        float(taus.mean()) if len(taus) else None,
        float(taus.min()) if len(taus) else None,
        int((~np.isfinite(moved)).sum()),
        empty or "none",
    )
