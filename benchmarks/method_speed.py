"""What a training step of each method costs beside one of the weighted sum, in one run: time, stages, memory.

All methods train one and the same model, in turn, round by round; a ratio is that of the shortest times over rounds,
for what else the machine does can only make a step slower. Weights drift along, which changes no cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.peak_memory import MemoryGauge, gauge_for
from benchmarks.records import UsageError
from benchmarks.train import Learner
from methods.base import Backbone, Method
from methods.weightings.min_norm import MinNormWeighting

BASE = "weighted_sum"
NEVER = 10**9
"""Updates per solve under which only the first update solves."""


@dataclass(frozen=True)
class EveryKth:
    """A reward that costs nothing: the mean of the numbers k, k + n, k + 2 n, ... of a sample."""

    k: int
    n: int
    unit: str = ""
    higher_is_better: bool = True
    range: tuple[float | None, float | None] = (None, None)

    @property
    def name(self) -> str:
        """Name."""
        return f"part{self.k}"

    def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
        """Return the means [B]."""
        return samples.flatten(1)[:, self.k :: self.n].mean(1)

    def describe(self) -> Mapping[str, Any]:
        """Return which numbers."""
        return {"k": self.k, "n": self.n}


@dataclass(frozen=True)
class Shared:
    """A backbone that is there already, as a spec: every training gets the same one."""

    backbone: Backbone

    def build(self, n_objectives: int, seed: int) -> Backbone:
        """Return it."""
        return self.backbone

    def describe(self) -> Mapping[str, Any]:
        """Return nothing that another process could build it from."""
        return {"kind": "shared"}


@dataclass(frozen=True)
class Plan:
    """Which methods are trained, and how many steps of each make up what is reported under a name."""

    kinds: Mapping[str, Method]
    rows: Mapping[str, Mapping[str, int]]


def plan(methods: Mapping[str, Method], n_objectives: int) -> Plan:
    """Return what is to be timed; the weighted sum comes first.

    A method that solves for min-norm weights at every N-th update is timed where it solves. Its row is composed: one
    such step and N - 1 between solves. Those are steps of the weighted sum if nothing but the weights differs, and are
    timed else. A second row is for a solve at every step.

    Args:
        methods: By name; `weighted_sum` among them.
        n_objectives: K.
    """
    base = methods[BASE].models(n_objectives)[0].method
    kinds, rows = {BASE: base}, {BASE: {BASE: 1}}
    for name, bundle in methods.items():
        method = bundle.models(n_objectives)[0].method
        weighting = method.weighting
        if name == BASE:
            continue
        if not isinstance(weighting, MinNormWeighting) or weighting.every == 1:
            kinds[name], rows[name] = method, {name: 1}
            continue
        solve, between = f"{name}, solve", BASE
        kinds[solve] = replace(method, weighting=replace(weighting, every=1, uniform_end=0.0))
        if _without_weighting(method) != _without_weighting(base):
            between = f"{name}, between solves"
            kinds[between] = replace(method, weighting=replace(weighting, every=NEVER, uniform_end=0.0))
        rows[name] = {solve: 1, between: weighting.every - 1}
        rows[f"{name}, solve at every step"] = {solve: 1}
    return Plan(kinds, rows)


def _without_weighting(method: Method) -> dict[str, Any]:
    return {name: value for name, value in vars(method).items() if name != "weighting"}


def check(benchmark: Benchmark, methods: Mapping[str, Method]) -> None:
    """Check that methods can be trained on a benchmark.

    Raises:
        UsageError: If one cannot.
    """
    recipe = benchmark.recipe
    for name, method in methods.items():
        try:
            method.validate(benchmark.n_objectives, recipe.group_size)
            method.objective.points_per_rollout(recipe.rollout_steps)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from error
        if method.updates > recipe.prompts_per_step:
            raise UsageError(
                f"{name}: expected at least {method.updates} prompts a step, one an update, "
                f"found {recipe.prompts_per_step}"
            )


@dataclass(frozen=True)
class Costs:
    """What one kind of step costs: seconds and stages round by round, and its peak of memory, the model's included.

    Memory is in bytes, None where it cannot be told.
    """

    seconds: Sequence[float]
    stages: Sequence[Mapping[str, float]]
    memory: int | None

    @property
    def fastest(self) -> int:
        """The round with the shortest step."""
        return min(range(len(self.seconds)), key=lambda i: self.seconds[i])


class _Timed:
    # One kind of step in training. What it keeps between steps is measured when it is made, for others live beside it.

    def __init__(self, benchmark: Benchmark, method: Method, gauge: MemoryGauge | None, model: int) -> None:
        before = 0 if gauge is None else gauge.now()
        self.learner = Learner(benchmark, method, 0)
        self._gauge, self._seconds = gauge, list[float]()
        self._stages: list[Mapping[str, float]] = []
        self._advance()
        self._kept = model + (0 if gauge is None else gauge.now() - before)
        self._memory: int | None = None

    def _advance(self) -> float:
        started = self.learner.seconds
        self.learner.advance()
        # The parameters are everyone's; gradients of one would count as memory of the next.
        self.learner.optimizer.zero_grad()
        return self.learner.seconds - started

    def step(self) -> None:
        if self._gauge is None or self._memory is not None:
            self._seconds.append(self._advance())
        else:
            start = self._gauge.now()
            self._gauge.mark()
            self._seconds.append(self._advance())
            self._memory = self._kept + self._gauge.peak() - start
        self._stages.append(dict(self.learner.timings))

    def costs(self) -> Costs:
        return Costs(self._seconds, self._stages, self._memory)


def measure(benchmark: Benchmark, kinds: Mapping[str, Method], rounds: int, device: str) -> dict[str, Costs]:
    """Return what each kind of step costs.

    Each is trained for a step to warm up, then for one step a round, in turn. Memory is that of the first of these.

    Args:
        benchmark: The task; its backbone is built once.
        kinds: The methods, by the name of their kind of step.
        rounds: Steps of each kind that are timed.
        device: Of the backbone.
    """
    gauge = gauge_for(device)
    before = 0 if gauge is None else gauge.now()
    shared = replace(benchmark, backbone=Shared(benchmark.backbone.build(benchmark.n_objectives, 0)))
    model = 0 if gauge is None else gauge.now() - before
    # What a process does once, such as taking workspaces, is nobody's cost.
    _Timed(shared, next(iter(kinds.values())), None, model)
    timed = {name: _Timed(shared, method, gauge, model) for name, method in kinds.items()}
    for _ in range(rounds):
        for kind in timed.values():
            kind.step()
    costs = {name: kind.costs() for name, kind in timed.items()}
    if gauge is not None and (costs[BASE].memory or 0) < gauge.least:
        return {name: replace(cost, memory=None) for name, cost in costs.items()}
    return costs


def _mean(steps: Mapping[str, int], of: Mapping[str, float]) -> float:
    return sum(n * of[kind] for kind, n in steps.items()) / sum(steps.values())


def _ratio(
    steps: Mapping[str, int], rounds: Sequence[Mapping[str, float]], best: Mapping[str, float]
) -> dict[str, float]:
    single = [row[BASE] / _mean(steps, row) for row in rounds]
    return {"ratio": best[BASE] / _mean(steps, best), "low": min(single), "high": max(single)}


def compare(costs: Mapping[str, Costs], rows: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, Any]]:
    """Return what is reported of each method, relative to the weighted sum of the same rounds, as JSON data.

    `speed` and `rollout_speed` are ratios of times, above 1 where a method is faster, with the range over single
    rounds; `seconds` and `stages` are those of the fastest round; `memory` is a ratio of peaks.

    Example:
        >>> base = Costs([2.0, 4.0], [{"rollout": 1.0}] * 2, 50)
        >>> other = Costs([6.0, 6.0], [{"rollout": 1.0, "solve": 3.0}] * 2, 60)
        >>> found = compare({"weighted_sum": base, "x": other}, {"x": {"x": 1, "weighted_sum": 1}})["x"]
        >>> found["speed"]["ratio"], found["seconds"], found["stages"], found["memory"]
        (0.5, 4.0, {'rollout': 1.0, 'solve': 1.5}, 1.2)
    """
    n_rounds = range(len(costs[BASE].seconds))
    rounds = [{kind: cost.seconds[i] for kind, cost in costs.items()} for i in n_rounds]
    rollouts = [{kind: cost.stages[i]["rollout"] for kind, cost in costs.items()} for i in n_rounds]
    best = {kind: min(cost.seconds) for kind, cost in costs.items()}
    best_rollouts = {kind: min(row[kind] for row in rollouts) for kind in costs}
    base_memory = costs[BASE].memory
    found: dict[str, dict[str, Any]] = {}
    for name, steps in rows.items():
        fastest = {kind: costs[kind].stages[costs[kind].fastest] for kind in steps}
        stages = dict.fromkeys(stage for times in fastest.values() for stage in times)
        peaks = [costs[kind].memory for kind in steps]
        peak = None if None in peaks else max(peak for peak in peaks if peak is not None)
        found[name] = {
            "speed": _ratio(steps, rounds, best),
            "rollout_speed": _ratio(steps, rollouts, best_rollouts)
            if all(map(all, map(dict.values, rollouts)))
            else None,
            "seconds": _mean(steps, best),
            "rollout_seconds": _mean(steps, best_rollouts),
            "stages": {
                stage: _mean(steps, {kind: times.get(stage, 0.0) for kind, times in fastest.items()})
                for stage in stages
            },
            "peak_memory_bytes": peak,
            "memory": None if peak is None or base_memory is None else peak / base_memory,
        }
    return found
