"""One row a method, one column a benchmark: nothing is invented for what a method did not run."""

from analysis.report.across import across_table
from analysis.report.headline import best_and_tied
from analysis.summary import Summary


def test_every_method_has_what_it_reached_on_every_benchmark(suite_summary: Summary) -> None:
    table = across_table(suite_summary)
    names = [part.record.name for part in suite_summary.benchmarks]
    assert [column.key for column in table.columns] == ["method", "models", "points", *names]
    assert {row[0].value for row in table.rows} == set(suite_summary.methods)
    for row in table.rows:
        for part, cell in zip(suite_summary.benchmarks, row[3:], strict=True):
            found = {one.method: one for one in part.last_rows}[str(row[0].value)].quantities
            known = part.yardstick.true_hypervolume is not None
            assert cell.value == found["share_of_true_hypervolume" if known else "hypervolume"]
            assert cell.best == (row[0].value == best_and_tied(part)[0])


def test_methods_are_in_the_order_of_their_mean_ranks(suite_summary: Summary) -> None:
    ranks = []
    for row in across_table(suite_summary).rows:
        own = [
            sorted((-one.quantities["hypervolume"].mean, one.method) for one in part.last_rows)
            for part in suite_summary.benchmarks
        ]
        ranks.append(sum([name for _, name in order].index(str(row[0].value)) for order in own))
    assert ranks == sorted(ranks)
    assert ranks[0] < ranks[-1]


def test_models_and_points_are_ranges_where_they_differ(suite_summary: Summary) -> None:
    fixed = {row[0].value: row for row in across_table(suite_summary).rows}["fixed_weights"]
    assert fixed[1].value == "3"
    points = {
        row.points for part in suite_summary.benchmarks for row in part.last_rows if row.method == "fixed_weights"
    }
    assert fixed[2].value == f"{min(points)}-{max(points)}"


def test_one_benchmark_needs_no_such_table(suite_summary: Summary) -> None:
    alone = Summary(suite_summary.suite, suite_summary.benchmarks[:1], suite_summary.runs, ())
    assert across_table(alone).rows == ()
