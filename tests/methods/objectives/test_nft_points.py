"""Where the NFT losses are evaluated: `NFT.points` and how many there are."""

import pytest
import torch
from torch import Tensor

from benchmarks.draws import KeyedDraws
from methods.objectives.nft import NFT
from tests.methods.stubs import make_batch, random_preferences
from tests.support.properties import unchanged


@pytest.mark.parametrize(("steps", "points"), [(10, 9), (25, 24), (40, 39), (5, 4), (1, 1), (2, 1)])
def test_points_per_rollout_drops_one_level(steps: int, points: int) -> None:
    assert NFT().points_per_rollout(steps) == points


def test_points_per_rollout_follows_the_fraction() -> None:
    assert NFT(sigma_fraction=1.0).points_per_rollout(10) == 10
    assert NFT(sigma_fraction=0.5).points_per_rollout(10) == 5
    assert NFT(sigma_fraction=0.01).points_per_rollout(10) == 1


@pytest.mark.parametrize("preferences", [False, True])
def test_points_are_noised_rollouts_at_distinct_levels(preferences: bool) -> None:
    n, steps = 12, 5
    given = random_preferences(n, 2).to(torch.get_default_dtype()) if preferences else None
    batch = make_batch(torch.zeros(n, 2), preferences=given, steps=steps)
    points = NFT().points(batch, KeyedDraws(0, [4, 2, 9], 7))
    assert len(points) == n * 4
    assert points.rollout.tolist() == [row for row in range(n) for _ in range(4)]
    assert all(len(set(chosen)) == 4 for chosen in points.step.view(n, 4).tolist())
    assert set(points.step.tolist()) == set(range(steps))  # never sigma 0, and each level is met
    dropped = [({*range(steps)} - set(chosen)).pop() for chosen in points.step.view(n, 4).tolist()]
    assert len(set(dropped)) > 1
    torch.testing.assert_close(points.sigma, batch.rollout.sigmas.to(points.sigma)[points.step])
    assert torch.equal(points.target, batch.rollout.clean[points.rollout])
    noise = (points.x - (1 - points.sigma)[:, None] * points.target) / points.sigma[:, None]
    drawn = KeyedDraws(0, [4, 2, 9], 7).normal("forward noise", 4, 4, 2).reshape(-1, 2)
    torch.testing.assert_close(noise, drawn.to(noise), rtol=0, atol=2e-5)
    assert torch.equal(points.condition.index, points.rollout)  # type: ignore[attr-defined]
    if given is None:
        assert points.preferences is None
    else:
        assert points.preferences is not None
        assert torch.equal(points.preferences, given[points.rollout])


def test_the_noise_of_a_prompt_depends_on_the_step_and_not_on_its_neighbors() -> None:
    batch = make_batch(torch.zeros(8, 2))

    def noise(prompts: list[int], ordinal: int) -> Tensor:
        points = NFT().points(batch, KeyedDraws(0, prompts, ordinal))
        return (points.x - (1 - points.sigma)[:, None] * points.target).view(2, -1)

    first = noise([3, 5], 0)
    assert torch.equal(first[0], noise([3, 6], 0)[0])
    assert not torch.equal(first[1], noise([3, 6], 0)[1])
    assert not torch.equal(first[0], noise([3, 5], 1)[0])
    assert not torch.equal(first[0], noise([4, 5], 0)[0])


def test_every_level_is_dropped_equally_often() -> None:
    n, steps = 3000, 5
    batch = make_batch(torch.zeros(n, 1), steps=steps)
    points = NFT().points(batch, KeyedDraws(1, [0], 0))
    counts = points.step.bincount(minlength=steps) / n
    torch.testing.assert_close(counts, torch.full_like(counts, 0.8), rtol=0, atol=0.035)
    first = points.step.view(n, 4)[:, 0].bincount(minlength=steps) / n
    torch.testing.assert_close(first, torch.full_like(first, 0.2), rtol=0, atol=0.035)


def test_points_leave_the_batch_alone() -> None:
    batch = make_batch(torch.zeros(6, 2), preferences=random_preferences(6, 2))
    with unchanged(batch):
        NFT().points(batch, KeyedDraws(0, [0, 1], 0))
