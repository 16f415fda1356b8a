"""Cosines as heat maps show them: by reward, layer group and noise level, over training and as means over it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.front import Array
from analysis.gradient_records import LAYER, sigma_bin
from analysis.gradients import (
    ALL,
    Gramians,
    RunGradients,
    least_cosines,
    mean_of_known,
    mean_over_steps,
    update_cosines,
)
from analysis.plots.lettering import shortened
from analysis.summary import BenchmarkSummary

LAYERS, LEVELS = "layer", "noise"
MOST_STRIPS = 3
"""Rewards whose cosines are told apart within a row."""


class Group(NamedTuple):
    """Rows of a heat map over time that belong together.

    Attributes:
        heading: What the rows are.
        names: Name of each row [R].
        values: Cosines [R, S, T] of S strips in each row, NaN where unknown.
    """

    heading: str
    names: list[str]
    values: Array


def parts_of(part: BenchmarkSummary) -> list[str]:
    """Return the names of all parts but the whole that any run measured: layer groups, then noise levels."""
    names = dict.fromkeys(name for of in part.gradients.values() for run in of.values() for name in run.parts)
    return sorted((name for name in names if name != ALL), key=kind_of)


def groups_over_time(
    by_seed: Mapping[int, RunGradients], rewards: Sequence[str], parts: Sequence[str]
) -> tuple[npt.NDArray[np.int64], list[Group]] | None:
    """Return the measured steps [T] and what is known at them, None without an update.

    First comes a row for each reward. A row of a layer group or a noise level has a strip for each reward in their
    order, or of more than three rewards the least over them alone.

    Args:
        by_seed: What the seeds of a method recorded.
        rewards: Names of the rewards.
        parts: Names of the layer groups and noise levels, each a row.
    """
    found = cosines_over_time(by_seed)
    if found is None:
        return None
    steps, groups = found[0], [Group("", list(rewards), found[1][:, None])]
    labels = dict(zip(parts, part_labels(parts), strict=True))
    least = len(rewards) > MOST_STRIPS
    for words, kind in ((LAYERS, 1), (LEVELS, 2)):
        names = [name for name in parts if kind_of(name) == kind]
        if names:
            rows = [
                least_over_time(by_seed, name, steps)[None]
                if least
                else part_over_time(by_seed, name, steps, len(rewards))
                for name in names
            ]
            heading = f"{'least' if least else 'rewards'} by {words}"
            groups.append(Group(heading, [labels[name] for name in names], np.stack(rows)))
    return steps, groups


def cosines_over_time(by_seed: Mapping[int, RunGradients]) -> tuple[npt.NDArray[np.int64], Array] | None:
    """Return the measured steps [T] and the mean cosines [K, T] over seeds and models, None without an update.

    Args:
        by_seed: What the seeds of a method recorded.
    """
    whole = [run.parts[ALL] for run in by_seed.values() if ALL in run.parts]
    if not whole:
        return None
    cosines = np.concatenate([update_cosines(gramians) for gramians in whole])
    if np.isnan(cosines).all():
        return None
    measured = np.unique(np.concatenate([gramians.steps for gramians in whole]))
    return measured, _mean_by_step(whole, cosines, measured).T


def part_over_time(
    by_seed: Mapping[int, RunGradients], part: str, steps: npt.NDArray[np.int64], n_objectives: int
) -> Array:
    """Return the cosines of the update of a part [K, T], means over seeds and models; NaN where unknown.

    Args:
        by_seed: What the seeds of a method recorded.
        part: Name of the part.
        steps: At which steps [T], in order.
        n_objectives: K.
    """
    measured = [run.parts[part] for run in by_seed.values() if part in run.parts]
    if not measured:
        return np.full((n_objectives, len(steps)), np.nan)
    return _mean_by_step(measured, np.concatenate([update_cosines(gramians) for gramians in measured]), steps).T


def least_over_time(by_seed: Mapping[int, RunGradients], part: str, steps: npt.NDArray[np.int64]) -> Array:
    """Return the least cosine over rewards of the update of a part [T], mean over seeds and models; NaN where unknown.

    Args:
        by_seed: What the seeds of a method recorded.
        part: Name of the part.
        steps: At which steps [T], in order.
    """
    measured = [run.parts[part] for run in by_seed.values() if part in run.parts]
    if not measured:
        return np.full(len(steps), np.nan)
    least = np.concatenate([least_cosines(update_cosines(gramians)) for gramians in measured])
    return _mean_by_step(measured, least[:, None], steps)[:, 0]


def _mean_by_step(measured: Sequence[Gramians], values: Array, steps: npt.NDArray[np.int64]) -> Array:
    """Return the mean of the known values [S, C] of all rows measured at each of some steps in order, [T, C]."""
    of_row = np.concatenate([gramians.steps for gramians in measured])
    here = np.isin(of_row, steps)
    place, known = np.searchsorted(steps, of_row[here]), ~np.isnan(values[here])
    counts, sums = np.zeros((len(steps), values.shape[1])), np.zeros((len(steps), values.shape[1]))
    np.add.at(counts, place, known)
    np.add.at(sums, place, np.where(known, values[here], 0.0))
    return np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)


def cosines_by_part(by_seed: Mapping[int, RunGradients], parts: Sequence[str], n_objectives: int) -> Array:
    """Return the cosines [K, P] by part, mean over the steps of each seed and then over seeds; NaN where unknown.

    Args:
        by_seed: What the seeds of a method recorded.
        parts: Names of the parts, [P].
        n_objectives: K.
    """
    unknown = np.full(n_objectives, np.nan)
    columns = []
    for name in parts:
        seeds = [mean_over_steps(run.parts[name]) for run in by_seed.values() if name in run.parts]
        columns.append(mean_of_known(np.array([*seeds, unknown])))
    return np.stack(columns, axis=1)


def part_labels(parts: Sequence[str]) -> list[str]:
    """Return how parts are called beside their rows and columns, long names of layer groups without what they share.

    Example:
        >>> part_labels(["all", "layer:model.blocks.3", "layer:model.head", "sigma:0.75-1"])
        ['all', 'blocks.3', 'head', 'noise 0.75-1']
    """
    layers = [name.removeprefix(LAYER) for name in parts if kind_of(name) == 1]
    short = dict(zip(layers, shortened(layers), strict=True))
    labels = []
    for name in parts:
        levels = sigma_bin(name)
        layer = name.removeprefix(LAYER)
        labels.append(short.get(layer, layer) if levels is None else f"noise {levels[0]:g}-{levels[1]:g}")
    return labels


def kind_of(part: str) -> int:
    """Return 0 for the whole update, 1 for a layer group and 2 for a noise level."""
    return 0 if part == ALL else 1 if sigma_bin(part) is None else 2
