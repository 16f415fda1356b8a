"""Methods are timed in turn on one model, and their costs are set beside those of the weighted sum."""

import math
from dataclasses import replace

import pytest
import torch

from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.backbones.random_weights import RandomWeightsSpec
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe
from benchmarks.method_speed import BASE, Costs, EveryKth, check, compare, measure, plan
from benchmarks.peak_memory import gauge_for
from benchmarks.records import UsageError
from methods.base import Method
from methods.crd import CenteredRewardDistillation
from methods.marble import Marble
from methods.pareto_slider import ParetoSlider
from methods.weighted_sum import WeightedSum
from methods.weightings.min_norm import MinNormWeighting

METHODS: dict[str, Method] = {
    BASE: WeightedSum(), "marble": Marble(), "pareto_slider": ParetoSlider(), "crd": CenteredRewardDistillation(),
}  # fmt: skip
BENCHMARK = Benchmark(
    name="speed",
    backbone=RandomWeightsSpec(
        size="small",
        device="cpu",
        precision="float32",
        lora=LoraSize(2),
        preference=PreferenceSize(hidden=8),
        checkpointing=False,
    ),
    prompts=("one", "two"),
    rewards=tuple(EveryKth(i, 3) for i in range(3)),
    reference_point=(-1e6,) * 3,
    bounds=((0.0, 1.0),) * 3,
    budget=Budget(10**12),
    recipe=Recipe(prompts_per_step=2, group_size=6, rollout_steps=2, micro_batch=64, diagnostics_every=0),
    evaluation=Evaluation(((1 / 3,) * 3,), 1),
    summary="",
)


def test_rewards_are_means_over_parts_that_share_nothing() -> None:
    samples = torch.arange(12.0).reshape(2, 2, 3)
    found = torch.stack([EveryKth(k, 3)(samples, ("a", "b")) for k in range(3)], 1)
    assert found.tolist() == [[1.5, 2.5, 3.5], [7.5, 8.5, 9.5]]


def test_an_amortized_method_is_composed_of_solves_and_of_steps_between() -> None:
    found = plan(METHODS, 3)
    assert next(iter(found.kinds)) == BASE
    assert found.rows == {
        BASE: {BASE: 1},
        "marble": {"marble, solve": 1, BASE: 9},
        "marble, solve at every step": {"marble, solve": 1},
        "pareto_slider": {"pareto_slider": 1},
        "crd": {"crd": 1},
    }
    solving = found.kinds["marble, solve"].weighting
    assert isinstance(solving, MinNormWeighting)
    assert solving.every == 1


def test_steps_between_solves_are_timed_where_more_than_the_weights_differs() -> None:
    mixed = replace(CenteredRewardDistillation(), weighting=MinNormWeighting(every=4))
    found = plan({BASE: WeightedSum(), "mixed": mixed, "always": Marble(weighting=MinNormWeighting(every=1))}, 3)
    assert found.rows["mixed"] == {"mixed, solve": 1, "mixed, between solves": 3}
    assert found.rows["always"] == {"always": 1}


def test_ratios_are_of_the_shortest_times_and_ranges_of_single_rounds() -> None:
    costs = {
        BASE: Costs([2.0, 3.0], [{"rollout": 1.0, "losses": 1.0}, {"rollout": 2.0, "losses": 1.0}], 100),
        "x": Costs([6.0, 4.0], [{"rollout": 1.0, "losses": 5.0}, {"rollout": 2.0, "losses": 2.0}], 150),
    }
    found = compare(costs, {BASE: {BASE: 1}, "x": {"x": 1}, "every tenth": {"x": 1, BASE: 9}})
    assert found["x"]["speed"] == {"ratio": 0.5, "low": pytest.approx(1 / 3), "high": 0.75}
    assert found["x"]["stages"] == {"rollout": 2.0, "losses": 2.0}, "those of the fastest round"
    assert found["x"]["rollout_speed"]["ratio"] == 1
    assert found["x"]["memory"] == found["every tenth"]["memory"] == 1.5
    assert found["every tenth"]["speed"]["ratio"] == pytest.approx(10 * 2 / (4 + 9 * 2))
    assert found["every tenth"]["seconds"] == pytest.approx(2.2)


def test_each_method_is_measured_beside_the_weighted_sum() -> None:
    planned = plan(METHODS, 3)
    costs = measure(BENCHMARK, planned.kinds, 1, "cpu")
    found = compare(costs, planned.rows)
    assert list(found) == list(planned.rows)
    assert found[BASE]["speed"] == {"ratio": 1, "low": 1, "high": 1}
    assert found[BASE]["rollout_speed"]["ratio"] == 1
    for name, row in found.items():
        assert all(math.isfinite(number) and number > 0 for number in row["speed"].values()), name
        assert {"encode", "rollout", "decode", "rewards", "losses", "descend"} <= set(row["stages"]), name
        assert 0.5 * row["seconds"] < sum(row["stages"].values()) <= 1.001 * row["seconds"], name
        assert row["memory"] is None, "so small a model cannot be told from the rest of the process"
    assert found["marble, solve at every step"]["stages"]["solve"] > 0
    every, amortized = (found[name]["speed"]["ratio"] for name in ("marble, solve at every step", "marble"))
    assert amortized == pytest.approx(10 / (1 / every + 9))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"prompts_per_step": 1}, "crd: expected at least 2 prompts a step, one an update, found 1"),
        ({"group_size": 4}, "pareto_slider: slots must divide the group size"),
    ],
)
def test_methods_that_do_not_fit_are_refused(change: dict[str, int], line: str) -> None:
    with pytest.raises(UsageError, match=line):
        check(replace(BENCHMARK, recipe=replace(BENCHMARK.recipe, **change)), METHODS)  # type: ignore[arg-type]


def test_the_gauge_of_a_cpu_sees_what_was_freed_again() -> None:
    gauge = gauge_for("cpu")
    if gauge is None:
        pytest.skip("this system cannot forget a peak")
    size = 2**28
    before = gauge.now()
    gauge.mark()
    torch.ones(size, dtype=torch.uint8)
    assert 0.9 * size < gauge.peak() - before < 1.5 * size
    gauge.mark()
    assert gauge.peak() - before < 0.5 * size
