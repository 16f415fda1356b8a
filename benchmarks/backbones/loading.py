"""Models and pipelines of diffusers from a folder or the Hugging Face Hub: safetensors only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.hub import check_source, explained
from benchmarks.records import UsageError


def load_model(
    kind: Any, source: str | Path, subfolder: str | None = "transformer", revision: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Any:  # fmt: skip
    """Return a model of diffusers.

    Args:
        kind: Its class.
        source: A folder, or the name of a repository as "owner/name".
        subfolder: Folder in it that holds config.json and the weights.
        revision: Commit, tag or branch of a repository.
        dtype: Of the weights.

    Raises:
        UsageError: If there is no such folder or repository, or its files are missing, damaged or another model's.
    """
    where = f"{source}/{subfolder}" if subfolder else str(source)
    check_source(source)
    options: dict[str, Any] = {"subfolder": subfolder, "revision": revision}
    with explained(where):
        _check_class(kind, where, kind.load_config(str(source), **options), "the model class")
        model, report = kind.from_pretrained(
            str(source), **options, torch_dtype=dtype, use_safetensors=True, output_loading_info=True
        )
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[fault]:
            raise UsageError(
                f"{where}: expected the weights of its config.json, found {fault.replace('_', ' ')}: {report[fault][0]}"
            )
    return model


def load_pipeline(
    kind: Any, source: str | Path, revision: str | None, dtype: torch.dtype, without: Sequence[str]
) -> Any:
    """Return a pipeline of diffusers with some of its components left out.

    Args:
        kind: Its class.
        source: A folder, or the name of a repository as "owner/name".
        revision: Commit, tag or branch of a repository.
        dtype: Of the weights.
        without: Names of components that are not loaded.

    Raises:
        UsageError: If there is no such folder or repository, it holds another family, or files are missing or damaged.
    """
    check_source(source)
    with explained(str(source)):
        _check_class(kind, str(source), kind.load_config(str(source), revision=revision), "a checkpoint of")
        left_out: dict[str, Any] = dict.fromkeys(without)
        pipeline: Any = kind.from_pretrained(
            str(source), revision=revision, dtype=dtype, use_safetensors=True, **left_out
        )
    return pipeline


def _check_class(kind: Any, where: str, config: Any, what: str) -> None:
    name = config.get("_class_name") if isinstance(config, dict) else None
    if name != kind.__name__:
        raise UsageError(f"{where}: expected {what} {kind.__name__}, found {name}")
