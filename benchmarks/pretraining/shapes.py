"""Pretraining of the image benchmark's backbone: a small SD3 transformer and its text encoder, from nothing.

What is deliberately not here: augmentation (scenes are drawn anew at every step) and data on disk.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import SD3Transformer2DModel
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Generator, Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.backbones.sentences import SentenceEncoder, SentenceSize
from benchmarks.draws import derived_seed
from benchmarks.pretraining.flow_matching import AveragedWeights, learning_rate, noised
from benchmarks.records import UsageError, write_bytes
from benchmarks.tasks.shapes.language import LONGEST_TEXT, Scene, Sign, sentence
from benchmarks.tasks.shapes.render import SIZE, Renderer
from benchmarks.tasks.shapes.scenes import KINDS, split

SHARES = {"several": 0.25, "pair": 0.12, "placed": 0.28, "sign": 0.35}
"""Share of each kind of scene in a batch."""


@dataclass(frozen=True)
class ShapesPretraining:
    """Size of the model and how it is trained.

    Attributes:
        steps: Gradient steps.
        batch: Pictures a step.
        layers: Blocks of the transformer.
        heads: Attention heads of 64 channels each; the width is 64 times that.
        peak: Largest learning rate of Muon, which trains the matrices of the blocks.
        peak_rest: Largest learning rate of AdamW, which trains everything else.
        warmup: Steps until they are reached.
        decay: Share of the steps, at the end, over which they fall to 0.
        weight_decay: Of both.
        average: Decay of the averaged weights, which are what ships.
        no_prompt: Share of pictures trained without their prompt, for classifier-free guidance.
        seed: Everything random depends on it.
    """

    steps: int = 9_600
    batch: int = 64
    layers: int = 6
    heads: int = 2
    peak: float = 2e-2
    peak_rest: float = 1e-3
    warmup: int = 300
    decay: float = 0.25
    weight_decay: float = 0.01
    average: float = 0.999
    no_prompt: float = 0.1
    seed: int = 0


class ShapesModel(nn.Module):
    """Transformer and text encoder, trained together."""

    def __init__(self, settings: ShapesPretraining) -> None:
        """Build both at weights that depend on the seed alone."""
        super().__init__()
        width = 64 * settings.heads
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(settings.seed, "shapes"))
            # The architecture of SD3.5 (normalized queries and keys), on pixels instead of latents.
            self.transformer: Any = SD3Transformer2DModel(  # type: ignore[no-untyped-call]
                sample_size=SIZE, patch_size=4, in_channels=3, out_channels=3, num_layers=settings.layers,
                attention_head_dim=64, num_attention_heads=settings.heads, joint_attention_dim=width,
                caption_projection_dim=width, pooled_projection_dim=width, pos_embed_max_size=SIZE // 4,
                qk_norm="rms_norm",
            )  # fmt: skip
            self.text_encoder = SentenceEncoder(SentenceSize(width=width, pooled=width))

    def matrices_and_rest(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Return the weight matrices of all blocks, and every other parameter."""
        named = dict(self.named_parameters())
        inner = [name for name, p in named.items() if p.ndim == 2 and ("_blocks." in name or ".layers." in name)]
        return [named[name] for name in inner], [p for name, p in named.items() if name not in set(inner)]

    def forward(self, x: Tensor, sigma: Tensor, numbers: Tensor) -> Tensor:
        """Return the velocity [B, 3, 32, 32] at x [B, 3, 32, 32], sigma [B], for word numbers [B, 8]."""
        tokens, pooled = self.text_encoder(numbers)
        found: Tensor = self.transformer(
            hidden_states=x,
            encoder_hidden_states=tokens,
            pooled_projections=pooled,
            timestep=1000 * sigma,
            return_dict=False,
        )[0]
        return found


class Scenes:
    """An endless supply of captioned pictures of the training split; the batch of a step depends on its number."""

    def __init__(self, settings: ShapesPretraining) -> None:
        """List the scenes."""
        self._settings = settings
        self._renderer = Renderer()
        self._kinds = {kind: split(kind, test=False) for kind in KINDS}
        signs = self._kinds["sign"]
        # Signs of every length equally often: nearly all strings have the greatest length.
        self._signs = [
            [s for s in signs if isinstance(s, Sign) and len(s.text) == n] for n in range(1, LONGEST_TEXT + 1)
        ]

    def _scene(self, kind: str, generator: np.random.Generator) -> Scene:
        pool = self._signs[generator.integers(LONGEST_TEXT)] if kind == "sign" else self._kinds[kind]
        return pool[generator.integers(len(pool))]

    def batch(self, step: int) -> tuple[Tensor, list[str]]:
        """Return pictures [B, 3, 32, 32] in [-1, 1] and their prompts, some of them empty."""
        settings = self._settings
        generator = np.random.default_rng(derived_seed(settings.seed, "scenes", step))
        kinds = generator.choice(KINDS, settings.batch, p=[SHARES[kind] for kind in KINDS])
        scenes = [self._scene(str(kind), generator) for kind in kinds]
        pictures = 2 * self._renderer(scenes, generator) - 1
        dropped = generator.uniform(size=settings.batch) < settings.no_prompt
        prompts = ["" if gone else sentence(scene) for gone, scene in zip(dropped, scenes, strict=True)]
        return pictures, prompts


@contextlib.contextmanager
def fast_precision(device: str) -> Iterator[None]:
    """Run the block in bfloat16 where that is safe.

    On a CPU attention is done step by step: the backward pass of the fused one takes 40 % of a training step there.
    """
    fused = contextlib.nullcontext() if device != "cpu" else sdpa_kernel(SDPBackend.MATH)
    with fused, torch.autocast(device.split(":", maxsplit=1)[0], dtype=torch.bfloat16):
        yield


