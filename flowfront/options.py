"""Options and arguments that several verbs share, and how their texts are read."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

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
    typer.Option(
        "--set",
        metavar="NAME.FIELD=VALUE",
        help="Change a field of a method, a reward, the benchmark, its backbone, evaluation, recipe or budget; "
        "@FILE reads such lines from a file.",
    ),
]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the records go.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SuiteArgument = Annotated[str | None, typer.Argument(metavar="[SUITE]", help="A suite's name, or module:NAME.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="RUN.JSON", help="Repeat exactly what a record says.")
]
GpusOption = Annotated[int | None, typer.Option("--gpus", metavar="N", help="GPUs that share each step.")]
MemoryOption = Annotated[
    float | None, typer.Option("--memory", metavar="GIB", help="Memory of one GPU, to compare the estimate with.")
]


def print_json(content: Any) -> None:
    """Print JSON data; numbers that are not finite are refused."""
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
