"""Memory of a piece of work: how much is taken now, and the most that was taken since a mark."""

import ctypes
import gc
from pathlib import Path
from typing import Protocol

import torch

STATUS, MARK = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"
"""What Linux takes as the request to forget the largest resident size of a process."""


class MemoryGauge(Protocol):
    """Memory of this process on one device, in bytes."""

    @property
    def kind(self) -> str:
        """What is counted."""
        ...

    @property
    def least(self) -> int:
        """Below this, what work takes cannot be told from what else the process does."""
        ...

    def now(self) -> int:
        """Return what is taken now."""
        ...

    def mark(self) -> None:
        """Forget the peak so far."""
        ...

    def peak(self) -> int:
        """Return the most that was taken since the last mark."""
        ...


class AllocatedOnGpu:
    """What tensors take on a GPU, as torch counts it, without what its allocator keeps in reserve.

    What nobody holds any more is freed before it is read.
    """

    kind = "allocated on the GPU"
    least = 0

    def now(self) -> int:
        """Return what is taken now."""
        gc.collect()
        return torch.cuda.memory_allocated()

    def mark(self) -> None:
        """Forget the peak so far."""
        torch.cuda.reset_peak_memory_stats()

    def peak(self) -> int:
        """Return the most that was taken since the last mark."""
        return torch.cuda.max_memory_allocated()


class ResidentOnLinux:
    """Resident memory of the process; what was freed is handed back before it is read, so that later work starts even.

    It counts all that the process does, libraries and what they keep included.
    """

    kind = "resident"
    least = 2**30

    def now(self) -> int:
        """Return what is taken now."""
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        return _status("VmRSS")

    def mark(self) -> None:
        """Forget the peak so far."""
        ctypes.CDLL(None).malloc_trim(0)
        MARK.write_text(RESET_PEAK)

    def peak(self) -> int:
        """Return the most that was taken since the last mark."""
        return _status("VmHWM")


def _status(name: str) -> int:
    for line in STATUS.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return 1024 * int(value.split()[0])
    raise KeyError(f"{STATUS}: expected an entry {name}, found none")


def gauge_for(device: str) -> MemoryGauge | None:
    """Return what measures memory on a device; None on a CPU whose system cannot forget a peak.

    Args:
        device: Of torch, such as "cuda" or "cpu".
    """
    if torch.device(device).type == "cuda":
        return AllocatedOnGpu()
    gauge = ResidentOnLinux()
    try:
        gauge.mark()
    except (OSError, AttributeError):
        # Not Linux, not its usual C library, or a container that forbids it.
        return None
    return gauge
