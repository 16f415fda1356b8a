"""What the front explorer of a report shows: the points of each method, and nothing between them.

Every number is a mean over seeds of what was evaluated, in the units of the records. The page moves each method to the
evaluated preference that is nearest to the one asked for; it never interpolates.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.front import Array, Front, oriented
from analysis.looks import Look, assign_looks, on_dark
from analysis.report.explorer_pictures import Gallery
from analysis.statistics import Interval, interval
from analysis.summary import BASE, BenchmarkSummary, Row, Summary
from analysis.tables import Value, format_value
from benchmarks.records import RewardRecord

MOST_OF_TRUE_FRONT = 200
DIGITS = 6
MILLION = 1e6


@dataclass(frozen=True, eq=False)
class Shared:
    """The points of a method that stand for all its seeds.

    Attributes:
        points: [N, K], in the units of the records, in the order of the first seed's front.
        halves: Half widths of their 95 % t intervals over seeds [N, K], None for one seed.
        preferences: What each was asked for [N, K], or None.
        seeds: The seeds behind them.
    """

    points: Array
    halves: Array | None
    preferences: Array | None
    seeds: tuple[int, ...]


def shared_points(fronts: Mapping[int, Front], rewards: Sequence[RewardRecord], first: int | None = None) -> Shared:
    """Return the mean over seeds of each point of a method.

    Points belong together by their place on the sweep of preferences. Where the seeds were not asked for the same
    preferences no point has a partner, and one seed stands for the method.

    Args:
        fronts: Front by seed, at least one.
        rewards: What the K rewards mean.
        first: The seed whose order counts and that stands alone where it must; the least one where it has no front.

    Example:
        >>> score = RewardRecord(name="score", unit="", higher_is_better=True, range=(0, 1))
        >>> found = shared_points({0: Front([[1.0]], [[1.0]]), 1: Front([[2.0]], [[1.0]])}, [score])
        >>> found.points.tolist(), found.seeds
        ([[1.5]], (0, 1))
    """
    chosen = min(fronts) if first is None or first not in fronts else first
    lead = fronts[chosen]
    if not all(_alike(front, lead) for front in fronts.values()):
        return Shared(oriented(lead.points, rewards), None, lead.preferences, (chosen,))
    seeds = tuple(sorted(fronts))
    values = np.array([oriented(fronts[seed].points, rewards) for seed in seeds])
    halves = _halves(values) if len(seeds) > 1 else None
    return Shared(values.mean(axis=0), halves, lead.preferences, seeds)


def _alike(one: Front, other: Front) -> bool:
    if one.points.shape != other.points.shape:
        return False
    if one.preferences is None or other.preferences is None:
        return one.preferences is other.preferences
    return bool(np.allclose(one.preferences, other.preferences))


def _halves(values: Array) -> Array:
    """Return half widths [N, K] of the intervals over the first dimension of values [S, N, K]."""
    flat = values.reshape(len(values), -1)
    widths = [interval(dict(enumerate(column.tolist()))).half_width for column in flat.T]
    return np.array(widths, dtype=np.float64).reshape(values.shape[1:])


def explorer_data(summary: Summary, galleries: Mapping[str, Gallery]) -> dict[str, Any]:
    """Return everything the explorer knows, ready for JSON.

    Args:
        summary: The suite.
        galleries: Pictures by benchmark, for those that have some.
    """
    looks = assign_looks(summary.methods)
    parts = [part for part in summary.benchmarks if part.fronts]
    return {
        "suite": summary.suite,
        "benchmarks": [_benchmark(part, looks, galleries.get(part.record.name)) for part in parts],
    }


def _benchmark(part: BenchmarkSummary, looks: Mapping[str, Look], gallery: Gallery | None) -> dict[str, Any]:
    rewards, rows = part.yardstick.rewards, {row.method: row for row in part.last_rows}
    true = part.yardstick.true_front
    methods = [_method(part, name, looks[name], rows.get(name), gallery) for name in part.fronts]
    return {
        "name": part.record.name,
        "rewards": [{"name": one.name, "unit": one.unit, "higher": one.higher_is_better} for one in rewards],
        "reference": _numbers(oriented(part.yardstick.reference_point, rewards)),
        "base": None if part.base is None else _numbers(oriented(part.base, rewards)),
        "trueFront": None if true is None else _numbers(oriented(thinned(true.points), rewards)),
        "methods": methods,
        "pictures": None if gallery is None else _pictures(gallery),
    }


def _method(part: BenchmarkSummary, name: str, look: Look, row: Row | None, gallery: Gallery | None) -> dict[str, Any]:
    fronts, rewards = part.fronts[name], part.yardstick.rewards
    shared = shared_points(fronts, rewards, None if gallery is None else gallery.seed)
    pictures = None if gallery is None else gallery.methods.get(name)
    return {
        "name": name,
        "color": look.color,
        "dark": on_dark(look.color),
        "marker": look.marker,
        "models": 1 if row is None else row.models,
        "follows": shared.preferences is not None and len(shared.points) > 1,
        "points": _numbers(shared.points),
        "halves": None if shared.halves is None else _numbers(shared.halves),
        "preferences": None if shared.preferences is None else _numbers(shared.preferences),
        "seeds": {str(seed): _numbers(oriented(fronts[seed].points, rewards)) for seed in sorted(fronts)},
        "mean": list(shared.seeds),
        "facts": {} if row is None else _facts(row),
        "pictures": pictures if pictures is not None and len(pictures) == len(shared.points) else None,
    }


def _facts(row: Row) -> dict[str, str]:
    """Return what the table of the explorer says of a whole front."""
    found = row.quantities
    values: dict[str, tuple[Value, int]] = {
        "hypervolume": (found.get("hypervolume"), _decimals(found.get("hypervolume"))),
        "share of true hypervolume": (found.get("share_of_true_hypervolume"), 3),
    }
    evaluations = found.get("velocity_evaluations")
    if evaluations is not None and row.method != BASE:
        values["M evals"] = (evaluations.mean / MILLION, 3)
    known = {name: format_value(value, decimals) for name, (value, decimals) in values.items() if value is not None}
    mark = "" if row.exact else "≈ "
    return {name: (mark if "hypervolume" in name else "") + text for name, text in known.items()}


def _decimals(value: Interval | None) -> int:
    """Return as many decimals as leave four digits."""
    size = 0.0 if value is None else abs(value.mean)
    return 3 if size == 0.0 else min(6, max(0, 3 - math.floor(math.log10(size))))


def _pictures(gallery: Gallery) -> dict[str, Any]:
    height, width = gallery.tile
    return {
        "seed": gallery.seed,
        "height": height,
        "width": width,
        "prompts": list(gallery.prompts),
        "samples": gallery.samples,
        "base": gallery.base,
    }


def thinned(points: Array, most: int = MOST_OF_TRUE_FRONT) -> Array:
    """Return no more than `most` of the points [N, K], spread evenly along the first reward.

    Example:
        >>> thinned(np.array([[3.0], [1.0], [2.0]]), 2).tolist()
        [[1.0], [3.0]]
    """
    ordered = points[np.lexsort(points.T[::-1])]
    if len(ordered) <= most:
        return ordered
    places = np.linspace(0, len(ordered) - 1, most).round().astype(np.int64)
    return np.asarray(ordered[places])


def _numbers(values: npt.NDArray[np.float64]) -> Any:
    """Return nested lists of the values at six digits, which no eye and no axis exceeds."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [float(f"{value:.{DIGITS}g}") for value in values.tolist()]
