"""Models of other people: where they are, what tells them from others, and one clear line where loading fails.

A source is a folder, or owner/name of a repository on the Hugging Face Hub.
"""

import hashlib
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from benchmarks.records import UsageError

BLOCK = 2**16
BLOCKS = 16
UNREACHED = (ConnectionError, TimeoutError, socket.gaierror)
KINDS = (".json", ".model", ".safetensors", ".txt")


def named_on_hub(source: str | Path) -> bool:
    """Return whether a source reads as owner/name of a repository and is no folder here.

    Example:
        >>> named_on_hub("stabilityai/stable-diffusion-3.5-medium"), named_on_hub("./models/sd3")
        (True, False)
    """
    written = isinstance(source, str) and source.count("/") == 1 and not source.startswith((".", "/", "~"))
    return written and not Path(source).is_dir()


def check_source(source: str | Path) -> None:
    """Check that a source is a folder or may be a repository.

    Raises:
        UsageError: If it is neither.
    """
    if not Path(source).is_dir() and not named_on_hub(source):
        raise UsageError(f"cannot read {source}: expected a folder or owner/name of a repository, found neither")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Run the block, quietly; what loading raises in it becomes one line that says what to do.

    Args:
        what: What is loaded, for the line.

    Raises:
        UsageError: In place of errors of files, of the network and of models.
    """
    try:
        with quiet():
            yield
    except UsageError:
        raise
    except (OSError, TypeError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
        reason = _reason(error) or (str(error).strip() or repr(error)).splitlines()[0].rstrip(".")
        raise UsageError(f"cannot load {what}: {reason}") from error


def _reason(error: BaseException) -> str | None:
    # Libraries put errors of the network into messages of their own; what happened is the first of them.
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
    from huggingface_hub.errors import RepositoryNotFoundError as UnknownError

    found: BaseException | None = error
    while found is not None:
        if isinstance(found, GatedRepoError):
            return "it is gated; accept its licence on huggingface.co and set HF_TOKEN, or give a folder"
        if isinstance(found, UnknownError):
            return "no such repository, or a private one; check the name, set HF_TOKEN, or give a folder"
        if isinstance(found, (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, *UNREACHED)):
            return "huggingface.co cannot be reached and no copy is cached; without network give a folder"
        found = found.__cause__ or found.__context__
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Run the block without what diffusers, transformers and the Hub's client log and draw."""
    # They log what they then raise, and leave torch's default dtype changed where they fail.
    from diffusers.utils import logging as diffusers_logging
    from huggingface_hub.utils import logging as hub_logging
    from transformers.utils import logging as transformers_logging

    libraries: Sequence[Any] = (diffusers_logging, transformers_logging, hub_logging)
    before, dtype = [library.get_verbosity() for library in libraries], torch.get_default_dtype()
    drawn = [library for library in libraries[:2] if library.is_progress_bar_enabled()]
    for library in libraries:
        library.set_verbosity(logging.CRITICAL)
    for library in drawn:
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, verbosity in zip(libraries, before, strict=True):
            library.set_verbosity(verbosity)
        for library in drawn:
            library.enable_progress_bar()
        torch.set_default_dtype(dtype)


def identity(source: str | Path, revision: str | None = None) -> dict[str, Any]:
    """Return what tells a model from others, without loading it and without network, for a benchmark's fingerprint.

    A repository is told by name and revision. A folder is told by its files and not by where it lies: of each the size
    and the SHA-256 of at most 1 MiB, evenly spread, so that gigabytes need not be read. The same weights from a folder
    and from the Hub therefore have different identities.

    Raises:
        UsageError: If the source is neither a folder nor the name of a repository.
    """
    check_source(source)
    folder = Path(source)
    if not folder.is_dir():
        return {"repository": str(source), "revision": revision}
    files = sorted(path for path in folder.rglob("*") if path.suffix in KINDS)
    return {"files": {str(p.relative_to(folder)): [p.stat().st_size, sampled_sha256(p)] for p in files}}


def sampled_sha256(path: Path) -> str:
    """Return the SHA-256 of a file if it is no larger than 1 MiB, else of 16 blocks of 64 KiB, the last one its end."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if size <= BLOCK * BLOCKS:
            digest.update(file.read())
        else:
            for i in range(BLOCKS):
                file.seek(i * (size - BLOCK) // (BLOCKS - 1))
                digest.update(file.read(BLOCK))
    return digest.hexdigest()
