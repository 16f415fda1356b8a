"""The small suite that stands in for a paper's table, read from records, and both in one file without one column.

Rewards, backbone and scale of a small suite are others than the paper's: its numbers say in which direction a method
moves, never what it would reach there. So no number of the one ever stands in a column of the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.gradients import PLAIN_SUM
from analysis.papers.sources import Source, miniature_folders, source_of
from analysis.papers.tables import PaperTable
from analysis.report.gradient_tables import gradient_table
from analysis.report.headline import headline_table
from analysis.report.sampler_page import sampler_table
from analysis.report.single_models import single_model_table
from analysis.samplers import read_study
from analysis.summary import Summary, summarize
from analysis.tables import Cell, Column, Table
from benchmarks.records import RecordError

GRADIENTS_NOTE = (
    "over rewards, then the mean over measured steps; conflicts: share of measured steps with a negative cosine; "
    "solve, between: steps that solved for new coefficients, and the others; mean ± half of the 95 % t interval over "
    "seeds"
)
Keys = tuple[str, ...]
Place = tuple[int, int]
"""Number of a miniature, and of a line of its table."""


@dataclass(frozen=True, eq=False)
class Miniature:
    """What a small suite has beside a paper's table.

    Attributes:
        suite: Name of the suite.
        benchmark: Name of the benchmark.
        seeds: Seeds of the records.
        rewards: Names of the rewards.
        table: Its numbers, methods down the page.
        keys: The method of each line.
        rows: Everything known of each method, as in `summary.json`.
    """

    suite: str
    benchmark: str
    seeds: tuple[int, ...]
    rewards: tuple[str, ...]
    table: Table
    keys: Keys
    rows: tuple[Mapping[str, Any], ...]

    @property
    def label(self) -> str:
        """What the numbers are of."""
        seeds = f"seed{'s' * (len(self.seeds) > 1)} {', '.join(map(str, self.seeds))}"
        return f"miniature ({self.suite}, benchmark {self.benchmark}, rewards of its own, {seeds})"


@dataclass(frozen=True, eq=False)
class Records:
    """The summary of a benchmark, and the folder of its suite."""

    summary: Summary
    folder: Path


def _methods(table: Table) -> Keys:
    index = [column.key for column in table.columns].index("method")
    return tuple(str(row[index].value) for row in table.rows)


def _single_models(read: Records) -> tuple[Table, Keys]:
    table = single_model_table(read.summary.benchmarks[0])
    return table, _methods(table)


def _gradients(read: Records) -> tuple[Table, Keys]:
    # The columns of MARBLE's own table; what else is known of the gradients is in the suite's report.
    whole = gradient_table(read.summary)
    others = [column.key for column in whole.columns if column.key.startswith(PLAIN_SUM)]
    table = _without(whole, "benchmark", "measured_steps", "min_pairwise_cosine", *others)
    return replace(table, notes=(GRADIENTS_NOTE,)), _methods(table)


def _headline(read: Records) -> tuple[Table, Keys]:
    table = _without(headline_table(read.summary), "benchmark")
    # A label is the method's name, and for checkpoints before the last the share of training behind it.
    return table, tuple(str(row[0].value).split(" @ ")[0] for row in table.rows)


def _samplers(read: Records) -> tuple[Table, Keys]:
    study = read_study(read.folder, read.summary)
    if study is None:
        raise RecordError(f"{read.folder}: expected exact.parquet of the sampler study, found none")
    own = list(study.own.values())
    keys = tuple(f"grpo_{kind.sampler}" if kind in own else kind.label for kind in study.kinds)
    return sampler_table(study), keys


VIEWS: dict[str, Callable[[Records], tuple[Table, Keys]]] = {
    "single-models": _single_models,
    "gradients": _gradients,
    "headline": _headline,
    "samplers": _samplers,
}
"""What a table of a paper is set beside."""


def _without(table: Table, *keys: str) -> Table:
    kept = [index for index, column in enumerate(table.columns) if column.key not in keys]
    rows = tuple(tuple(row[index] for index in kept) for row in table.rows)
    return Table(tuple(table.columns[index] for index in kept), rows, table.notes)


def miniatures(table: PaperTable, sources: tuple[Source, ...], results: Path) -> list[Miniature]:
    """Return what the small suites have beside a table, one for each benchmark of which there are records.

    Args:
        table: The paper's table.
        sources: Its sources.
        results: Folder of the suites' records.

    Raises:
        RecordError: If there are records and they are damaged or must not be compared.
    """
    if not table.view:
        return []
    found = []
    for suite, benchmark in miniature_folders(sources):
        folder = results / suite
        if (folder / benchmark).is_dir():
            summary = summarize(folder / benchmark)
            shown, keys = VIEWS[table.view](Records(summary, folder))
            found.append(_miniature(summary, shown, keys))
    return found


def _miniature(summary: Summary, table: Table, keys: Keys) -> Miniature:
    record = summary.benchmarks[0].record
    return Miniature(
        suite=summary.suite,
        benchmark=record.name,
        seeds=tuple(sorted({run.record.seed for run in summary.runs})),
        rewards=tuple(reward.name for reward in record.rewards),
        table=table,
        keys=keys,
        rows=tuple(row for row in summary.to_json() if row["last"]),
    )


def joined(table: PaperTable, sources: tuple[Source, ...], found: list[Miniature]) -> Table:
    """Return paper and miniature in one table for CSV: columns `paper_...` and `miniature_...`, none shared.

    A line has a row of the paper and the lines of the method that stands in for it; what stands in for nothing, and
    what nothing stands in for, has a line of its own.

    Args:
        table: The paper's table.
        sources: Its sources.
        found: What the small suites have.
    """
    own = {column.key: column.intervals for one in found for column in one.table.columns}
    columns = [Column(key, key) for key in ("paper_row", "paper_status", *(f"paper_{m}" for m in table.metrics))]
    columns += [Column(f"miniature_{key}", key) for key in ("suite", "benchmark")] if found else []
    columns += [Column(f"miniature_{key}", key, intervals=intervals) for key, intervals in own.items()]
    lines, used = [], set[Place]()
    for row in table.rows:
        places = _stand_ins(source_of(sources, row), found)
        used.update(places)
        beside = [_own_cells(found, tuple(own), place) for place in places] or [_own_cells(found, tuple(own), None)]
        lines += [_paper_cells(table, row) + cells for cells in beside]
    nothing = tuple(Cell(None) for _ in range(2 + len(table.metrics)))
    others = [(i, j) for i, one in enumerate(found) for j in range(len(one.keys)) if (i, j) not in used]
    lines += [nothing + _own_cells(found, tuple(own), place) for place in others]
    return Table(tuple(columns), tuple(lines))


def _stand_ins(source: Source, found: list[Miniature]) -> list[Place]:
    # A source for all rows names no method that stands in for one of them.
    route = source.miniature
    return [
        (i, j)
        for i, one in enumerate(found)
        for j, key in enumerate(one.keys)
        if source.row and one.suite in route.suites and one.benchmark in route.benchmarks and key in route.methods
    ]


def _paper_cells(table: PaperTable, row: str) -> tuple[Cell, ...]:
    cells = table.cells
    numbers = [cells.get((row, metric)) for metric in table.metrics]
    statuses = ", ".join(dict.fromkeys(number.status for number in numbers if number is not None))
    values = [None if n is None else n.value if n.value is not None else n.text for n in numbers]
    return tuple(Cell(value) for value in (row, statuses, *values))


def _own_cells(found: list[Miniature], own: tuple[str, ...], place: Place | None) -> tuple[Cell, ...]:
    if place is None:
        return tuple(Cell(None) for _ in range((2 if found else 0) + len(own)))
    one = found[place[0]]
    cells = dict(zip((column.key for column in one.table.columns), one.table.rows[place[1]], strict=True))
    return (Cell(one.suite), Cell(one.benchmark), *(cells.get(key, Cell(None)) for key in own))
