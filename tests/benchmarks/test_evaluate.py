"""The sweep: its rows and columns, and the same noise for every preference and every method."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.base import Benchmark, RewardError
from benchmarks.draws import KeyedDraws
from benchmarks.evaluate import Columns, check_reference_point, evaluate, evaluation_noise, sweep_samples
from benchmarks.records import UsageError
from benchmarks.rewards.log_density import BaseLogDensity
from benchmarks.train import Learner
from methods.base import Backbone
from tests.support.suites import FIRST, PARTIAL, PROMPTS, SPEC, SWEEP, Cost, FaultyReward, tiny_benchmark, tiny_methods

TINY = tiny_benchmark()


def trained(benchmark: Benchmark = TINY) -> Backbone:
    """A backbone whose answer depends on the preference."""
    backbone = benchmark.backbone.build(2, 0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return backbone


def columns_of(
    benchmark: Benchmark = TINY,
    backbone: Backbone | None = None,
    preferences: Sequence[Sequence[float]] = SWEEP,
    **changes: Any,
) -> Columns:
    settings: dict[str, Any] = {"conditional": True, "step": 7, "first_point": 0, "snapshot": "current", "seed": 0}
    settings |= changes
    snapshot, seed = settings.pop("snapshot"), settings.pop("seed")
    return evaluate(benchmark, backbone or trained(benchmark), snapshot, preferences, seed, **settings).columns


def assert_equal_columns(one: Columns, other: Columns) -> None:
    assert list(one) == list(other)
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_one_row_a_point_prompt_and_sample() -> None:
    columns = columns_of(first_point=4)
    assert list(columns) == [
        "step",
        "point",
        "preference_0",
        "preference_1",
        "prompt_id",
        "sample",
        "reward_first",
        "reward_second",
        "held_out_base_log_density",
    ]
    rows = [(p, i, s) for p in (4, 5, 6) for i in range(3) for s in range(2)]
    assert list(zip(columns["point"], columns["prompt_id"], columns["sample"], strict=True)) == rows
    assert set(columns["step"]) == {7}
    for i in range(2):
        assert columns[f"preference_{i}"].tolist() == [SWEEP[p - 4][i] for p, _, _ in rows]
    for name in ("step", "point", "prompt_id", "sample"):
        assert columns[name].dtype == np.int64
    for name in ("preference_0", "preference_1"):
        assert columns[name].dtype == np.float64
    default = torch.zeros(()).numpy().dtype
    for name in ("reward_first", "reward_second", "held_out_base_log_density"):
        assert columns[name].dtype == default
        assert np.isfinite(columns[name]).all()


def test_rewards_are_raw_scores_of_the_samples() -> None:
    backbone, preferences = trained(), torch.tensor(SWEEP)
    columns = columns_of(backbone=backbone)
    samples = sweep_samples(TINY, backbone, "current", preferences, 3, 0)
    assert samples.shape == (3, 3, 2, 2)
    density = BaseLogDensity(PROMPTS, SPEC.mixture())
    for row in range(18):
        point, prompt, sample = (columns[name][row] for name in ("point", "prompt_id", "sample"))
        x = samples[point, prompt, sample][None]
        assert columns["reward_first"][row] == pytest.approx(float(FIRST(x, [PROMPTS[prompt]])))
        assert columns["held_out_base_log_density"][row] == pytest.approx(
            float(density(x, [PROMPTS[prompt]])), rel=1e-5
        )


def test_samples_are_those_of_the_euler_ode_by_hand() -> None:
    backbone = trained()
    noise = evaluation_noise(TINY, backbone, 0, range(3))
    x = noise[1].clone()
    condition = backbone.encode([PROMPTS[1]] * 2)
    preference = torch.tensor([SWEEP[2]] * 2)
    with torch.no_grad():
        for sigma in (1.0, 0.75, 0.5, 0.25):
            x = x - 0.25 * backbone.velocity(x, torch.full((2,), sigma), condition, preference)
    found = sweep_samples(TINY, backbone, "current", torch.tensor(SWEEP), 3, 0)[2, 1]
    torch.testing.assert_close(found, x, rtol=1e-5, atol=1e-5)


def test_noise_is_that_of_its_key_and_no_other() -> None:
    backbone = trained()
    noise = evaluation_noise(TINY, backbone, 3, range(3))
    assert torch.equal(noise, KeyedDraws(3, range(3), 0).normal("evaluation noise", 2, 2))
    training = KeyedDraws(3, range(3), 0)
    for purpose in ("initial noise", "forward noise", "probe", "step noise 0"):
        assert not torch.equal(training.normal(purpose, 2, 2), noise)


def test_every_preference_meets_the_same_noise() -> None:
    # The model at its start ignores the preference: every point then holds the same samples, up to the last bits that
    # a row's place in a vector register decides.
    columns = columns_of(backbone=SPEC.build(2, 0))
    for name in ("reward_first", "reward_second", "held_out_base_log_density"):
        points = columns[name].reshape(3, -1)
        np.testing.assert_allclose(points[1], points[0], rtol=1e-5)
        np.testing.assert_allclose(points[2], points[0], rtol=1e-5)


def test_every_method_meets_the_same_noise() -> None:
    found = []
    for method in tiny_methods().values():
        learner = Learner(TINY, method, 0)
        learner.advance()
        found.append(columns_of(backbone=learner.bare, snapshot="reference", conditional=False))
    assert_equal_columns(found[0], found[1])


def test_a_point_does_not_depend_on_the_rest_of_the_sweep() -> None:
    backbone = trained()
    whole = columns_of(backbone=backbone)
    alone = columns_of(backbone=backbone, preferences=SWEEP[1:2])
    for name in ("reward_first", "reward_second"):
        np.testing.assert_allclose(alone[name], whole[name].reshape(3, -1)[1], rtol=1e-5)


@pytest.mark.parametrize("chunk", [1, 5, 6, 17])
def test_the_size_of_a_chunk_does_not_matter(chunk: int) -> None:
    backbone = trained()
    parts = replace(TINY, evaluation=replace(TINY.evaluation, chunk=chunk))
    whole, pieces = columns_of(backbone=backbone), columns_of(parts, backbone)
    assert list(whole) == list(pieces)
    for name, values in whole.items():
        np.testing.assert_allclose(pieces[name], values, rtol=2e-5, atol=1e-6, err_msg=name)


def test_seeds_differ_and_repeat() -> None:
    backbone = trained()
    assert_equal_columns(columns_of(backbone=backbone), columns_of(backbone=backbone))
    other = columns_of(backbone=backbone, seed=1)
    assert not np.array_equal(other["reward_first"], columns_of(backbone=backbone)["reward_first"])


def test_preferences_matter_only_to_a_conditional_model() -> None:
    backbone = trained()
    plain = columns_of(backbone=backbone, conditional=False)["reward_first"].reshape(3, -1)
    np.testing.assert_allclose(plain[0], plain[2], rtol=1e-5)
    steered = columns_of(backbone=backbone)["reward_first"].reshape(3, -1)
    assert float(np.abs(steered[0] - steered[2]).min()) > 1e-3


def test_the_named_weights_are_evaluated_and_the_trained_ones_come_back() -> None:
    backbone = trained()
    before = [parameter.detach().clone() for parameter in backbone.parameters()]
    reference = columns_of(backbone=backbone, snapshot="reference")
    assert not np.array_equal(reference["reward_first"], columns_of(backbone=backbone)["reward_first"])
    assert all(map(torch.equal, backbone.parameters(), before))


def test_a_reward_that_does_not_apply_to_a_prompt_is_nan_there_and_only_there() -> None:
    columns = columns_of(tiny_benchmark(rewards=(FIRST, PARTIAL), true_front=False))
    right = columns["prompt_id"] == PROMPTS.index("right")
    assert np.isnan(columns["reward_second"][right]).all()
    assert np.isfinite(columns["reward_second"][~right]).all()


def test_a_held_out_reward_may_apply_nowhere() -> None:
    columns = columns_of(replace(TINY, held_out=(FaultyReward("nan"),)))
    assert np.isnan(columns["held_out_broken"]).all()


def test_a_trained_reward_must_apply_somewhere() -> None:
    with pytest.raises(RewardError, match=r"reward broken: .* found NaN everywhere"):
        columns_of(tiny_benchmark(rewards=(FIRST, FaultyReward("nan")), true_front=False))


@pytest.mark.parametrize(
    ("reference_point", "says"),
    [
        ((-0.5, -40.0), "found -0.5 for first where the base model has -4"),
        ((-20.0, -1.0), "found -1 for second where the base model has -1"),
    ],
)
def test_a_reference_point_the_base_model_does_not_beat_is_refused(
    reference_point: tuple[float, float], says: str
) -> None:
    benchmark = tiny_benchmark(reference_point=reference_point)
    columns = columns_of(benchmark, SPEC.build(2, 0))
    with pytest.raises(UsageError, match=f"benchmark tiny: reference_point must be worse than the base.*{says}"):
        check_reference_point(benchmark, columns)


def test_a_reference_point_may_be_beaten_and_nan_is_left_out() -> None:
    benchmark = tiny_benchmark(rewards=(FIRST, PARTIAL), true_front=False)
    check_reference_point(benchmark, columns_of(benchmark, SPEC.build(2, 0)))


def test_where_less_is_better_the_reference_point_is_above() -> None:
    for worst, beaten in ((50.0, True), (0.5, False)):
        benchmark = tiny_benchmark(rewards=(FIRST, Cost()), reference_point=(-20.0, worst), true_front=False)
        columns = columns_of(benchmark, SPEC.build(2, 0))
        if beaten:
            check_reference_point(benchmark, columns)
        else:
            with pytest.raises(UsageError, match=r"found 0\.5 for cost where the base model has"):
                check_reference_point(benchmark, columns)


def test_evaluating_is_not_charged() -> None:
    learner = Learner(TINY, tiny_methods()["pareto_slider"], 0)
    columns_of(backbone=learner.bare)
    assert learner.meter.velocity_evaluations == learner.meter.reward_calls == 0
