"""A benchmark that is being changed, field by field, and what follows from that.

The words for it are those of `benchmarks.changes`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.base import Benchmark, Budget, Evaluation, Reward
from benchmarks.pictures import Gallery
from benchmarks.records import UsageError
from benchmarks.settings import build, fitting, load_attribute, nearest, override, read_value
from benchmarks.tasks.prompt_files import read_prompts
from benchmarks.train import step_cost
from methods.base import Method

OWN_PROMPTS = "default"
NUMBERS: dict[str, Any] = {
    "n_prompts": int,
    "n_evaluation_prompts": int,
    "reference_point": tuple[float, ...],
    "bounds": tuple[tuple[float, float], ...],
    "held_out": tuple[str, ...],
}
FIELDS = ("prompts", "evaluation_prompts", *NUMBERS)
_REWARD_PARTS = ("name", "unit", "higher_is_better", "range", "describe", "__call__")
HYPERVOLUME = ("true_hypervolume", "true_hypervolume_error")
TRUTH = ("true_front", "tilted_optimum", *HYPERVOLUME)
"""What is known of one benchmark and not of another."""


class Draft:
    """The fields of a benchmark while they change one by one; only when all have, they must fit each other."""

    def __init__(self, benchmark: Benchmark, stored: Mapping[str, Any]) -> None:
        """Begin with a benchmark, and with fields of it in place of its own."""
        self._own = benchmark
        self._fields: dict[str, Any] = {**vars(benchmark), **stored}
        self._first: dict[str, int] = {}
        self._steps: int | None = None

    def set_training(self, part: str, field: str, text: str) -> None:
        """Change a field of recipe or budget; `steps` of the budget is what so many steps of every model cost.

        Raises:
            UsageError: If there is no such field or the value does not fit.
        """
        if (part, field) == ("budget", "steps"):
            self._steps = _count(text, "budget.steps")
            return
        if part == "budget":
            self._steps = None
        self._fields[part] = override(self._fields[part], field, text, part)

    def set_definition(self, name: str, field: str, text: str) -> bool:
        """Change backbone, evaluation, a reward or a field of the benchmark, and return whether it has such a part.

        Args:
            name: Name of the part, or `benchmark`.
            field: Dotted name within it; empty for the part itself, whose value is {"class": ..., "fields": ...}.
            text: Value.

        Raises:
            UsageError: If there is no such field, the value does not fit, or a file cannot be read.
        """
        if name == "benchmark":
            self._set_field(field, text)
            return True
        if name in ("backbone", "evaluation"):
            self._fields[name] = _part(self._fields[name], name, field, text)
            return True
        touched = False
        for part in ("rewards", "held_out"):
            if any(reward.name == name for reward in vars(self._own)[part]):
                touched, found = True, self._fields[part]
                self._fields[part] = tuple(_reward(r, field, text) if r.name == name else r for r in found)
        return touched

    def _set_field(self, field: str, text: str) -> None:
        if field not in FIELDS:
            raise UsageError(f"benchmark has no field {field!r} to set: {nearest(field, FIELDS)}")
        where = f"benchmark.{field}"
        if field in ("prompts", "evaluation_prompts"):
            own = self._own.prompts if field == "prompts" else self._own.evaluated
            self._fields[field] = _prompts(text, own, where)
        elif field in ("n_prompts", "n_evaluation_prompts"):
            self._first[field] = _count(text, where)
        elif field == "held_out":
            self._fields[field] = _kept(self._own.held_out, fitting(NUMBERS[field], text, where), self._fields[field])
        else:
            self._fields[field] = fitting(NUMBERS[field], text, where)

    def finished(self, methods: Mapping[str, Method]) -> Benchmark:
        """Return the benchmark; `methods` are those that a budget in steps is to pay for.

        Raises:
            UsageError: If its parts do not fit each other.
        """
        self._cut("n_prompts", "prompts", self._fields["prompts"])
        evaluated = self._fields["evaluation_prompts"] or self._fields["prompts"]
        self._cut("n_evaluation_prompts", "evaluation_prompts", evaluated)
        self._follow_sources()
        self._fields["gallery"] = _gallery(self._fields)
        changed = {field for field, value in vars(self._own).items() if self._fields[field] is not value}
        if changed & {"backbone", "prompts", "evaluation_prompts", "rewards"}:
            self._fields |= dict.fromkeys(TRUTH)
        elif "reference_point" in changed:
            self._fields |= dict.fromkeys(HYPERVOLUME)
        benchmark = Benchmark(**self._fields)
        if self._steps is not None:
            benchmark = replace(benchmark, budget=Budget(_cost(benchmark, methods, self._steps)))
        return benchmark

    def _cut(self, count: str, field: str, prompts: tuple[str, ...]) -> None:
        if count not in self._first:
            return
        if self._first[count] > len(prompts):
            raise UsageError(
                f"benchmark.{count}: expected at most the {len(prompts)} there are, found {self._first[count]}"
            )
        self._fields[field] = prompts[: self._first[count]]

    def _follow_sources(self) -> None:
        before, after = _sources(self._own.backbone), _sources(self._fields["backbone"])
        if before is None or after is None or before == after:
            return
        for part in ("rewards", "held_out"):
            self._fields[part] = tuple(_reading(reward, before, after) for reward in self._fields[part])


def _count(text: str, where: str) -> int:
    found: int = fitting(int, text, where)
    if found < 1:
        raise UsageError(f"{where}: expected at least 1, found {found}")
    return found


def _part(part: Any, name: str, field: str, text: str) -> Any:
    if not field:
        found = build(read_value(text), name)
        fits = isinstance(found, Evaluation) if name == "evaluation" else hasattr(found, "build")
        if not fits:
            raise UsageError(f"{name}: expected a class of that kind, found {type(found).__name__}")
        return found
    if not is_dataclass(part):
        raise UsageError(f"{name}.{field}: this {name} has no settings to change")
    return override(part, field, text, name)


def _prompts(text: str, own: tuple[str, ...], where: str) -> tuple[str, ...]:
    # One source or a list of them; "default" is the suite's own.
    value = read_value(text)
    sources = value if isinstance(value, list) else [text.strip()]
    if not sources or not all(isinstance(source, str) and source for source in sources):
        raise UsageError(f"{where}: expected a file or a list of files, found {text!r}")
    found = [own if source == OWN_PROMPTS else read_prompts(source) for source in sources]
    return tuple(dict.fromkeys(prompt for prompts in found for prompt in prompts))


def _kept(own: Sequence[Reward], names: Sequence[str], present: Sequence[Reward]) -> tuple[Reward, ...]:
    known = [reward.name for reward in own]
    for name in names:
        if name not in known:
            raise UsageError(f"benchmark.held_out: no held-out reward {name!r}: {nearest(name, known)}")
    return tuple(reward for reward in present if reward.name in names)


def _reward(reward: Any, field: str, text: str) -> Reward:
    name: str = reward.name
    if field:
        if not is_dataclass(reward):
            raise UsageError(f"{name}.{field}: this reward has no settings to change")
        found = override(reward, field, text, name)
    else:
        found = build(_named(read_value(text), name), name)
    lacking = [part for part in _REWARD_PARTS if not hasattr(found, part)]
    if lacking:
        raise UsageError(f"{name}: expected a reward, found {type(found).__name__}, which has no {lacking[0]}")
    if found.name != name:
        raise UsageError(f"{name}: expected the reward to keep its name, found {found.name!r}")
    kept: Reward = found
    return kept


def _named(description: Any, name: str) -> Any:
    # A reward that has a name of its own is called as the one in whose place it stands.
    if not isinstance(description, Mapping) or not isinstance(description.get("fields"), Mapping):
        return description
    kind = load_attribute(str(description.get("class")), name)
    named = isinstance(kind, type) and is_dataclass(kind) and any(f.name == "name" and f.init for f in fields(kind))
    return {**description, "fields": {"name": name, **description["fields"]}} if named else description


def _sources(backbone: Any) -> Path | None:
    found = vars(backbone).get("sources") if is_dataclass(backbone) else None
    return found if isinstance(found, Path) else None


def _reading(value: Any, before: Path, after: Path) -> Any:
    # Whatever names the folder, however deep, names the other one.
    if isinstance(value, Path | str):
        return after if value == before else str(after) if value == str(before) else value
    if isinstance(value, Mapping):
        return {key: _reading(inner, before, after) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_reading(inner, before, after) for inner in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    own = {field.name: vars(value)[field.name] for field in fields(value) if field.init}
    read = {name: _reading(inner, before, after) for name, inner in own.items()}
    return value if read == own else replace(value, **read)


def _gallery(draft: Mapping[str, Any]) -> Gallery | None:
    # As many pictures as before, of prompts and samples that are still there.
    gallery: Gallery | None = draft["gallery"]
    if gallery is None:
        return None
    evaluated = draft["evaluation_prompts"] or draft["prompts"]
    samples = min(gallery.samples, draft["evaluation"].samples)
    if set(gallery.prompts) <= set(evaluated):
        return replace(gallery, samples=samples)
    n = min(len(gallery.prompts), len(evaluated))
    return Gallery(tuple(evaluated[i * len(evaluated) // n] for i in range(n)), samples)


def _cost(benchmark: Benchmark, methods: Mapping[str, Method], steps: int) -> int:
    # What lets every model of the run's methods take that many steps.
    found = [0.0]
    for name, method in methods.items():
        try:
            models = method.models(benchmark.n_objectives)
        except ValueError as error:
            raise UsageError(f"{name} on {benchmark.name}: {error}") from error
        found += [steps * step_cost(benchmark, model.method) / model.method.budget_share for model in models]
    return math.ceil(max(found))
