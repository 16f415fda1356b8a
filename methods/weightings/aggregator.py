"""Weightings of the multi-task literature, as TorchJD implements them, on the Gramian of the K gradients."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from methods.base import State, Weighting
from methods.min_norm import cosine_matrix

RULES: dict[str, tuple[str, dict[str, float]]] = {
    "aligned_mtl": ("AlignedMTLWeighting", {}),
    "cagrad": ("CAGradWeighting", {"c": 0.5}),
    "dual_proj": ("DualProjWeighting", {}),
    "fair_grad": ("FairGradWeighting", {"alpha": 2.0}),
    "imtl_g": ("IMTLGWeighting", {}),
    "mean": ("MeanWeighting", {}),
    "mgda": ("MGDAWeighting", {}),
    "nash_mtl": ("NashMTL", {}),
    "pcgrad": ("PCGradWeighting", {}),
    "random": ("RandomWeighting", {}),
    "upgrad": ("UPGradWeighting", {}),
}
"""Rule -> class of torchjd.aggregation and the settings it has no default for (CAGrad, FairGrad: of their papers)."""

INSTALL = 'pip install "flowfront[aggregators]"'


@dataclass(frozen=True)
class AggregatorWeighting(Weighting):
    """The weights that a TorchJD rule gives for the Gramian, at every update.

    Rules that keep a state (Nash-MTL) or draw at random (PCGrad, random) are made anew for each update, with a seed
    that is the number of updates so far: the same training gives the same weights, resumed or not.

    Attributes:
        rule: One of `RULES`.
        normalize: Whether the gradients are scaled to unit length first and the result by their mean length, as in
            MARBLE. The rules themselves are published without.

    Source: PCGrad (2001.06782), MGDA (1810.04650), CAGrad (2110.14048), IMTL-G (ICLR 2021), Nash-MTL (2202.01017),
    Aligned-MTL (2305.19000), UPGrad and DualProj (2406.16232), FairGrad (2402.15638), random (2111.10603).
    """

    rule: str = "pcgrad"
    normalize: bool = False

    def __post_init__(self) -> None:
        """Check the rule's name."""
        if self.rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(sorted(RULES))}, found {self.rule!r}")

    def validate(self, n_objectives: int) -> None:
        """Raise ValueError if TorchJD, or what it needs for this rule, is not installed."""
        self._weights_of(torch.eye(n_objectives, dtype=torch.float64), seed=0)

    def init(self, n_objectives: int, n_updates: int) -> State:
        """Return the number of updates, which seeds the rules that draw."""
        return {"updates": torch.zeros((), dtype=torch.int64)}

    def solve(self, gramian: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the rule's weights [K]; equal ones if no objective has a gradient.

        Raises:
            ValueError: If the rule's answer is not finite.
        """
        seed, k = int(state["updates"]), len(gramian)
        wide = gramian.double()
        after = {"updates": state["updates"] + 1}
        if not bool((wide.diagonal() > 0).any()):
            return wide.new_full((k,), 1 / k), after
        norms = wide.diagonal().sqrt()
        present = norms > 0
        inner = (cosine_matrix(wide) if self.normalize else wide)[present][:, present]
        # Lengths far from 1 meet absolute tolerances inside some rules.
        scale = inner.diagonal().mean()
        found = self._weights_of((inner / scale).cpu(), seed).to(wide)
        if not bool(found.isfinite().all()):
            raise ValueError(f"aggregator {self.rule}: expected finite weights, found {found.tolist()}")
        weights = torch.zeros_like(norms)
        weights[present] = found * norms[present].mean() / norms[present] if self.normalize else found
        return weights, after

    def _weights_of(self, gramian: Tensor, seed: int) -> Tensor:
        if len(gramian) == 1:
            return torch.ones_like(gramian[0])
        name, settings = RULES[self.rule]
        try:
            kind: Callable[..., Any] = vars(import_module("torchjd.aggregation"))[name]
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                torch.manual_seed(seed)
                # What solvers say of the form of TorchJD's problems is nothing that a user could change.
                warnings.simplefilter("ignore")
                weights: Tensor = _nash(kind, gramian) if self.rule == "nash_mtl" else kind(**settings)(gramian)
        except ImportError as error:
            needed = str(error).splitlines()[0]
            raise ValueError(f"aggregator {self.rule}: expected its packages ({INSTALL}), found: {needed}") from error
        return weights.detach().to(gramian)


def _nash(kind: Callable[..., Any], gramian: Tensor) -> Tensor:
    # This rule takes gradients; any with the same inner products will do.
    values, vectors = np.linalg.eigh(gramian.numpy())
    factor = torch.from_numpy(vectors * np.sqrt(np.maximum(values, 0.0)))
    weights: Tensor = kind(n_tasks=len(gramian)).weighting(factor)
    return weights
