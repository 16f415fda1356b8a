"""From names on the command line to a list of runs, and what each of them still needs."""

import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.base import Benchmark, Budget, Recipe, Suite
from benchmarks.changes import changed_benchmarks, changed_methods, expanded
from benchmarks.checkpoints import read_position
from benchmarks.records import UsageError, read_run
from benchmarks.run import Run, stored_status
from benchmarks.settings import build, load_attribute, nearest
from benchmarks.suites import SUITES
from methods import METHODS
from methods.base import Method
from methods.nft_method import NFTMethod

NAMED_OUTSIDE = ":"


@dataclass(frozen=True)
class Request:
    """What was asked for, in words that another process can resolve again.

    `suite` and `methods` are names, or `module:NAME` and `module:Class`; `changes` are `name.field=value` texts, see
    `benchmarks.changes`; `settings` is a method as `run.json` describes it, in place of a named one; `compiled` asks
    for compiled networks.
    """

    suite: str
    benchmarks: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...] | None
    changes: tuple[str, ...]
    out: str
    settings: tuple[tuple[str, Any], ...] = ()
    recipe: tuple[tuple[str, Any], ...] = ()
    compiled: bool = False


@dataclass(frozen=True)
class Planned:
    """A run and what is on disk of it: status `new`, `running` (cut off), `failed` or `done`, and steps done so far."""

    run: Run
    status: str
    steps_done: int

    @property
    def steps_left(self) -> int:
        """Gradient steps still to do."""
        return 0 if self.status == "done" else self.run.total_steps - self.steps_done


def find_suite(name: str) -> Suite:
    """Return a suite by name or `module:NAME`.

    Raises:
        UsageError: If there is none.
    """
    if NAMED_OUTSIDE in name:
        _allow_local_modules()
        suite = load_attribute(name, "suite")
        if not isinstance(suite, Suite):
            raise UsageError(f"suite {name}: expected a benchmarks.base.Suite, found {type(suite).__name__}")
        return suite
    if name not in SUITES:
        raise UsageError(f"no suite {name!r}: {nearest(name, SUITES)}")
    return SUITES[name]


def find_method(name: str, suite: Suite) -> tuple[str, Method]:
    """Return a method with the suite's settings for it, else with its own defaults, and its short name.

    Raises:
        UsageError: If there is none of that name, or `module:Class` is not a Method.
    """
    if NAMED_OUTSIDE in name:
        kind = load_attribute(name, "method")
        if not (isinstance(kind, type) and issubclass(kind, Method)):
            raise UsageError(f"method {name}: expected a subclass of methods.base.Method, found {kind!r:.80}")
        return _snake_case(kind.__name__), _defaults(kind, name, suite)
    if name in suite.methods:
        return name, suite.methods[name]
    if name not in METHODS:
        raise UsageError(f"no method {name!r}: {nearest(name, {*METHODS, *suite.methods})}")
    return name, _defaults(METHODS[name], name, suite)


def _defaults(kind: type[Method], name: str, suite: Suite) -> Method:
    own = {field for base in kind.__mro__ if base not in (Method, NFTMethod) for field in inspect.get_annotations(base)}
    conditions: dict[str, Any] = {field: value for field, value in suite.conditions.items() if field not in own}
    try:
        return kind(**conditions)
    except (TypeError, ValueError) as error:
        raise UsageError(f"method {name}: expected defaults for every field, found: {error}") from error


def _allow_local_modules() -> None:
    # A console script does not look into the working directory, where a user's own module lives.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def _snake_case(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def chosen_benchmarks(suite: Suite, names: Sequence[str]) -> list[Benchmark]:
    """Return the named benchmarks of a suite, all for no name.

    Raises:
        UsageError: If there is none of a name.
    """
    known = {benchmark.name: benchmark for benchmark in suite.benchmarks}
    for name in names:
        if name not in known:
            raise UsageError(f"no benchmark {name!r} in suite {suite.name}: {nearest(name, known)}")
    return [known[name] for name in (dict.fromkeys(names) or known)]


def _chosen_methods(suite: Suite, names: Sequence[str]) -> dict[str, Method]:
    chosen: dict[str, Method] = {}
    for given in dict.fromkeys(names or suite.methods):
        name, method = find_method(given, suite)
        if name in chosen:
            raise UsageError(f"--method {given}: expected another name than {name}, which is taken in this run")
        chosen[name] = method
    return chosen


def resolve(request: Request) -> list[Run]:
    """Return the runs of a request, seed by seed, so that a cut leaves whole seeds behind.

    Raises:
        UsageError: If a name is unknown or a setting does not fit.
    """
    _allow_local_modules()
    suite = find_suite(request.suite)
    if request.settings:
        methods = {name: build(settings, name) for name, settings in request.settings}
    else:
        methods = _chosen_methods(suite, request.methods)
    # Files of changes are read once.
    changes = expanded(request.changes)
    methods = changed_methods(methods, changes)
    stored = _stored_recipe(dict(request.recipe)) if request.recipe else None
    benchmarks = changed_benchmarks(chosen_benchmarks(suite, request.benchmarks), changes, methods, stored)
    seeds = request.seeds if request.seeds is not None else suite.seeds
    only = {} if request.methods or request.settings else suite.only
    origin = request.suite if NAMED_OUTSIDE in request.suite else None
    runs = [
        Run(suite.name, found.benchmark, name, method, seed, Path(request.out), origin, request.compiled, found.changes)
        for seed in seeds
        for found in benchmarks
        for name, method in methods.items()
        if name in only.get(found.benchmark.name, methods)
    ]
    for run in runs:
        run.validate()
    return runs


def _stored_recipe(stored: dict[str, Any]) -> dict[str, Recipe | Budget]:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in stored["recipe"].items()
    }
    try:
        return {"recipe": Recipe(**values), "budget": Budget(**stored["budget"])}
    except (TypeError, ValueError) as error:
        raise UsageError(f"recipe of the config: {error}") from error


def plan(runs: Sequence[Run]) -> list[Planned]:
    """Return what each run still needs, from what is on disk.

    Raises:
        UsageError: If a folder holds a run with other settings, or files that are no run.
    """
    planned = []
    for run in runs:
        status = stored_status(run)
        steps = 0
        if status in ("running", "failed"):
            position = read_position(run.folder)
            if position is not None:
                steps = sum(run.steps_of(m) for m in run.models[: position.model]) + position.step
        planned.append(Planned(run, status, steps))
    return planned


def request_from_config(path: Path, out: str) -> Request:
    """Return the request that repeats exactly what a `run.json` says.

    Raises:
        UsageError: If it cannot be read, or its benchmark is not the one known here.
    """
    _allow_local_modules()
    record = read_run(path)
    name, suite = record.benchmark.name, record.suite_origin or record.suite
    recipe = (("recipe", record.recipe), ("budget", record.budget))
    own = chosen_benchmarks(find_suite(suite), [name])
    found = changed_benchmarks(own, record.changes, {}, _stored_recipe(dict(recipe)))[0].benchmark
    if found.fingerprint != record.benchmark.hash:
        raise UsageError(
            f"{path}: expected benchmark {name} with hash {found.fingerprint[:12]}, as defined here, "
            f"found {record.benchmark.hash[:12]}"
        )
    return Request(
        suite=suite,
        benchmarks=(name,),
        methods=(),
        seeds=(record.seed,),
        changes=tuple(record.changes),
        out=out,
        settings=((record.method.name, record.method.settings),),
        recipe=recipe,
    )
