"""Compilation of networks by torch: slower to begin, faster from then on, the same up to rounding."""

import shutil
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from benchmarks.records import UsageError

COMPILERS = ("g++", "clang++", "cl")
VARIANTS = 64
"""Forms of one block that are kept: with and without gradients, preferences, batch sizes, for every run in turn."""


def check_compiler(device: str) -> None:
    """Check that torch can compile for a device.

    Raises:
        UsageError: If that takes a C++ compiler and there is none.
    """
    if device == "cpu" and not any(map(shutil.which, COMPILERS)):
        raise UsageError(f"--compile: expected a C++ compiler on the PATH ({', '.join(COMPILERS)}), found none")


def compile_blocks(network: nn.Module) -> None:
    """Compile a network in place: the members of its module lists, one code for all alike, or else all of it.

    Compiling blocks one by one takes a fraction of the time and of the memory that the whole takes, and the parts
    between them cost little.

    Raises:
        UsageError: If there is no compiler.
    """
    check_compiler(next(network.parameters()).device.type)
    torch._dynamo.config.recompile_limit = VARIANTS
    for block in _blocks(network) or [network]:
        block.compile(dynamic=False)


def _blocks(module: nn.Module) -> list[nn.Module]:
    # The outermost lists only: what lies within a block is compiled with it.
    found: list[nn.Module] = []
    for child in module.children():
        found += list(child) if isinstance(child, nn.ModuleList) else _blocks(child)
    return found


def interpreted(compiled: bool) -> AbstractContextManager[None]:  # the only thing it is about
    """Run the block without compiled code, where layers are observed or batches have a size of their own."""
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()
