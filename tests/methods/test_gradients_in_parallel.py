"""Two processes with half of the points each find the Gramian and the gradients of one process with all."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import load_file

from methods.gradients import layer_group
from tests.support.networks import Transformer, drawn_from, found_gradients

ROOT = Path(__file__).resolve().parents[2]
N = 10

WORKER = """
import sys
import torch
from safetensors.torch import save_file
from tests.methods.test_gradients_in_parallel import half_of
torch.set_num_threads(1)
save_file(half_of(1, sys.argv[1]), sys.argv[2])
"""


def setting() -> tuple[Transformer, torch.Tensor, torch.Tensor]:
    """The same network, inputs and coefficients in every process."""
    with drawn_from(0, torch.float64):
        return Transformer(), torch.randn(N, 4, 3), torch.randn(N, 3, 2)


def half_of(rank: int, store: str) -> dict[str, torch.Tensor]:
    """What a process finds that has its share of the points and meets the other one at `store`."""
    wait = timedelta(seconds=120)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2, timeout=wait)
    try:
        network, x, coefficients = setting()
        half = slice(0, 4) if rank == 0 else slice(4, None)
        gradients = found_gradients(network, x[half], coefficients[half])
        gradients.reduce(dist.all_reduce)
        return {"flat": gradients.flat(), **gradients.products(layer_group)}
    finally:
        dist.destroy_process_group()


def test_halves_of_the_points_add_up_over_processes(tmp_path: Path) -> None:
    store, out = str(tmp_path / "store"), tmp_path / "found.safetensors"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    arguments = [sys.executable, "-W", "ignore", "-c", WORKER, store, str(out)]
    other = subprocess.Popen(arguments, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    ours = half_of(0, store)
    _, said = other.communicate(timeout=120)
    assert other.returncode == 0, said
    network, x, coefficients = setting()
    whole = found_gradients(network, x, coefficients)
    expected = {"flat": whole.flat(), **whole.products(layer_group)}
    for found in (ours, load_file(out)):
        assert set(found) == set(expected)
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name], tensor, rtol=1e-10, atol=1e-12, msg=name)
