"""What rollouts the policy gradient asks for, and which of their transitions it is trained on."""

import dataclasses
import math
from typing import Any

import pytest
import torch

from benchmarks.draws import KeyedDraws
from methods.base import Rollout, Sampler
from methods.objectives.grpo import GRPO
from methods.samplers.dpm import DPM2
from methods.samplers.ode import ODE
from methods.samplers.precise import Precise
from methods.samplers.schedules import shifted_sigmas
from methods.windows import AllSteps, RandomWindow, SlidingWindow
from tests.methods.stubs import RowCondition, normal, random_preferences
from tests.support.oracles_grpo import GaussianBackbone, rolled
from tests.support.properties import assert_frozen, unchanged
from tests.support.samplers import DEFAULTS, named

SETTINGS = [
    GRPO(),
    GRPO(sigma_fraction=0.5),
    GRPO(sigma_fraction=0.6, pick="random"),
    GRPO(window=RandomWindow()),
    GRPO(window=SlidingWindow(3, 2)),
    GRPO(window=SlidingWindow(3, 2), sigma_fraction=0.3, pick="random"),
]


@pytest.mark.parametrize("objective", SETTINGS, ids=str)
@pytest.mark.parametrize("name", list(DEFAULTS))
@pytest.mark.parametrize("with_preferences", [False, True])
def test_points_are_explored_transitions_but_never_the_last(objective: GRPO, name: str, with_preferences: bool) -> None:
    backbone, preferences = GaussianBackbone(shifted_sigmas(8), (3,)), random_preferences(6, 2)
    for ordinal in (0, 3):
        draws = KeyedDraws(1, [4, 2], ordinal)
        batch = rolled(
            backbone, named(name, DEFAULTS[name]), objective, 6, draws, preferences if with_preferences else None
        )
        with unchanged(batch):
            points = objective.points(batch, draws)
        per_rollout = objective.points_per_rollout(8)
        path, noisy = batch.rollout.path, objective.exploration(8, draws).noisy
        assert path is not None
        assert len(points) == 6 * per_rollout
        assert points.rollout.tolist() == [row for row in range(6) for _ in range(per_rollout)]
        for n, (row, step) in enumerate(zip(points.rollout.tolist(), points.step.tolist(), strict=True)):
            assert noisy[step]
            assert step < 7
            assert float(points.sigma[n]) == float(batch.rollout.sigmas[step])
            assert torch.equal(points.x[n], path[step, row])
            assert torch.equal(points.target[n], path[step + 1, row])
        assert all(len(set(own)) == per_rollout for own in points.step.view(6, -1).tolist())
        assert isinstance(points.condition, RowCondition)
        assert torch.equal(points.condition.index, points.rollout)
        assert points.sets is None
        if with_preferences:
            assert points.preferences is not None
            assert torch.equal(points.preferences, preferences[points.rollout])
        else:
            assert points.preferences is None


@pytest.mark.parametrize(
    ("objective", "counts"),
    [
        (GRPO(), {2: 1, 3: 2, 10: 9, 20: 19, 40: 39}),
        (GRPO(sigma_fraction=1.0), {2: 1, 10: 9}),
        (GRPO(sigma_fraction=0.6), {2: 1, 10: 6, 16: 9, 20: 12}),
        (GRPO(sigma_fraction=0.01), {2: 1, 10: 1}),
        (GRPO(window=RandomWindow()), {3: 2, 10: 2, 40: 2}),
        (GRPO(window=SlidingWindow()), {5: 4, 25: 4}),
        (GRPO(window=SlidingWindow(), sigma_fraction=0.5), {5: 2, 25: 4}),
    ],
    ids=str,
)
def test_points_per_rollout(objective: GRPO, counts: dict[int, int]) -> None:
    assert {steps: objective.points_per_rollout(steps) for steps in counts} == counts


def test_the_first_steps_are_those_of_most_noise_and_random_ones_differ_between_rollouts() -> None:
    first, chance = (GRPO(sigma_fraction=0.5, pick=pick) for pick in ("first", "random"))
    batch = rolled(GaussianBackbone(shifted_sigmas(6), (2,)), Precise(), first, 3000)
    draws = KeyedDraws(0, [0, 1], 0)
    assert set(map(tuple, first.points(batch, draws).step.view(-1, 3).tolist())) == {(0, 1, 2)}
    step = chance.points(batch, draws).step
    counts = step.bincount(minlength=6) / 3000
    expected = torch.tensor([0.6] * 5 + [0.0], dtype=counts.dtype)
    torch.testing.assert_close(counts, expected, rtol=0, atol=0.04)
    assert torch.equal(step, chance.points(batch, draws).step)
    assert not torch.equal(step, chance.points(batch, KeyedDraws(0, [0, 1], 1)).step)
    other = chance.points(batch, KeyedDraws(0, [0, 7], 0)).step
    assert torch.equal(step[: 1500 * 3], other[: 1500 * 3])
    assert not torch.equal(step[1500 * 3 :], other[1500 * 3 :])


