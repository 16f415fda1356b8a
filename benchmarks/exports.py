"""The format of an exported model: `export.json` and `preference.json`, and what they say of the base model.

pytorch_lora_weights.safetensors   the LoRA, as pipelines of diffusers load it
preference.safetensors             the preference modules, where the model takes a preference
preference.json                    their sizes and where they attach
export.json                        what was exported
README.md                          the same for people
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from pydantic import BaseModel, ConfigDict

from benchmarks.backbones.checkpoints import Checkpoint, FluxKontextSpec, LTX2Spec, SD3Spec
from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.backbones.shapes import WEIGHTS, ShapesSpec
from benchmarks.base import BackboneSpec
from benchmarks.hub import named_on_hub
from benchmarks.records import UsageError, read_json, validated

LORA_FILE = "pytorch_lora_weights.safetensors"
PREFERENCE_TENSORS, PREFERENCE_FILE = "preference.safetensors", "preference.json"
EXPORT_FILE, CARD_FILE = "export.json", "README.md"

Spec = ShapesSpec | Checkpoint
CHECKPOINTS: dict[str, type[Checkpoint]] = {kind.family: kind for kind in (SD3Spec, FluxKontextSpec, LTX2Spec)}
PIPELINES = {
    "shapes": "StableDiffusion3Pipeline",
    "sd3": "StableDiffusion3Pipeline",
    "flux-kontext": "FluxKontextPipeline",
    "ltx2": "LTX2Pipeline",
}
"""Classes of diffusers; the shapes backbone is a transformer of the first one's kind, without its other parts."""

_APART = ("kind", "checkpoint", "weights", "revision", "sources", "lora", "preference")
Scalar = str | int | float | bool | None


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseRecord(_Model):
    """The base model: its family, where it was, what tells it from others, and how large its samples are.

    `source` is None for the weights that ship with the project; `sources` is the folder of source pictures that
    editing prompts name.
    """

    family: Literal["shapes", "sd3", "flux-kontext", "ltx2"]
    source: str | None
    revision: str | None
    identity: dict[str, Any]
    settings: dict[str, Scalar]
    sources: str | None = None


class LoraRecord(_Model):
    """Rank r and the alpha of the training. The factor alpha / r is in the weights: files are loaded with alpha = r."""

    rank: int
    trained_alpha: float


class SamplingRecord(_Model):
    """How the results were measured: steps of the Euler ODE and the shift of its grid, None for the model's own."""

    steps: int
    shift: float | None


class ExportRecord(_Model):
    """The content of `export.json`.

    `weights` [K] are those that the model was trained for, None where it takes a preference; `model` of `models`
    counts from 0; `steps` are gradient steps; `prompt` is one that results were measured on.
    """

    format: Literal["flowfront-export-1"]
    base: BaseRecord
    lora: LoraRecord
    conditional: bool
    rewards: list[str]
    weights: list[float] | None
    suite: str
    suite_origin: str | None
    benchmark: str
    benchmark_hash: str
    method: str
    paper: str
    method_settings: dict[str, Any]
    seed: int
    model: int
    models: int
    snapshot: str
    steps: int
    sampling: SamplingRecord
    prompt: str
    commit: str | None
    versions: dict[str, str]
    license: str


class ModulatedRecord(_Model):
    """A module whose output [B, T, d] is modulated: all its tokens, or those behind the text's."""

    module: str
    tokens: Literal["all", "behind text"]


class PreferenceRecord(_Model):
    """The content of `preference.json`: how to make the modules and where to attach them.

    A preference [B, K], entries in the order of `objectives`, gives an embedding and a modulation [B, d]. The embedding
    is added to the output of the module `embedding`, the modulation to that of each of `modulated`.
    """

    format: Literal["flowfront-preference-1"]
    objectives: list[str]
    width: int
    size: dict[str, int | float | None]
    embedding: str
    modulated: list[ModulatedRecord]


_R = TypeVar("_R", bound=BaseModel)


def read_record(path: Path, kind: type[_R]) -> _R:
    """Read one of the JSON files of an export.

    Raises:
        RecordError: If it is missing, damaged or of another format.
    """
    return validated(path, kind, read_json(path))


def exportable(spec: BackboneSpec, where: str) -> Spec:
    """Return a definition of a backbone that has a LoRA.

    Raises:
        UsageError: If it has none.
    """
    if not isinstance(spec, ShapesSpec | Checkpoint):
        raise UsageError(f"{where}: expected a model of pictures or videos with a LoRA, found one on {_kind(spec)}")
    return spec


