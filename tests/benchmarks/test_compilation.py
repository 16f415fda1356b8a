"""Compiled networks: the same training up to rounding, gradients still observed, a clear line without a compiler."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks import compilation
from benchmarks.compilation import COMPILERS, check_compiler, compile_blocks, interpreted
from benchmarks.execute import execute
from benchmarks.records import UsageError
from benchmarks.train import Learner
from tests.support.sd3 import tiny_transformer
from tests.support.suites import tiny_benchmark, tiny_methods, tiny_run

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
"""Torch warns of itself when it first compiles."""

compiler = pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="needs a C++ compiler")


def is_compiled(module: nn.Module) -> bool:
    return module._compiled_call_impl is not None


def test_the_blocks_of_a_transformer_are_compiled_and_nothing_around_or_within_them() -> None:
    transformer = tiny_transformer()
    compile_blocks(transformer)
    blocks = list(transformer.transformer_blocks)
    assert [module for module in transformer.modules() if is_compiled(module)] == blocks
    assert len(blocks) > 1


def test_a_network_without_blocks_is_compiled_as_a_whole() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    compile_blocks(network)
    assert [module for module in network.modules() if is_compiled(module)] == [network]


@compiler
def test_two_steps_of_training_are_the_same_up_to_rounding() -> None:
    # The first step observes the gradients of all rewards, which compiled code would hide; the second does not.
    benchmark = tiny_benchmark()
    benchmark = replace(benchmark, recipe=replace(benchmark.recipe, diagnostics_every=2))
    plain, compiled = (Learner(benchmark, tiny_methods()["pareto_slider"], 0, compiled=c) for c in (False, True))
    for measured in (True, False):
        one, other = plain.advance(), compiled.advance()
        assert bool(one.gramians) is bool(other.gramians) is measured
        assert other.scalars == pytest.approx(one.scalars, rel=1e-4, abs=1e-5)
        for name, gramian in one.gramians.items():
            torch.testing.assert_close(other.gramians[name], gramian, rtol=1e-4, atol=1e-9)
    found = compiled.state()
    for name, tensor in plain.state().items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-5)


@compiler
def test_the_record_says_that_a_run_was_compiled_and_its_settings_do_not(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    compiled = replace(run, compiled=True)
    assert compiled.settings() == run.settings()
    record = execute(compiled)
    assert record.compiled
    assert record.status == "done"
    assert all(invariant.passed for invariant in record.invariants)


def test_without_a_compiler_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation.shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match=r"--compile: expected a C\+\+ compiler .*, found none"):
        compile_blocks(nn.Linear(1, 1))
    check_compiler("cuda")


def test_interpreted_runs_the_plain_code() -> None:
    calls = []

    class Counted(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if not torch.compiler.is_compiling():
                calls.append(1)
            return x

    network = Counted()
    network.compile(backend="eager")
    x = torch.ones(1)
    with interpreted(True):
        network(x)
    assert calls == [1]
