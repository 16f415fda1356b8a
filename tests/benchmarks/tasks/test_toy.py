"""What the toy knows about itself in closed form, against samples and limits."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.backbones.toy import ToySpec
from benchmarks.evaluate import evaluate
from benchmarks.mixtures import GaussianMixture
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.scoring import score
from benchmarks.suites.toy import TOY
from benchmarks.tasks.toy import PROMPTS, SPECIALISTS, ToyTask, plane_task, rounded, specialist_task
from tests.support.suites import PARTIAL, THIRD, tiny_task

TASKS = {
    "tiny": tiny_task(),
    "partial": tiny_task(PARTIAL, THIRD),
    "three": plane_task(("a", "b", "c"), (1.0, 2.0, 3.0)),
    "specialists": specialist_task(("a", "b", "c", "d", "e")),
}
tasks = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())


def applicable(task: ToyTask) -> np.ndarray:
    """Return the share of prompts each reward applies to [K]."""
    applies = [[reward.targets[prompt] is not None for reward in task.rewards] for prompt in task.spec.prompts]
    return np.array(applies).mean(0)


def sampled_rewards(task: ToyTask, mixture: GaussianMixture, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean rewards [K] of n samples a prompt and their standard errors, by the rewards themselves."""
    rows = torch.arange(len(task.spec.prompts)).repeat_interleave(n)
    samples = mixture.sample(rows, torch.Generator().manual_seed(0))
    scores = score(task.rewards, samples, [task.spec.prompts[i] for i in rows.tolist()]).numpy()
    count = np.isfinite(scores).sum(0)
    return np.nanmean(scores, axis=0), np.nanstd(scores, axis=0) / np.sqrt(count)


@tasks
def test_base_rewards_are_the_mean_over_samples(task: ToyTask) -> None:
    found, error = sampled_rewards(task, task.spec.mixture(), 3000)
    assert (np.abs(found - task.base_rewards()) < 5 * error).all()


@tasks
def test_rewards_of_a_tilted_optimum_are_the_mean_over_samples(task: ToyTask) -> None:
    weights = np.linspace(1, 2, len(task.rewards))
    mixture, expected, _ = task.tilted_optimum(weights.tolist(), 0.8)
    found, error = sampled_rewards(task, mixture, 3000)
    assert (np.abs(found - expected) < 5 * error).all()


@tasks
def test_a_high_temperature_keeps_the_base(task: ToyTask) -> None:
    weights = [1.0] * len(task.rewards)
    _, rewards, _ = task.tilted_optimum(weights, 1e7)
    np.testing.assert_allclose(rewards, task.base_rewards(), rtol=1e-5)


@tasks
def test_a_low_temperature_reaches_the_true_front(task: ToyTask) -> None:
    k = len(task.rewards)
    preference = np.arange(1, k + 1) / sum(range(1, k + 1))
    # A preference weighs means over the prompts a reward applies to, the tilt weighs prompt by prompt: the same
    # where the range is the inverse share of those prompts. Where nothing weighs, the base decides: not tested here.
    expected = task.front((1 / applicable(task)).tolist()).points(preference[None])[0]
    _, rewards, _ = task.tilted_optimum(preference.tolist(), 1e-5)
    np.testing.assert_allclose(rewards, expected, atol=2e-3)


@tasks
def test_a_lower_temperature_gives_more_reward(task: ToyTask) -> None:
    weights = np.full(len(task.rewards), 0.5)
    worth = weights * applicable(task)
    utilities = [float(task.tilted_optimum(weights.tolist(), t)[1] @ worth) for t in (10, 3, 1, 0.3, 0.01)]
    assert utilities == sorted(utilities)


def test_value_is_the_mean_over_prompts_of_reward_minus_divergence() -> None:
    task, temperature, weights = tiny_task(PARTIAL, THIRD), 0.6, (0.7, 1.3)
    mixture, _, value = task.tilted_optimum(weights, temperature)
    n = 40_000
    rows = torch.arange(3).repeat_interleave(n)
    samples = mixture.sample(rows, torch.Generator().manual_seed(1))
    scores = score(task.rewards, samples, [task.spec.prompts[i] for i in rows.tolist()]).nan_to_num()
    reward = scores @ torch.tensor(weights, dtype=torch.float64)
    divergence = mixture.log_density(samples, rows) - task.spec.mixture().log_density(samples, rows)
    sampled = reward - temperature * divergence
    # At the optimum R - temperature * ln(p*/p) is the same constant for every sample of a prompt.
    for p in range(3):
        assert float(sampled[rows == p].std()) < 1e-9
    assert float(sampled.mean()) == pytest.approx(value, rel=1e-12)


def test_a_temperature_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature must be > 0"):
        tiny_task().tilted_optimum((0.5, 0.5), 0.0)


def test_one_weight_a_reward_is_required() -> None:
    with pytest.raises(ValueError, match="argument"):
        tiny_task().tilted_optimum((0.5,), 1.0)


def test_targets_in_the_plane_are_equally_far_apart() -> None:
    for k in (2, 3):
        task = plane_task([f"r{i}" for i in range(k)], [1.0] * k)
        for prompt in PROMPTS:
            ends = [reward.targets[prompt] for reward in task.rewards]
            for i in range(k):
                one, other = ends[i], ends[(i + 1) % k]
                assert one is not None
                assert other is not None
                assert math.dist(one, other) == pytest.approx(1.8, abs=2e-4)


def test_specialist_rewards_apply_where_their_prompts_say() -> None:
    task = TASKS["specialists"]
    for prompt, applies in SPECIALISTS:
        assert {k for k, reward in enumerate(task.rewards) if reward.targets[prompt] is not None} == set(applies)


def test_coordinates_are_rounded_so_that_every_machine_has_the_same_hash() -> None:
    for task in TASKS.values():
        for prompt in task.spec.means:
            for mean in prompt:
                assert mean == rounded(mean)
    assert "-0.0" not in str([task.spec.means for task in TASKS.values()])


def test_base_samples_of_the_trained_model_are_those_of_the_mixture() -> None:
    # The suite's own backbone, through 200 Euler steps, lands on the mixture's exact mean rewards.

    benchmark = TOY.benchmarks[0]
    protocol = replace(benchmark.evaluation, samples=256, steps=100)
    benchmark = replace(benchmark, evaluation=protocol)
    backbone = benchmark.backbone.build(2, 0)
    sweep = evaluate(benchmark, backbone, "reference", [(0.5, 0.5)], 0, conditional=False, step=0, first_point=0)
    columns = sweep.columns
    found = np.array([columns[f"reward_{reward.name}"] for reward in benchmark.rewards], dtype=np.float64)
    error = found.std(1) / math.sqrt(found.shape[1])
    rewards = tuple(reward for reward in benchmark.rewards if isinstance(reward, QuadraticReward))
    assert isinstance(benchmark.backbone, ToySpec)
    expected = ToyTask(benchmark.backbone, rewards).base_rewards()
    # 1/100 of sigma at a time leaves a bias of the order of a hundredth; 5 standard errors besides.
    assert (np.abs(found.mean(1) - expected) < 5 * error + 0.03 * np.abs(expected)).all()
