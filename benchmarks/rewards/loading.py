"""Models of transformers from a folder or the Hugging Face Hub: safetensors only, one clear line where that fails."""

from pathlib import Path
from typing import Any

import torch

from benchmarks.hub import check_source, explained
from benchmarks.records import UsageError

TABLES = ("position_ids", "relative_position_index")
"""Constant tables that models make themselves; checkpoints of older releases carry them as weights."""


def load_model(kind: Any, source: str | Path, revision: str | None = None) -> Any:
    """Return a frozen model of the class `kind` of transformers, in float32 and in eval mode.

    Args:
        kind: The class, as `CLIPModel`.
        source: A folder with config.json and safetensors, or the name of a repository as "owner/name".
        revision: Commit, tag or branch of a repository.

    Raises:
        UsageError: If there is no such folder or repository, or its files are missing, damaged or another model's.
    """
    options = {"dtype": torch.float32, "use_safetensors": True, "output_loading_info": True}
    model, report = _loaded(kind, source, revision, **options)
    faults = {
        "missing keys": sorted(name for name in report["missing_keys"] if not name.startswith("criterion.")),
        "unexpected keys": sorted(name for name in report["unexpected_keys"] if not name.endswith(TABLES)),
    }
    for fault, names in faults.items():
        if names:
            raise UsageError(f"{source}: expected the weights of its config.json, found {fault}: {names[0]}")
    return model.eval().requires_grad_(False)


def load_tokenizer(source: str | Path, revision: str | None = None) -> Any:
    """Return the tokenizer of a folder or repository.

    Raises:
        UsageError: If there is no such folder or repository, or it holds no tokenizer.
    """
    from transformers import AutoTokenizer

    return _loaded(AutoTokenizer, source, revision)


def _loaded(kind: Any, source: str | Path, revision: str | None, **options: Any) -> Any:
    check_source(source)
    with explained(f"{kind.__name__} from {source}"):
        return kind.from_pretrained(str(source), revision=revision, **options)
