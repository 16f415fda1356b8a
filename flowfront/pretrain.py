"""Pretraining of the models that ship with the project, with their quality as it goes."""

from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.compilation import check_compiler
from benchmarks.pretraining.alignment import pretrain_alignment
from benchmarks.pretraining.export import export_shapes
from benchmarks.pretraining.quality import quality, unseen_prompts
from benchmarks.pretraining.shapes import Pretraining, ShapesPretraining, pretrain_shapes
from benchmarks.records import UsageError
from benchmarks.rewards.composition import Composition
from benchmarks.rewards.text import SignText
from benchmarks.settings import nearest

Say = Callable[[dict[str, float]], None]

MODELS = ("shapes", "shapes-alignment")
QUALITY_EVERY = 1000
"""Steps between measurements of quality."""
PROMPTS_PER_KIND = 12


def pretrain(model: str, out: Path, steps: int | None, device: str, threads: int, say: Say, *, compiled: bool) -> None:
    """Train a model from nothing, or from where it was cut off, and write the folder that ships below `out`.

    Args:
        model: One of `MODELS`.
        out: Folder of the training; the finished model goes into its folder `weights`.
        steps: Gradient steps; None takes the model's own number.
        device: Of torch.
        threads: Threads of torch.
        say: Told of each logged row.
        compiled: Whether to compile the transformer first.

    Raises:
        UsageError: If a name or number is wrong, or the folder holds another training.
    """
    if model not in MODELS:
        raise UsageError(f"no model {model!r}: {nearest(model, MODELS)}")
    if steps is not None and steps < 1:
        raise UsageError(f"--steps: expected at least 1, found {steps}")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"--device: expected a device of torch, found {device!r}: {str(error).splitlines()[0]}"
        ) from error
    if compiled:
        check_compiler(torch.device(device).type)
    torch.set_num_threads(threads)
    if model == "shapes-alignment":
        pretrain_alignment(out, steps=steps, seed=0, device=device, report=say)
        return
    settings = ShapesPretraining() if steps is None else ShapesPretraining(steps=steps)
    command = "flowfront pretrain shapes" + (f" --steps {steps}" if steps is not None else "")
    command += " --compile" if compiled else ""
    rewards, prompts = (Composition(), SignText()), unseen_prompts(PROMPTS_PER_KIND)

    def listen(training: Pretraining, row: dict[str, float]) -> None:
        if training.step % QUALITY_EVERY == 0 or training.step == settings.steps:
            row |= {name: round(value, 4) for name, value in quality(training, rewards, prompts).items()}
        say(row)

    training = pretrain_shapes(out, settings, device, listen, compiled=compiled)
    export_shapes(training, out / "training.jsonl", out / "weights", command)
