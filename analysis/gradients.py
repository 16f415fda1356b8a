"""What an update does to each reward: its cosine with the gradient of every reward's loss, and how often they conflict.

A descent goes against the update, so a positive cosine says that the loss of that reward falls. All statistics are
those of MARBLE's Table S1, for the update that was applied and, from the same gradients, for their plain mean: two
directions measured on the same mini-batches.

By name, each a mean over the measured steps of a run:
    measured_steps: Steps at which the cosines below are known, all models together.
    min_cosine, mean_cosine, var_cosine: Least, mean and population variance over rewards of the update's cosines.
    conflict_rate: Share of the steps whose least cosine is below -1e-6; exact solvers touch 0 from both sides.
    plain_sum_<the four>: The same for the direction (1/K) sum_k g_k of the same gradients.
    min_pairwise_cosine: Least cosine between the gradients of two rewards.
    <name>_solved, <name>_between: The same at the steps that solved for new coefficients, and at the steps between.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.front import Array

ALL = "all"
CONFLICT_TOLERANCE = 1e-6
# The square of a sum of vectors has lost its digits to cancellation below this share of the terms' squares; such a
# sum has no direction.
CANCELLATION = 1e-12
STATISTICS = ("min_cosine", "mean_cosine", "var_cosine", "conflict_rate")
PLAIN_SUM = "plain_sum_"
SOLVED, BETWEEN = "_solved", "_between"


@dataclass(frozen=True, eq=False)
class Gramians:
    """Inner products of the gradients of K rewards at S measured steps, and of each with the update.

    Attributes:
        models: Which model of the run was trained [S].
        steps: Its step, from 1 [S].
        products: <g_i, g_j> [S, K, K].
        with_update: <update, g_i> [S, K], NaN where the update was not recorded.
        update_squared: |update|^2 [S], NaN where the update was not recorded.
    """

    models: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    products: Array
    with_update: Array
    update_squared: Array


@dataclass(frozen=True, eq=False)
class CoefficientLog:
    """Coefficients on the simplex as a method used them.

    Attributes:
        steps: The steps that recorded them, from 1 [N].
        alpha: One row a step [N, K].
    """

    steps: npt.NDArray[np.int64]
    alpha: Array


@dataclass(frozen=True, eq=False)
class RunGradients:
    """All that a run recorded of its gradients.

    Attributes:
        parts: Inner products by part: `all`, `layer:<name>`, `sigma:<low>-<high>`; empty if none were measured.
        solved: 1 where the step of a row of part `all` solved for new coefficients, 0 where it did not, NaN where
            that is unknown or does not apply [S].
        coefficients: The coefficients of a min-norm method, or None.
    """

    parts: Mapping[str, Gramians]
    solved: Array
    coefficients: CoefficientLog | None


def update_cosines(gramians: Gramians) -> Array:
    """Return the cosine of the update with the gradient of each reward [S, K].

    NaN where the gradient or the update is zero (the reward applied to no sample) or the update is unknown.

    Example:
        >>> one = np.ones(1, dtype=np.int64)
        >>> gramians = Gramians(one, one, np.array([[[4.0, 0.0], [0.0, 1.0]]]), np.array([[2.0, 1.0]]), np.array([2.0]))
        >>> update_cosines(gramians).round(4).tolist()
        [[0.7071, 0.7071]]
    """
    squared = _squared(gramians.products)
    least = np.where(squared > 0, squared, np.inf).min(axis=1)
    # How the terms of the update were scaled is not recorded, so their least stands for them.
    cancelled = gramians.update_squared <= CANCELLATION * np.where(np.isfinite(least), least, 0.0)
    return _cosines(gramians.with_update, np.where(cancelled, 0.0, gramians.update_squared)[:, None] * squared)


def plain_sum_cosines(products: Array) -> Array:
    """Return the cosine of the mean of all gradients with each of them [S, K], NaN where one of both is zero.

    Args:
        products: <g_i, g_j> [S, K, K].

    Example:
        >>> plain_sum_cosines(np.array([[[9.0, -6.0], [-6.0, 4.0]]])).round(4).tolist()
        [[1.0, -1.0]]
    """
    squared = _squared(products)
    with_sum = products.sum(axis=2)
    sum_squared = with_sum.sum(axis=1)
    lengths: Array = np.sqrt(squared).sum(axis=1)
    sum_squared = np.where(sum_squared > CANCELLATION * lengths**2, sum_squared, 0.0)
    return _cosines(with_sum, sum_squared[:, None] * squared)


def pairwise_cosines(products: Array) -> Array:
    """Return the cosines between the gradients of all rewards [S, K, K], NaN where one of both is zero.

    Args:
        products: <g_i, g_j> [S, K, K].

    Example:
        >>> pairwise_cosines(np.array([[[9.0, -6.0], [-6.0, 4.0]]])).tolist()
        [[[1.0, -1.0], [-1.0, 1.0]]]
    """
    squared = _squared(products)
    return _cosines(products, squared[:, :, None] * squared[:, None, :])


def _squared(products: Array) -> Array:
    """Return |g_k|^2 [S, K]."""
    diagonal: Array = np.diagonal(products, axis1=1, axis2=2)
    return diagonal


def _cosines(products: Array, squared_lengths: Array) -> Array:
    """Return products over lengths, clipped to [-1, 1], NaN where a length is zero or unknown."""
    known = squared_lengths > 0
    return np.where(known, np.clip(products / np.sqrt(np.where(known, squared_lengths, 1.0)), -1.0, 1.0), np.nan)


def cosine_statistics(cosines: Array) -> dict[str, float]:
    """Return `min_cosine`, `mean_cosine`, `var_cosine` and `conflict_rate`; empty if no step has a cosine.

    Least, mean and variance are taken over the rewards that have a cosine, then averaged over the steps with one.

    Args:
        cosines: Cosine of a direction with the gradient of each reward [S, K], NaN where it is not defined.

    Source:
        MARBLE (arXiv 2605.06507), Table S1.

    Example:
        >>> cosine_statistics(np.array([[1.0, -0.5], [0.25, 0.25]]))
        {'min_cosine': -0.125, 'mean_cosine': 0.25, 'var_cosine': 0.28125, 'conflict_rate': 0.5}
    """
    known = cosines[defined(cosines)]
    if len(known) == 0:
        return {}
    lowest = np.nanmin(known, axis=1)
    return {
        "min_cosine": float(lowest.mean()),
        "mean_cosine": float(np.nanmean(known, axis=1).mean()),
        "var_cosine": float(np.nanvar(known, axis=1).mean()),
        "conflict_rate": float((lowest < -CONFLICT_TOLERANCE).mean()),
    }


def least_cosines(cosines: Array) -> Array:
    """Return the least cosine over rewards of each step [S], NaN where none is defined.

    Args:
        cosines: Cosine of a direction with the gradient of each reward [S, K].

    Example:
        >>> least_cosines(np.array([[1.0, -0.5], [np.nan, 0.25], [np.nan, np.nan]])).tolist()
        [-0.5, 0.25, nan]
    """
    known = np.where(np.isnan(cosines), np.inf, cosines).min(axis=1)
    return np.where(np.isinf(known), np.nan, known)


def defined(cosines: Array) -> npt.NDArray[np.bool_]:
    """Return which steps have a cosine at all [S].

    Example:
        >>> defined(np.array([[np.nan, 0.5], [np.nan, np.nan]])).tolist()
        [True, False]
    """
    return np.asarray((~np.isnan(cosines)).any(axis=1))


def gramian_statistics(gramians: Gramians, rows: npt.NDArray[np.bool_] | None = None) -> dict[str, float]:
    """Return the statistics of a part of a run, by the names at the head of this module; what is unknown is missing.

    Args:
        gramians: The measured steps, of all models of the run.
        rows: Which of them count [S]; all if None.

    Example:
        >>> one = np.ones(1, dtype=np.int64)
        >>> products = np.array([[[1.0, -0.6], [-0.6, 1.0]]])
        >>> pulled = Gramians(one, one, products, products[:, 0], np.array([1.0]))
        >>> found = gramian_statistics(pulled)
        >>> found["min_cosine"], found["conflict_rate"], found["min_pairwise_cosine"]
        (-0.6, 1.0, -0.6)
    """
    chosen = np.ones(len(gramians.steps), dtype=np.bool_) if rows is None else rows
    products = gramians.products[chosen]
    of_update, of_sum = update_cosines(gramians)[chosen], plain_sum_cosines(products)
    steps = int(defined(of_update).sum()) or int(defined(of_sum).sum())
    if not steps:
        return {}
    found = {"measured_steps": float(steps)} | cosine_statistics(of_update)
    found |= {PLAIN_SUM + name: value for name, value in cosine_statistics(of_sum).items()}
    first, second = np.triu_indices(products.shape[1], 1)
    pairs = pairwise_cosines(products)[:, first, second]
    known = pairs[defined(pairs)]
    if len(known):
        found["min_pairwise_cosine"] = float(np.nanmin(known, axis=1).mean())
    return found


def gradient_quantities(gradients: RunGradients) -> dict[str, float]:
    """Return the statistics of a whole run: over all measured steps, and apart for solve steps and steps between.

    Args:
        gradients: What the run recorded.

    Example:
        >>> steps = np.array([1, 2])
        >>> products, updates = np.array([np.eye(2), np.eye(2)]), np.array([[1.0, 0.0], [0.6, 0.8]])
        >>> whole = Gramians(0 * steps, steps, products, updates, np.ones(2))
        >>> found = gradient_quantities(RunGradients({"all": whole}, np.array([1.0, 0.0]), None))
        >>> [found["min_cosine" + kind] for kind in ("", "_solved", "_between")]
        [0.3, 0.0, 0.6]
    """
    gramians = gradients.parts.get(ALL)
    if gramians is None:
        return {}
    found = gramian_statistics(gramians)
    for suffix, value in ((SOLVED, 1.0), (BETWEEN, 0.0)):
        statistics = gramian_statistics(gramians, gradients.solved == value)
        found |= {name + suffix: number for name, number in statistics.items()}
    return found


def mean_over_steps(gramians: Gramians) -> Array:
    """Return the update's cosine with the gradient of each reward, the mean over all measured steps [K].

    Args:
        gramians: The measured steps.

    Example:
        >>> steps = np.array([1, 2])
        >>> products, updates = np.array([np.eye(2), np.eye(2)]), np.array([[1.0, 0.0], [0.6, 0.8]])
        >>> mean_over_steps(Gramians(0 * steps, steps, products, updates, np.ones(2))).tolist()
        [0.8, 0.4]
    """
    return mean_of_known(update_cosines(gramians))


def mean_of_known(values: Array) -> Array:
    """Return the mean over the first dimension of what is not NaN; NaN where nothing is.

    Example:
        >>> mean_of_known(np.array([[1.0, np.nan], [2.0, np.nan]])).tolist()
        [1.5, nan]
    """
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
