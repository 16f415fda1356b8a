"""Which fronts pay with what nobody trained, and what is left of them, a table for each benchmark."""

from collections.abc import Sequence

from analysis.hacking import FeaturesByMethod, MethodVerdict, feature_changes
from analysis.held_out import DIVERSITY, FRECHET
from analysis.statistics import Interval
from analysis.summary import BenchmarkSummary
from analysis.tables import Cell, Column, Table

EXPLANATION = (
    "A point is flagged if what it was asked for (the trained rewards weighted by its "
    "preference, in units of the bounds) rose over the base model while a held-out reward fell, both beyond their 95 "
    "% t intervals over seeds, on the same prompts and noise. The clean hypervolume is that of the points that are "
    "not flagged; with few seeds intervals are wide, and a point without a flag is not proven clean. A held-out "
    "reward that says how near the samples are to the base model must fall for any model that moves away from it: "
    "there the picture of gain against price (hollow: flagged) tells more than the flags."
)
CHANGES_NOTE = "distance to real, diversity: their change from the base model, mean over the flagged points"


def hacking_table(part: BenchmarkSummary, verdicts: Sequence[MethodVerdict], features: FeaturesByMethod) -> Table:
    """Return one row a method, without rows where nothing was held out.

    Args:
        part: The benchmark.
        verdicts: On its methods; of those about which nothing can be said, the last column says why.
        features: How drift and diversity changed at each point, by method and name.
    """
    changes = {verdict.method: feature_changes(features[verdict.method], verdict.flagged) for verdict in verdicts}
    measured = [name for name in (FRECHET, DIVERSITY) if any(name in found for found in changes.values())]
    labels = {FRECHET: "distance to real", DIVERSITY: "diversity"}
    columns = (
        Column("method", "method", text=True),
        Column("points", "points"),
        Column("flagged", "flagged"),
        Column("hypervolume", "hypervolume", intervals=True),
        Column("clean_hypervolume", "clean hypervolume", intervals=True),
        Column("kept", "kept", decimals=2),
        *(Column(f"{name}_change_flagged", labels[name], intervals=True) for name in measured),
        Column("fell", "held-out rewards that fell", text=True),
    )
    volumes = {row.method: row.quantities["hypervolume"] for row in part.last_rows}
    rows = []
    for verdict in verdicts:
        volume, clean = volumes[verdict.method], verdict.clean_volume
        cells = (
            verdict.method,
            len(next(iter(verdict.fronts.values())).points),
            None if verdict.unknown else len(verdict.flagged),
            volume,
            clean,
            _kept(volume, clean),
            *(changes[verdict.method].get(name) for name in measured),
            _fell(verdict),
        )
        rows.append(tuple(Cell(value) for value in cells))
    return Table(columns, tuple(rows), (CHANGES_NOTE,) if measured else ())


def _kept(volume: Interval, clean: Interval | None) -> float | None:
    return None if clean is None or volume.mean <= 0.0 else clean.mean / volume.mean


def _fell(verdict: MethodVerdict) -> str:
    """Return the held-out rewards that fell at flagged points, with their numbers of points, or why it is unknown."""
    if verdict.unknown:
        return f"unknown: {verdict.unknown}"
    fell = [name for point in verdict.points if point.flagged for name in point.fell]
    return ", ".join(f"{name} ({fell.count(name)})" for name in dict.fromkeys(fell)) or "none"
