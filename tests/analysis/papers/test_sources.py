"""Every number of a paper has a command or a reason, and every command would run."""

import shlex
from collections.abc import Iterator

import pytest
from typer.main import get_command

from analysis.papers.miniature import VIEWS
from analysis.papers.sources import (
    COLUMNS,
    Route,
    Source,
    commands,
    miniature_folders,
    source_json,
    source_of,
    sources_of,
    words_of,
)
from analysis.papers.tables import PAPERS, PaperTable, read_data, table, tables
from benchmarks.planner import Request, find_method, resolve
from benchmarks.suites import SUITES
from benchmarks.suites.stable_diffusion import SD35_FIVE_REWARDS
from flowfront.cli import app
from flowfront.options import parse_seeds
from flowfront.speed import SpeedRequest

TABLES = [one for paper in PAPERS for one in tables(paper)]
BASE = "base"


def names(one: PaperTable) -> str:
    return one.name


@pytest.mark.parametrize("one", TABLES, ids=names)
def test_every_row_has_a_source(one: PaperTable) -> None:
    sources = sources_of(one)
    assert {source.row for source in sources} <= {*one.rows, ""}, "no source is for a row that is not there"
    assert len({source.row for source in sources}) == len(sources)
    for row in one.rows:
        assert source_of(sources, row).row in (row, "")
    assert commands(sources, miniature=True)
    assert not one.view or (one.view in VIEWS and miniature_folders(sources))


def test_every_source_belongs_to_a_table() -> None:
    keys = {(line["paper"], line["table"]) for line in read_data("sources.csv", COLUMNS)}
    assert keys == {(one.paper, one.key) for one in TABLES}


def routes() -> Iterator[Route]:
    for one in TABLES:
        for source in sources_of(one):
            yield source.real
            yield source.miniature


@pytest.mark.parametrize("route", dict.fromkeys(routes()), ids=lambda route: route.line())
def test_a_route_names_what_there_is(route: Route) -> None:
    assert not (route.suites or route.benchmarks or route.methods) or route.command
    benchmarks = {benchmark.name for suite in route.suites for benchmark in SUITES[suite].benchmarks}
    assert set(route.benchmarks) <= benchmarks
    for method in set(route.methods) - {BASE}:
        find_method(method, SUITES[route.suites[0]] if route.suites else SD35_FIVE_REWARDS)
    ran = {word for command in words_of(route.command) for word in shlex.split(command)}
    assert set(route.suites) <= ran, "the command runs the suites"


def test_every_command_resolves() -> None:
    lines = {command for route in routes() for command in words_of(route.command)}
    verbs = [check(shlex.split(line)) for line in sorted(lines)]
    assert set(verbs) == {"run", "eval", "speed"}
    assert set(verbs) <= set(get_command(app).commands)  # type: ignore[attr-defined]
    assert len(verbs) > 50


def check(words: list[str]) -> str:
    program, verb, target, *rest = words
    assert program == "flowfront"
    flags = [word for word in rest if word == "--random-weights"]
    rest = [word for word in rest if word not in flags]
    options: dict[str, list[str]] = {}
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        options.setdefault(option, []).append(value)
    methods = tuple(options.get("--method", ()))
    if verb == "speed":
        assert set(options) <= {"--method"}
        SpeedRequest(family=target, random_weights=bool(flags), methods=methods)
        return verb
    assert set(options) <= {"--benchmark", "--method", "--seeds", "--set", "--out"}
    assert not flags
    changes = tuple(options.get("--set", ()))
    assert bool(changes) <= ("--out" in options), "another setting has another folder"
    seeds = parse_seeds(options["--seeds"][0])
    runs = resolve(Request(target, tuple(options.get("--benchmark", ())), methods, seeds[:1], changes, "nowhere"))
    assert runs
    assert verb == "run" or not (methods or changes)
    return verb


def test_a_source_without_command_and_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a command, or the reason"):
        Route((), (), (), "", "")


def test_a_row_without_source_is_refused() -> None:
    with pytest.raises(ValueError, match="row 'x': expected a source, found none"):
        source_of(sources_of(table("cps", "geneval")), "x")


def test_lines_and_json() -> None:
    none, run = Route((), (), (), "", "no model"), Route(("toy",), (), ("crd",), "flowfront run toy", "all")
    assert none.line() == "none: no model"
    assert run.line() == "flowfront run toy  # all"
    found = source_json(Source("", none, run))
    assert found["row"] is None
    assert found["real"]["command"] is None
    assert found["miniature"]["methods"] == ("crd",)
    assert commands((Source("", none, run), Source("a", run, run)), miniature=False) == ("none: no model",)
    assert commands((Source("a", run, none), Source("b", run, none)), miniature=False) == ("flowfront run toy",)
