"""The order of a benchmark's methods by the hypervolume they reach."""

from analysis.summary import BenchmarkSummary


def by_hypervolume(part: BenchmarkSummary) -> list[str]:
    """Return the methods of a benchmark by the mean hypervolume of their last checkpoints, the largest first."""
    rows = sorted(part.last_rows, key=lambda row: (-row.quantities["hypervolume"].mean, row.method))
    return [row.method for row in rows]
