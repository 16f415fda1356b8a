"""How well one model follows the preference it is asked for, a table for each benchmark with two rewards."""

from analysis.control import EVENNESS, RANGE, SMOOTHNESS, SPEARMAN, WASTED, monotone_seeds
from analysis.summary import BenchmarkSummary
from analysis.tables import Cell, Column, Table

EXPLANATION = (
    "Methods that answer every preference without training a model of its own for each, on benchmarks of two rewards. "
    "Correlation: Spearman's, over the sweep, between the mean of a reward and its weight (1: it rises at every step). "
    "Range: by how much the reward is greater at the end that asks for it than at the other one, in units of the "
    "benchmark's bounds. Smoothness: that range over all ups and downs of the sweep (1: it never steps back). "
    "Evenness: the effective share of the sweep's steps that do the moving (1: all steps are of one length). Wasted: "
    "the share of the preferences for which another one yields as much in both rewards. Monotone: the seeds on which "
    "both rewards rise at every step. The picture shows each reward against its weight: seeds, their mean and, "
    "from three seeds on, its 95 % t interval."
)


def control_table(part: BenchmarkSummary) -> Table:
    """Return one row for each method with a slider, without rows where there are not two rewards.

    Args:
        part: The benchmark.
    """
    names = [reward.name for reward in part.yardstick.rewards]
    columns = (
        Column("method", "method", text=True),
        *(Column(f"{SPEARMAN}{name}", f"correlation {name}", intervals=True) for name in names),
        *(Column(f"{RANGE}{name}", f"range {name}", intervals=True) for name in names),
        *(Column(f"{SMOOTHNESS}{name}", f"smoothness {name}", decimals=2, intervals=True) for name in names),
        Column(EVENNESS, "evenness", decimals=2, intervals=True),
        Column(WASTED, "wasted", decimals=2, intervals=True),
        Column("monotone", "monotone", text=True),
        Column("points", "points"),
    )
    rows = []
    for row in part.last_rows:
        monotone = monotone_seeds(row.quantities)
        if monotone is not None:
            values = [row.quantities.get(column.key) for column in columns[1:-2]]
            text = f"{monotone[0]} of {monotone[1]} seeds"
            rows.append(tuple(Cell(value) for value in (row.method, *values, text, row.points)))
    return Table(columns, tuple(rows), ("mean ± half of the 95 % t interval over seeds",))
