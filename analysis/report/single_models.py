"""The single-model view: each method with one model, which gain it has in every reward, and what it costs another."""

from analysis.front import Front
from analysis.report.headline import best_and_tied
from analysis.single_model import BALANCED_GAIN, balanced_index, improved_and_worsened
from analysis.summary import BenchmarkSummary, Row
from analysis.tables import MARKS_NOTE, Cell, Column, Table

EXPLANATION = (
    "Each method with the one model or point whose preference is nearest to equal weights. Composite: the mean over "
    "rewards of z-scores among the methods of this table, so it says nothing outside it. Then the gain over the base "
    "model in every reward (units of the reward, positive is better), in how many rewards the 95 % interval over "
    "seeds lies above 0 or below, and the worst gain in units of the benchmark's bounds."
)


def single_model_table(part: BenchmarkSummary) -> Table:
    """Return one row a method: the gains of its most balanced point, and its composite.

    Args:
        part: The benchmark; methods whose balanced point is unknown are left out.
    """
    names = [reward.name for reward in part.yardstick.rewards]
    columns = (
        Column("method", "method", text=True),
        Column("preference", "preference", text=True),
        Column("composite", "composite", intervals=True),
        *(Column(f"{BALANCED_GAIN}{name}", name, intervals=True) for name in names),
        Column("improved", f"improved of {len(names)}"),
        Column("worsened", "worsened"),
        Column("worst_gain", "worst gain", intervals=True),
        Column("seeds", "seeds"),
    )
    best, tied = best_and_tied(part, "composite")
    rows = []
    for row in part.last_rows:
        front = next(iter(part.fronts[row.method].values()))
        if "worst_gain" in row.quantities:
            rows.append(_row(row, front, names, (row.method == best, row.method in tied)))
    return Table(columns, tuple(rows), (MARKS_NOTE,) if best is not None else ())


def _row(row: Row, front: Front, names: list[str], marks: tuple[bool, bool]) -> tuple[Cell, ...]:
    found = row.quantities
    improved, worsened = improved_and_worsened(found) or (None, None)
    return (
        Cell(row.method),
        Cell(preference_text(front)),
        Cell(found.get("composite"), *marks),
        *(Cell(found.get(f"{BALANCED_GAIN}{name}")) for name in names),
        Cell(improved),
        Cell(worsened),
        Cell(found["worst_gain"]),
        Cell(found["worst_gain"].seeds),
    )


def preference_text(front: Front) -> str:
    """Return the preference of the balanced point, `equal` for equal weights, `none` where it was asked for none."""
    index = balanced_index(front)
    if front.preferences is None or index is None:
        return "none"
    preference = front.preferences[index]
    if abs(preference - 1.0 / len(preference)).max() < 1e-6:
        return "equal"
    return " ".join(f"{weight:.2g}" for weight in preference)
