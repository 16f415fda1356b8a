"""The order of methods."""

from dataclasses import replace

from analysis.ranking import by_hypervolume
from analysis.summary import Summary


def test_the_largest_mean_comes_first_and_ties_by_name(suite_summary: Summary) -> None:
    for part in suite_summary.benchmarks:
        means = {row.method: row.quantities["hypervolume"].mean for row in part.last_rows}
        found = by_hypervolume(part)
        assert sorted(found) == sorted(means)
        assert [means[method] for method in found] == sorted(means.values(), reverse=True)
    part = suite_summary.benchmarks[0]
    row = part.last_rows[0]
    twins = replace(part, rows=tuple(replace(row, method=name) for name in ("b", "a")))
    assert by_hypervolume(twins) == ["a", "b"]
