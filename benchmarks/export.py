"""Writing a trained model in files that other programs read: see `benchmarks.exports` for what they are."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.lora import NAME
from benchmarks.backbones.preference import PreferenceModules
from benchmarks.export_card import card
from benchmarks.exports import (
    CARD_FILE,
    EXPORT_FILE,
    LORA_FILE,
    PIPELINES,
    PREFERENCE_FILE,
    PREFERENCE_TENSORS,
    BaseRecord,
    ExportRecord,
    LoraRecord,
    ModulatedRecord,
    PreferenceRecord,
    SamplingRecord,
    base_record,
    exportable,
)
from benchmarks.hub import explained
from benchmarks.records import RecordError, UsageError, read_run, write_bytes, write_json
from benchmarks.restored import Restored, check_snapshot

LICENSE_NOTE = "the weights inherit the licence of the base model"

EMBEDDINGS = {
    "shapes": "time_text_embed", "sd3": "time_text_embed", "flux-kontext": "time_text_embed", "ltx2": "time_embed.emb",
}  # fmt: skip
"""The module of each family's transformer that makes the conditioning embedding."""


def write_export(restored: Restored, folder: Path, snapshot: str = "evaluation") -> ExportRecord:
    """Write a trained model into a folder of its own, whole or not at all.

    Args:
        restored: The model.
        folder: The folder; it must not exist, or be empty.
        snapshot: Name of the weights.

    Raises:
        UsageError: If the model has no LoRA, there are no weights of that name, or the folder is not empty.
        RecordError: If the folder cannot be written.
    """
    check_snapshot(snapshot)
    run, backbone = restored.run, restored.backbone
    spec = exportable(run.benchmark.backbone, f"{run.suite}/{run.benchmark.name}")
    assert isinstance(backbone, AdaptedBackbone)
    base = base_record(spec)
    record = _record(restored, base, LoraRecord(rank=spec.lora.rank, trained_alpha=spec.lora.resolved_alpha), snapshot)
    with _whole(folder) as temporary, backbone.snapshots.using(snapshot):
        _write_lora(backbone, base.family, spec.lora.resolved_alpha / spec.lora.rank, temporary)
        if restored.conditional:
            modules = backbone.network.preference
            assert modules is not None, "a model that takes preferences has modules"
            _write_preference(backbone.network.transformer, modules, record, temporary)
        write_json(temporary / EXPORT_FILE, record.model_dump(mode="json"))
        write_bytes(temporary / CARD_FILE, card(record).encode())
    return record


def _record(restored: Restored, base: BaseRecord, lora: LoraRecord, snapshot: str) -> ExportRecord:
    run, model = restored.run, restored.model
    stored = read_run(restored.folder / "run.json")
    evaluation = run.benchmark.evaluation
    return ExportRecord(
        format="flowfront-export-1",
        base=base,
        lora=lora,
        conditional=restored.conditional,
        rewards=[reward.name for reward in run.benchmark.rewards],
        weights=None if model.preference is None else list(model.preference),
        suite=stored.suite,
        suite_origin=stored.suite_origin,
        benchmark=run.benchmark.name,
        benchmark_hash=stored.benchmark.hash,
        method=stored.method.name,
        paper=stored.method.paper,
        method_settings=stored.method.settings,
        seed=run.seed,
        model=restored.index,
        models=len(run.models),
        snapshot=snapshot,
        steps=run.steps_of(model),
        sampling=SamplingRecord(steps=evaluation.steps, shift=evaluation.shift),
        prompt=run.benchmark.evaluated[0],
        commit=stored.commit,
        versions=stored.versions,
        license=LICENSE_NOTE,
    )


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    # A folder beside the one that is wanted, which takes its place once it is complete.
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: expected a new or an empty folder, found one with files in it")
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        yield temporary
        temporary.chmod(0o755)
        for path in temporary.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(temporary, folder)
        temporary = None
    except OSError as error:
        found = error.strerror or str(error)
        raise RecordError(f"cannot write {folder}: expected a writable folder, found: {found}") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary)


def _write_lora(backbone: AdaptedBackbone, family: str, scale: float, folder: Path) -> None:
    with explained(f"diffusers' {PIPELINES[family]}"):
        import diffusers
        from peft import get_peft_model_state_dict

        pipeline: Any = getattr(diffusers, PIPELINES[family])
        tensors = get_peft_model_state_dict(backbone.network.transformer, adapter_name=NAME)
        # Not every loader reads alpha, but all take it to be the rank where none is given.
        layers = {name: (t * scale if ".lora_B." in name else t).detach().cpu() for name, t in tensors.items()}
        pipeline.save_lora_weights(folder, transformer_lora_layers=layers)
        (folder / LORA_FILE).chmod(0o644)


def _write_preference(transformer: Any, modules: PreferenceModules, record: ExportRecord, folder: Path) -> None:
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in modules.state_dict().items()}
    write_bytes(folder / PREFERENCE_TENSORS, save(tensors))
    blocks = feed_forwards(transformer, record.base.family)
    sidecar = PreferenceRecord(
        format="flowfront-preference-1",
        objectives=record.rewards,
        width=modules.width,
        size=asdict(modules.size),
        embedding=EMBEDDINGS[record.base.family],
        modulated=blocks[: max(1, int(len(blocks) * modules.size.fraction))],
    )
    write_json(folder / PREFERENCE_FILE, sidecar.model_dump(mode="json"))


def feed_forwards(transformer: torch.nn.Module, family: str) -> list[ModulatedRecord]:
    """Return the feed-forwards of a family's transformer that preferences may modulate, block by block."""
    stacks = [("transformer_blocks", "ff", "all")]
    if family == "flux-kontext":
        # Text and image share the stream of these blocks, the text's tokens first.
        stacks.append(("single_transformer_blocks", "proj_out", "behind text"))
    return [
        ModulatedRecord.model_validate({"module": f"{stack}.{i}.{name}", "tokens": tokens})
        for stack, name, tokens in stacks
        for i, _ in enumerate(transformer.get_submodule(stack).children())
    ]
