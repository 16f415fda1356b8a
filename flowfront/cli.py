"""The verbs of `flowfront`. Heavy imports live inside them, so that `--help` answers at once."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from benchmarks.planner import Planned, Request

app = typer.Typer(
    name="flowfront",
    help="Benchmark multi-reward post-training of flow-matching models: train, measure, compare fronts.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

BenchmarkOption = Annotated[
    list[str] | None, typer.Option("--benchmark", metavar="NAME", help="Only this benchmark; may be repeated.")
]
MethodOption = Annotated[
    list[str] | None,
    typer.Option("--method", metavar="NAME", help="Only this method, or module:Class; may be repeated."),
]
SeedsOption = Annotated[
    str | None, typer.Option("--seeds", metavar="N|A,B", help="A number of seeds from 0, or a list such as 0,1,2.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME.FIELD=VALUE", help="Change a field of a method, the recipe or the budget."),
]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the records go.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SuiteArgument = Annotated[str | None, typer.Argument(metavar="[SUITE]", help="A suite's name, or module:NAME.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="RUN.JSON", help="Repeat exactly what a record says.")
]


def _print_json(content: Any) -> None:
    typer.echo(json.dumps(content, indent=1, allow_nan=False))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds of `3` (0, 1, 2) or `0,4,7`.

    Raises:
        UsageError: If it is neither, a seed is negative or repeated, or there is none.

    Example:
        >>> parse_seeds("3"), parse_seeds("4,7"), parse_seeds("5,")
        ((0, 1, 2), (4, 7), (5,))
    """
    from benchmarks.records import UsageError

    parts = [part.strip() for part in text.split(",")]
    try:
        numbers = [int(part) for part in parts if part]
    except ValueError:
        raise UsageError(f"--seeds: expected a number such as 3 or a list such as 0,1,2, found {text!r}") from None
    seeds = tuple(numbers) if "," in text else tuple(range(numbers[0] if numbers else 0))
    if not seeds or min(numbers) < 0 or len(set(seeds)) != len(seeds):
        raise UsageError(f"--seeds: expected at least one seed, all distinct and >= 0, found {text!r}")
    return seeds


def _request(
    suite: str | None,
    config: Path | None,
    benchmark: list[str] | None,
    method: list[str] | None,
    seeds: str | None,
    changes: list[str] | None,
    out: Path,
) -> "Request":
    from benchmarks.planner import Request, request_from_config
    from benchmarks.records import UsageError

    if config is not None:
        if suite or benchmark or method or seeds or changes:
            raise UsageError("--config repeats a record as it is: expected no suite, benchmark, method, seeds or --set")
        return request_from_config(config, str(out))
    if suite is None:
        raise UsageError("run: expected the name of a suite, or --config RUN.JSON")
    return Request(
        suite=suite,
        benchmarks=tuple(benchmark or ()),
        methods=tuple(method or ()),
        seeds=None if seeds is None else parse_seeds(seeds),
        changes=tuple(changes or ()),
        out=str(out),
    )


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """Show the suites, their benchmarks and the methods.

    Example: flowfront list --json
    """
    from flowfront.show import catalog, catalog_lines

    content = catalog()
    if as_json:
        _print_json(content)
    else:
        typer.echo("\n".join(catalog_lines(content)))


