"""Prompt embeddings computed once: on disk, so that no later step, run or process needs the text encoders for them."""

import gc
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from benchmarks.backbones.adapted import Embeddings, TextEncoding
from benchmarks.hub import quiet
from benchmarks.records import UsageError, write_bytes

AT_ONCE = 16
"""Prompts that are encoded together; each part is stored before the next begins."""


class CachedText:
    """A text part behind a folder of embeddings, one file a prompt; the encoders are loaded at the first miss."""

    def __init__(
        self,
        kind: type[Embeddings],
        make: Callable[[], TextEncoding],
        folder: Path,
        origin: Mapping[str, Any],
        also: Callable[[str], str] | None = None,
        *,
        keep: bool = True,
    ) -> None:
        """Say where embeddings are kept.

        Args:
            kind: Class of the embeddings.
            make: Loads the text encoders.
            folder: Folder of all caches.
            origin: What the embeddings depend on besides the prompt, as JSON data; each origin has its own folder.
            also: From a prompt to what its embeddings depend on besides its text, such as the hash of a file it names.
            keep: Keep the encoders for the next miss; else they are freed as soon as nothing is missing.
        """
        self._kind, self._make, self._also, self._keep = kind, make, also, keep
        text = json.dumps(dict(origin), sort_keys=True)
        self._folder = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        self._encoders: TextEncoding | None = None

    def path(self, prompt: str) -> Path:
        """Return the file of a prompt."""
        key = prompt if self._also is None else f"{prompt}\n{self._also(prompt)}"
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.safetensors"

    def encode(self, prompts: Sequence[str]) -> Embeddings:
        """Return the embeddings of prompts, one row each.

        Raises:
            UsageError: If a cached file is damaged, or encoders are needed and cannot be loaded.
        """
        self.prepare(prompts)
        rows = [self._read(prompt) for prompt in prompts]
        return self._kind(*(torch.cat([row[field.name] for row in rows]) for field in fields(self._kind)))

    def prepare(self, prompts: Sequence[str]) -> None:
        """Encode and store what is missing of prompts.

        Raises:
            UsageError: If encoders are needed and cannot be loaded, or the folder cannot be written to.
        """
        missing = [prompt for prompt in dict.fromkeys(prompts) if not self.path(prompt).exists()]
        if not missing:
            return
        if self._encoders is None:
            self._encoders = self._make()
        try:
            for start in range(0, len(missing), AT_ONCE):
                part = missing[start : start + AT_ONCE]
                # Pipelines warn of every text they cut, and name the empty one among them.
                with quiet():
                    found = self._encoders.encode(part)
                for i, prompt in enumerate(part):
                    self._store(prompt, found.rows(torch.tensor([i])))
        finally:
            if not self._keep:
                self._encoders = None
                gc.collect()
                torch.cuda.empty_cache()

    def _store(self, prompt: str, row: Embeddings) -> None:
        tensors = {field.name: vars(row)[field.name].cpu().contiguous() for field in fields(self._kind)}
        write_bytes(self.path(prompt), save(tensors, {"prompt": prompt}))

    def _read(self, prompt: str) -> dict[str, Tensor]:
        path = self.path(prompt)
        try:
            row = load(path.read_bytes())
        except SafetensorError as error:
            raise UsageError(f"{path} is damaged: expected embeddings; remove it to make them anew: {error}") from error
        if set(row) != {field.name for field in fields(self._kind)}:
            raise UsageError(f"{path}: expected embeddings of {self._kind.__name__}, found {sorted(row)}; remove it")
        return row
