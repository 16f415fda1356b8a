"""The README.md of an exported model: what it is, and how it is loaded."""

import json

from benchmarks.exports import LORA_FILE, PIPELINES, PREFERENCE_FILE, PREFERENCE_TENSORS, ExportRecord, Scalar

_NO_OTHER_GUIDANCE = {"stg_scale": 0.0, "modality_scale": 1.0, "guidance_rescale": 0.0}
"""LTX-2's pipeline has three more kinds of guidance, of video and sound, which are on unless switched off."""


def card(record: ExportRecord) -> str:
    """Return the text of the card of an export."""
    parts = [
        f"# {record.method} on {record.benchmark}",
        _summary(record),
        "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in _facts(record).items()),
        "## How to load it",
        _loading(record),
        "## Licence",
        f"As far as anything here can say: {record.license}. Check that licence before you share or use them.",
    ]
    return "\n\n".join(parts) + "\n"


def _summary(record: ExportRecord) -> str:
    names = ", ".join(record.rewards)
    text = (
        f"A LoRA, post-trained on {'the reward' if len(record.rewards) == 1 else 'the rewards'} {names} by flowfront."
    )
    if record.conditional:
        return (
            f"{text} The model takes a preference, one weight a reward, as an input; the modules that read it are in "
            f"`{PREFERENCE_TENSORS}`. The LoRA was trained together with them: alone it loads too, but what it does "
            "without a preference was not trained."
        )
    return text


def _facts(record: ExportRecord) -> dict[str, str]:
    base, source = record.base, record.base.source
    where = "the small model that ships with flowfront" if source is None else f"`{source}`"
    revision = f", revision `{base.revision}`" if base.revision else ""
    found = {"base model": f"{base.family}: {where}{revision}", "method": f"{record.method}: {record.paper}"}
    if record.weights is not None and len(record.weights) > 1:
        pairs = zip(record.weights, record.rewards, strict=True)
        found["weights of the rewards"] = ", ".join(f"{weight:.4g} {name}" for weight, name in pairs)
    found |= {
        "benchmark": f"{record.suite}/{record.benchmark}, hash `{record.benchmark_hash[:12]}`",
        "training": f"{record.steps} steps, seed {record.seed}, model {record.model} of {record.models}, "
        f"{record.snapshot} weights",
        "LoRA": f"rank {record.lora.rank}; the factor alpha / rank = "
        f"{record.lora.trained_alpha / record.lora.rank:.4g} of the training is in the weights",
        "results were measured with": f"{record.sampling.steps} Euler steps, {_levels(record)}",
        "made by": f"flowfront {record.versions.get('flowfront', 'of unknown version')}, commit `{record.commit}`",
    }
    return found


def _levels(record: ExportRecord) -> str:
    shift = record.sampling.shift
    return "the model's own noise levels" if shift is None else f"an even grid of noise levels under shift {shift:g}"


def _loading(record: ExportRecord) -> str:
    parts = []
    if record.base.family == "shapes":
        parts.append(
            f"`{LORA_FILE}` fits the `SD3Transformer2DModel` of that model, which has no pipeline in diffusers; "
            "flowfront has the rest of it:"
        )
    else:
        parts += ["With diffusers alone, in this folder:", f"```python\n{_pipeline_code(record)}\n```"]
        if record.sampling.shift is not None:
            parts.append("The pipeline takes its scheduler's own noise levels, not those of the results above.")
        parts.append("With flowfront, which samples as the results were:")
    parts.append(f"```python\n{_own_code(record)}\n```")
    words = f"flowfront sample . --prompt {json.dumps(record.prompt)}"
    parts.append(f"On the command line: `{words}{_asked(record)}`")
    if record.conditional:
        parts.append(f"How the modules attach to the transformer is in `{PREFERENCE_FILE}`.")
    return "\n\n".join(parts)


def _asked(record: ExportRecord) -> str:
    k = len(record.rewards)
    return f" --preference {','.join(['1', *['0'] * (k - 1)])}" if record.conditional and k > 1 else ""


def _own_code(record: ExportRecord) -> str:
    corner = (1.0, *[0.0] * (len(record.rewards) - 1))
    asked = f", [{corner}]" if record.conditional else ""
    shape = "[1, 1, 1, frames, 3, height, width]" if record.base.family == "ltx2" else "[1, 1, 1, 3, height, width]"
    return "\n".join(
        [
            "from pathlib import Path",
            "",
            "from benchmarks.inference import open_trained, sample",
            "",
            'model = open_trained(Path("."))',
            f"pictures = sample(model, [{json.dumps(record.prompt)}]{asked}, seed=0)  # {shape} in [0, 1]",
        ]
    )


def _pipeline_code(record: ExportRecord) -> str:
    base, kind = record.base, PIPELINES[record.base.family]
    revision = f", revision={json.dumps(base.revision)}" if base.revision else ""
    edits, video = base.family == "flux-kontext", base.family == "ltx2"
    file, _, words = record.prompt.partition(": ") if edits else ("", "", record.prompt)
    lines = [f"from diffusers import {kind}", *(["from PIL import Image"] if edits else []), "import torch", ""]
    lines += [
        f"base, precision = {json.dumps(base.source)}, torch.{base.settings['precision']}",
        f"pipeline = {kind}.from_pretrained(base, dtype=precision{revision})",
        'pipeline.load_lora_weights(".")',
    ]
    lines += [f"source = Image.open({json.dumps(f'{base.sources}/{file}')})"] if edits else []
    lines += ["found = pipeline(", *(["    image=source,"] if edits else []), f"    prompt={json.dumps(words)},"]
    lines += [f"    {name}={value!r}," for name, value in _settings(record).items()]
    return "\n".join([*lines, ")", "video = found.frames[0]" if video else "picture = found.images[0]"])


def _settings(record: ExportRecord) -> dict[str, Scalar]:
    base = record.base.settings
    found: dict[str, Scalar] = {
        "num_inference_steps": record.sampling.steps,
        "max_sequence_length": base["text_length"],
    }
    if record.base.family == "ltx2":
        found |= {name: base[name] for name in ("height", "width", "frame_rate")} | {"num_frames": base["frames"]}
        for stream in ("", "audio_"):
            found |= {f"{stream}guidance_scale": base["guidance"]}
            found |= {f"{stream}{name}": value for name, value in _NO_OTHER_GUIDANCE.items()}
        return found
    side = base["side"]
    found |= {"height": side, "width": side}
    if record.base.family == "sd3":
        return found | {"guidance_scale": base["guidance"]}
    assert isinstance(side, int)
    # Unless told not to, FLUX.1 Kontext's pipeline makes pictures of a million pixels, of its source too.
    return found | {"guidance_scale": base["embedded_guidance"], "max_area": side * side, "_auto_resize": False}
