"""Training of the image-text model of the image world, from nothing: what the reward `alignment` is made of."""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional as F

from benchmarks.draws import derived_seed
from benchmarks.open_run import StepLog
from benchmarks.pretraining.alignment_batches import PairedBatches
from benchmarks.pretraining.alignment_quality import quality
from benchmarks.pretraining.flow_matching import learning_rate
from benchmarks.records import UsageError, write_bytes, write_json
from benchmarks.tasks.shapes.contrastive import ContrastiveModel, ContrastiveSize, load_contrastive, save_contrastive

CHECKPOINT_FILE = "checkpoint.safetensors"
LOG_FILE = "training.jsonl"
WEIGHTS_FOLDER = "weights"
QUALITY_FILE = "quality.json"
README = """# The image-text model of the image world

Trained from nothing by this project on pictures that it renders itself (training split), by

    {command}

with seed {seed}. `model.safetensors` holds the weights in half precision, `config.json` the size of the network,
`training.jsonl` the course of the training, `quality.json` what the weights reach on pictures and captions of the test
split (`benchmarks/pretraining/alignment_quality.py` says how each number is measured). `sha256sum -c SHA256SUMS` checks
the files that are read.
"""


@dataclass(frozen=True)
class AlignmentRecipe:
    """How the model is trained.

    Attributes:
        steps: Gradient steps.
        families: Families of near scenes a batch.
        members: Pictures a family.
        wrong: Wrong captions a picture, besides those of the other pictures.
        peak: Largest learning rate of AdamW.
        warmup: Steps until it is reached.
        decay: Share of the steps, at the end, over which it falls to 0.
        weight_decay: Of AdamW.
        every: Steps between logged rows; each comes with a checkpoint.
        seed: Everything random depends on it.
        size: Size of the model.
    """

    steps: int = 1200
    families: int = 32
    members: int = 4
    wrong: int = 4
    peak: float = 2e-3
    warmup: int = 100
    decay: float = 0.8
    weight_decay: float = 0.05
    every: int = 50
    seed: int = 0
    size: ContrastiveSize = field(default_factory=ContrastiveSize)

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            UsageError: If one is below 1.
        """
        for name in ("steps", "families", "members", "every"):
            if vars(self)[name] < 1:
                raise UsageError(f"alignment pretraining: expected {name} of at least 1, found {vars(self)[name]}")


def contrastive_loss(pictures: Tensor, captions: Tensor, scale: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss and the share of pictures whose own caption scores highest.

    The mean of two cross entropies: of each picture's caption among all B + M captions, and of each caption's picture
    among the B pictures; pairs that are neither right nor certainly wrong are left out of both.

    Args:
        pictures: Embeddings [B, E] of length 1.
        captions: Embeddings [B + M, E] of length 1; the first B belong to the pictures.
        scale: Inverse temperature [].
        negative: Whether a caption is certainly wrong of a picture, [B, B + M].

    Source:
        Radford et al., "Learning transferable visual models from natural language supervision", 2021, section 2.3;
        the wrong captions in the first term and the pairs left out are this project's.

    Example:
        >>> same, nothing = torch.eye(2), torch.tensor([[False, True], [True, False]])
        >>> loss, share = contrastive_loss(same, same, torch.tensor(1.0), nothing)
        >>> round(loss.item(), 4), share.item()
        (0.3133, 1.0)
    """
    own = torch.arange(len(pictures), device=pictures.device)
    right = F.one_hot(own, len(captions)).bool()
    logits = (scale * pictures @ captions.T).masked_fill(~(negative | right), -math.inf)
    loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits[:, : len(own)].T, own)) / 2
    return loss, (logits.argmax(1) == own).float().mean()


