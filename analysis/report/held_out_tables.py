"""What a method's balanced point changed besides the rewards it was trained on, a table a benchmark."""

from analysis.held_out import FRECHET, Watched, watched
from analysis.report.single_models import preference_text
from analysis.summary import BASE, BenchmarkSummary, Row
from analysis.tables import Cell, Column, Table

EXPLANATION = (
    "What no method was trained on, at the point whose preference is nearest to equal weights: the mean of each "
    "held-out reward and its change from the base model on the same prompts and noise (mean ± half of the 95 % t "
    "interval over seeds). Column `worse` names what became worse beyond that "
    "interval."
)
FEATURES_NOTE = (
    "distance to real: Frechet distance between the features of the samples and of real data; its value depends on "
    "the number of samples, its change from the base model compares equal numbers. diversity: mean distance between "
    "the features of two samples of a prompt"
)


def held_out_table(part: BenchmarkSummary) -> Table:
    """Return one row a method, behind the one of the base model; without rows where nothing was held out.

    Args:
        part: The benchmark; methods whose balanced point is unknown are left out.
    """
    rows = [row for row in part.rows if row.last]
    known = [one for one in watched(part.record.held_out) if any(one.value in row.quantities for row in rows)]
    columns = [Column(name, name, text=True) for name in ("method", "preference", "worse")]
    for one in known:
        columns += [Column(one.value, one.name), Column(one.change, f"{one.name} change", intervals=True)]
    columns.append(Column("seeds", "seeds"))
    cells = [_row(part, row, known) for row in rows if any(one.value in row.quantities for one in known)]
    return Table(tuple(columns), tuple(cells), _notes(known) if cells else ())


def _row(part: BenchmarkSummary, row: Row, known: list[Watched]) -> tuple[Cell, ...]:
    found = row.quantities
    values = [value for one in known for value in (_mean(row, one.value), found.get(one.change))]
    asked = None if row.method == BASE else preference_text(next(iter(part.fronts[row.method].values())))
    seeds = max(found[one.value].seeds for one in known if one.value in found)
    return tuple(Cell(value) for value in (row.method, asked, _worse(row, known), *values, seeds))


def _mean(row: Row, name: str) -> float | None:
    return row.quantities[name].mean if name in row.quantities else None


def _worse(row: Row, known: list[Watched]) -> str | None:
    """Return the names of what became worse, `none` where nothing did, nothing where no interval says so."""
    verdicts = {one.name: one.worsened(row.quantities) for one in known}
    if all(verdict is None for verdict in verdicts.values()):
        return None
    return ", ".join(name for name, verdict in verdicts.items() if verdict) or "none"


def _notes(known: list[Watched]) -> tuple[str, ...]:
    less = [one.name for one in known if not one.higher_is_better]
    direction = f"less is better: {', '.join(less)}; more is better elsewhere" if less else "more is better"
    return (direction, FEATURES_NOTE) if any(one.value == FRECHET for one in known) else (direction,)
