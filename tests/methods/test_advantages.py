import math

import pytest
import torch
from torch import Tensor

from methods.advantages import EPSILON, GDPO, GroupNormalized, RawMixture, group_mean, group_std
from methods.base import AdvantageEstimator
from tests.methods.stubs import normal, random_preferences
from tests.support.oracles import naive_advantages
from tests.support.properties import unchanged

NAN = math.nan
EXAMPLE = [[1.0, 10.0], [2.0, 30.0], [3.0, 20.0], [4.0, 40.0]]
ESTIMATORS: list[AdvantageEstimator] = [
    GroupNormalized(),
    GroupNormalized(over_batch=True),
    GDPO(),
    RawMixture(),
    RawMixture(over_batch=False),
]


def wide(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def one_group(n: int) -> Tensor:
    return torch.zeros(n, dtype=torch.long)


def same(rows: int, *weights: float) -> Tensor:
    return torch.tensor(weights, dtype=torch.float64).expand(rows, len(weights))


def scattered(seed: int, n_groups: int, size: int, n_objectives: int, holes: float = 0.0) -> tuple[Tensor, Tensor]:
    """Rewards of very different scales in groups whose rows are shuffled, a share of them missing."""
    rewards = normal(seed, n_groups * size, n_objectives) * torch.tensor([10.0**k for k in range(n_objectives)]) + 3
    groups = torch.arange(n_groups).repeat(size)
    missing = (
        normal(seed + 1, *rewards.shape) < -2 + 4 * holes if holes else torch.zeros_like(rewards, dtype=torch.bool)
    )
    return rewards.masked_fill(missing, NAN), groups


@pytest.mark.parametrize("over_batch", [False, True])
@pytest.mark.parametrize("holes", [0.0, 0.4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_group_normalized_equals_its_naive_twin(over_batch: bool, holes: float, seed: int) -> None:
    rewards, groups = scattered(seed, 4, 6, 3, holes)
    expected = naive_advantages(rewards.tolist(), groups.tolist(), over_batch=over_batch)
    found = GroupNormalized(over_batch)(rewards, groups, None)
    torch.testing.assert_close(found, wide(expected), rtol=1e-10, atol=1e-10)


def test_example_with_group_std() -> None:
    found = GroupNormalized()(wide(EXAMPLE), one_group(4), None)
    expected = wide(
        [[-1.3415208, -1.34162879], [-0.4471736, 0.4472096], [0.4471736, -0.4472096], [1.3415208, 1.34162879]]
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-8)


def test_example_mixed_late() -> None:
    mixed = (GroupNormalized()(wide(EXAMPLE), one_group(4), None) * same(4, 0.7, 0.3)).sum(1)
    expected = torch.tensor([-1.34155319, -0.17885864, 0.17885864, 1.34155319], dtype=torch.float64)
    torch.testing.assert_close(mixed, expected, rtol=0, atol=5e-9)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (GDPO(), [-1.40166355, -0.18687268, 0.18687268, 1.40166355]),
        (RawMixture(over_batch=False), [-1.3847634, 0.28693296, -0.28693296, 1.3847634]),
    ],
    ids=str,
)
def test_example_mixed_to_one_number(estimator: AdvantageEstimator, expected: list[float]) -> None:
    found = estimator(wide(EXAMPLE), one_group(4), same(4, 0.7, 0.3))
    for column in found.unbind(1):
        torch.testing.assert_close(column, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=5e-8)


def test_early_mixing_lets_the_larger_scale_decide_and_late_mixing_does_not() -> None:
    rewards, weights = wide(EXAMPLE), same(4, 0.7, 0.3)
    late = (GroupNormalized()(rewards, one_group(4), weights) * weights).sum(1)
    early = RawMixture(over_batch=False)(rewards, one_group(4), weights)[:, 0]
    assert (late.sign() * early.sign()).tolist() == [1, -1, -1, 1]


def test_single_group_alone_in_the_batch() -> None:
    found = GroupNormalized(over_batch=True)(wide([[1.0], [2.0], [3.0], [4.0]]), one_group(4), None)[:, 0]
    expected = torch.tensor([-1.3415208, -0.4471736, 0.4471736, 1.3415208], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-8)


def test_over_batch_keeps_the_mean_of_the_group_and_takes_the_spread_of_all() -> None:
    rewards = wide([[0.0], [2.0], [100.0], [102.0]])
    found = GroupNormalized(over_batch=True)(rewards, torch.tensor([0, 0, 1, 1]), None)[:, 0]
    whole = rewards.std(correction=0) + 1e-4
    torch.testing.assert_close(found, torch.tensor([-1.0, 1.0, -1.0, 1.0]).double() / whole)


@pytest.mark.parametrize("n", [2, 3, 8, 24, 26])
def test_advantages_stay_below_the_root_of_n_minus_one(n: int) -> None:
    one_hot = torch.nn.functional.one_hot(torch.tensor(0), n).double()[:, None]
    for rewards in (one_hot, -1000 * one_hot, *(normal(seed, n, 1) ** 3 for seed in range(5))):
        found = GroupNormalized()(rewards, one_group(n), None)
        assert float(found.abs().max()) < math.sqrt(n - 1)
    assert math.sqrt(26 - 1) <= 5  # so a clip at 5 binds for no group of up to 26


def test_the_bound_is_nearly_reached_by_one_winner() -> None:
    rewards = torch.nn.functional.one_hot(torch.tensor(3), 24).double()[:, None]
    assert float(GroupNormalized()(rewards, one_group(24), None).max()) == pytest.approx(4.7934, abs=5e-5)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_no_estimator_sees_a_constant_added_to_a_reward_of_one_group(estimator: AdvantageEstimator) -> None:
    rewards, groups = scattered(3, 1, 9, 3)
    weights = same(9, 0.2, 0.3, 0.5)
    moved = rewards + torch.tensor([5.0, -70.0, 1e4])
    torch.testing.assert_close(
        estimator(moved, groups, weights), estimator(rewards, groups, weights), rtol=0, atol=1e-9
    )


def test_group_normalized_does_not_see_shifts_of_single_groups() -> None:
    rewards, groups = scattered(4, 3, 6, 2)
    moved = rewards + 10.0 * groups[:, None]
    torch.testing.assert_close(GroupNormalized()(moved, groups), GroupNormalized()(rewards, groups), rtol=0, atol=1e-10)


@pytest.mark.parametrize("scale", [0.01, 100.0])
@pytest.mark.parametrize("over_batch", [False, True])
def test_scale_is_invisible_up_to_the_floor(scale: float, over_batch: bool) -> None:
    rewards, groups = scattered(5, 3, 8, 2)
    scaled = rewards * torch.tensor([1.0, scale])
    before, after = (GroupNormalized(over_batch)(r, groups) for r in (rewards, scaled))
    assert torch.equal(before[:, 0], after[:, 0])
    spread = rewards.std(0, correction=0) if over_batch else group_std(rewards, groups)
    ratio = (spread + EPSILON) / (spread + EPSILON / scale)  # what is left of the scale, exactly
    torch.testing.assert_close(after, torch.stack((before[:, 0], (before * ratio)[:, 1]), 1), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(after, before, rtol=0, atol=5e-3)


def test_the_floor_is_one_ten_thousandth_added_to_the_spread() -> None:
    rewards = wide([[0.0], [2e-4]])  # standard deviation 1e-4
    torch.testing.assert_close(GroupNormalized()(rewards, one_group(2)), wide([[-0.5], [0.5]]), rtol=1e-9, atol=0)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_constant_rewards_have_no_advantage(estimator: AdvantageEstimator) -> None:
    rewards = torch.full((8, 2), 3.25, dtype=torch.float64)
    found = estimator(rewards, torch.arange(2).repeat(4), same(8, 0.5, 0.5))
    assert torch.equal(found, torch.zeros(8, 2, dtype=torch.float64))


def test_a_constant_channel_has_no_advantage_and_leaves_the_other_alone() -> None:
    rewards, groups = scattered(6, 2, 5, 2)
    alone = GroupNormalized()(rewards[:, :1], groups)
    found = GroupNormalized()(torch.stack((rewards[:, 0], torch.full_like(rewards[:, 0], 7.0)), 1), groups)
    assert torch.equal(found[:, :1], alone)
    assert not found[:, 1].any()


@pytest.mark.parametrize("over_batch", [False, True])
def test_a_reward_that_does_not_apply_leaves_the_others_untouched(over_batch: bool) -> None:
    rewards, groups = scattered(7, 3, 8, 3)
    full = GroupNormalized(over_batch)(rewards, groups)
    holed = rewards.clone()
    holed[[0, 3, 9], 1] = NAN
    found = GroupNormalized(over_batch)(holed, groups)
    assert torch.equal(found[:, [0, 2]], full[:, [0, 2]])
    assert not found[[0, 3, 9], 1].any()
    assert not torch.equal(found[:, 1], full[:, 1])


def test_samples_without_a_reward_do_not_count_in_its_group() -> None:
    rewards, groups = scattered(8, 1, 10, 1)
    holed = rewards.clone()
    holed[4:] = NAN
    found = GroupNormalized()(holed, groups)
    alone = GroupNormalized()(rewards[:4], groups[:4])
    torch.testing.assert_close(found[:4], alone, rtol=1e-12, atol=0)
    one_hot = wide([[1.0], [0.0], [0.0], *[[NAN]] * 20])
    top = float(GroupNormalized()(one_hot, one_group(23)).max())
    assert 0.999 * math.sqrt(2) < top < math.sqrt(2)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_a_reward_that_applies_nowhere_gives_zeros(estimator: AdvantageEstimator) -> None:
    rewards = torch.stack((normal(1, 6), torch.full((6,), NAN, dtype=torch.float64)), 1)
    weights = same(6, 0.5, 0.5)
    found = estimator(rewards, one_group(6), weights)
    assert bool(found.isfinite().all())
    assert bool(found[:, 0].any())
    if isinstance(estimator, GroupNormalized):
        assert not found[:, 1].any()


@pytest.mark.parametrize("size", [1, 5])
def test_groups_are_compared_within_themselves_whatever_their_order(size: int) -> None:
    rewards, groups = scattered(9, 3, size, 2)
    whole = GroupNormalized()(rewards, groups)
    for g in range(3):
        rows = groups == g
        torch.testing.assert_close(
            whole[rows], GroupNormalized()(rewards[rows], one_group(size)), rtol=1e-12, atol=1e-12
        )
    shuffled = torch.tensor([2, 0, 1])[groups]
    torch.testing.assert_close(GroupNormalized()(rewards, shuffled), whole, rtol=0, atol=0)


def test_permuting_rewards_permutes_advantages() -> None:
    rewards, groups = scattered(10, 3, 6, 3, holes=0.3)
    order = [2, 0, 1]
    assert torch.equal(GroupNormalized()(rewards[:, order], groups), GroupNormalized()(rewards, groups)[:, order])


@pytest.mark.parametrize(("correlation", "expected"), [(-1.0, 0.0), (-0.5, 0.5), (0.0, math.sqrt(0.5)), (1.0, 1.0)])
def test_spread_of_the_mix_is_set_by_the_correlation(correlation: float, expected: float) -> None:
    first = torch.tensor([1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    second = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    rewards = torch.stack((first, correlation * first + math.sqrt(1 - correlation**2) * second), 1)
    found = GroupNormalized()(1e4 * rewards + 17, one_group(8))
    mixed = found @ torch.tensor([0.5, 0.5], dtype=torch.float64)
    assert float(mixed.std(correction=0)) == pytest.approx(expected, abs=1e-6)
    for weights in ((1.0, 0.0), (0.2, 0.8)):
        w = torch.tensor(weights, dtype=torch.float64)
        matrix = wide([[1.0, correlation], [correlation, 1.0]])
        assert float((found @ w).std(correction=0)) == pytest.approx(float((w @ matrix @ w).sqrt()), abs=1e-6)


def test_gdpo_standardizes_over_the_batch_not_over_groups() -> None:
    rewards, groups = scattered(11, 4, 6, 2)
    weights = random_preferences(4, 2)[groups]
    found = GDPO()(rewards, groups, weights)[:, 0]
    late = (naive := wide(naive_advantages(rewards.tolist(), groups.tolist()))) * weights
    mixed = late.sum(1)
    torch.testing.assert_close(found, (mixed - mixed.mean()) / (mixed.std(correction=0) + 1e-4), rtol=1e-9, atol=1e-9)
    assert naive.shape == rewards.shape
    assert float(found.std(correction=0)) == pytest.approx(1, abs=1e-3)


def test_raw_mixture_normalizes_the_one_mixed_number() -> None:
    rewards, groups = scattered(12, 3, 6, 2)
    weights = same(18, 0.6, 0.4)
    mixed = [[0.6 * a + 0.4 * b] for a, b in rewards.tolist()]
    for over_batch in (False, True):
        expected = wide(naive_advantages(mixed, groups.tolist(), over_batch=over_batch)).expand(-1, 2)
        found = RawMixture(over_batch)(rewards, groups, weights)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_raw_mixture_follows_a_reward_that_is_scaled_up() -> None:
    rewards, groups = scattered(13, 2, 12, 2)
    scaled = rewards * torch.tensor([1.0, 1e5])
    found = RawMixture(over_batch=False)(scaled, groups, same(24, 0.5, 0.5))[:, 0]
    only_second = GroupNormalized()(rewards, groups)[:, 1]
    torch.testing.assert_close(found, only_second, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "estimator", [GDPO(), RawMixture(), RawMixture(over_batch=False)], ids=["late", "early", "early in groups"]
)
def test_a_mix_leaves_out_what_does_not_apply(estimator: AdvantageEstimator) -> None:
    rewards, weights = normal(15, 8, 2), same(8, 0.3, 0.7)
    groups = torch.arange(2).repeat_interleave(4)
    holed = rewards.clone()
    holed[:4, 1] = NAN
    constant = rewards.clone()
    constant[:4, 1] = 0.0  # a reward that is zero for the whole group says as little as one that does not apply
    torch.testing.assert_close(
        estimator(holed, groups, weights), estimator(constant, groups, weights), rtol=0, atol=1e-12
    )
    assert bool(estimator(holed, groups, weights)[:4].any())


@pytest.mark.parametrize("estimator", [GDPO(), RawMixture()], ids=str)
def test_estimators_that_mix_need_weights_and_say_who_they_are(estimator: AdvantageEstimator) -> None:
    with pytest.raises(ValueError, match=f"{type(estimator).__name__} .*needs weights"):
        estimator(wide(EXAMPLE), one_group(4), None)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_inputs_are_kept(estimator: AdvantageEstimator, dtype: torch.dtype) -> None:
    rewards, groups = scattered(14, 2, 6, 2, holes=0.2)
    rewards, weights = rewards.to(dtype), same(12, 0.5, 0.5).to(dtype)
    with unchanged(rewards, groups, weights):
        found = estimator(rewards, groups, weights)
    assert found.dtype == dtype
    assert found.shape == rewards.shape


def test_a_large_offset_does_not_eat_the_spread() -> None:
    exact = torch.tensor([[0.0], [1.0], [2.0], [3.0]]) + 2.0**22  # float32 holds these exactly, not their squares
    found = GroupNormalized()(exact.float(), one_group(4)).double()
    torch.testing.assert_close(found, GroupNormalized()(exact.double() - 2.0**22, one_group(4)), rtol=1e-6, atol=0)


def test_group_statistics_ignore_what_does_not_apply() -> None:
    values, groups = wide([[1.0, NAN], [NAN, NAN], [4.0, 2.0], [3.0, 8.0]]), torch.tensor([0, 0, 1, 0])
    mean, std = group_mean(values, groups), group_std(values, groups)
    torch.testing.assert_close(mean, wide([[2.0, 8.0], [2.0, 8.0], [4.0, 2.0], [2.0, 8.0]]))
    torch.testing.assert_close(std, wide([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]))
    lonely = group_mean(wide([[NAN], [1.0]]), torch.tensor([0, 1]))
    assert lonely.isnan().flatten().tolist() == [True, False]
