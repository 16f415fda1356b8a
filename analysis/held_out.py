"""What training changed besides the rewards it was trained on, at the point that serves all rewards alike.

Held-out rewards, and in the features of `features.parquet` the distance of the samples from real data and their
diversity within prompts. A gain in the rewards that these pay for is no gain. All changes are measured against the
base model on the same prompts and noise, seed by seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.drift import diversity, frechet_distance
from analysis.front import Array, Front, oriented
from analysis.reading import Measured
from analysis.single_model import balanced_index
from analysis.statistics import Interval
from benchmarks.records import FEATURES_FILE, REAL_FEATURES_FILE, Columns, RecordError, RewardRecord, read_columns

HELD_OUT, CHANGE, HELD_OUT_CHANGE = "held_out_", "_change", "held_out_change_"
FRECHET, DIVERSITY = "frechet", "diversity"


@dataclass(frozen=True)
class Watched:
    """A quantity that no method was trained on, and the names under which a row has it.

    Attributes:
        name: What a reader calls it.
        value: Name of the quantity itself.
        change: Name of its change from the base model.
        higher_is_better: Its direction.
    """

    name: str
    value: str
    change: str
    higher_is_better: bool

    def worsened(self, quantities: Mapping[str, Interval]) -> bool | None:
        """Return whether the 95 % interval of the change lies on the worse side of 0, None without an interval.

        Example:
            >>> from analysis.statistics import interval
            >>> watched = Watched("distance", "frechet", "frechet_change", higher_is_better=False)
            >>> watched.worsened({"frechet_change": interval({0: 1.0, 1: 1.1})})
            True
            >>> watched.worsened({"frechet_change": interval({0: 1.0})}) is None
            True
        """
        change = quantities.get(self.change)
        if change is None or change.low is None or change.high is None:
            return None
        return change.high < 0.0 if self.higher_is_better else change.low > 0.0


def watched(held_out: Sequence[RewardRecord]) -> tuple[Watched, ...]:
    """Return all that is watched on a benchmark with these held-out rewards; a row need not have all of it."""
    rewards = [
        Watched(reward.name, HELD_OUT + reward.name, HELD_OUT_CHANGE + reward.name, reward.higher_is_better)
        for reward in held_out
    ]
    distance = Watched("distance to real", FRECHET, FRECHET + CHANGE, higher_is_better=False)
    return (*rewards, distance, Watched("diversity", DIVERSITY, DIVERSITY + CHANGE, higher_is_better=True))


def held_out_by_run(runs: Sequence[Measured]) -> dict[Path, dict[int, dict[str, float]]]:
    """Return what is known of runs besides their rewards, by folder and checkpoint.

    Args:
        runs: Runs of one benchmark; a checkpoint whose balanced point is unknown has no quantities.

    Returns:
        By folder and step, in the units of the records: `held_out_<reward>`, `frechet`, `diversity` of the balanced
        point, and behind the base model their changes from it, `held_out_change_<reward>`, `frechet_change`,
        `diversity_change`.

    Raises:
        RecordError: If `features.parquet` or `real_features.parquet` is there and damaged, or does not fit the run.
    """
    references = {one.run.folder.parents[1] / REAL_FEATURES_FILE for one in runs}
    real = {path: read_features(path, ("prompt_id",))[1] for path in sorted(references) if path.exists()}
    return {one.run.folder: _by_step(one, real) for one in runs}


def _by_step(one: Measured, real: Mapping[Path, Array]) -> dict[int, dict[str, float]]:
    features = _features_by_step(one, real)
    found: dict[int, dict[str, float]] = {}
    for step, front in one.fronts.items():
        index = balanced_index(front)
        if index is not None:
            found[step] = _held_out(one, step, index) | features.get(step, {})
    base = found.get(0, {})
    return {step: values | (_changes(values, base) if step > 0 else {}) for step, values in found.items()}


def _held_out(one: Measured, step: int, index: int) -> dict[str, float]:
    rewards = one.run.record.benchmark.held_out
    if step not in one.held_out:
        return {}
    values = oriented(one.held_out[step].points[index], rewards)
    return {HELD_OUT + reward.name: float(value) for reward, value in zip(rewards, values, strict=True)}


def _changes(values: Mapping[str, float], base: Mapping[str, float]) -> dict[str, float]:
    return {_change_name(name): value - base[name] for name, value in values.items() if name in base}


def _change_name(name: str) -> str:
    return HELD_OUT_CHANGE + name.removeprefix(HELD_OUT) if name.startswith(HELD_OUT) else name + CHANGE


def _features_by_step(one: Measured, references: Mapping[Path, Array]) -> dict[int, dict[str, float]]:
    """Return `frechet` and `diversity` of the balanced point of each checkpoint, nothing where no features are."""
    path = one.run.folder / FEATURES_FILE
    if not path.exists():
        return {}
    reference = one.run.folder.parents[1] / REAL_FEATURES_FILE
    rows, features = read_features(path, ("step", "point", "prompt_id", "sample"))
    real = references.get(reference)
    if real is not None and real.shape[1] != features.shape[1]:
        raise RecordError(f"{path}: expected {real.shape[1]} features as in {reference}, found {features.shape[1]}")
    steps, points, prompts = (rows[name] for name in ("step", "point", "prompt_id"))
    found = {}
    for step, front in one.fronts.items():
        index = balanced_index(front)
        if index is not None:
            here = (steps == step) & (points == _point(path, points[steps == step], step, front, index))
            found[step] = feature_quantities(features[here], prompts[here], real)
    return found


def _point(path: Path, points: npt.NDArray[np.int64], step: int, front: Front, index: int) -> int:
    """Return the number of a point of a front whose points are known by their order."""
    known = np.unique(points)
    if len(known) != len(front.points):
        raise RecordError(f"{path}: expected {len(front.points)} points at step {step}, found {len(known)}")
    return int(known[index])


def feature_quantities(features: Array, prompts: npt.NDArray[np.int64], real: Array | None) -> dict[str, float]:
    """Return `frechet` and `diversity` of the samples of one point, those of the two that can be known.

    Args:
        features: Of the samples [N, D].
        prompts: Prompt of each sample [N].
        real: Features of real data [M, D], or None if there are none.
    """
    found = {}
    if real is not None and len(features) > 1 and len(real) > 1:
        found[FRECHET] = frechet_distance(features, real)
    # One sample of a prompt differs from nothing.
    if np.unique(prompts, return_counts=True)[1].min() > 1:
        found[DIVERSITY] = diversity(features, prompts)
    return found


def read_features(path: Path, keys: Sequence[str]) -> tuple[Columns, Array]:
    """Return the columns of a table of features and these alone [N, D], columns `f_0`, `f_1`, ... in order.

    Raises:
        RecordError: If the file is damaged, lacks a column of `keys`, or holds features that are not finite numbers.
    """
    rows = read_columns(path)
    size = sum(column.startswith("f_") for column in rows)
    names = [f"f_{index}" for index in range(max(size, 1))]
    for column in (*keys, *names):
        if column not in rows:
            raise RecordError(f"{path}: expected a column {column}, found {', '.join(rows):.120}")
    try:
        features: Array = np.stack([rows[name].astype(np.float64) for name in names], axis=1)
    except (TypeError, ValueError) as error:
        raise RecordError(f"{path}: expected numbers as features, found: {error!s:.80}") from error
    if not np.isfinite(features).all():
        row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise RecordError(f"{path}: expected finite features, found NaN or an infinity in row {row}")
    return rows, features
