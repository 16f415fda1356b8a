"""The frozen numbers of the toy suite follow from its geometry."""

import math

import numpy as np
import pytest

from benchmarks.backbones.toy import ToySpec
from benchmarks.base import Benchmark
from benchmarks.quadratic_front import QuadraticFront, segment_hypervolume
from benchmarks.rewards.quadratic import QuadraticReward
from benchmarks.suites import SUITES
from benchmarks.suites.toy import TOY
from benchmarks.tasks.toy import ToyTask
from methods.preferences import lattice

benchmarks = pytest.mark.parametrize("benchmark", TOY.benchmarks, ids=lambda benchmark: benchmark.name)


def task_of(benchmark: Benchmark) -> ToyTask:
    assert isinstance(benchmark.backbone, ToySpec)
    rewards = tuple(reward for reward in benchmark.rewards if isinstance(reward, QuadraticReward))
    assert len(rewards) == len(benchmark.rewards)
    return ToyTask(benchmark.backbone, rewards)


def front_of(benchmark: Benchmark) -> QuadraticFront:
    assert isinstance(benchmark.true_front, QuadraticFront)
    return benchmark.true_front


@benchmarks
def test_reference_points_follow_the_rule(benchmark: Benchmark) -> None:
    task, front = task_of(benchmark), front_of(benchmark)
    k = benchmark.n_objectives
    worst_of_front = front.points(lattice(k, {2: 50, 3: 30, 5: 8}[k])).min(0)
    scales = np.array([reward.scale for reward in task.rewards])
    worse = np.minimum(task.base_rewards(), worst_of_front) / scales
    expected = [-math.ceil(round(-11 * value, 9)) / 10 for value in worse]
    np.testing.assert_allclose(np.array(benchmark.reference_point) / scales, expected, rtol=1e-12)


@benchmarks
def test_the_base_model_and_the_whole_front_beat_the_reference_point(benchmark: Benchmark) -> None:
    reference = np.array(benchmark.reference_point)
    assert (task_of(benchmark).base_rewards() > reference).all()
    assert (front_of(benchmark).points(lattice(benchmark.n_objectives, 6)) > reference).all()


@pytest.mark.parametrize("benchmark", TOY.benchmarks[:1] + TOY.benchmarks[2:3], ids=lambda b: b.name)
def test_frozen_hypervolume_for_two_rewards_is_the_closed_form(benchmark: Benchmark) -> None:
    front = front_of(benchmark)
    squared = ((front.targets[:, 0] - front.targets[:, 1]) ** 2).sum(1)
    # The closed form takes the mean of the squared distances: exact, because the same share t along every segment is
    # optimal, and both rewards are t^2 and (1 - t)^2 times that mean.
    exact = segment_hypervolume(np.array(benchmark.reference_point), float(squared.mean()), front.scales)
    assert benchmark.true_hypervolume == pytest.approx(exact, rel=1e-12)
    assert benchmark.true_hypervolume_error == 0
    assert front.hypervolume(np.array(benchmark.reference_point), 9) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(("benchmark", "fewer_directions"), [(TOY.benchmarks[1], 1e-3), (TOY.benchmarks[3], 0.01)])
def test_frozen_hypervolume_is_reproduced_within_its_error(benchmark: Benchmark, fewer_directions: float) -> None:
    # 2^10 directions with 2 seeds here, 2^13 and 2^14 with 4 where the number was made.
    reference = np.array(benchmark.reference_point)
    found = np.mean([front_of(benchmark).hypervolume(reference, 10, 100, seed) for seed in (0, 1)])
    frozen, error = benchmark.true_hypervolume, benchmark.true_hypervolume_error
    assert frozen is not None
    assert error is not None
    assert 0 < error < 2e-3 * frozen
    assert float(found) == pytest.approx(frozen, abs=4 * error + fewer_directions * frozen)


def test_scales_is_two_targets_in_other_units() -> None:
    plain, scaled = (next(b for b in TOY.benchmarks if b.name == name) for name in ("two-targets", "scales"))
    factor = np.array([1.0, 100.0])
    np.testing.assert_allclose(scaled.reference_point, np.array(plain.reference_point) * factor)
    preferences = lattice(2, 7)
    np.testing.assert_allclose(front_of(scaled).points(preferences), front_of(plain).points(preferences) * factor)


@benchmarks
def test_preferences_mean_the_same_in_bounds_and_front(benchmark: Benchmark) -> None:
    widths = [high - low for low, high in benchmark.bounds]
    np.testing.assert_allclose(front_of(benchmark).ranges, widths)
    assert [low for low, _ in benchmark.bounds] == list(benchmark.reference_point)


@benchmarks
def test_every_method_of_the_suite_fits_every_benchmark(benchmark: Benchmark) -> None:
    for method in TOY.methods.values():
        method.validate(benchmark.n_objectives, benchmark.recipe.group_size)


def test_suites_are_found_by_their_own_names() -> None:
    assert {name: suite.name for name, suite in SUITES.items()} == {name: name for name in SUITES}
    names = [benchmark.name for benchmark in TOY.benchmarks]
    assert len(set(names)) == len(names)
