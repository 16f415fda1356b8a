"""Changes of a run in words, `NAME.FIELD=VALUE`: of its methods, and of the benchmarks they run on.

    pareto_slider.anchor=0.5                     a field of a method of the run
    recipe.group_size=12, budget.steps=2         of training, for every method alike
    backbone.path=/models/sd3.5, backbone.lora.rank=8
    evaluation.samples=2
    pick_score.model=/models/PickScore_v1        of a reward, trained on or held out, by its name
    pick_score={"class": "module:Class", "fields": {...}}       another reward of that name
    benchmark.prompts=FILE, benchmark.evaluation_prompts=["default", "FILE"], benchmark.n_prompts=8,
    benchmark.n_evaluation_prompts=8, benchmark.held_out=[], benchmark.reference_point=[...], benchmark.bounds=[...]
    @settings.txt                                a file of these, one a line, # begins a comment

What files say comes first; after that the order counts. A benchmark whose definition is changed has another
fingerprint, and no true front is known of it if backbone, prompts or rewards are others. Its gallery follows its
evaluation prompts, and rewards that read the backbone's source pictures follow `backbone.sources`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.base import Benchmark, Budget, Recipe
from benchmarks.drafts import Draft
from benchmarks.records import UsageError
from benchmarks.settings import nearest, override
from methods.base import Method

FROM_FILE = "@"
PARTS = ("backbone", "budget", "evaluation", "recipe")
TRAINING = ("recipe", "budget")
"""Parts that are no part of a benchmark's fingerprint; records have them in full."""


@dataclass(frozen=True)
class ChangedBenchmark:
    """A benchmark, and the texts that made it what it is, without those of its recipe and budget."""

    benchmark: Benchmark
    changes: tuple[str, ...]


def expanded(changes: Sequence[str]) -> list[str]:
    """Return changes with those of `@FILE` in place of it, before all others.

    Raises:
        UsageError: If a file cannot be read.
    """
    lines: list[str] = []
    for change in changes:
        if change.startswith(FROM_FILE):
            lines += _lines(Path(change.removeprefix(FROM_FILE)))
    return [*lines, *(change.strip() for change in changes if not change.startswith(FROM_FILE))]


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--set {FROM_FILE}{path}: expected a file of NAME.FIELD=VALUE lines, found: {error}"
        ) from error
    return [line for line in lines if line and not line.startswith("#")]


def changed_methods(methods: Mapping[str, Method], changes: Sequence[str]) -> dict[str, Method]:
    """Return methods by name with the changes of their fields; other changes are not looked at.

    Raises:
        UsageError: If a field is unknown or a value does not fit it.
    """
    found = dict(methods)
    for change in expanded(changes):
        name, field, text = _split(change, methods)
        if name in found:
            found[name] = override(found[name], _some(field, change), text, name)
    return found


def changed_benchmarks(
    benchmarks: Sequence[Benchmark], changes: Sequence[str], methods: Mapping[str, Method],
    stored: Mapping[str, Recipe | Budget] | None = None,
) -> list[ChangedBenchmark]:  # fmt: skip
    """Return benchmarks with the changes that concern them.

    Args:
        benchmarks: The chosen ones.
        changes: Texts; those of methods are not looked at.
        methods: The run's methods, for their names and the cost of their steps.
        stored: Recipe and budget in place of the benchmarks' own, by these names.

    Raises:
        UsageError: If a name or a field is unknown, a value does not fit, a file cannot be read, or the parts of a
            changed benchmark do not fit each other.
    """
    texts = expanded(changes)
    rewards = {reward.name for b in benchmarks for reward in (*b.rewards, *b.held_out)}
    known = {*methods, *PARTS, "benchmark", *rewards}
    for name in (_split(text, known)[0] for text in texts):
        if name not in known:
            raise UsageError(f"--set: no {name!r} in this run: {nearest(name, known)}")
    return [_changed(benchmark, texts, methods, known, stored or {}) for benchmark in benchmarks]


def _split(change: str, known: Iterable[str]) -> tuple[str, str, str]:
    # Names, field and value. Names of rewards may have dots.
    path, equals, text = change.partition("=")
    path = path.strip()
    fits = [name for name in known if path == name or path.startswith(f"{name}.")]
    name = max(fits, key=len, default=path.partition(".")[0])
    field = path[len(name) + 1 :]
    if not equals or not name or (not field and "." not in path and not text.lstrip().startswith("{")):
        raise UsageError(f"--set: expected name.field=value, found {change!r}")
    return name, field, text


def _some(field: str, change: str) -> str:
    if not field:
        raise UsageError(f"--set: expected name.field=value, found {change!r}")
    return field


def _changed(
    benchmark: Benchmark, texts: Sequence[str], methods: Mapping[str, Method], known: set[str],
    stored: Mapping[str, Any],
) -> ChangedBenchmark:  # fmt: skip
    draft = Draft(benchmark, stored)
    noted = []
    for change in texts:
        name, field, text = _split(change, known)
        if name in methods:
            if name in {reward.name for reward in (*benchmark.rewards, *benchmark.held_out)}:
                raise UsageError(f"--set {change}: {name} is both a method and a reward of {benchmark.name}")
            continue
        if name in TRAINING:
            draft.set_training(name, _some(field, change), text)
        elif draft.set_definition(name, _some(field, change) if name == "benchmark" else field, text):
            noted.append(change)
    return ChangedBenchmark(draft.finished(methods), tuple(noted))
