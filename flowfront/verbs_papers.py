"""The verb `reproduce`."""

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowfront.options import JsonOption, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.claims.base import Claim
    from flowfront.claims import Done, Job

app = typer.Typer()


class Format(StrEnum):
    """How a table is printed."""

    text = "text"
    markdown = "markdown"
    csv = "csv"
    json = "json"


@app.command("reproduce")
def reproduce_(
    claim: Annotated[
        str | None, typer.Argument(metavar="[CLAIM]", help="Run what a claim lacks and judge it; --list names them.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Papers, tables, claims, and the commands.")] = False,
    table: Annotated[str | None, typer.Option("--table", metavar="PAPER:TABLE", help="Such as marble:1.")] = None,
    ledger: Annotated[bool, typer.Option("--ledger", help="Judge every claim by the records that there are.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Run what all claims lack, cheapest first.")] = False,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="With --all: begin nothing beyond, such as 2h.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and how long.")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", help="Processes; default: one a processor.")] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="DIR", help="Records; default: results/reference, for claims results/claims too."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the ledger's files there.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How a table or the ledger is printed.")] = Format.text,
    as_json: JsonOption = False,
) -> None:
    """Show the papers' numbers beside records, and test their claims in small experiments.

    Example: flowfront reproduce --table marble:1 --format markdown

    Example: flowfront reproduce marble-n-5

    Example: flowfront reproduce --all --budget 2h
    """
    from benchmarks.records import UsageError

    modes = {"CLAIM": claim is not None, "--ledger": ledger, "--all": everything, "--list": listed,
             "--table": table is not None}  # fmt: skip
    chosen = [name for name, given in modes.items() if given]
    if len(chosen) != 1:
        found = " and ".join(chosen) if chosen else "neither"
        known = "CLAIM, --ledger, --all, --list, or --table PAPER:TABLE such as marble:1"
        raise UsageError(f"reproduce: expected {known}, found {found}")
    given = {"--results": results is not None, "--format": form is not Format.text, "--out": out is not None,
             "--budget": budget is not None, "--dry-run": dry_run, "--jobs": jobs is not None}  # fmt: skip
    _require_fitting(chosen[0], [name for name, present in given.items() if present])
    if table is not None:
        _show(table, results, Format.json if as_json else form)
    elif listed:
        _list(as_json=as_json)
    elif ledger:
        _ledger(results, out, Format.json if as_json else form)
    else:
        _test(claim, results, out, budget, jobs, dry_run=dry_run, as_json=as_json)


FITTING = {
    "CLAIM": ("--results", "--dry-run", "--jobs"),
    "--list": (),
    "--table": ("--results", "--format"),
    "--ledger": ("--results", "--format", "--out"),
    "--all": ("--results", "--out", "--budget", "--dry-run", "--jobs"),
}


def _require_fitting(chosen: str, given: list[str]) -> None:
    from benchmarks.records import UsageError

    wrong = [name for name in given if name not in FITTING[chosen]]
    if wrong:
        homes = [mode for mode, names in FITTING.items() if wrong[0] in names]
        raise UsageError(f"reproduce: expected {wrong[0]} with {' or '.join(homes)}, found it with {chosen}")


def _show(table: str, results: Path | None, form: Format) -> None:
    from flowfront import reproduce

    found = reproduce.reproduction(table, results)
    if form is Format.json:
        print_json(reproduce.to_json(found))
        return
    render = {Format.text: reproduce.to_text, Format.markdown: reproduce.to_markdown, Format.csv: reproduce.to_csv}
    typer.echo(render[form](found), nl=False)


def _list(*, as_json: bool) -> None:
    from flowfront.reproduce import catalog, catalog_lines

    content = catalog()
    if as_json:
        print_json(content)
    else:
        typer.echo("\n".join(catalog_lines(content)))


def _ledger(results: Path | None, out: Path | None, form: Format) -> None:
    from analysis.claims import judging, ledger
    from analysis.claims.catalog import CLAIMS

    entries = judging.judge_all(CLAIMS, judging.evidence_in(results))
    paths = [] if out is None else ledger.write_ledger(entries, out)
    if form is Format.json:
        print_json(ledger.to_json(entries))
    elif form is Format.text:
        typer.echo("\n".join(ledger.to_lines(entries)))
    else:
        typer.echo({Format.markdown: ledger.to_markdown, Format.csv: ledger.to_csv}[form](entries), nl=False)
    for path in paths:
        typer.echo(f"ledger: {path}", err=True)


def _test(
    key: str | None, results: Path | None, out: Path | None, budget: str | None, jobs: int | None, *,
    dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    from analysis.claims.catalog import CLAIMS, claim_by_key
    from analysis.claims.judging import evidence_in
    from benchmarks.executors import default_jobs
    from flowfront import claims

    seconds = math.inf if budget is None else claims.budget_seconds(budget)
    chosen = CLAIMS if key is None else (claim_by_key(key, CLAIMS),)
    if key is not None and not dry_run:
        claims.require_small(chosen[0])
    processes = default_jobs() if jobs is None else jobs
    work = claims.jobs_of(chosen, evidence_in(results, also_run=True))
    if dry_run:
        rows = [claims.job_row(job, processes) for job in work]
        if as_json:
            print_json(rows)
        else:
            typer.echo("\n".join(claims.plan_lines(rows, processes)))
        return
    done = _run(work, processes, seconds, quiet=as_json)
    _tell(chosen, results, out, one=key is not None, as_json=as_json)
    for line in done.errors:
        typer.echo(f"error: {line}", err=True)
    if done.errors:
        raise typer.Exit(1 if done.crashed else 2)


def _run(work: "list[Job]", processes: int, seconds: float, *, quiet: bool) -> "Done":
    from flowfront import claims

    def say(text: str) -> None:
        typer.echo(text, err=True)

    try:
        return claims.run_jobs(work, processes, budget=seconds, quiet=quiet, say=say)
    except KeyboardInterrupt:
        typer.echo("interrupted: the same command goes on from the last saved state", err=True)
        raise typer.Exit(130) from None


def _tell(chosen: "Sequence[Claim]", results: Path | None, out: Path | None, *, one: bool, as_json: bool) -> None:
    from analysis.claims import judging, ledger

    entries = judging.judge_all(chosen, judging.evidence_in(results, also_run=True))
    for path in [] if out is None else ledger.write_ledger(entries, out):
        typer.echo(f"ledger: {path}", err=True)
    if as_json:
        print_json(judging.entry_json(entries[0]) if one else ledger.to_json(entries))
    else:
        typer.echo("\n".join(ledger.claim_lines(entries[0]) if one else ledger.to_lines(entries)))
