"""`flowfront plan` with GPUs and memory: how a step is shared, what it takes, and one line where it cannot be."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.families import build_family
from tests.support.records import Command

MODULE = """
from dataclasses import replace

from benchmarks.backbones.checkpoints import SD3Spec
from tests.benchmarks.test_memory import benchmark_of, method
from tests.support.families import LIGHT, SIDE
from tests.support.suites import tiny_suite

SPEC = SD3Spec(path="model", side=SIDE, **LIGHT)
SUITE = replace(tiny_suite(benchmark_of(SPEC, "sd3", group_size=64)), methods={"slider": method()})
ELSEWHERE = replace(SUITE, benchmarks=(benchmark_of(replace(SPEC, path="owner/a-name-nobody-has"), "sd3"),))
NOWHERE = replace(SUITE, benchmarks=(benchmark_of(replace(SPEC, path="./nowhere"), "sd3"),))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(build_family("sd3", tmp_path_factory.mktemp("sd3")).path)


@pytest.fixture
def suites(here: Path, model: Path) -> Iterator[Path]:
    shutil.copytree(model, here / "model")
    (here / "small_suites.py").write_text(MODULE)
    return here


def test_a_toy_suite_says_how_gpus_share_a_step_once_for_all_seeds(command: Command) -> None:
    words = ("plan", "outside_suites:TINY", "--method", "pareto_slider", "--benchmark", "tiny", "--seeds", "2")
    plain = command(*words).out
    answer = command(*words, "--gpus", "2")
    assert answer.code == 0
    assert answer.out == plain + (
        "tiny, pareto_slider\n"
        "  2 GPUs, each: 1 prompts, 6 rollouts, 12 points an update in 1 backward passes of up to 12\n"
        "  a step: 1 optimizer update, 12 images; the same optimization for 1, 2 GPUs\n"
    )
    rows = command(*words, "--gpus", "2", "--json").json()
    assert [row["parallel"]["processes"] for row in rows] == [2, 2]
    assert rows[0]["parallel"]["same_for"] == [1, 2]
    assert "parallel" not in command(*words, "--json").json()[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--gpus", "5"), "benchmark tiny: 5 processes cannot share 2 prompts a step evenly: "),
        (("--gpus", "0"), "--gpus: expected at least 1, found 0"),
        (("--memory", "0"), "--memory: expected a positive number of GiB, found 0.0"),
    ],
)
def test_numbers_that_do_not_fit_are_one_line(command: Command, words: tuple[str, ...], message: str) -> None:
    assert message in command("plan", "outside_suites:TINY", *words).error_line()


def test_a_checkpoint_has_an_estimate_and_a_limit_is_compared_with_it(command: Command, suites: Path) -> None:
    (row, *_) = command("plan", "small_suites:SUITE", "--json").json()
    assert row["memory"]["bytes"] == sum(row["memory"]["parts"].values()) > 0
    assert row["memory"]["not_counted"] == ["red", "blue"]
    gib = row["memory"]["bytes"] / 2**30
    (fits, *_) = command("plan", "small_suites:SUITE", "--memory", 1.01 * gib, "--json").json()
    assert fits["lacking"] is None
    answer = command("plan", "small_suites:SUITE", "--memory", 0.5 * gib)
    assert answer.code == 0
    lines = [line for line in answer.out.splitlines() if "too much: " in line]
    assert len(lines) == 1
    assert "backbone.checkpointing=true (" in lines[0]


def test_a_checkpoint_that_is_not_here_is_planned_for_all_the_same(command: Command, suites: Path) -> None:
    assert "memory: unknown for transformer, " in command("plan", "small_suites:ELSEWHERE").out
    answer = command("plan", "small_suites:NOWHERE")
    assert "memory: unknown: cannot read ./nowhere: expected a folder or owner/name" in answer.out