@app.command("plan")
def plan_(
    suite: SuiteArgument = None,
    benchmark: BenchmarkOption = None,
    method: MethodOption = None,
    seeds: SeedsOption = None,
    changes: SetOption = None,
    out: OutOption = Path("results"),
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `run` would do, without doing it.

    Example: flowfront plan toy --method pareto_slider --seeds 5
    """
    from benchmarks.planner import plan, resolve

    _show_plan(plan(resolve(_request(suite, config, benchmark, method, seeds, changes, out))), as_json)


def _show_plan(planned: "list[Planned]", as_json: bool) -> None:
    from flowfront.show import plan_lines, plan_rows

    rows = plan_rows(planned)
    if as_json:
        _print_json(rows)
    else:
        typer.echo("\n".join(plan_lines(rows)))


@app.command("run")
def run_(
    suite: SuiteArgument = None,
    benchmark: BenchmarkOption = None,
    method: MethodOption = None,
    seeds: SeedsOption = None,
    changes: SetOption = None,
    out: OutOption = Path("results"),
    jobs: Annotated[int | None, typer.Option("--jobs", help="Processes; default: one a processor.")] = None,
    config: ConfigOption = None,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile networks: minutes once, then faster.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train and measure, then report. What is done is not done again; what was cut off goes on.

    Example: flowfront run toy --benchmark two-targets --method pareto_slider --seeds 0,1 --set recipe.group_size=24
    """
    from benchmarks.planner import plan, resolve

    request = replace(_request(suite, config, benchmark, method, seeds, changes, out), compiled=compiled)
    planned = plan(resolve(request))
    if dry_run:
        _show_plan(planned, as_json)
        return
    from benchmarks.executors import default_jobs, run_all
    from flowfront.progress import watch

    try:
        _study(request, as_json)
        with watch(planned, quiet=as_json) as listen:
            outcomes = run_all(request, planned, default_jobs() if jobs is None else jobs, listen)
    except KeyboardInterrupt:
        typer.echo("interrupted: the same command goes on from the last saved state", err=True)
        raise typer.Exit(130) from None
    failed = [outcome for outcome in outcomes if outcome.error or outcome.crash]
    if len(failed) < len(planned):
        _report(out / planned[0].run.suite, as_json)
    for outcome in failed:
        run = planned[outcome.index].run
        typer.echo(f"error: {run.folder}: {outcome.error or outcome.crash}", err=True)
    if failed:
        raise typer.Exit(1 if any(outcome.crash for outcome in failed) else 2)


def _study(request: "Request", as_json: bool) -> None:
    # What the suite measures besides the trainings, where it does.
    from benchmarks.planner import find_suite

    suite = find_suite(request.suite)
    if suite.study is not None:
        path = suite.study(Path(request.out) / suite.name)
        if not as_json:
            typer.echo(f"study: {path}")


@app.command("eval")
def eval_(
    suite: Annotated[str, typer.Argument(metavar="SUITE", help="A suite's name, or module:NAME.")],
    benchmark: BenchmarkOption = None,
    seeds: SeedsOption = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads; default: one a processor.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the untrained models of a suite: rewards, held-out rewards, drift, diversity, time a sample.

    Example: flowfront eval shapes --benchmark five-rewards --seeds 3
    """
    from benchmarks.executors import default_jobs
    from flowfront.measure import lines, measure

    rows = measure(
        suite, benchmark or (), (0, 1, 2) if seeds is None else parse_seeds(seeds), threads or default_jobs()
    )
    if as_json:
        _print_json(rows)
    else:
        typer.echo("\n".join(lines(rows)))


@app.command("report")
def report_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of records, such as results/toy.")],
    as_json: JsonOption = False,
) -> None:
    """Rebuild tables, plots and pages from records alone.

    Example: flowfront report results/toy --json
    """
    _report(folder, as_json)


def _report(folder: Path, as_json: bool) -> None:
    from rich.console import Console

    from analysis.report import write_report

    report = write_report(folder)
    if as_json:
        _print_json(list(report.rows))
        return
    console = Console()
    report.table.to_terminal(console)
    for note in report.notes:
        console.print(f"note: {note}", highlight=False, markup=False)
    for path in report.folders:
        console.print(f"report: {path}", highlight=False, markup=False, soft_wrap=True)


@app.command("pretrain")
def pretrain_(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="shapes or shapes-alignment.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of the training.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Gradient steps; default: as shipped.")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option("--threads", help="Threads; default: one a processor.")] = None,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile first (two minutes), then run faster.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model that ships with the project, from nothing; a training that was cut off goes on.

    Example: flowfront pretrain shapes --out results/pretraining/shapes --compile
    """
    from benchmarks.executors import default_jobs
    from flowfront.pretrain import pretrain

    def say(row: dict[str, float]) -> None:
        typer.echo(json.dumps(row) if as_json else "  ".join(f"{name} {value:g}" for name, value in row.items()))

    folder = Path("results") / "pretraining" / model if out is None else out
    pretrain(model, folder, steps, device, threads or default_jobs(), say, compiled=compiled)
    if not as_json:
        typer.echo(f"weights: {folder / 'weights'}")


@app.command("doctor")
def doctor_(as_json: JsonOption = False) -> None:
    """Check this installation: versions, device, and the invariants that every run checks of itself.

    Example: flowfront doctor
    """
    from flowfront.doctor import examine, lines

    findings = examine()
    if as_json:
        _print_json(findings)
    else:
        typer.echo("\n".join(lines(findings)))
    if not findings["passed"]:
        raise typer.Exit(1)


def main() -> None:
    """Run the command; a fault of the input ends it with one line on the error stream and exit code 2."""
    try:
        app()
    except ValueError as error:
        from benchmarks.records import UsageError

        if not isinstance(error, UsageError):
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
