"""The exact part of the sampler study: what samplers make of known data, without training and without chance.

It writes one row for each case, sampler, eta, number of steps and shift. What does not apply is NaN.

| column | content |
|---|---|
| `case` | `gaussian`, `dirac` (Gaussian data without width) or `mixture` (two modes on the line) |
| `data_variance` | variance of the data |
| `sampler`, `eta` | name in `methods.SAMPLERS`, and its eta (0 for `ode` and `dpm2`) |
| `default` | whether that eta is the sampler's own |
| `steps`, `shift` | the grid of noise levels |
| `variance`, `variance_ratio` | of the output, and over that of the data |
| `w2` | Gaussian, Dirac: Wasserstein distance of order 2 to the data; for a Dirac it is the output's std |
| `w1`, `total_variation` | mixture: Wasserstein distance of order 1 and total variation to the data |
| `mode_weight`, `mode_std` | mixture: mass of the light mode (data: 0.3), standard deviation of the heavy one (0.2) |
| `memory` | Gaussian: share of the output's variance that is the initial noise |
| `excess` | Dirac: noise beyond what the levels should hold, over all steps, as a standard deviation |
| `settings_hash` | SHA-256 of the settings and of the samplers' coefficients, the same in all rows |
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.records import RecordError, read_table, write_table
from benchmarks.studies.densities import MEANS, STD, WEIGHTS, Outcome, deterministic_outcome, stochastic_outcomes
from benchmarks.studies.probes import excess_noise, gaussian_outcome, probe
from methods.base import Sampler
from methods.samplers.cps import CPS
from methods.samplers.dance_precise import DancePrecise
from methods.samplers.dance_sde import DanceSDE
from methods.samplers.dpm import DPM2
from methods.samplers.flow_sde import FlowSDE
from methods.samplers.kernel import GaussianKernel
from methods.samplers.ode import ODE
from methods.samplers.precise import Precise
from methods.samplers.schedules import shifted_sigmas

EXACT_FILE = "exact.parquet"
VERSION = 1
DETERMINISTIC: dict[str, Sampler] = {"ode": ODE(), "dpm2": DPM2()}
STOCHASTIC: dict[str, GaussianKernel] = {
    "flow_sde": FlowSDE(),
    "dance_sde": DanceSDE(),
    "cps": CPS(),
    "precise": Precise(),
    "dance_precise": DancePrecise(),
}
NUMBERS = (
    "variance", "variance_ratio", "w2", "w1", "total_variation", "mode_weight", "mode_std", "memory", "excess",
)  # fmt: skip

Row = dict[str, str | float | int | bool]


@dataclass(frozen=True)
class Study:
    """What is computed; `etas` beyond a sampler's range are left out, its own is always in.

    Attributes:
        etas: Amounts of noise.
        shifts: Shifts of the grids.
        steps: Numbers of steps for Gaussian data.
        variances: Of these data; 0 is the Dirac.
        mixture_steps: Numbers of steps for the mixture.
    """

    etas: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 1.0, 1.5)
    shifts: tuple[float, ...] = (1.0, 3.0)
    steps: tuple[int, ...] = (6, 10, 20, 30, 100, 300, 1000, 3000, 10000)
    variances: tuple[float, ...] = (0.0, 0.01, 0.25, 1.0, 4.0)
    mixture_steps: tuple[int, ...] = (6, 10, 20, 30, 100, 200)


@dataclass(frozen=True)
class Entry:
    """A sampler of the study."""

    name: str
    eta: float
    default: bool
    sampler: Sampler


def entries(study: Study) -> list[Entry]:
    """Return all samplers with all their etas, the deterministic ones first."""
    found = [Entry(name, 0.0, True, sampler) for name, sampler in DETERMINISTIC.items()]
    for name, own in STOCHASTIC.items():
        etas = [eta for eta in sorted({*study.etas, own.eta}) if not isinstance(own, CPS) or eta <= 1]
        found += [Entry(name, eta, eta == own.eta, replace(own, eta=eta)) for eta in etas]
    return found


def settings_hash(study: Study) -> str:
    """Return the hash of the settings and of what the samplers do with them: another sampler is another study."""
    sigmas = shifted_sigmas(8, 2.0)
    coefficients = []
    for entry in entries(study):
        steps = probe(entry.sampler, sigmas)
        coefficients += [
            [entry.name, entry.eta],
            *([f"{x:.9e}" for x in vars(steps)[key]] for key in ("a", "b", "std")),
        ]
    data = [WEIGHTS, MEANS, STD]
    text = json.dumps([VERSION, asdict(study), data, coefficients], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _row(entry: Entry, case: str, data_variance: float, steps: int, shift: float, **numbers: float) -> Row:
    head: Row = {"case": case, "data_variance": data_variance, "sampler": entry.name, "eta": entry.eta}
    head |= {"default": entry.default, "steps": steps, "shift": shift}
    return head | dict.fromkeys(NUMBERS, math.nan) | numbers


def gaussian_rows(study: Study, steps: int, shift: float) -> list[Row]:
    """Return the rows of Gaussian and Dirac data on one grid of levels."""
    chosen, variances = entries(study), np.array(study.variances)
    probes = [probe(entry.sampler, shifted_sigmas(steps, shift)) for entry in chosen]
    outputs, factors = gaussian_outcome(probes, variances)
    rows = []
    for entry, found, kept, own in zip(chosen, outputs, factors, probes, strict=True):
        for c2, variance, factor in zip(variances.tolist(), found.tolist(), kept.tolist(), strict=True):
            numbers = {"variance": variance, "w2": abs(math.sqrt(variance) - math.sqrt(c2))}
            if c2 == 0:
                numbers["excess"] = math.sqrt(max(excess_noise(own), 0.0))
            else:
                numbers |= {"variance_ratio": variance / c2, "memory": factor**2 / variance}
            rows.append(_row(entry, "gaussian" if c2 > 0 else "dirac", c2, steps, shift, **numbers))
    return rows


def mixture_rows(study: Study, steps: int, shift: float) -> list[Row]:
    """Return the rows of the mixture on one grid of levels."""
    sigmas, chosen = shifted_sigmas(steps, shift), entries(study)
    noisy = [entry for entry in chosen if entry.sampler.stochastic]
    found = dict(zip(noisy, stochastic_outcomes([entry.sampler for entry in noisy], sigmas), strict=True))
    found |= {entry: deterministic_outcome(entry.sampler, sigmas) for entry in chosen if entry not in found}
    return [_mixture_row(entry, found[entry], steps, shift) for entry in chosen]


def _mixture_row(entry: Entry, outcome: Outcome, steps: int, shift: float) -> Row:
    mean = sum(w * m for w, m in zip(WEIGHTS, MEANS, strict=True))
    spread = sum(w * (m - mean) ** 2 for w, m in zip(WEIGHTS, MEANS, strict=True)) + STD**2
    return _row(entry, "mixture", spread, steps, shift, **asdict(outcome), variance_ratio=outcome.variance / spread)


def compute(study: Study) -> dict[str, np.ndarray]:
    """Return the columns of the study."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # many small operations: threads only wait for each other
    try:
        grids = [(steps, shift) for shift in study.shifts for steps in study.steps]
        rows = [row for steps, shift in grids for row in gaussian_rows(study, steps, shift)]
        grids = [(steps, shift) for shift in study.shifts for steps in study.mixture_steps]
        rows += [row for steps, shift in grids for row in mixture_rows(study, steps, shift)]
    finally:
        torch.set_num_threads(threads)
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return columns | {"settings_hash": np.array([settings_hash(study)] * len(rows))}


def sampler_study(folder: Path, study: Study = Study()) -> Path:
    """Write `exact.parquet` into a folder, unless it is there with the same settings, and return its path.

    Raises:
        RecordError: If the folder cannot be written to.
    """
    path = folder / EXACT_FILE
    if not _is_current(path, study):
        write_table(path, compute(study))
    return path


def _is_current(path: Path, study: Study) -> bool:
    # What is damaged or of other settings is made anew: nothing in it was measured, all of it follows from settings.
    if not path.exists():
        return False
    try:
        found = read_table(path)
    except RecordError:
        return False
    return "settings_hash" in found and set(found["settings_hash"]) == {settings_hash(study)}
