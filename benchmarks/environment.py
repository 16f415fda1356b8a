"""What a record says about where it was made: versions, commit, device, memory. Nothing else reads the machine."""

import importlib.metadata
import platform
import resource
import subprocess
import sys
from pathlib import Path

import torch

PACKAGES = (
    "torch", "numpy", "scipy", "pandas", "pyarrow", "moocore", "pymoo", "safetensors", "torchjd", "diffusers", "peft",
    "transformers", "pillow", "rapidocr", "onnxruntime", "flowfront",
)  # fmt: skip
ROOT = Path(__file__).resolve().parent.parent


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def commit() -> str | None:
    """Return the git commit of this checkout, with `+` behind it if tracked files differ; None without git."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def device(kind: str = "cpu") -> str:
    """Return the name of the device of a kind, such as "cuda", that trainings use."""
    if kind == "cuda":
        return f"cuda ({torch.cuda.get_device_name()})"
    return f"cpu ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()})"


def peak_memory(kind: str = "cpu") -> int:
    """Return the largest size of this process so far in bytes: resident, or allocated on its GPU for "cuda"."""
    if kind == "cuda":
        return torch.cuda.max_memory_allocated()
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
