"""What a quarter, half and three quarters of the seeds attain, a table for each benchmark of two or three rewards."""

from analysis.attainment import OBJECTIVES, attainment_gains, attainment_volumes, sets_of_share, shared_sets
from analysis.ranking import by_hypervolume
from analysis.summary import BenchmarkSummary
from analysis.tables import Cell, Column, Table

EXPLANATION = (
    "A place is attained by a seed if a point of its front is at least as good in every reward. The tables "
    "show the hypervolume of what at least a quarter, half and three quarters of the seeds attain, and over what "
    "volume the best method is attained by more seeds than another one and the other way round, each place weighted by "
    "the share of seeds by which it is ahead; the difference of these two numbers is that of the mean hypervolumes on "
    "the shared seeds. Two numbers far from 0 say that each method is better in a region of its own. The pictures show "
    "the surface of half the seeds as a line, those of a quarter and three quarters as a band, and where the two best "
    "methods differ; three rewards are cut at three levels of the third."
)


def attainment_table(part: BenchmarkSummary) -> Table:
    """Return one row a method, the best first; without rows unless there are 2 or 3 rewards and a method of two seeds.

    Args:
        part: The benchmark; a method of one seed has a row without volumes.
    """
    columns = (
        Column("method", "method", text=True),
        Column("volume_25", "25 %"),
        Column("volume_50", "median"),
        Column("volume_75", "75 %"),
        Column("best_ahead", "best ahead"),
        Column("ahead_of_best", "ahead of best"),
        Column("seeds", "seeds"),
    )
    seeds = {len(fronts) for fronts in part.fronts.values()}
    if len(part.yardstick.rewards) not in OBJECTIVES or max(seeds, default=0) < 2:
        return Table(columns, ())
    corner = part.yardstick.reference_point
    points = {m: {seed: front.points for seed, front in by.items()} for m, by in part.fronts.items()}
    methods = by_hypervolume(part)
    rows = []
    for method in methods:
        sets = [points[method][seed] for seed in sorted(points[method])]
        volumes: list[float | None] = [None, None, None]
        if len(sets) > 1:
            volumes = [*attainment_volumes(sets, reference_point=corner).values()]
        shared = shared_sets(points[methods[0]], points[method])
        known = method != methods[0] and len(shared[0]) > 1
        gains = attainment_gains(*shared, reference_point=corner) if known else (None, None)
        rows.append(tuple(Cell(value) for value in (method, *volumes, *gains, len(sets))))
    return Table(columns, tuple(rows), (_levels_note(max(seeds)),))


def _levels_note(seeds: int) -> str:
    levels = ", ".join(f"{100 * share:g} % is {sets_of_share(share, seeds)}" for share in (0.25, 0.5, 0.75))
    return f"of {seeds} seeds at least: {levels}; volumes above the reference point"
