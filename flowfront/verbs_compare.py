"""The verb `compare`."""

from pathlib import Path
from typing import Annotated

import typer

from flowfront.options import JsonOption, print_json

verb = typer.Typer()


@verb.command("compare")
def compare_(
    first: Annotated[
        Path, typer.Argument(metavar="A", help="A folder of records: a suite's, a benchmark's, a method's.")
    ],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another, compared with the first.")],
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Only this; may be repeated. Default: hypervolume, all rewards."),
    ] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Probability of any false finding.")] = 0.05,
    level: Annotated[
        str, typer.Option("--level", metavar="seeds|prompts", help="What the exit code rests on.")
    ] = "prompts",
    as_json: JsonOption = False,
) -> None:
    """Test whether B differs from A on the same seeds, prompts and noise; exit code 1 if B is worse in anything.

    Over prompts: are these models worse? Over seeds: would others be? Needs 6 seeds. --metric all: all of the report.

    Example: flowfront compare results/toy/two-targets/marble results/toy/two-targets/weighted_sum
    """
    from flowfront.compare import compare_folders, compare_json, compare_lines

    comparison, deciding = compare_folders(first, second, tuple(metric or ()), alpha=alpha, level=level)
    if as_json:
        print_json(compare_json(comparison, deciding))
    else:
        typer.echo("\n".join(compare_lines(comparison, deciding)))
    if comparison.worse(deciding):
        raise typer.Exit(1)
