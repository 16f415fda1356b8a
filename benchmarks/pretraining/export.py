"""The folder a pretrained model ships in: weights in half precision, their hashes, the log, and how they were made."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from benchmarks.pretraining.shapes import Pretraining
from benchmarks.records import RecordError, write_bytes
from benchmarks.weights import write_hashes

ABOUT = """# Weights of the image benchmark `shapes`

`transformer/` is a diffusers `SD3Transformer2DModel` on 32 x 32 pixels in [-1, 1], `text_encoder/` the encoder of the
world's sentences (`benchmarks/backbones/sentences.py`). Averaged weights of flow matching, in half precision.

Made from nothing by

    {command}

`settings.json` holds every setting, `training.jsonl` the log, `SHA256SUMS` what every build of the backbone checks.
"""


def export_shapes(training: Pretraining, log: Path, folder: Path, command: str) -> None:
    """Write the averaged weights as a folder that `benchmarks.backbones.shapes` loads; it is there whole or not at all.

    Args:
        training: The finished pretraining.
        log: Its `training.jsonl`.
        folder: Where to; what is there is replaced.
        command: The command that does it again, for the folder's README.

    Raises:
        RecordError: If the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            _write(training, log, temporary, command)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.chmod(0o755)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise RecordError(f"cannot write {folder}: expected a writable folder, found: {error.strerror}") from error


def _write(training: Pretraining, log: Path, folder: Path, command: str) -> None:
    model = training.averaged()
    transformer = model.transformer.to(torch.float16)
    transformer.save_pretrained(folder / "transformer")
    _write_text_encoder(model.text_encoder, folder / "text_encoder")
    _write_json(folder / "settings.json", asdict(training.settings))
    write_bytes(folder / "training.jsonl", log.read_bytes())
    write_bytes(folder / "README.md", ABOUT.format(command=command).encode())
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    write_hashes(folder, sorted(files))


def _write_text_encoder(encoder: nn.Module, folder: Path) -> None:
    tensors = {name: p.detach().to(torch.float16).contiguous().cpu() for name, p in encoder.named_parameters()}
    write_bytes(folder / "model.safetensors", save(tensors))
    _write_json(folder / "config.json", asdict(encoder.size))  # type: ignore[call-overload]


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())
