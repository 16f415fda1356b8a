"""Statistics of what was computed or timed and not trained: `exact.parquet` of the sampler study, and `speed.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.claims.base import Arm, Effect, MeasuredFile
from analysis.claims.evidence import Evidence
from analysis.sampler_curves import Kind
from analysis.sampler_findings import EULER, EXCHANGE, USUAL_STEPS
from analysis.samplers import SamplerStudy
from benchmarks.records import RecordError

if TYPE_CHECKING:
    import pandas as pd

STUDY = MeasuredFile("sampler-study/exact.parquet", "flowfront run sampler-study --out results/reference")
SPEED = MeasuredFile("speed.json", "python -m benchmarks.speed --rounds 6 --threads 2 --json")
NO_ARMS: tuple[Arm, ...] = ()


def exactly(name: str, value: float) -> Effect:
    """Return an effect that no chance is in."""
    return Effect(name, value, value, value, (), "computed, nothing trained", "exact")


def _study(evidence: Evidence) -> SamplerStudy:
    return SamplerStudy(evidence.table(STUDY), {})


def _known(value: float | None, what: str) -> float:
    if value is None:
        raise RecordError(f"{STUDY.path}: expected {what}, found none")
    return value


@dataclass(frozen=True)
class LeftoverNoise:
    """The standard deviation that samplers leave where all data are one point, each with its own eta."""

    samplers: tuple[str, ...]
    steps: int = 10
    shift: float = 3.0
    arms = NO_ARMS
    files = (STUDY,)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return an effect a sampler."""
        study = _study(evidence)
        return tuple(
            exactly(
                f"standard deviation left by {kind.label} after {self.steps} steps",
                _known(study.at(kind, "w2", "dirac", self.steps, self.shift), kind.label),
            )
            for kind in (study.own[name] for name in self.samplers)
        )


@dataclass(frozen=True)
class MissingVariance:
    """1 minus the ratio of the output's variance to that of Gaussian data of variance 1, at the most steps."""

    sampler: str
    etas: tuple[float, ...]
    arms = NO_ARMS
    files = (STUDY,)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return an effect an eta."""
        study, found = _study(evidence), []
        for eta in self.etas:
            ratios = study.column(Kind(self.sampler, eta), "variance_ratio", "gaussian", 1.0, 1.0)
            if len(ratios) == 0:
                raise RecordError(f"{STUDY.path}: expected {self.sampler} at eta {eta:g}, found none")
            name = f"missing variance after {ratios.index[-1]} steps, {self.sampler} {eta:g}"
            found.append(exactly(name, 1.0 - float(ratios.iloc[-1])))
        return tuple(found)


@dataclass(frozen=True)
class Order:
    """The order of convergence of the variance for Gaussian data, from 1000 steps on."""

    sampler: str
    etas: tuple[float, ...]
    arms = NO_ARMS
    files = (STUDY,)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return an effect an eta."""
        study = _study(evidence)
        found = {eta: study.order(Kind(self.sampler, eta)) for eta in self.etas}
        return tuple(
            exactly(f"order of convergence, {self.sampler} {eta:g}", _known(order and order[0], f"eta {eta:g}"))
            for eta, order in found.items()
        )


@dataclass(frozen=True)
class LargestRatio:
    """The largest ratio of variances over all etas, grids and Gaussian data at usual numbers of steps."""

    sampler: str
    arms = NO_ARMS
    files = (STUDY,)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return the one effect."""
        rows = _study(evidence).exact
        chosen = rows[(rows["case"] == "gaussian") & (rows["sampler"] == self.sampler)]
        chosen = chosen[chosen["steps"] <= max(USUAL_STEPS)]
        if len(chosen) == 0:
            raise RecordError(f"{STUDY.path}: expected Gaussian data under {self.sampler}, found none")
        name = f"largest ratio of variances of {len(chosen)} cases of at most {max(USUAL_STEPS)} steps, {self.sampler}"
        return (exactly(name, float(chosen["variance_ratio"].max())),)


@dataclass(frozen=True)
class ClosestShare:
    """The share of cases at usual numbers of steps in which a sampler is among the closest to the data."""

    sampler: str
    arms = NO_ARMS
    files = (STUDY,)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return the one effect."""
        rows = _study(evidence).exact
        rows = rows[rows["default"] & rows["sampler"].isin((*EULER, *EXCHANGE)) & rows["steps"].isin(USUAL_STEPS)]
        share, cases = closest_share(rows, self.sampler)
        return (exactly(f"share of {cases} cases in which {self.sampler} is among the closest", share),)


def closest_share(rows: "pd.DataFrame", sampler: str) -> tuple[float, int]:
    """Return the share of cases in which no sampler is closer to the data, and the number of cases.

    Distances that agree but for rounding are equal; those of mixtures are of order 1, the others of order 2.

    Example:
        >>> import pandas as pd
        >>> rows = pd.DataFrame({"case": ["dirac"] * 4, "data_variance": [0.0] * 4, "steps": [6, 6, 10, 10],
        ...     "shift": [1.0] * 4, "sampler": ["a", "b"] * 2, "w2": [0.1, 0.2, 0.3, 0.1], "w1": [float("nan")] * 4})
        >>> closest_share(rows, "a")
        (0.5, 2)
    """
    error = rows["w2"].where(rows["case"] != "mixture", rows["w1"])
    wide = rows.assign(error=error.round(9)).pivot_table(
        index=["case", "data_variance", "steps", "shift"], columns="sampler", values="error"
    )
    if sampler not in wide:
        raise RecordError(f"{STUDY.path}: expected {sampler} at its own eta, found none")
    return float(np.mean(wide[sampler] <= wide.min(axis=1))), len(wide)


@dataclass(frozen=True)
class SpeedRatio:
    """Training steps a second relative to the weighted sum, by the name in `speed.json`."""

    names: tuple[str, ...]
    arms = NO_ARMS
    files = (SPEED,)

    def __call__(self, evidence: Evidence) -> tuple[Effect, ...]:
        """Return an effect a name; its ends are the range over single rounds."""
        found = evidence.content(SPEED)
        for name in self.names:
            if name not in found:
                raise RecordError(f"{SPEED.path}: expected {name!r}, found {', '.join(found)}")
        return tuple(_speed(name, found[name]) for name in self.names)


def _speed(name: str, found: Mapping[str, float]) -> Effect:
    return Effect(
        name=f"speed relative to the weighted sum: {name}",
        mean=found["ratio"],
        low=found["low"],
        high=found["high"],
        seeds=(),
        cost="timed, 6-layer SD3 of width 128, in one process with the weighted sum",
        spread="range over rounds",
    )