class Pretraining:
    """A pretraining in progress: model, averaged weights, optimizer and step."""

    def __init__(self, settings: ShapesPretraining, device: str = "cpu", *, compiled: bool = False) -> None:
        """Start from nothing; compilation takes two minutes and then saves a third of every step."""
        self.settings, self.device, self.step = settings, device, 0
        self.model = ShapesModel(settings).to(device)
        if compiled:
            self.model.compile(dynamic=False)
        self.average = AveragedWeights(self.model, settings.average)
        self._scenes = Scenes(settings)
        matrices, rest = self.model.matrices_and_rest()
        # Orthogonalized momentum (Jordan et al. 2024) reaches a loss in a third of AdamW's steps here.
        self._optimizers: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(matrices, lr=settings.peak, weight_decay=settings.weight_decay),
            torch.optim.AdamW(
                rest, lr=settings.peak_rest, betas=(0.9, 0.99), weight_decay=settings.weight_decay, fused=True
            ),
        )

    def advance(self) -> float:
        """Do one step and return its loss."""
        settings = self.settings
        pictures, prompts = self._scenes.batch(self.step)
        x, sigma, velocity = noised(pictures, Generator().manual_seed(derived_seed(settings.seed, "noise", self.step)))
        numbers = self.model.text_encoder.numbers(prompts)
        with fast_precision(self.device):
            found = self.model(x.to(self.device), sigma.to(self.device), numbers.to(self.device))
        loss = (found.float() - velocity.to(self.device)).square().mean()
        self.model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, peak in zip(self._optimizers, (settings.peak, settings.peak_rest), strict=True):
            rate = learning_rate(self.step, settings.steps, peak, settings.warmup, settings.decay)
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
        self.step += 1
        self.average.update(self.model, self.step)
        return float(loss.detach())

    def averaged(self) -> ShapesModel:
        """Return a copy of the model with the averaged weights, on the CPU."""
        model = ShapesModel(self.settings)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(self.average.tensors[name])
        return model

    def save(self, path: Path) -> None:
        """Write everything the next step needs, atomically."""
        tensors = {f"model.{name}": p.detach() for name, p in self.model.named_parameters()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.tensors.items()}
        for which, optimizer in enumerate(self._optimizers):
            for index, entry in optimizer.state_dict()["state"].items():
                tensors |= {f"moment.{which}.{index}.{name}": torch.as_tensor(v) for name, v in entry.items()}
        settings = {name: value for name, value in asdict(self.settings).items() if name != "steps"}
        header = {"step": str(self.step), "settings": json.dumps(settings, sort_keys=True)}
        copies = {name: tensor.cpu().contiguous().clone() for name, tensor in tensors.items()}
        write_bytes(path, save(copies, header))

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote.

        Raises:
            UsageError: If the file is damaged or comes from other settings (the number of steps may differ).
        """
        data = path.read_bytes()
        try:
            tensors = load(data)
            length = int.from_bytes(data[:8], "little")
            header: Mapping[str, str] = json.loads(data[8 : 8 + length])["__metadata__"]
        except (SafetensorError, ValueError, KeyError) as error:
            raise UsageError(f"{path} is damaged: expected safetensors of a pretraining, found: {error}") from error
        settings = {name: value for name, value in asdict(self.settings).items() if name != "steps"}
        if header["settings"] != json.dumps(settings, sort_keys=True):
            raise UsageError(f"{path}: expected the settings {settings}, found {header['settings']}")
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(tensors[f"model.{name}"])
                self.average.tensors[name].copy_(tensors[f"average.{name}"])
        self._load_moments(tensors)
        self.step = int(header["step"])

    def _load_moments(self, tensors: Mapping[str, Tensor]) -> None:
        for which, optimizer in enumerate(self._optimizers):
            state = optimizer.state_dict()
            for key, tensor in tensors.items():
                if key.startswith(f"moment.{which}."):
                    index, name = key.split(".")[2:]
                    state["state"].setdefault(int(index), {})[name] = tensor
            optimizer.load_state_dict(state)


Listen = Callable[[Pretraining, dict[str, float]], None]
"""Told of each row of the log before it is written; what it adds to the row is logged as well."""


def pretrain_shapes(
    out: Path, settings: ShapesPretraining, device: str, listen: Listen, *, compiled: bool = False, every: int = 250
) -> Pretraining:
    """Train from nothing, or from the last checkpoint in `out`, to the end; return the finished pretraining.

    Args:
        out: Folder of `checkpoint.safetensors` and `training.jsonl`.
        settings: What to train and how.
        device: Of torch, for example "cpu" or "cuda".
        listen: Told of each row: step, loss (mean since the last row), seconds a step.
        compiled: Whether to compile the model first.
        every: Steps between rows and checkpoints.

    Raises:
        UsageError: If the checkpoint is damaged or of other settings.
    """
    training = Pretraining(settings, device, compiled=compiled)
    checkpoint, log = out / "checkpoint.safetensors", out / "training.jsonl"
    if checkpoint.exists():
        training.load(checkpoint)
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    rows = [row for row in rows if row["step"] <= training.step]
    while training.step < settings.steps:
        began = time.monotonic()
        losses: list[float] = []
        while not losses or (training.step % every and training.step < settings.steps):
            losses.append(training.advance())
        seconds = (time.monotonic() - began) / len(losses)
        row: dict[str, float] = {"step": training.step, "loss": round(float(np.mean(losses)), 5)}
        row["seconds"] = round(seconds, 3)
        training.save(checkpoint)
        listen(training, row)
        rows.append(row)
        write_bytes(log, "".join(json.dumps(entry) + "\n" for entry in rows).encode())
    return training
