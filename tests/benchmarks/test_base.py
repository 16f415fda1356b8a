"""Benchmarks check themselves, and their fingerprint covers what makes results comparable."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.base import Budget, RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.scoring import check_applies, score
from benchmarks.suites.toy import TOY
from tests.support.suites import FIRST, PARTIAL, PROMPTS, SECOND, Cost, Fault, FaultyReward, tiny_benchmark

TINY = tiny_benchmark()
SAMPLES = torch.ones(3, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"backbone": TOY.benchmarks[0].backbone},
        {"prompts": PROMPTS[:2]},
        {"rewards": (FIRST, PARTIAL)},
        {"rewards": (SECOND, FIRST)},
        {"rewards": (FIRST, replace(SECOND, unit="metre"))},
        {"held_out": ()},
        {"reference_point": (-20.0, -41.0)},
        {"bounds": ((-20.0, 0.0), (-40.0, 1.0))},
        {"evaluation": replace(TINY.evaluation, samples=3)},
        {"evaluation": replace(TINY.evaluation, steps=5)},
        {"evaluation": replace(TINY.evaluation, shift=3.0)},
        {"evaluation": replace(TINY.evaluation, preferences=((1.0, 0.0),))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_makes_results_incomparable_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert replace(TINY, **change).fingerprint != TINY.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"budget": Budget(10_000)},
        {"recipe": replace(TINY.recipe, learning_rate=1.0)},
        {"summary": "another line"},
        {"evaluation": replace(TINY.evaluation, chunk=1)},
        {"true_front": None, "true_hypervolume": 1.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_how_a_result_was_reached_does_not_change_the_fingerprint(change: dict[str, Any]) -> None:
    assert replace(TINY, **change).fingerprint == TINY.fingerprint


def test_the_fingerprints_of_the_suite_are_distinct() -> None:
    assert len({benchmark.fingerprint for benchmark in TOY.benchmarks}) == len(TOY.benchmarks)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reference_point": (-1.0,)}, "expected 2 entries of reference_point and bounds, one a reward, found 1 and 2"),
        ({"bounds": ((-1.0, 0.0),) * 3}, "found 2 and 3"),
        ({"prompts": ("up", "up", "left")}, "expected distinct prompts"),
        ({"prompts": ()}, "expected distinct prompts, found 0"),
        ({"recipe": replace(TINY.recipe, prompts_per_step=4)}, r"prompts_per_step in 1\.\.3, found 4"),
        (
            {"evaluation": replace(TINY.evaluation, preferences=((0.7, 0.6),))},
            r"must be non-negative and sum to 1, found \[0\.7, 0\.6\] summing to 1\.3",
        ),
        (
            {"evaluation": replace(TINY.evaluation, preferences=((-0.5, 1.5),))},
            r"must be non-negative and sum to 1, found \[-0\.5, 1\.5\]",
        ),
        (
            {"evaluation": replace(TINY.evaluation, preferences=((0.5, 0.25, 0.25),))},
            "must have 2 entries, one a reward, found 3",
        ),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=f"benchmark tiny: .*{says}"):
        replace(TINY, **change)


def test_the_record_holds_the_definition_and_the_true_front() -> None:
    record = TINY.record(also=[(0.25, 0.75)])
    assert record.hash == TINY.fingerprint
    assert [reward.name for reward in record.rewards] == ["first", "second"]
    assert [reward.name for reward in record.held_out] == ["base_log_density"]
    assert record.bounds == [(-20.0, 0.0), (-40.0, 0.0)]
    front = record.true_front
    assert front is not None
    assert TINY.true_front is not None
    for wanted in (*TINY.evaluation.preferences, (0.25, 0.75)):
        at = front.preferences.index(list(wanted))
        np.testing.assert_allclose(front.points[at], TINY.true_front.points(np.array([wanted]))[0])
    assert len(front.preferences) == 41, "the curve is dense, and each of its preferences is there once"


def test_an_unknown_front_is_left_out_of_the_record() -> None:
    assert tiny_benchmark(true_front=False).record().true_front is None


def test_scores_are_one_column_a_reward() -> None:
    prompts = list(PROMPTS)
    found = score((FIRST, PARTIAL, Cost()), SAMPLES, prompts)
    assert found.shape == (3, 3)
    assert torch.equal(found[:, 0], FIRST(SAMPLES, prompts))
    assert found[:, 1].isnan().tolist() == [False, True, False]
    assert found[:, 2].tolist() == [2.0, 2.0, 2.0]


def test_no_rewards_give_no_columns() -> None:
    assert score((), SAMPLES, PROMPTS).shape == (3, 0)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("inf", "reward broken: expected finite scores or NaN, found inf for prompt 'up'"),
        ("minus inf", "reward broken: expected finite scores or NaN, found -inf for prompt 'up'"),
        ("shape", r"reward broken: expected shape \(3,\), one score a sample, found \(3, 1\)"),
        ("too few", r"reward broken: expected shape \(3,\), one score a sample, found \(2,\)"),
        ("refuses", "reward broken: expected a server"),
    ],
)
def test_scores_that_no_reward_may_return_are_refused(fault: Fault, says: str) -> None:
    with pytest.raises(RewardError, match=says):
        score((FIRST, FaultyReward(fault)), SAMPLES, PROMPTS)


def test_a_reward_must_apply_somewhere() -> None:
    scores = score((FIRST, PARTIAL), SAMPLES, PROMPTS)
    check_applies((FIRST, PARTIAL), scores)
    scores[:, 1] = torch.nan
    with pytest.raises(
        RewardError, match="reward second: expected a score for at least one prompt, found NaN everywhere"
    ):
        check_applies((FIRST, PARTIAL), scores)


@pytest.mark.parametrize("fault", [KeyError("left"), RuntimeError("no memory"), OSError("no server")])
def test_whatever_a_reward_raises_becomes_one_line_that_names_it(fault: Exception) -> None:
    class Raising(QuadraticReward):
        def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
            raise fault

    reward = Raising("raising", {"left": (0.0, 0.0)})
    with pytest.raises(RewardError, match=rf"reward raising: failed with {type(fault).__name__}: .*") as raised:
        score([reward], torch.zeros(1, 2), ["left"])
    assert raised.value.__cause__ is fault


def test_scores_must_be_floating_point_numbers() -> None:
    class Counting(QuadraticReward):
        def __call__(self, samples: Tensor, prompts: Sequence[str]) -> Tensor:
            return torch.ones(len(prompts), dtype=torch.long)

    with pytest.raises(RewardError, match=r"reward counting: expected a tensor of .* found .*int64"):
        score([Counting("counting", {"left": (0.0, 0.0)})], torch.zeros(1, 2), ["left"])
