"""One table across benchmarks: a row a method, a column a benchmark."""

from analysis.report.headline import best_and_tied
from analysis.statistics import Interval
from analysis.summary import BenchmarkSummary, Summary
from analysis.tables import MARKS_NOTE, Cell, Column, Table

EXPLANATION = (
    "Share of the true hypervolume (of the hypervolume itself where the true one is unknown) that each method reaches "
    "with its last checkpoint, beside the number of models it trains and of points it can be asked for."
)


def across_table(summary: Summary) -> Table:
    """Return what every method reaches on every benchmark, methods in the order of the mean of their ranks.

    Args:
        summary: The suite; with fewer than two benchmarks or methods the table has no rows.
    """
    parts, methods = summary.benchmarks, summary.methods
    columns = [Column("method", "method", text=True), Column("models", "models"), Column("points", "points")]
    columns += [Column(part.record.name, part.record.name, intervals=True) for part in parts]
    if len(parts) < 2 or len(methods) < 2:
        return Table(tuple(columns), ())
    marks = {part.record.name: best_and_tied(part) for part in parts}
    rows = []
    for method in sorted(methods, key=lambda name: _mean_rank(parts, name)):
        counts = {(row.models, row.points) for part in parts for row in part.last_rows if row.method == method}
        models, points = (sorted({pair[i] for pair in counts}) for i in (0, 1))
        cells = [Cell(method), Cell(_range(models)), Cell(_range(points))]
        for part in parts:
            best, tied = marks[part.record.name]
            found = _value(part, method)
            cells.append(Cell(found, found is not None and method == best, method in tied))
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows), ("mean ± half of the 95 % t interval over seeds", MARKS_NOTE))


def _quantity(part: BenchmarkSummary) -> str:
    return "hypervolume" if part.yardstick.true_hypervolume is None else "share_of_true_hypervolume"


def _value(part: BenchmarkSummary, method: str) -> Interval | None:
    for row in part.last_rows:
        if row.method == method:
            return row.quantities.get(_quantity(part))
    return None


def _mean_rank(parts: tuple[BenchmarkSummary, ...], method: str) -> float:
    ranks = []
    for part in parts:
        means = {row.method: row.quantities["hypervolume"].mean for row in part.last_rows}
        if method in means:
            ranks.append(sum(other > means[method] for other in means.values()))
    return sum(ranks) / len(ranks)


def _range(numbers: list[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"
