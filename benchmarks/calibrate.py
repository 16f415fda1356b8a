"""Bounds of a benchmark's rewards from calibration runs: what a slider reaches, and models of one trade-off each.

    flowfront run shapes --benchmark five-rewards --benchmark plain-vs-colourful --method fixed_weights \
        --method pareto_slider --set fixed_weights.budget_per_model=1.0 --seeds 100, --compile --out calibration
    python -m benchmarks.calibrate calibration/shapes

For every reward the lowest and the highest mean over the points of all runs (the base model among them) are widened
by half their distance on both sides, for other seeds reach further, cut to the reward's range, and rounded outwards.
The worse of the two is the reference point. Every model has the full budget, for with a share of it hardly anything
moves; and the slider is there because its ends may lie beyond those of separate models, where a box of theirs would
not count them. The seed of a calibration is none of the suite's; what it found is written into the suite by hand and
frozen, so that results of other days can be compared.
"""

import argparse
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.records import EVALUATIONS_FILE, RewardRecord, StoredRun, UsageError, find_runs, read_table

MARGIN = 0.5
"""Of the distance: other seeds reach further, and what lies beyond a reference point does not count."""


def widened(low: float, high: float, limits: tuple[float | None, float | None]) -> tuple[float, float]:
    """Return bounds half their distance wider on both sides, within limits, rounded outwards.

    They are rounded to a power of ten between a fiftieth and a fifth of the distance.

    Raises:
        UsageError: If they coincide: nothing was learned or lost.

    Example:
        >>> widened(0.31, 0.72, (0.0, 1.0))
        (0.1, 0.93)
        >>> widened(0.02, 0.98, (0.0, 1.0))
        (0.0, 1.0)
    """
    if not high > low:
        raise UsageError(f"calibration: expected points that differ, found {low:g} for all")
    room = MARGIN * (high - low)
    grain = 10.0 ** math.floor(math.log10((high - low) / 5))
    # A hair keeps numbers that lie on the grain where they are.
    bottom = math.floor((low - room) / grain + 1e-9) * grain
    top = math.ceil((high + room) / grain - 1e-9) * grain
    lowest, highest = limits
    bottom = bottom if lowest is None else max(bottom, lowest)
    top = top if highest is None else min(top, highest)
    return round(bottom, 10) + 0.0, round(top, 10) + 0.0


def point_means(runs: Iterable[StoredRun], reward: RewardRecord) -> list[float]:
    """Return the mean of a reward at every evaluated point of runs; samples it does not apply to are left out."""
    found: list[float] = []
    for run in runs:
        frame = read_table(run.folder / EVALUATIONS_FILE)
        found += frame.groupby(["step", "point"])[f"reward_{reward.name}"].mean().tolist()
    return [value for value in found if np.isfinite(value)]


def calibrate(folder: Path) -> dict[str, Any]:
    """Return bounds and reference point of every benchmark with runs below a folder, as JSON data.

    Raises:
        RecordError: If there is no run, or one cannot be read.
        UsageError: If a run is not finished or found no difference.
    """
    by_name: dict[str, list[StoredRun]] = {}
    for run in find_runs(folder):
        if run.record.status != "done":
            raise UsageError(f"{run.folder}: expected a finished run, found status {run.record.status}")
        by_name.setdefault(run.record.benchmark.name, []).append(run)
    return {name: _calibrated(runs) for name, runs in sorted(by_name.items())}


def _calibrated(runs: list[StoredRun]) -> dict[str, Any]:
    rewards: dict[str, Any] = {}
    for reward in runs[0].record.benchmark.rewards:
        means = point_means(runs, reward)
        low, high = widened(min(means), max(means), reward.range)
        rewards[reward.name] = {
            "lowest": min(means),
            "highest": max(means),
            "bounds": [low, high],
            "reference_point": low if reward.higher_is_better else high,
        }
    origins = sorted({(run.record.method.name, run.record.seed, run.record.commit or "") for run in runs})
    return {
        "rewards": rewards,
        "runs": [{"method": method, "seed": seed, "commit": commit} for method, seed, commit in origins],
    }


def main() -> None:
    """Read, compute, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="records of the calibration runs")
    try:
        print(json.dumps(calibrate(parser.parse_args().folder), indent=1))
    except UsageError as error:
        parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
    main()
