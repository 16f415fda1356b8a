"""The verbs of `flowfront`. Heavy imports live inside them, so that `--help` answers at once."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowfront import verbs_models, verbs_papers
from flowfront.options import (
    BenchmarkOption,
    ConfigOption,
    GpusOption,
    JsonOption,
    MemoryOption,
    MethodOption,
    OutOption,
    SeedsOption,
    SetOption,
    SuiteArgument,
    parse_seeds,
    print_json,
)
from flowfront.verbs_compare import verb as compare_verb
from flowfront.verbs_speed import verb as speed_verb

if TYPE_CHECKING:
    from benchmarks.distributed import Processes
    from benchmarks.planner import Planned, Request

app = typer.Typer(
    name="flowfront",
    help="Benchmark multi-reward post-training of flow-matching models: train, measure, compare fronts.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


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
        print_json(content)
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
    gpus: GpusOption = None,
    memory: MemoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `run` would do, without doing it: runs, how GPUs share a step, and memory.

    Example: flowfront plan toy --method pareto_slider --seeds 5 --gpus 2
    """
    from benchmarks.planner import plan, resolve

    planned = plan(resolve(_request(suite, config, benchmark, method, seeds, changes, out)))
    _show_plan(planned, as_json, gpus, memory)


def _show_plan(planned: "list[Planned]", as_json: bool, gpus: int | None = None, memory: float | None = None) -> None:
    from flowfront.show import plan_lines, plan_rows

    rows = plan_rows(planned, gpus, memory)
    if as_json:
        print_json(rows)
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
    from benchmarks.distributed import launched
    from benchmarks.planner import plan, resolve

    request = replace(_request(suite, config, benchmark, method, seeds, changes, out), compiled=compiled)
    with launched() as processes:
        # All look at what is there before the first one writes.
        with processes.together():
            planned = plan(resolve(request))
        if not dry_run:
            _train(request, planned, jobs, processes, as_json)
        elif processes.first:
            _show_plan(planned, as_json)


def _train(
    request: "Request", planned: "list[Planned]", jobs: int | None, processes: "Processes", as_json: bool
) -> None:
    from benchmarks.executors import jobs_for, run_all, run_together
    from benchmarks.records import UsageError
    from flowfront.progress import watch

    if processes.size > 1 and jobs is not None:
        raise UsageError(f"--jobs: expected none where a launcher started {processes.size} processes, found {jobs}")
    try:
        if processes.first:
            _study(request, as_json)
        with watch(planned, quiet=as_json or not processes.first) as listen:
            if processes.size > 1:
                outcomes = run_together(planned, processes, listen)
            else:
                outcomes = run_all(request, planned, jobs_for(planned) if jobs is None else jobs, listen)
    except KeyboardInterrupt:
        typer.echo("interrupted: the same command goes on from the last saved state", err=True)
        raise typer.Exit(130) from None
    failed = [outcome for outcome in outcomes if outcome.error or outcome.crash]
    if processes.first:
        if len(failed) < len(planned):
            _report(Path(request.out) / planned[0].run.suite, as_json)
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
    changes: SetOption = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads; default: one a processor.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the untrained models of a suite: rewards, held-out rewards, drift, diversity, time a sample.

    Example: flowfront eval shapes --benchmark five-rewards --seeds 3
    """
    from benchmarks.executors import default_jobs
    from flowfront.measure import lines, measure

    rows = measure(
        suite,
        benchmark or (),
        (0, 1, 2) if seeds is None else parse_seeds(seeds),
        threads or default_jobs(),
        changes or (),
    )
    if as_json:
        print_json(rows)
    else:
        typer.echo("\n".join(lines(rows)))


@app.command("report")
def report_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of records, such as results/toy.")],
    ledger: Annotated[
        Path | None, typer.Option("--ledger", metavar="FILE", help="A claims.json; default: ledger/ beside the suite.")
    ] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="Also figures (PDF, SVG) and tables (LaTeX) for a paper, in report/paper/.")
    ] = False,
    page: Annotated[
        Literal["icml", "cvpr", "neurips"], typer.Option("--page", help="Whose column widths the paper's figures have.")
    ] = "icml",
    as_json: JsonOption = False,
) -> None:
    """Rebuild tables, plots and pages from records alone.

    Example: flowfront report results/toy --paper
    """
    _report(folder, as_json, ledger, page if paper else None)


def _report(folder: Path, as_json: bool, ledger: Path | None = None, paper: str | None = None) -> None:
    from rich.console import Console

    from analysis.report import write_report
    from benchmarks.records import UsageError

    if ledger is not None and not ledger.is_file():
        raise UsageError(f"--ledger: expected a file that `flowfront reproduce --ledger` wrote, found none at {ledger}")
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    # One helper: it draws every second picture while this process draws the others.
    report = write_report(folder, ledger=ledger, paper=paper, helpers=1 if processors > 1 else 0)
    if as_json:
        print_json(list(report.rows))
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


app.add_typer(compare_verb)
app.add_typer(speed_verb)


@app.command("doctor")
def doctor_(
    suite: SuiteArgument = None,
    rewards: Annotated[bool, typer.Option("--rewards", help="Score the golden pictures, with the suite's rewards.")] = (
        False
    ),
    benchmark: BenchmarkOption = None,
    changes: SetOption = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the scores of rewards for which none ship.")] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of golden-scores.json.")] = Path("results"),
    as_json: JsonOption = False,
) -> None:
    """Check this installation: versions, device, and the invariants that every run checks of itself.

    With --rewards: whether rewards score golden pictures as they should. Example: flowfront doctor --rewards
    """
    if rewards:
        from flowfront import doctor_rewards

        findings = doctor_rewards.examine(suite, benchmark or (), changes or (), out, record=record)
        text = doctor_rewards.lines
    else:
        from benchmarks.records import UsageError
        from flowfront import doctor

        if suite is not None or benchmark or changes or record:
            raise UsageError("doctor: expected --rewards with a suite, --benchmark, --set or --record, found none")
        findings, text = doctor.examine(), doctor.lines
    if as_json:
        print_json(findings)
    else:
        typer.echo("\n".join(text(findings)))
    if not findings["passed"]:
        raise typer.Exit(1)


app.add_typer(verbs_models.app)
app.add_typer(verbs_papers.app)


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
