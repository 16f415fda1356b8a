"""The verbs that take a trained model out of its records: export, sample, demo."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flowfront.options import JsonOption, print_json

app = typer.Typer()

CheckpointArgument = Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="Folder of a run, or of an export.")]
BaseOption = Annotated[
    str | None, typer.Option("--base", metavar="PATH", help="Base model of an export, where it is not where it was.")
]
SourcesOption = Annotated[
    Path | None, typer.Option("--sources", metavar="DIR", help="Source pictures of an export for edits, likewise.")
]
ModelOption = Annotated[int, typer.Option("--model", metavar="N", help="Which model, where a run has several.")]
SnapshotOption = Annotated[
    str, typer.Option("--snapshot", metavar="NAME", help="evaluation (averaged), current, old, sampling or reference.")
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", help="cpu or cuda; default: the checkpoint's own, if it is there.")
]


def several_line(index: int, n_models: int) -> str:
    """Return the line that says which of several models was taken."""
    return f"model {index} of {n_models} (0 to {n_models - 1}); --model N takes another"


@app.command("export")
def export_(
    run: Annotated[Path, typer.Argument(metavar="RUNDIR", help="Folder of a run.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder.")],
    model: ModelOption = 0,
    snapshot: SnapshotOption = "evaluation",
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a trained model as files that diffusers loads.

    A LoRA, preference modules where it has them, and a card that says what it is and how it is loaded.

    Example: flowfront export results/shapes/plain-vs-colourful/weighted_sum/seed0 --out exported
    """
    from benchmarks.export import write_export
    from benchmarks.restored import restore

    record = write_export(restore(run, model, device), out, snapshot)
    if as_json:
        print_json({"folder": str(out), **record.model_dump(mode="json")})
        return
    typer.echo(f"export: {out}")
    if record.models > 1:
        typer.echo(several_line(model, record.models))


@app.command("sample")
def sample_(
    checkpoint: CheckpointArgument,
    prompt: Annotated[list[str], typer.Option("--prompt", metavar="TEXT", help="May be repeated.")],
    preference: Annotated[
        list[str] | None,
        typer.Option("--preference", metavar="W,W,..", help="Weights of the rewards, sum 1; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the noise.")] = 0,
    count: Annotated[int, typer.Option("--count", help="Samples of each prompt.")] = 1,
    steps: Annotated[int | None, typer.Option("--steps", help="Steps; default: as results were measured.")] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A PNG; of videos also a GIF.")] = Path(
        "sample.png"
    ),
    base: BaseOption = None,
    sources: SourcesOption = None,
    model: ModelOption = 0,
    snapshot: SnapshotOption = "evaluation",
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make pictures with a trained model; every preference meets the same noise.

    Example: flowfront sample exported --prompt "a red circle" --preference 1,0 --preference 0.5,0.5 --preference 0,1
    """
    from benchmarks.inference import check_wanted, open_trained, sample
    from benchmarks.records import write_bytes
    from benchmarks.strips import check_suffix, sheet_of, to_file

    wanted = [parse_preference(text) for text in preference or ()]
    trained = open_trained(checkpoint, model, snapshot, base, sources, device)
    check_wanted(trained, wanted, "--preference")
    check_suffix(out.suffix, moving=trained.frame_rate is not None)
    shown = wanted or ([trained.even] if trained.conditional else [])
    samples = sample(trained, prompt, wanted, seed, count, steps)
    write_bytes(out, to_file(sheet_of(samples, prompt, shown, trained.rewards, trained.frame_rate), out.suffix))
    if as_json:
        print_json(
            {
                "file": str(out), "model": trained.title, "rewards": list(trained.rewards), "prompts": prompt,
                "preferences": shown, "seed": seed, "count": count,
                "steps": trained.steps if steps is None else steps,
            }
        )  # fmt: skip
        return
    typer.echo(f"{trained.title}; rewards: {', '.join(trained.rewards)}")
    typer.echo(f"sample: {out}")


def parse_preference(text: str) -> tuple[float, ...]:
    """Return the weights of `0.7,0.3`.

    Raises:
        UsageError: If they are no numbers.

    Example:
        >>> parse_preference("0.7, 0.3")
        (0.7, 0.3)
    """
    from benchmarks.records import UsageError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--preference: expected numbers such as 0.7,0.3, found {text!r}") from None


@app.command("demo")
def demo_(
    checkpoint: CheckpointArgument,
    port: Annotated[int, typer.Option("--port", help="Port of the page.")] = 7860,
    host: Annotated[str, typer.Option("--host", help="Address to listen at; 0.0.0.0 for other machines.")] = (
        "127.0.0.1"
    ),
    base: BaseOption = None,
    sources: SourcesOption = None,
    model: ModelOption = 0,
    snapshot: SnapshotOption = "evaluation",
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a page with a prompt, a slider over the rewards, and the picture; stop it with Ctrl-C.

    Example: flowfront demo results/shapes/plain-vs-colourful/pareto_slider/seed0 --port 7860
    """
    from flowfront.demo import require_gradio, serve

    require_gradio()
    from benchmarks.inference import open_trained

    trained = open_trained(checkpoint, model, snapshot, base, sources, device)

    def ready(url: str) -> None:
        if as_json:
            print_json({"url": url, "model": trained.title})
        else:
            typer.echo(f"{trained.title}\ndemo: {url}")
        sys.stdout.flush()

    try:
        serve(trained, host, port, ready)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
