"""Trainings by the sampler of their rollouts: how the reward grew, and after how many steps it was reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.statistics import Interval
from analysis.summary import BASE, BenchmarkSummary, Row, Summary

REWARD = "expected_utility"
DETERMINISTIC = ("ode", "dpm2")


@dataclass(frozen=True, order=True)
class Kind:
    """A sampler with its eta, 0 for deterministic ones."""

    sampler: str
    eta: float

    @property
    def label(self) -> str:
        """Name with eta.

        Example:
            >>> Kind("cps", 0.7).label, Kind("ode", 0.0).label
            ('cps 0.7', 'ode')
        """
        return self.sampler if self.sampler in DETERMINISTIC else f"{self.sampler} {self.eta:g}"


@dataclass(frozen=True, eq=False)
class Curve:
    """A training: the reward of the evaluated states, the base model first, rewards in units of the bounds.

    Attributes:
        method: Name of the method.
        steps: Training steps [T].
        evaluations: Velocity evaluations spent [T].
        rewards: Mean over the rewards, 0 the worst and 1 the best of the bounds, interval over seeds [T].
    """

    method: str
    steps: tuple[int, ...]
    evaluations: tuple[float, ...]
    rewards: tuple[Interval, ...]

    @property
    def final(self) -> Interval:
        """The reward at the end."""
        return self.rewards[-1]

    def steps_to(self, reward: float) -> float | None:
        """Return the training steps after which the mean first reaches a reward, interpolated, or None if never."""
        return self._first([one.mean for one in self.rewards], reward)

    def steps_by_seed(self, reward: float) -> dict[int, float]:
        """Return the same for each seed; one that never gets there counts as if it did at its end."""
        seeds = set.intersection(*(set(one.values) for one in self.rewards))
        found = {seed: self._first([one.values[seed] for one in self.rewards], reward) for seed in sorted(seeds)}
        return {seed: float(self.steps[-1]) if steps is None else steps for seed, steps in found.items()}

    def _first(self, values: Sequence[float], reward: float) -> float | None:
        if values[0] >= reward:
            return float(self.steps[0])
        for i in range(1, len(values)):
            if values[i] >= reward:
                share = (reward - values[i - 1]) / (values[i] - values[i - 1])
                return self.steps[i - 1] + share * (self.steps[i] - self.steps[i - 1])
        return None


def curves_of(part: BenchmarkSummary, summary: Summary) -> dict[Kind, Curve]:
    """Return the trainings of a benchmark by the sampler of their rollouts.

    Args:
        part: The benchmark.
        summary: Its suite.
    """
    kinds: dict[str, Kind] = {}
    for run in summary.runs:
        kind = kind_of(run.record.method.settings)
        if run.record.benchmark.name == part.record.name and kind is not None:
            kinds[run.record.method.name] = kind
    base = [row for row in part.rows if row.method == BASE]
    curves: dict[Kind, Curve] = {}
    for method, kind in kinds.items():
        rows = sorted((row for row in part.rows if row.method == method), key=lambda row: row.step)
        # Two methods that differ in something else than the sampler are no study of samplers: the first one counts.
        if rows and kind not in curves:
            curves[kind] = _curve(method, [*base, *rows])
    return curves


def _curve(method: str, rows: list[Row]) -> Curve:
    return Curve(
        method,
        tuple(row.step for row in rows),
        tuple(row.quantities["velocity_evaluations"].mean for row in rows),
        tuple(row.quantities[REWARD] for row in rows),
    )


def kind_of(settings: Mapping[str, object]) -> Kind | None:
    """Return the sampler in a method's recorded settings, named like its module, None where there is none with eta.

    Example:
        >>> sampler = {"class": "methods.samplers.cps:CPS", "fields": {"eta": 0.7}}
        >>> kind_of({"class": "methods.grpo:FlowGRPO", "fields": {"sampler": sampler}})
        Kind(sampler='cps', eta=0.7)
    """
    fields = settings.get("fields")
    sampler = fields.get("sampler") if isinstance(fields, dict) else None
    if not isinstance(sampler, dict) or not isinstance(sampler.get("class"), str):
        return None
    own = sampler.get("fields")
    eta = own.get("eta") if isinstance(own, dict) else None
    if not isinstance(eta, int | float):
        return None
    return Kind(sampler["class"].partition(":")[0].rpartition(".")[2], float(eta))