@pytest.mark.parametrize("steps", [2, 6, 20])
def test_the_number_of_points_follows_the_steps_of_the_rollout(steps: int) -> None:
    batch = rolled(GaussianBackbone(shifted_sigmas(steps), (2,)), Precise(), GRPO(), 4)
    assert (
        len(GRPO().points(batch, KeyedDraws(0, [0, 1], 0))) == 4 * GRPO().points_per_rollout(steps) == 4 * (steps - 1)
    )


def test_exploration_is_the_window_of_the_training_step() -> None:
    draws = KeyedDraws(0, [0], 5)
    for window in (AllSteps(), RandomWindow(), SlidingWindow(2, 2)):
        found = GRPO(window=window, shared_start=True).exploration(9, draws)
        assert torch.equal(found.noisy, window.noisy(9, draws))
        assert found.shared_start
    assert not GRPO().exploration(9, draws).shared_start


def test_images_count_like_flat_vectors() -> None:
    shape, objective = (2, 3, 2), GRPO(guard=True, clip_range=0.01)
    flat = GaussianBackbone(shifted_sigmas(5), (math.prod(shape),))
    image = GaussianBackbone(shifted_sigmas(5), shape)
    draws = KeyedDraws(0, [0, 1], 0)
    batch = rolled(flat, Precise(), objective, 6)
    rollout = batch.rollout
    assert rollout.path is not None
    assert rollout.means is not None
    folded = dataclasses.replace(
        rollout,
        clean=rollout.clean.view(6, *shape),
        path=rollout.path.view(6, 6, *shape),
        means=rollout.means.view(5, 6, *shape),
    )
    advantages, found = normal(0, 24, 3), []
    for backbone, own in ((flat, batch), (image, dataclasses.replace(batch, rollout=folded))):
        backbone.move(0.02)
        found.append(objective.terms(backbone, own, objective.points(own, draws), advantages, anchored=True))
    for key in ("branches", "coefficients", "losses", "anchor"):
        torch.testing.assert_close(getattr(found[0], key), getattr(found[1], key), rtol=1e-12, atol=1e-14)
    assert float(found[0].branches.detach().abs().max()) > 1e-3


@pytest.mark.parametrize("sampler", [ODE(), DPM2(), Precise(eta=0.0)], ids=str)
def test_a_deterministic_sampler_is_refused(sampler: Sampler) -> None:
    with pytest.raises(ValueError, match=r"grpo learns from a stochastic sampler \(eta > 0\), found \w+\(.*\)"):
        GRPO().validate(sampler)


@pytest.mark.parametrize("name", list(DEFAULTS))
def test_a_stochastic_sampler_is_accepted(name: str) -> None:
    GRPO().validate(named(name, DEFAULTS[name]))


@pytest.mark.parametrize("window", [AllSteps(), RandomWindow(1), SlidingWindow(1)], ids=str)
def test_a_single_step_is_refused(window: AllSteps | RandomWindow | SlidingWindow) -> None:
    with pytest.raises(ValueError, match=r"at least 2.*found 1"):
        GRPO(window=window).points_per_rollout(1)
    with pytest.raises(ValueError, match=r"at least 2.*found 1"):
        GRPO(window=window).exploration(1, KeyedDraws(0, [0], 0))


def test_rollouts_without_a_path_or_without_noise_are_refused() -> None:
    backbone, draws = GaussianBackbone(shifted_sigmas(6), (2,)), KeyedDraws(0, [0, 1], 0)
    batch = rolled(backbone, Precise(), GRPO(), 4)
    bare = Rollout(batch.rollout.clean, batch.rollout.sigmas)
    with pytest.raises(ValueError, match="needs rollouts with path, means, stds and sampler"):
        GRPO().points(dataclasses.replace(batch, rollout=bare), draws)
    windowed = rolled(backbone, Precise(), GRPO(window=RandomWindow()), 4)
    with pytest.raises(ValueError, match="trains 5 steps a rollout, found noise at only 2 before the last step"):
        GRPO().points(windowed, draws)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clip_range": 0.0}, "clip_range must be > 0"),
        ({"clip_range": math.nan}, "clip_range must be > 0"),
        ({"advantage_clip": -1.0}, "advantage_clip must be > 0"),
        ({"sigma_fraction": 0.0}, "sigma_fraction"),
        ({"sigma_fraction": 1.01}, "sigma_fraction"),
        ({"pick": "last"}, 'pick must be "first" or "random", found \'last\''),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(GRPO(), **changes)


def test_a_window_must_be_one() -> None:
    with pytest.raises(TypeError, match="window must be Window, found str"):
        GRPO(window="all")  # type: ignore[arg-type]


def test_frozen() -> None:
    assert_frozen(GRPO())
    assert hash(GRPO()) == hash(GRPO())
