from dataclasses import fields

import torch

from methods.advantages import GroupNormalized, RawMixture
from methods.fixed_weights import FixedWeights
from methods.weighted_sum_raw import WeightedSumRaw
from tests.methods.stubs import make_batch, normal


def test_it_differs_from_fixed_weights_in_the_advantages_alone() -> None:
    raw, fixed = WeightedSumRaw(), FixedWeights()
    differing = [f.name for f in fields(raw) if getattr(raw, f.name) != getattr(fixed, f.name)]
    assert differing == ["advantages"]
    assert raw.advantages == RawMixture(over_batch=True)


def test_every_model_mixes_raw_rewards() -> None:
    models = WeightedSumRaw().models(3)
    assert [m.preference for m in models] == [m.preference for m in FixedWeights().models(3)]
    assert all(isinstance(m.method, WeightedSumRaw) and m.method.advantages == RawMixture() for m in models)


def test_the_reward_of_the_largest_scale_decides_and_with_fixed_weights_it_does_not() -> None:
    rewards = normal(0, 12, 2) * torch.tensor([1.0, 100.0])
    groups = torch.arange(2).repeat_interleave(6)
    mixes = {}
    for kind in (WeightedSumRaw, FixedWeights):
        (model,) = kind(weights=(0.5, 0.5)).models(2)
        weights = model.method.weighting.weights(make_batch(rewards, groups), {})
        assert weights is not None
        advantages = model.method.advantages(rewards, groups, weights.expand(rewards.shape))
        mixes[kind] = torch.stack(((weights * advantages).sum(1), *GroupNormalized()(rewards, groups).unbind(1)))
    raw, late = (torch.corrcoef(mixes[kind])[0] for kind in (WeightedSumRaw, FixedWeights))
    # Correlation of the mixed advantage with that of each reward alone.
    assert float(raw[2]) > 0.95
    assert abs(float(late[1] - late[2])) < 0.1
