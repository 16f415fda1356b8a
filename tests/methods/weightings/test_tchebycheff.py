"""Smooth Tchebycheff weights against the derivative of their scalarization."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from methods.base import Batch
from methods.weightings.tchebycheff import SmoothTchebycheffWeighting
from tests.methods.stubs import make_batch, normal, random_preferences
from tests.support.properties import assert_frozen, assert_on_simplex, unchanged

WIDE = torch.float64
NAN = math.nan


def batch_of(rewards: Tensor, worst: float = -10.0, best: float = 0.0) -> Batch:
    """A batch whose rewards lie between the same two bounds."""
    k = rewards.shape[1]
    bounds = torch.tensor([[worst] * k, [best] * k], dtype=rewards.dtype)
    return replace(make_batch(rewards), bounds=bounds)


def with_regrets(*regrets: float) -> Batch:
    """A batch of two samples whose mean regrets are the given ones."""
    means = torch.tensor([regrets], dtype=WIDE) * -10
    return batch_of(torch.cat((means - 0.5, means + 0.5)))


def weights(batch: Batch, given: tuple[float, ...] | None, smoothing: float) -> Tensor:
    weighting = SmoothTchebycheffWeighting(given, smoothing)
    weighting.validate(batch.n_objectives)
    with unchanged(batch):
        return weighting.weights(batch, weighting.init(batch.n_objectives, 10))


@pytest.mark.parametrize("smoothing", [0.01, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_weights_are_the_derivative_of_the_scalarization_made_to_sum_to_one(k: int, smoothing: float) -> None:
    batch = batch_of(-10 * torch.rand(8, k, dtype=WIDE, generator=torch.Generator().manual_seed(k)))
    given = random_preferences(1, k, k)[0]
    regrets = (-batch.rewards.mean(0) / 10).requires_grad_()
    value = smoothing * torch.logsumexp(given * regrets / smoothing, 0)
    (slope,) = torch.autograd.grad(value, regrets)
    found = weights(batch, tuple(given.tolist()), smoothing)
    torch.testing.assert_close(found, slope / slope.sum(), rtol=1e-9, atol=1e-14)
    assert_on_simplex(found[None], k, 1e-12)


@pytest.mark.parametrize(
    ("smoothing", "slopes"),
    [(1.0, (0.35699907, 0.14700040)), (0.1, (0.41908136, 0.12039370)), (0.01, (0.68740965, 0.00539586))],
)
def test_worked_example(smoothing: float, slopes: tuple[float, float]) -> None:
    found = weights(with_regrets(0.4, 0.8), (0.7, 0.3), smoothing)
    assert found.tolist() == pytest.approx([s / sum(slopes) for s in slopes], rel=2e-6)


def test_little_smoothing_leaves_the_worst_weighted_regret_alone() -> None:
    assert weights(with_regrets(0.4, 0.8), (0.7, 0.3), 1e-6).tolist() == pytest.approx([1, 0], abs=1e-12)
    assert weights(with_regrets(0.3, 0.8), (0.7, 0.3), 1e-6).tolist() == pytest.approx([0, 1], abs=1e-12)
    assert weights(with_regrets(0.3, 0.7), (0.7, 0.3), 1e-3).tolist() == pytest.approx([0.7, 0.3], rel=1e-6)


def test_much_smoothing_is_linear_scalarization() -> None:
    found = weights(with_regrets(0.1, 0.9, 0.5), (0.2, 0.5, 0.3), 1e6)
    assert found.tolist() == pytest.approx([0.2, 0.5, 0.3], rel=1e-5)


def test_equal_regrets_and_no_weights_are_equal_weights() -> None:
    assert weights(with_regrets(0.4, 0.4, 0.4), None, 0.1).tolist() == pytest.approx([1 / 3] * 3)
    assert weights(with_regrets(0.2, 0.4), None, 0.1)[1] > 0.7


@pytest.mark.parametrize("corner", [0, 1])
def test_a_corner_trains_its_own_reward(corner: int) -> None:
    given = (1.0 - corner, float(corner))
    assert weights(with_regrets(0.9, 0.1), given, 0.05).tolist() == list(given)


def test_rewards_that_do_not_apply_are_left_out() -> None:
    rewards = torch.tensor([[-4.0, NAN, NAN], [NAN, -8.0, NAN], [-4.0, NAN, NAN]], dtype=WIDE)
    found = weights(batch_of(rewards), (0.35, 0.15, 0.5), 1.0)
    # Regrets 0.4 and 0.8 from the samples they apply to.
    raw = [0.35 * math.exp(0.35 * 0.4), 0.15 * math.exp(0.15 * 0.8)]
    assert found.tolist() == pytest.approx([raw[0] / sum(raw), raw[1] / sum(raw), 0.0], rel=1e-10)


def test_where_no_reward_applies_the_given_weights_remain() -> None:
    assert weights(batch_of(torch.full((3, 2), NAN, dtype=WIDE)), (0.3, 0.7), 0.1).tolist() == [0.3, 0.7]
    only = torch.tensor([[-5.0, NAN]], dtype=WIDE)
    assert weights(batch_of(only), (0.0, 1.0), 0.1).tolist() == [0.0, 1.0]


def test_regrets_end_at_the_bounds() -> None:
    inside, outside = with_regrets(0.0, 1.0), batch_of(torch.tensor([[300.0, -700.0]], dtype=WIDE))
    expected = weights(batch_of(torch.tensor([[0.0, -10.0]], dtype=WIDE)), None, 0.1)
    torch.testing.assert_close(weights(outside, None, 0.1), expected, rtol=1e-12, atol=0)
    assert weights(inside, None, 0.1)[1] > weights(inside, None, 0.1)[0]


def test_extreme_smoothing_stays_finite() -> None:
    for smoothing in (1e-300, 1e-30, 1e300):
        found = weights(with_regrets(0.4, 0.8), (0.7, 0.3), smoothing)
        assert_on_simplex(found[None], 2, 1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_dtype_is_that_of_the_rewards(dtype: torch.dtype) -> None:
    assert weights(batch_of(normal(0, 4, 2).to(dtype)), None, 0.1).dtype == dtype


@pytest.mark.parametrize("smoothing", [0.0, -1.0, NAN])
def test_smoothing_must_be_positive(smoothing: float) -> None:
    with pytest.raises(ValueError, match="smoothing must be > 0, found"):
        SmoothTchebycheffWeighting(smoothing=smoothing)


def test_weights_off_the_simplex_no_bounds_and_gramians_are_refused() -> None:
    with pytest.raises(ValueError, match="weights must"):
        SmoothTchebycheffWeighting((0.5, 0.6)).validate(2)
    with pytest.raises(ValueError, match="need the benchmark's bounds"):
        SmoothTchebycheffWeighting().weights(make_batch(torch.zeros(4, 2)), {})
    with pytest.raises(ValueError, match="needs rewards"):
        SmoothTchebycheffWeighting().solve(torch.eye(2), {})
    assert_frozen(SmoothTchebycheffWeighting())
