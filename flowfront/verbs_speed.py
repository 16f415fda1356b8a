"""The verb `speed`."""

from typing import Annotated

import typer

from flowfront.options import JsonOption, MethodOption, print_json

verb = typer.Typer()


@verb.command("speed")
def speed_(
    family: Annotated[str, typer.Argument(metavar="FAMILY", help="sd35, kontext, ltx2 or shapes.")],
    random_weights: Annotated[bool, typer.Option("--random-weights", help="Measure without a checkpoint.")] = False,
    path: Annotated[str | None, typer.Option("--path", metavar="FOLDER", help="A checkpoint, or owner/name.")] = None,
    size: Annotated[str | None, typer.Option("--size", help="medium, large or small; full or small.")] = None,
    side: Annotated[int | None, typer.Option("--side", help="Pixels; default: 512, 64 for small.")] = None,
    frames: Annotated[int | None, typer.Option("--frames", help="Frames of a video.")] = None,
    method: MethodOption = None,
    rollout_steps: Annotated[int, typer.Option("--rollout-steps", help="Denoising steps of a rollout.")] = 10,
    prompts: Annotated[int, typer.Option("--prompts", help="Prompts a step.")] = 4,
    group: Annotated[int, typer.Option("--group", help="Rollouts a prompt.")] = 12,
    micro_batch: Annotated[int, typer.Option("--micro-batch", help="Points of one backward pass.")] = 8,
    rewards: Annotated[int | None, typer.Option("--rewards", help="Costless rewards; default: 5.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", help="Timed steps of each method, in turn.")] = 5,
    device: Annotated[str | None, typer.Option("--device", help="cpu or cuda; default: cuda if there is one.")] = None,
    precision: Annotated[str | None, typer.Option("--precision", help="bfloat16 or float32.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads; default: one a processor.")] = None,
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing/--no-checkpointing", help="Recompute blocks in the backward pass.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast methods train relative to the weighted sum, stage by stage, and the memory they take.

    Example: flowfront speed sd35 --random-weights --size small --rounds 3
    """
    from benchmarks.executors import default_jobs
    from flowfront.speed import SpeedRequest, speed
    from flowfront.speed_lines import lines

    found = speed(
        SpeedRequest(
            family=family, random_weights=random_weights, path=path, size=size, side=side, frames=frames,
            methods=tuple(method or ()), rollout_steps=rollout_steps, prompts=prompts, group=group,
            micro_batch=micro_batch, rewards=rewards, rounds=rounds, device=device, precision=precision,
            threads=default_jobs() if threads is None else threads, checkpointing=checkpointing,
        )
    )  # fmt: skip
    if as_json:
        print_json(found)
    else:
        typer.echo("\n".join(lines(found)))
