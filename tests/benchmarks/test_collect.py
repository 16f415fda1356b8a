"""One step's batch: who is drawn, in which groups, under which preference."""

from collections import Counter

import pytest
import torch

from benchmarks.collect import Meter, MeteredBackbone, collect, draw_preferences, draw_prompts
from benchmarks.draws import KeyedDraws
from methods.base import Batch
from methods.pareto_slider import ParetoSlider
from methods.preferences import FixedPreference
from tests.support.suites import FIRST, PARTIAL, PROMPTS, tiny_benchmark, tiny_methods

TINY = tiny_benchmark(rewards=(FIRST, PARTIAL))


def batch_of(name: str, prompt_ids: list[int], step: int = 0) -> tuple[Batch, Meter]:
    meter = Meter()
    backbone = MeteredBackbone(TINY.backbone.build(2, 0), meter)
    return collect(TINY, tiny_methods()[name], backbone, KeyedDraws(0, prompt_ids, step), prompt_ids, meter), meter


def test_prompts_are_drawn_without_replacement_in_order() -> None:
    counts: Counter[int] = Counter()
    for step in range(600):
        drawn = draw_prompts(5, 2, 0, step)
        assert drawn == sorted(set(drawn))
        assert len(drawn) == 2
        counts.update(drawn)
    # 240 expected of each with a standard deviation of 12.
    assert set(counts) == set(range(5))
    assert all(190 < count < 290 for count in counts.values())


def test_drawn_prompts_depend_on_seed_and_step() -> None:
    assert draw_prompts(50, 5, 0, 1) == draw_prompts(50, 5, 0, 1)
    assert len({tuple(draw_prompts(50, 5, seed, step)) for seed in (0, 1) for step in (0, 1)}) == 4


def test_a_slider_groups_by_prompt_and_slot() -> None:
    batch, meter = batch_of("pareto_slider", [0, 2])
    assert batch.rewards.shape == (12, 2)
    assert batch.groups.tolist() == [g for g in range(6) for _ in range(2)]
    assert batch.preferences is not None
    per_group = batch.preferences.reshape(6, 2, 2)
    assert torch.equal(per_group[:, 0], per_group[:, 1])
    torch.testing.assert_close(batch.preferences.sum(1), torch.ones(12))
    assert meter.velocity_evaluations == 12 * 3
    assert meter.reward_calls == 12


def test_models_without_a_preference_group_by_prompt() -> None:
    batch, _ = batch_of("fixed_weights", [0, 2])
    assert batch.preferences is None
    assert batch.groups.tolist() == [0] * 6 + [1] * 6


def test_a_prompt_has_the_same_rollouts_whatever_else_is_in_the_step() -> None:
    alone, _ = batch_of("pareto_slider", [2])
    together, _ = batch_of("pareto_slider", [0, 2])
    torch.testing.assert_close(together.rollout.clean[6:], alone.rollout.clean, rtol=1e-5, atol=1e-5)
    assert together.preferences is not None
    assert alone.preferences is not None
    assert torch.equal(together.preferences[6:], alone.preferences)


def test_methods_share_the_noise_of_their_rollouts() -> None:
    # At the start all models are the base: with the same noise they give the same samples.
    slider, _ = batch_of("pareto_slider", [0, 1])
    fixed, _ = batch_of("fixed_weights", [0, 1])
    assert torch.equal(slider.rollout.clean, fixed.rollout.clean)


def test_steps_have_noise_of_their_own() -> None:
    assert not torch.equal(
        batch_of("fixed_weights", [0])[0].rollout.clean, batch_of("fixed_weights", [0], 1)[0].rollout.clean
    )


def test_rewards_belong_to_their_prompts() -> None:
    batch, _ = batch_of("fixed_weights", [1, 2])
    assert batch.rewards[:, 1].isnan().tolist() == [True] * 6 + [False] * 6
    expected = FIRST(batch.rollout.clean, [PROMPTS[1]] * 6 + [PROMPTS[2]] * 6)
    assert torch.equal(batch.rewards[:, 0], expected)


def test_nothing_in_a_batch_carries_a_gradient() -> None:
    batch, _ = batch_of("pareto_slider", [0])
    assert not batch.rollout.clean.requires_grad
    assert not batch.rewards.requires_grad


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_slots_split_the_rollouts_of_a_prompt_evenly(slots: int) -> None:
    method = ParetoSlider(slots=slots)
    drawn = draw_preferences(method, KeyedDraws(0, [0, 1], 0), 6, 3)
    assert drawn is not None
    assert drawn.shape == (12, 3)
    assert drawn.dtype == torch.get_default_dtype()
    for prompt in drawn.reshape(2, slots, 6 // slots, 3):
        assert all(bool((slot == slot[0]).all()) for slot in prompt)


def test_a_fixed_preference_reaches_every_rollout() -> None:
    method = ParetoSlider(preferences=FixedPreference((0.25, 0.75)))
    drawn = draw_preferences(method, KeyedDraws(0, [0], 0), 6, 2)
    assert drawn is not None
    assert drawn.tolist() == [[0.25, 0.75]] * 6


def test_rows_of_a_condition_are_shared_until_the_model_needs_them() -> None:
    bare = TINY.backbone.build(2, 0)
    metered = MeteredBackbone(bare, Meter())
    prompts = ["up", "left", "up", "right"]
    condition = metered.encode(prompts).rows(torch.tensor([3, 0, 0, 1, 2])).rows(torch.tensor([1, 4, 0]))
    x, sigma = torch.randn(3, 2), torch.tensor([0.2, 0.5, 0.9])
    assert torch.equal(
        metered.velocity(x, sigma, condition), bare.velocity(x, sigma, bare.encode(["up", "up", "right"]))
    )
    thousand = condition.rows(torch.zeros(1000, dtype=torch.int64))
    assert thousand.condition is condition.condition


def test_the_meter_passes_everything_on() -> None:
    bare, meter = TINY.backbone.build(2, 0), Meter()
    metered = MeteredBackbone(bare, meter)
    x, sigma = torch.randn(5, 2), torch.full((5,), 0.5)
    wanted = bare.velocity(x, sigma, bare.encode(["up"] * 5))
    assert torch.equal(metered.velocity(x, sigma, metered.encode(["up"] * 5)), wanted)
    assert meter.velocity_evaluations == 5
    assert metered.latent_shape == (2,)
    assert metered.snapshots is bare.snapshots
    assert all(one is other for one, other in zip(metered.parameters(), bare.parameters(), strict=True))