def _kind(spec: BackboneSpec) -> str:
    return str(spec.describe().get("kind", type(spec).__name__))


def base_record(spec: Spec) -> BaseRecord:
    """Return what an export says of its base model."""
    described, family = spec.describe(), "shapes" if isinstance(spec, ShapesSpec) else spec.family
    content: dict[str, Any] = {"family": family, "revision": None}
    content["settings"] = {name: value for name, value in described.items() if name not in _APART}
    if isinstance(spec, ShapesSpec):
        content |= {"source": None if spec.folder == WEIGHTS else str(spec.folder)}
        content["identity"] = {"files": dict(described["weights"])}
    else:
        content |= {"source": spec.path, "revision": spec.revision, "identity": dict(described["checkpoint"])}
    if isinstance(spec, FluxKontextSpec):
        content["sources"] = str(spec.sources)
    return BaseRecord.model_validate(content)


def spec_of(record: BaseRecord, base: str | None, sources: Path | None) -> Spec:
    """Return the definition of an export's base model, at the place it was or at another one.

    Args:
        record: What the export says.
        base: Folder or repository; None takes the place it was at.
        sources: Folder of source pictures; None takes the place it was at.

    Raises:
        UsageError: If the base model is not there or its settings do not fit its family.
    """
    source = record.source if base is None else base
    if source is not None and not Path(source).is_dir() and not named_on_hub(source):
        raise UsageError(f"cannot read {source}: expected the base model there; if it is elsewhere, give --base PATH")
    settings: dict[str, Any] = dict(record.settings)
    try:
        if record.family == "shapes":
            return ShapesSpec(**settings, folder=WEIGHTS if source is None else Path(source))
        if record.family == "flux-kontext":
            settings["sources"] = Path(str(record.sources)) if sources is None else sources
        if source is None:
            raise UsageError("base model: expected a folder or owner/name of a repository, found none; give --base")
        revision = record.revision if base is None else None
        return CHECKPOINTS[record.family](path=source, revision=revision, **settings)
    except TypeError as error:
        raise UsageError(f"base model of the export: settings of {record.family}: {error}") from error


def check_base(record: BaseRecord, spec: Spec, where: str) -> None:
    """Check that the transformer of a base model is not provably another one than that of an export.

    Files are compared where both sides know them; a repository's name says nothing of its copies.

    Raises:
        UsageError: If a file differs or the family is another one.
    """
    found = base_record(spec)
    if found.family != record.family:
        raise UsageError(f"{where}: expected a base model of family {record.family}, found {found.family}")
    wanted, present = _transformer_files(record.identity), _transformer_files(found.identity)
    if not wanted or not present:
        return
    for name in sorted(wanted.keys() | present.keys()):
        if wanted.get(name) != present.get(name):
            raise UsageError(
                f"{where}: expected the base model that was trained on, found another {name} in {found.source}"
            )


def _transformer_files(identity: Mapping[str, Any]) -> dict[str, Any]:
    files = identity.get("files", {})
    return {name: value for name, value in files.items() if name.startswith("transformer/")}


def with_sizes(spec: Spec, lora: LoraSize, preference: PreferenceSize | None, device: str | None = None) -> Any:
    """Return a definition with other sizes of LoRA and preference modules, on a device that is there."""
    if isinstance(spec, ShapesSpec):
        # This one always has modules; without a preference they change nothing.
        return replace(spec, lora=lora, preference=spec.preference if preference is None else preference)
    return on_device(replace(spec, lora=lora, preference=preference), device)


def on_device(spec: Any, device: str | None) -> Any:
    """Return a definition with its model on a device; None takes its own, or the CPU where that is not there.

    Raises:
        UsageError: If torch knows no such device, or it is not there.
    """
    if not isinstance(spec, Checkpoint):
        return spec
    wanted = spec.device if device is None else device
    try:
        kind = torch.device(wanted).type
    except RuntimeError as error:
        raise UsageError(f"--device: expected a device of torch such as cpu or cuda, found {wanted!r}") from error
    if kind == "cuda" and not torch.cuda.is_available():
        if device is not None:
            raise UsageError("--device: expected a device that is there, found cuda without a GPU that torch can use")
        wanted = "cpu"
    return replace(spec, device=wanted)
