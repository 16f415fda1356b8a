"""The exact Pareto front of quadratic rewards, and its hypervolume."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc


@dataclass(frozen=True)
class QuadraticFront:
    """What the best unconstrained policy reaches when reward k of prompt p is -scales[k] |x - targets[p, k]|^2.

    A reward's value is its mean over the prompts it applies to. Rewards are concave, so every Pareto-optimal vector
    maximizes some linear utility, and that maximum separates over prompts: each prompt's best x is a weighted mean of
    its targets. A preference weighs rewards in units of `ranges`, so it means the same at every scale.

    Attributes:
        targets: [P, K, D]; NaN rows where a reward does not apply to a prompt.
        scales: [K], > 0.
        ranges: [K], > 0: the width of each reward's bounds.
    """

    targets: np.ndarray
    scales: np.ndarray
    ranges: np.ndarray

    def _optimum(self, pull: np.ndarray) -> np.ndarray:
        # pull [N, K] >= 0: marginal worth of reward k. Where no reward of a prompt counts, the mean of its targets.
        applies = np.isfinite(self.targets[..., 0])
        share = pull[:, None, :] * self.scales * applies / applies.sum(0)
        share = np.where(share.sum(2, keepdims=True) > 0, share, applies[None].astype(float))
        mix = share / share.sum(2, keepdims=True)
        return np.asarray(np.einsum("npk,pkd->npd", mix, np.nan_to_num(self.targets)))

    def rewards_at(self, x: np.ndarray) -> np.ndarray:
        """Return the reward vectors [N, K] of deterministic policies x [N, P, D]."""
        distance = ((x[:, :, None, :] - self.targets) ** 2).sum(3)
        return np.asarray(-self.scales * np.nanmean(distance, axis=1))

    def points(self, preferences: np.ndarray) -> np.ndarray:
        """Return the optimal reward vectors [N, K] for preferences [N, K] on the simplex."""
        return self.rewards_at(self._optimum(np.asarray(preferences, dtype=np.float64) / self.ranges))

    def hypervolume(
        self, reference_point: np.ndarray, log2_directions: int = 12, iterations: int = 200, seed: int = 0
    ) -> float:
        """Return the volume between the reference point [K] and the front.

        The dominated set is convex and holds the reference point, so it is star-shaped around it and its volume is an
        average of R^K over directions. R, the distance to the front along a direction s, is
        min over u on the simplex of sum_k u_k (r_k(u) - ref_k) / s_k with r(u) the optimum for pulls u / s: a convex
        problem, solved by multiplicative updates for all directions at once. Quasi-random directions; the error is
        about 1e-3 for K = 5 at 2^12 directions and falls as their number grows.

        Args:
            reference_point: [K], below the front.
            log2_directions: Directions = 2 to this power.
            iterations: Steps of the inner solver.
            seed: Scrambling of the directions; the spread over seeds is the error.
        """
        k = len(self.scales)
        uniform = qmc.Sobol(k, scramble=True, seed=seed).random_base2(log2_directions)
        exponential = -np.log1p(-np.clip(uniform, 1e-12, 1 - 1e-12))
        directions = exponential / exponential.sum(1, keepdims=True) * self.ranges
        distance = self._distance(np.asarray(reference_point, dtype=np.float64), directions, iterations)
        # Volume = (1/K) * integral over the simplex of R^K; the simplex has volume 1/(K-1)!.
        simplex = 1.0 / np.prod(np.arange(1, k))
        return float(np.mean(distance**k) * simplex / k * np.prod(self.ranges))

    def _distance(self, reference_point: np.ndarray, directions: np.ndarray, iterations: int) -> np.ndarray:
        mix = np.full(directions.shape, 1 / directions.shape[1])
        best = np.full(len(directions), np.inf)
        for i in range(iterations):
            slope = (self.rewards_at(self._optimum(mix / directions)) - reference_point) / directions
            best = np.minimum(best, (mix * slope).sum(1))
            # At the optimum all slopes with a positive share are equal, the others larger. Ratios, not differences,
            # because slopes differ by orders of magnitude along directions close to a face.
            level = (mix * slope).sum(1, keepdims=True)
            mix = mix * np.clip(slope / level, 0.1, 10.0) ** -(1.0 / (1 + 0.02 * i))
            mix = np.maximum(mix, 1e-15)
            mix = mix / mix.sum(1, keepdims=True)
        return best


def segment_hypervolume(reference_point: np.ndarray, squared_distance: float, scales: np.ndarray) -> float:
    """Return the exact hypervolume for K = 2 targets at mean squared distance d^2, both rewards on every prompt.

    The front is sqrt(-r_1 / scale_1) + sqrt(-r_2 / scale_2) = d; the area it cuts off the box is d^4 / 6.

    Example:
        >>> segment_hypervolume(np.array([-5.0, -5.0]), 4.0, np.array([1.0, 1.0]))  # doctest: +ELLIPSIS
        22.333...
    """
    box = float(np.prod(-np.asarray(reference_point) / scales))
    return (box - squared_distance**2 / 6) * float(np.prod(scales))