class AlignmentPretraining:
    """A training in progress: model, optimizer and step."""

    def __init__(self, recipe: AlignmentRecipe, device: str) -> None:
        """Start from nothing."""
        self.recipe, self.device, self.step = recipe, device, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(recipe.seed, "image-text model"))
            self.model = ContrastiveModel(recipe.size).to(device)
        self._batches = PairedBatches(recipe.families, recipe.members, recipe.wrong, recipe.seed)
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=recipe.peak, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
        )

    def advance(self) -> tuple[float, float]:
        """Do one step; return its loss and the share of pictures whose own caption scored highest."""
        recipe, batch = self.recipe, self._batches.batch(self.step)
        loss, share = contrastive_loss(
            self.model.embed_pictures(batch.pictures),
            self.model.embed_prompts(batch.captions),
            self.model.scale,
            batch.negative.to(self.device),
        )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.step, recipe.steps, recipe.peak, recipe.warmup, recipe.decay)
        self._optimizer.step()
        self.step += 1
        return loss.item(), share.item()

    def stretch(self) -> dict[str, float]:
        """Do the steps up to the next row of the log and return it."""
        recipe, began, rows = self.recipe, time.monotonic(), list[tuple[float, float]]()
        while not rows or (self.step % recipe.every and self.step < recipe.steps):
            rows.append(self.advance())
        loss, share = torch.tensor(rows, dtype=torch.float64).mean(0).tolist()
        return {
            "step": self.step,
            "loss": round(loss, 4),
            "right": round(share, 4),
            "scale": round(self.model.scale.item(), 3),
            "seconds": round((time.monotonic() - began) / len(rows), 3),
        }

    def save(self, path: Path, log_offset: int) -> None:
        """Write everything the next step needs, atomically, and how much of the log [bytes] belongs to it."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for index, entry in self._optimizer.state_dict()["state"].items():
            tensors |= {f"moment.{index}.{name}": tensor for name, tensor in entry.items()}
        header = {"step": str(self.step), "log_offset": str(log_offset), "recipe": _text(self.recipe)}
        write_bytes(path, save({name: tensor.cpu().contiguous().clone() for name, tensor in tensors.items()}, header))

    def load(self, path: Path) -> int:
        """Go on from what `save` wrote; return how much of the log [bytes] belongs to it.

        Raises:
            UsageError: If the file is damaged or comes from another recipe.
        """
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        except (OSError, SafetensorError) as error:
            raise UsageError(f"{path} is damaged: expected a training to resume, found: {error}") from error
        if header.get("recipe") != _text(self.recipe):
            raise UsageError(f"{path}: expected the recipe {_text(self.recipe)}, found {header.get('recipe')}")
        self.model.load_state_dict({n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
        state = self._optimizer.state_dict()
        for key in (name for name in tensors if name.startswith("moment.")):
            _, index, name = key.split(".")
            state["state"].setdefault(int(index), {})[name] = tensors[key]
        self._optimizer.load_state_dict(state)
        self.step = int(header["step"])
        return int(header["log_offset"])


def _text(recipe: AlignmentRecipe) -> str:
    return TypeAdapter(AlignmentRecipe).dump_json(recipe).decode()


def train(
    out: Path, recipe: AlignmentRecipe, device: str, report: Callable[[dict[str, float]], None]
) -> ContrastiveModel:
    """Train from nothing, or from the checkpoint in `out`, to the end; return the model.

    Raises:
        UsageError: If the checkpoint is damaged or comes from another recipe.
        RecordError: If the folder cannot be written to.
    """
    training = AlignmentPretraining(recipe, device)
    checkpoint = out / CHECKPOINT_FILE
    offset = training.load(checkpoint) if checkpoint.exists() else 0
    with contextlib.closing(StepLog(out / LOG_FILE, offset)) as log:
        while training.step < recipe.steps:
            row = training.stretch()
            log.append(row)
            training.save(checkpoint, log.sync())
            report(row)
    return training.model.cpu()


def pretrain_alignment(
    out: Path, *, steps: int | None, seed: int, device: str, report: Callable[[dict[str, float]], None]
) -> None:
    """Train the image-text model and write the folder that ships; a training that was cut off goes on.

    Args:
        out: Folder of checkpoint and log; the model with its hashes, log, figures and README goes into its `weights`.
        steps: Gradient steps; None takes the recipe's.
        seed: Everything random depends on it.
        device: Of torch, for example "cpu" or "cuda".
        report: Told of each logged row: step; loss, share of right captions (both mean since the last row), inverse
            temperature, seconds a step. At the end it is told of the figures of `quality`.

    Raises:
        UsageError: If the checkpoint in `out` is damaged or of another recipe, or steps are below 1.
        RecordError: If the folder cannot be written to.
    """
    recipe = AlignmentRecipe(seed=seed) if steps is None else AlignmentRecipe(seed=seed, steps=steps)
    model = train(out, recipe, device, report).eval()
    folder = out / WEIGHTS_FOLDER
    save_contrastive(model, folder)
    figures = quality(load_contrastive(folder))
    write_json(folder / QUALITY_FILE, figures)
    write_bytes(folder / LOG_FILE, (out / LOG_FILE).read_bytes())
    command = "flowfront pretrain shapes-alignment --threads 1" + ("" if steps is None else f" --steps {steps}")
    write_bytes(folder / "README.md", README.format(command=command, seed=seed).encode())
    report(figures)
