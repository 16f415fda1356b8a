"""Data-parallel training: what the processes of one run have in common, and what each does of a step.

Every process draws the same prompts and builds the same weights; each rolls out its own share of the prompts, whole
groups together. Rewards are gathered before advantages are taken and gradients are summed before anything is made of
them, so the optimization is that of one process.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor

from benchmarks.records import UsageError

TIMEOUT = timedelta(hours=2)
"""How long processes wait for each other: one of them may be loading or waiting for a reward."""


@dataclass(frozen=True)
class Processes:
    """This process among those of a run, by rank; alone by default, and then nothing is exchanged."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0

    def share(self, n: int) -> range:
        """Return this process's part of n things in order; parts differ by at most one.

        Example:
            >>> [list(Processes(rank, 3).share(7)) for rank in range(3)]
            [[0, 1], [2, 3], [4, 5, 6]]
        """
        return range(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def gather(self, rows: Tensor) -> Tensor:
        """Return the rows [n, ...] of all processes in the order of ranks, on the CPU; n may differ."""
        mine = rows.detach().cpu().contiguous()
        if self.size == 1:
            return mine
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        torch.distributed.all_gather(lengths, torch.tensor([len(mine)]))
        longest = int(torch.cat(lengths).max())
        padded = torch.cat((mine, mine.new_zeros(longest - len(mine), *mine.shape[1:])))
        found = [torch.zeros_like(padded) for _ in range(self.size)]
        torch.distributed.all_gather(found, padded)
        return torch.cat([part[: int(length)] for part, length in zip(found, lengths, strict=True)])

    def add_up(self, tensor: Tensor) -> None:
        """Put the sum over all processes in place of a contiguous tensor, the same bits on each."""
        if self.size > 1:
            torch.distributed.all_reduce(tensor)

    def wait(self) -> None:
        """Return when all processes are here."""
        if self.size > 1:
            torch.distributed.barrier()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run the block; a fault of the input in one process ends it in all, with the same line.

        Raises:
            UsageError: The process's own, or one with the line of the first process that failed.
        """
        if self.size == 1:
            yield
            return
        fault: UsageError | None = None
        try:
            yield
        except UsageError as error:
            fault = error
        text = torch.tensor(list(str(fault or "").encode()), dtype=torch.uint8)
        lengths = self.gather(torch.tensor([len(text)]))
        texts = self.gather(text)
        if fault is not None:
            raise fault
        if int(lengths.sum()):
            first = int(torch.nonzero(lengths)[0])
            begin = int(lengths[:first].sum())
            line = bytes(texts[begin : begin + int(lengths[first])].tolist()).decode()
            raise UsageError(f"process {first}: {line}")


ALONE = Processes()


@contextmanager
def launched() -> Iterator[Processes]:
    """Run the block as one of the processes that torchrun or `accelerate launch` started, connected; else alone.

    On GPUs each process takes the one of its local rank as "cuda".

    Raises:
        UsageError: If the launcher's variables are incomplete, or there are more processes than GPUs on this machine.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    lacking = [name for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if lacking:
        raise UsageError(f"WORLD_SIZE is {size}: expected torchrun's variables beside it, found no {lacking[0]}")
    rank, local = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    backend = "gloo"
    if torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise UsageError(f"process {rank}: expected a GPU of its own, found {torch.cuda.device_count()} GPUs")
        torch.cuda.set_device(local)
        backend = "cpu:gloo,cuda:nccl"
    torch.distributed.init_process_group(backend, rank=rank, world_size=size, timeout=TIMEOUT)
    try:
        yield Processes(rank, size)
    finally:
        torch.distributed.destroy_process_group()
