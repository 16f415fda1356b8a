"""The front of quadratic rewards: no policy beats it, and its volume is what other ways of measuring it say."""

import math
from dataclasses import replace

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.quadratic_front import QuadraticFront, segment_hypervolume
from methods.preferences import lattice


def random_front(seed: int, *, partial: bool = False) -> QuadraticFront:
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(3, 3, 2))
    if partial:
        # The rewards apply to 2, 1 and 3 of the prompts.
        targets[1, 0] = targets[0, 1] = targets[2, 1] = np.nan
    return QuadraticFront(targets, rng.uniform(0.5, 3, 3), rng.uniform(1, 5, 3))


def segment(length: float, scales: tuple[float, float] = (1.0, 1.0), n_prompts: int = 2) -> QuadraticFront:
    """Two targets at the same distance under every prompt, in turning directions; ranges in the ratio of scales."""
    angles = np.arange(n_prompts)
    ends = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    targets = np.stack((np.zeros_like(ends), length * ends), axis=1)
    return QuadraticFront(targets, np.array(scales), np.array(scales))


def naive_rewards(front: QuadraticFront, x: np.ndarray) -> np.ndarray:
    """Return the mean rewards [K] of a policy that answers prompt p with x[p], by loops."""
    found = []
    for k, scale in enumerate(front.scales):
        values = [
            -scale * float(((x[p] - front.targets[p, k]) ** 2).sum())
            for p in range(len(x))
            if not math.isnan(front.targets[p, k, 0])
        ]
        found.append(sum(values) / len(values))
    return np.array(found)


