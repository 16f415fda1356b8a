"""The sampler study from its records: what samplers do to known data, and what GRPO reaches under each of them.

`exact.parquet` in the suite's folder holds the exact part (`benchmarks.studies.samplers` says what its columns mean);
the trainings are ordinary runs, whose sampler is read from the settings in their `run.json`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analysis.sampler_curves import Curve, Kind, curves_of
from analysis.summary import Summary
from benchmarks.records import RecordError, read_table

if TYPE_CHECKING:
    import pandas as pd

EXACT_FILE = "exact.parquet"
TEXTS = ("case", "sampler", "settings_hash")
NUMBERS = (
    "data_variance", "eta", "steps", "shift", "variance", "variance_ratio", "w2", "w1", "total_variation",
    "mode_weight", "mode_std", "memory", "excess",
)  # fmt: skip
BASELINES = ("flow_sde", "dance_sde", "cps")
"""The samplers that Precise's paper compares itself with."""
STALLED = 0.1
"""An order of convergence below this counts as none."""


@dataclass(frozen=True, eq=False)
class SamplerStudy:
    """The exact part as a table, and the trainings by sampler."""

    exact: "pd.DataFrame"
    curves: Mapping[Kind, Curve]

    def column(
        self, kind: Kind, value: str, case: str, shift: float, data_variance: float | None = None
    ) -> "pd.Series":
        """Return a column of a sampler by number of steps, in order; empty if it was not computed."""
        rows = self.exact
        chosen = (rows["sampler"] == kind.sampler) & np.isclose(rows["eta"], kind.eta) & (rows["case"] == case)
        chosen &= rows["shift"] == shift
        if data_variance is not None:
            chosen &= np.isclose(rows["data_variance"], data_variance)
        found: pd.Series = rows[chosen].set_index("steps")[value].sort_index()
        return found

    def at(
        self, kind: Kind, value: str, case: str, steps: int, shift: float, data_variance: float | None = None
    ) -> float | None:
        """Return one number, None if it was not computed or does not apply."""
        found = self.column(kind, value, case, shift, data_variance).get(steps)
        return None if found is None or math.isnan(found) else float(found)

    def etas(self, sampler: str) -> list[float]:
        """Return the etas a sampler was computed at."""
        return sorted(set(self.exact.loc[self.exact["sampler"] == sampler, "eta"].tolist()))

    @property
    def own(self) -> dict[str, Kind]:
        """Each sampler with its own eta, in the order of the records."""
        rows = self.exact[self.exact["default"]]
        return {name: Kind(name, eta) for name, eta in zip(rows["sampler"], rows["eta"], strict=True)}

    @property
    def kinds(self) -> list[Kind]:
        """What the table and the pictures show: each sampler with its own eta, and what else was trained with."""
        own = list(self.own.values())
        names = [kind.sampler for kind in own]
        others = sorted(kind for kind in self.curves if kind not in own and kind.sampler in names)
        return sorted([*own, *others], key=lambda kind: names.index(kind.sampler))

    def order(self, kind: Kind) -> tuple[float, float] | None:
        """Return the order of convergence and the ratio it was measured up to, for Gaussian data of variance 1.

        The order is the slope of the variance's relative error against the step size, between 1000 steps and the most.
        None if these were not computed.
        """
        ratios = self.column(kind, "variance_ratio", "gaussian", 1.0, 1.0)
        fine = ratios[ratios.index >= 1000]
        errors = (fine - 1).abs().to_numpy(dtype=np.float64)
        if len(fine) < 2 or not (errors > 0).all():
            return None
        steps = fine.index.to_numpy(dtype=np.float64)
        return float(np.log(errors[0] / errors[-1]) / np.log(steps[-1] / steps[0])), float(fine.iloc[-1])

    @property
    def best_baseline(self) -> Kind | None:
        """The best trained of the samplers Precise is compared with, each at its own eta, None if there is none."""
        known = [kind for name in BASELINES if (kind := self.own.get(name)) in self.curves and kind is not None]
        return max(known, key=lambda kind: self.curves[kind].final.mean, default=None)


def read_study(folder: Path, summary: Summary) -> SamplerStudy | None:
    """Return the study of a suite, None if its folder holds none.

    Args:
        folder: The suite's folder.
        summary: The suite.

    Raises:
        RecordError: If `exact.parquet` is damaged or lacks what it must hold.
    """
    path = folder / EXACT_FILE
    if not path.exists():
        return None
    return SamplerStudy(_checked(path, read_table(path)), curves_of(summary.benchmarks[0], summary))


def _checked(path: Path, exact: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    for name in (*TEXTS, *NUMBERS, "default"):
        if name not in exact:
            raise RecordError(f"{path}: expected a column {name}, found none; remove the file and run the suite again")
    for name in NUMBERS:
        if not pd.api.types.is_numeric_dtype(exact[name]):
            raise RecordError(f"{path}: expected numbers in column {name}, found {exact[name].dtype}")
    if not pd.api.types.is_bool_dtype(exact["default"]):
        raise RecordError(f"{path}: expected true or false in column default, found {exact['default'].dtype}")
    if len(exact) == 0:
        raise RecordError(f"{path}: expected at least one row, found none")
    hashes = exact["settings_hash"].nunique(dropna=False)
    if hashes != 1:
        raise RecordError(f"{path}: expected one settings_hash, found {hashes}")
    if not (np.isfinite(exact["variance"]) & (exact["variance"] >= 0)).all():
        raise RecordError(f"{path}: expected variances that are finite and >= 0, found others")
    keys = exact.duplicated(["case", "data_variance", "sampler", "eta", "steps", "shift"])
    if keys.any():
        raise RecordError(f"{path}: expected each case once, found row {int(np.flatnonzero(keys)[0])} again")
    return exact
