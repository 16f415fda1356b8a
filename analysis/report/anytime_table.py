"""Hypervolume as a mean over cost, a table for each benchmark with methods that were evaluated on the way."""

from collections.abc import Mapping

from analysis.anytime import COSTS, CostCurve, common_range, cost_curves, cost_normalized
from analysis.statistics import Interval
from analysis.summary import BenchmarkSummary
from analysis.tables import MARKS_NOTE, Cell, Column, Table
from analysis.ties import tied_set

EXPLANATION = (
    "Cost-normalized hypervolume: the mean of the hypervolume over the range of a cost that all curves cover, every "
    "factor of cost weighing alike (the area under the curve over the logarithm of the cost, straight between two "
    "checkpoints). Methods that were evaluated at their end alone have no curve and no row; steps are those of each "
    "model, the other costs of all models of a front together. The picture has a row for each cost; dotted lines bound "
    "the range."
)
LABELS = {"velocity_evaluations": "velocity evaluations", "reward_calls": "reward calls"}


def anytime_table(part: BenchmarkSummary) -> Table:
    """Return one row for each method with two checkpoints at least behind the base model, none without any.

    Args:
        part: The benchmark.
    """
    columns = (
        Column("method", "method", text=True),
        Column("checkpoints", "checkpoints"),
        *(Column(f"hypervolume_over_{cost}", f"over {LABELS.get(cost, cost)}", intervals=True) for cost in COSTS),
        Column("seeds", "seeds"),
    )
    curves = cost_curves(part)
    found = {cost: cost_normalized(list(curves.values()), cost) for cost in COSTS}
    marks = {cost: _best_and_tied(values) for cost, values in found.items()}
    rows = []
    for method, curve in curves.items():
        cells = [Cell(method), Cell(curve.checkpoints)]
        for cost in COSTS:
            best, tied = marks[cost]
            cells.append(Cell(found[cost].get(method), method == best, method in tied))
        rows.append((*cells, Cell(len(curve.volumes))))
    return Table(columns, tuple(rows), _notes(curves, found) if rows else ())


def _best_and_tied(values: Mapping[str, Interval]) -> tuple[str | None, frozenset[str]]:
    found = tied_set({method: value.values for method, value in values.items()})
    return (None, frozenset()) if found is None else (found.best, found.tied)


def _notes(curves: Mapping[str, CostCurve], found: Mapping[str, Mapping[str, Interval]]) -> tuple[str, ...]:
    ends = {cost: common_range(list(curves.values()), cost) for cost in COSTS}
    ranges = [f"{LABELS.get(c, c)} {at[0]:.4g} to {at[1]:.4g}" for c, at in ends.items() if at is not None and found[c]]
    missing = [LABELS.get(cost, cost) for cost in COSTS if not found[cost]]
    lost = [f"{curve.method} seed {seed}" for curve in curves.values() for seed in curve.left_out]
    notes = [f"common range: {'; '.join(ranges)}"] if ranges else []
    notes += [f"no range that all curves cover: {', '.join(missing)}"] if missing else []
    notes += [f"left out, because a checkpoint is missing: {', '.join(lost)}"] if lost else []
    return (*notes, MARKS_NOTE.replace("of its benchmark", "of its column"))