@pytest.mark.parametrize("partial", [False, True])
def test_rewards_are_means_over_the_prompts_they_apply_to(partial: bool) -> None:
    front = random_front(0, partial=partial)
    x = np.random.default_rng(1).normal(size=(4, 3, 2))
    expected = [naive_rewards(front, policy) for policy in x]
    np.testing.assert_allclose(front.rewards_at(x), expected, rtol=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_no_policy_has_a_higher_weighted_utility(seed: int, partial: bool) -> None:
    front, rng = random_front(seed, partial=partial), np.random.default_rng(seed + 1)
    preference = rng.dirichlet(np.ones(3))
    utility = preference / front.ranges
    best = float(front.points(preference[None])[0] @ utility)
    far = rng.normal(scale=3, size=(200, 3, 2))
    near = front._optimum(utility[None]) + rng.normal(scale=1e-3, size=(200, 3, 2))
    for policies in (far, near):
        assert float((front.rewards_at(policies) @ utility).max()) <= best + 1e-12 * abs(best)


@pytest.mark.parametrize("partial", [False, True])
def test_points_of_different_preferences_do_not_dominate_each_other(partial: bool) -> None:
    points = random_front(2, partial=partial).points(np.random.default_rng(0).dirichlet(np.ones(3), 40))
    for point in points:
        assert not ((points >= point).all(1) & (points > point).any(1)).any()


def test_a_corner_preference_reaches_its_reward_fully() -> None:
    front = random_front(3, partial=True)
    assert np.abs(np.diag(front.points(np.eye(3)))).max() < 1e-15


def test_a_prompt_without_any_wanted_reward_answers_the_mean_of_its_targets() -> None:
    # At a corner, prompts where that reward does not apply are free; their answer decides the other rewards.
    targets = np.array([[[0.0], [4.0], [8.0]], [[np.nan], [2.0], [6.0]]])
    front = QuadraticFront(targets, np.ones(3), np.ones(3))
    np.testing.assert_allclose(front.points(np.array([[1.0, 0.0, 0.0]])), [[0.0, -(16 + 4) / 2, -(64 + 4) / 2]])


@given(st.integers(0, 1000), st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_points_scale_with_a_reward_and_its_range(seed: int, factor: float) -> None:
    front = random_front(seed)
    stretch = np.array([1.0, factor, 1.0])
    stretched = QuadraticFront(front.targets, front.scales * stretch, front.ranges * stretch)
    preferences = np.random.default_rng(seed).dirichlet(np.ones(3), 5)
    np.testing.assert_allclose(stretched.points(preferences), front.points(preferences) * stretch, rtol=1e-9, atol=1e-9)


def test_two_targets_lie_on_the_known_curve() -> None:
    points = segment(2.0, scales=(1.0, 3.0)).points(lattice(2, 20))
    np.testing.assert_allclose(np.sqrt(-points[:, 0]) + np.sqrt(-points[:, 1] / 3), 2.0, rtol=1e-12)


@pytest.mark.parametrize("scales", [(1.0, 1.0), (2.0, 50.0)])
@pytest.mark.parametrize("length", [0.5, 2.0])
def test_hypervolume_of_a_segment_is_the_closed_form(length: float, scales: tuple[float, float]) -> None:
    front, reference = segment(length, scales=scales), -np.array([6.0, 5.0]) * scales
    exact = segment_hypervolume(reference, length**2, np.array(scales))
    assert front.hypervolume(reference, log2_directions=9) == pytest.approx(exact, rel=5e-4)
    # moocore on 4000 points of the front: a staircase just below it.
    dense = moocore.hypervolume(front.points(lattice(2, 4000)), ref=reference, maximise=True)
    assert dense < exact
    assert dense == pytest.approx(exact, rel=1e-3)


def test_segment_hypervolume_equals_numeric_integration() -> None:
    # Width of the dominated set over r_1, by the trapezoid rule on 1e5 points.
    first = np.linspace(-4.0, 0.0, 100_001)
    second = -((np.clip(2.0 - np.sqrt(-first), 0, None)) ** 2)
    area = float(np.trapezoid(second + 5.0, first)) + 1.0 * 5.0
    found = segment_hypervolume(np.array([-5.0, -5.0]), 4.0, np.array([1.0, 1.0]))
    assert found == pytest.approx(area, rel=1e-7)


@pytest.mark.parametrize("partial", [False, True])
def test_hypervolume_in_three_dimensions_is_just_above_a_dense_lattice(partial: bool) -> None:
    front = random_front(7, partial=partial)
    reference = front.points(np.eye(3)).min(0) * 1.3 - 1
    front = replace(front, ranges=-reference)
    ours = front.hypervolume(reference, log2_directions=10)
    lower = [moocore.hypervolume(front.points(lattice(3, n)), ref=reference, maximise=True) for n in (15, 30, 60)]
    assert lower[0] < lower[1] < lower[2] < ours
    # The staircase's gap halves with its step: extrapolating it leaves an error of second order.
    assert ours == pytest.approx(2 * lower[2] - lower[1], rel=3e-3)


def test_hypervolume_scales_with_the_rewards() -> None:
    front, reference = random_front(4), np.array([-40.0, -50.0, -60.0])
    factor = np.array([1.0, 100.0, 0.1])
    scaled = QuadraticFront(front.targets, front.scales * factor, front.ranges * factor)
    one = front.hypervolume(reference, log2_directions=7)
    assert scaled.hypervolume(reference * factor, log2_directions=7) == pytest.approx(one * 10, rel=1e-9)


def test_hypervolume_does_not_depend_on_the_unit_of_preferences() -> None:
    # Ranges only choose where directions are dense; the nearer to the shape of the box, the smaller the error.
    reference = np.array([-40.0, -50.0, -60.0])
    front = replace(random_front(4), ranges=-reference)
    other = replace(front, ranges=-reference * np.array([1.0, 1.5, 0.8]))
    one = front.hypervolume(reference, log2_directions=10)
    assert other.hypervolume(reference, log2_directions=10) == pytest.approx(one, rel=2e-3)


def test_hypervolume_grows_with_the_box() -> None:
    front = random_front(4)
    small, large = (front.hypervolume(np.full(3, -size), log2_directions=7) for size in (40.0, 41.0))
    assert small < large


def test_scrambling_seed_is_the_only_chance() -> None:
    front, reference = random_front(4), np.full(3, -40.0)
    first = front.hypervolume(reference, log2_directions=6, seed=1)
    assert front.hypervolume(reference, log2_directions=6, seed=1) == first
    assert front.hypervolume(reference, log2_directions=6, seed=2) != first
