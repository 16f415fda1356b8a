"""The gradient view: MARBLE's Table S1 for every method, what conflicts at solve steps, and statistics by part."""

from collections.abc import Mapping

from analysis.gradients import (
    ALL,
    BETWEEN,
    PLAIN_SUM,
    SOLVED,
    STATISTICS,
    RunGradients,
    gramian_statistics,
)
from analysis.statistics import Interval, interval
from analysis.summary import BenchmarkSummary, Summary
from analysis.tables import Cell, Column, Table

EXPLANATION = (
    "Cosines of the applied update with the gradient of each reward's loss, which falls where the cosine is positive: "
    "least, mean and variance over rewards, and the share of measured steps at which one is negative (a conflict), "
    "beside the same for the plain sum of the same gradients; the numbers by layer and noise level are in "
    "gradient-parts.csv. The heat maps over training show the cosine of each reward, beneath it by layer group and by "
    "noise level: a strip a reward, or of more than three rewards the least alone; red where the update works against "
    "a reward, grey where there is no gradient."
)
NOTE = (
    "min, mean, var: over rewards, then the mean over measured steps; conflicts: share of measured steps with a cosine "
    "below -1e-6; pair: least cosine between two rewards' gradients; solve, between: steps that solved for new "
    "coefficients, and the others; mean ± half of the 95 % t interval over seeds"
)
UNKNOWN_UPDATE = "records without the update, of the schema before parts, show the plain sum only"
MEASURED = "measured_steps"
KINDS = {"all": "", "solve": SOLVED, "between": BETWEEN}
NUMBERS = (
    *(
        Column(name, label, decimals)
        for name, label, decimals in zip(
            STATISTICS, ("min cos", "mean cos", "var cos", "conflicts"), (3, 3, 4, 2), strict=True
        )
    ),
    *(
        Column(PLAIN_SUM + name, label, decimals)
        for name, label, decimals in zip(
            STATISTICS, ("plain: min", "plain: mean", "plain: var", "plain: conflicts"), (3, 3, 4, 2), strict=True
        )
    ),
    Column("min_pairwise_cosine", "pair"),
)


def gradient_table(summary: Summary) -> Table:
    """Return the statistics of every method's update and of the plain sum, solve steps and others apart besides.

    Args:
        summary: The suite; methods without measured gradients have no row.
    """
    rows = []
    for part in summary.benchmarks:
        for row in part.last_rows:
            for kind, suffix in KINDS.items():
                if MEASURED + suffix in row.quantities:
                    values = {name: row.quantities.get(name + suffix) for name in (MEASURED, *(c.key for c in NUMBERS))}
                    rows.append(_cells((part.record.name, row.method, kind), values))
    notes = (NOTE,) if all(row[4].value is not None for row in rows) else (NOTE, UNKNOWN_UPDATE)
    return Table(_columns("steps"), tuple(rows), notes)


def gradient_parts_table(summary: Summary) -> Table:
    """Return the statistics by layer group and noise level, over all measured steps.

    Args:
        summary: The suite; methods without measured parts have no row.
    """
    rows = []
    for part in summary.benchmarks:
        for method, by_seed in part.gradients.items():
            for name in part_names(by_seed):
                values = _part_intervals(by_seed, name)
                if MEASURED in values:
                    rows.append(_cells((part.record.name, method, name), values))
    return Table(_columns("part"), tuple(rows))


def part_names(by_seed: Mapping[int, RunGradients]) -> list[str]:
    """Return the names of all parts but the whole that any seed has measured, in order."""
    return list(dict.fromkeys(name for found in by_seed.values() for name in found.parts if name != ALL))


def _part_intervals(by_seed: Mapping[int, RunGradients], part: str) -> dict[str, Interval]:
    found = {seed: gramian_statistics(by_seed[seed].parts[part]) for seed in by_seed if part in by_seed[seed].parts}
    names = dict.fromkeys(name for statistics in found.values() for name in statistics)
    return {name: interval({seed: found[seed][name] for seed in found if name in found[seed]}) for name in names}


def _columns(third: str) -> tuple[Column, ...]:
    return (
        Column("benchmark", "benchmark", text=True),
        Column("method", "method", text=True),
        Column(third, third, text=True),
        Column(MEASURED, "measured"),
        *(Column(c.key, c.label, c.decimals, intervals=True) for c in NUMBERS),
        Column("seeds", "seeds"),
    )


def _cells(names: tuple[str, str, str], values: Mapping[str, Interval | None]) -> tuple[Cell, ...]:
    measured = values[MEASURED]
    assert measured is not None
    numbers = [values.get(column.key) for column in NUMBERS]
    return tuple(Cell(value) for value in (*names, _total(measured), *numbers, measured.seeds))


def _total(counts: Interval) -> int:
    return round(sum(counts.values.values()))


def gradient_lines(summary: Summary) -> tuple[str, ...]:
    """Return one sentence for each method that solves for its coefficients: what conflicts, and at how many steps.

    Args:
        summary: The suite.
    """
    return tuple(line for part in summary.benchmarks for line in _lines_of(part))


def _lines_of(part: BenchmarkSummary) -> list[str]:
    lines = []
    for row in part.last_rows:
        solved = _conflicts(row.quantities, SOLVED)
        if solved is None:
            continue
        line = f"{part.record.name}, {row.method}: {_conflict_text(*solved)} measured solve steps"
        between = _conflicts(row.quantities, BETWEEN)
        line += f", {_conflict_text(*between)} measured steps between" if between else ", no step between was measured"
        plain = row.quantities.get(PLAIN_SUM + "conflict_rate" + SOLVED)
        if plain is not None:
            line += f"; the plain sum of the same gradients conflicts at {100 * plain.mean:.3g} % of the solve steps"
        lines.append(line)
    return lines


def _conflicts(quantities: Mapping[str, Interval], suffix: str) -> tuple[int, int] | None:
    """Return at how many measured steps of a kind the update conflicts, of how many, all seeds together."""
    rates, counts = quantities.get("conflict_rate" + suffix), quantities.get(MEASURED + suffix)
    if rates is None or counts is None:
        return None
    return round(sum(rate * counts.values[seed] for seed, rate in rates.values.items())), _total(counts)


def _conflict_text(conflicts: int, steps: int) -> str:
    return f"no conflict at {steps}" if conflicts == 0 else f"a conflict at {conflicts} of {steps}"
