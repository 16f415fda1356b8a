"""MARBLE's weighting: the min-norm direction of unit gradients, solved for now and then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from methods.base import Batch, State, Weighting
from methods.min_norm import cosine_matrix, has_gradient, min_norm_weights, optimality_gap


@dataclass(frozen=True)
class MinNormWeighting(Weighting):
    """Weights from the min-norm point of the K gradients, amortized over several updates.

    Every `every`-th update asks for the K gradients, solves for alpha* on unit gradients and descends along
    d = sum_k alpha*_k g_k / |g_k|, rescaled by the mean norm: the weights are alpha*_k mean|g| / |g_k|. The updates in
    between weigh the losses by the running average of alpha: with equal branches and no clipped advantage that is one
    loss with the mixed advantage sum_k alpha_k A_k (Proposition 1); weighing the K losses instead of the advantages
    stays exact where an advantage is clipped, which is what the paper falls back to. Such updates are counted.

    Objectives without a gradient take no part in a solve: their running average stays, the others share the rest.

    Attributes:
        every: Updates per solve, N >= 1; 1 solves always.
        average: Decay rho in [0, 1) of the running average of alpha, which starts uniform; 0 keeps the last solution.
        normalize: "unit" as published; "none" solves on the gradients as they are (the published ablation).
        uniform_end: Share [0, 1) of the training, at its end, with equal weights; the paper recommends such a stage
            and leaves its length open.

    Source: MARBLE (arXiv 2605.06507), sections on harmonization and amortization; defaults N = 10, rho = 0.7.
    """

    every: int = 10
    average: float = 0.7
    normalize: Literal["unit", "none"] = "unit"
    uniform_end: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.every < 1:
            raise ValueError(f"every must be >= 1, found {self.every}")
        if not 0 <= self.average < 1:
            raise ValueError(f"average must be in [0, 1), found {self.average}")
        if self.normalize not in ("unit", "none"):
            raise ValueError(f"normalize must be unit or none, found {self.normalize!r}")
        if not 0 <= self.uniform_end < 1:
            raise ValueError(f"uniform_end must be in [0, 1), found {self.uniform_end}")

    def init(self, n_objectives: int, n_updates: int) -> State:
        """Return uniform alpha and the counters; `uniform_from` is the first update of the end stage."""
        return {
            "alpha": torch.full((n_objectives,), 1 / n_objectives, dtype=torch.float64),
            "updates": torch.zeros((), dtype=torch.int64),
            "uniform_from": torch.tensor(round(n_updates * (1 - self.uniform_end)) if self.uniform_end else -1),
            "solved_at": torch.tensor(-1),
            "gap": torch.zeros((), dtype=torch.float64),
            "fallbacks": torch.zeros((), dtype=torch.int64),
        }

    def weights(self, batch: Batch, state: State) -> Tensor | None:
        """Return the running average [K] between solves, equal weights in the end stage, else None."""
        k = batch.n_objectives
        if _in_end_stage(state):
            return batch.rewards.new_full((k,), 1 / k)
        return None if int(state["updates"]) % self.every == 0 else state["alpha"].to(batch.rewards)

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the weights [K] of the K gradients and the state with the new average."""
        unit = self.normalize == "unit"
        matrix = cosine_matrix(gramian.double()) if unit else gramian.double()
        alpha = min_norm_weights(matrix)
        present = has_gradient(gramian)
        weights = alpha
        if unit and bool(present.any()):
            norms = gramian.double().diagonal().sqrt()
            weights = torch.where(present, alpha * norms[present].mean() / norms, 0.0)
        before = state["alpha"].to(alpha)
        kept = torch.where(present, 0.0, before)
        target = alpha * (1 - kept.sum()) + kept if bool(present.any()) else before
        changes = {
            "alpha": self.average * before + (1 - self.average) * target,
            "solved_at": state["updates"].clone(),
            "gap": torch.tensor(optimality_gap(matrix, alpha), dtype=torch.float64),
        }
        return weights, {**state, **changes}

    def after(self, state: State, metrics: Mapping[str, float]) -> State:
        """Return the state one update later; `fallbacks` counts amortized updates with a clipped advantage."""
        amortized = not _just_solved(state) and not _in_end_stage(state)
        fell_back = amortized and metrics.get("clipped", 0.0) > 0
        return {**state, "updates": state["updates"] + 1, "fallbacks": state["fallbacks"] + int(fell_back)}

    def report(self, state: State) -> Mapping[str, Tensor]:
        """Return alpha [K], whether the last update solved, the solver's optimality gap, and the fallbacks so far."""
        solved = state["solved_at"] == state["updates"] - 1
        return {
            "alpha": state["alpha"],
            "solved": solved.to(torch.int64),
            "solver_gap": state["gap"],
            "fallbacks": state["fallbacks"],
        }


def _in_end_stage(state: State) -> bool:
    return 0 <= int(state["uniform_from"]) <= int(state["updates"])


def _just_solved(state: State) -> bool:
    return int(state["solved_at"]) == int(state["updates"])
