"""The benchmark of speed measures whole steps and divides the right ones."""

import math

import pytest

from benchmarks.backbones.sd3_random import RandomSD3Spec
from benchmarks.speed import kinds, measure, ratios

TINY = RandomSD3Spec(layers=1, heads=1, patches=2, text_tokens=2, rank=2)


def test_ratios_are_times_of_the_weighted_sum_over_the_others() -> None:
    seconds = {
        "weighted sum, K = 5": 2.0, "solve, K = 5": 4.0, "separate passes, K = 5": 8.0, "weighted sum, K = 16": 3.0,
        "solve, K = 16": 4.0, "diagnostics, K = 5": 12.0, "CRD weighted sum, K = 5": 1.0, "CRD solve, K = 5": 1.25,
    }  # fmt: skip
    found = ratios(seconds)
    assert list(found.values()) == pytest.approx([0.5, 0.75, 20 / 22, 0.8, 20 / 30, 0.25])


def test_a_round_times_every_kind_of_step() -> None:
    steps = kinds(TINY, micro_batch=48, rollout_steps=2)
    found = measure(steps, 1)
    assert all(math.isfinite(row["ratio"]) and row["low"] == row["ratio"] == row["high"] for row in found.values())
    assert {step.learner.step for step in steps.values()} == {2}
    assert steps["separate passes, K = 5"].learner.gradients.general
    assert not steps["solve, K = 5"].learner.gradients.general
