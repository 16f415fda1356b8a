"""`flowfront eval` and `flowfront pretrain`."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluate import evaluate
from benchmarks.weights import check_hashes
from tests.support.records import Command
from tests.support.suites import tiny_benchmark


def test_eval_measures_the_untrained_model_over_seeds(command: Command) -> None:
    (row,) = command("eval", "outside_suites:TINY", "--benchmark", "tiny", "--seeds", "2", "--json").json()
    benchmark = tiny_benchmark()
    backbone = benchmark.backbone.build(2, 0)
    means = [
        float(
            np.mean(
                evaluate(
                    benchmark, backbone, "reference", [(0.5, 0.5)], seed, conditional=False, step=0, first_point=0
                ).columns["reward_first"]
            )
        )
        for seed in (0, 1)
    ]
    assert row["quantities"]["reward_first"]["mean"] == pytest.approx(np.mean(means), rel=1e-6)
    assert row["quantities"]["reward_first"]["low"] < min(means)
    assert set(row["quantities"]) == {"reward_first", "reward_second", "held_out_base_log_density"}
    assert row["seconds_a_sample"] > 0
    assert row["samples"] == 6


def test_eval_takes_changes_of_the_benchmark(command: Command) -> None:
    given = ("eval", "outside_suites:TINY", "--benchmark", "tiny", "--seeds", "1", "--json")
    (row,) = command(*given, "--set", "evaluation.samples=5", "--set", "benchmark.held_out=[]").json()
    assert row["samples"] == 15
    assert set(row["quantities"]) == {"reward_first", "reward_second"}


def test_eval_says_it_in_words(command: Command) -> None:
    answer = command("eval", "outside_suites:TINY", "--benchmark", "tiny", "--seeds", "1")
    assert answer.code == 0
    assert "tiny: base model, 3 prompts x 2 samples, 4 steps, 1 seeds" in answer.out
    assert "held_out_base_log_density" in answer.out


def test_a_reward_that_applies_to_no_prompt_is_left_out(command: Command, here: Path) -> None:
    (here / "partly.py").write_text(
        "from dataclasses import replace\n"
        "from tests.support.suites import FaultyReward, tiny_benchmark, tiny_suite\n"
        'SUITE = tiny_suite(replace(tiny_benchmark(), held_out=(FaultyReward("nan"),)))\n'
    )
    (row,) = command("eval", "partly:SUITE", "--seeds", "1", "--json").json()
    assert set(row["quantities"]) == {"reward_first", "reward_second"}


def test_eval_of_pictures_has_drift_diversity_and_every_reward(command: Command) -> None:
    (row,) = command("eval", "shapes-short", "--seeds", "1", "--threads", "1", "--json").json()
    names = set(row["quantities"])
    assert {"frechet", "diversity", "reward_colourfulness", "held_out_composition", "held_out_sharpness"} <= names
    assert row["quantities"]["frechet"]["mean"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("eval", "shaps"), "no suite 'shaps'"),
        (("eval", "shapes", "--benchmark", "five"), "no benchmark 'five' in suite shapes"),
        (("pretrain", "shape"), "no model 'shape'"),
        (("pretrain", "shapes", "--steps", "0"), "--steps: expected at least 1, found 0"),
        (("pretrain", "shapes", "--device", "abacus"), "--device: expected a device of torch, found 'abacus'"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    command: Command, here: Path, words: tuple[str, ...], message: str
) -> None:
    before = sorted(here.iterdir())
    assert message in command(*words).error_line()
    assert sorted(here.iterdir()) == before


def test_pretraining_writes_weights_that_fit_their_hashes_with_their_quality(command: Command, here: Path) -> None:
    answer = command("pretrain", "shapes", "--steps", "1", "--out", "out", "--threads", "1", "--json")
    assert answer.code == 0, answer.err
    row = json.loads(answer.out)
    assert row["step"] == 1
    assert 0 <= row["composition"] <= 1
    assert 0 <= row["text"] <= 1
    check_hashes(here / "out" / "weights")
    assert "flowfront pretrain shapes --steps 1" in (here / "out" / "weights" / "README.md").read_text()
