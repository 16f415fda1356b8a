"""What each named method is: its published settings, its models, and what it shares with the others."""

from dataclasses import fields, replace

import pytest
import torch

from methods import METHODS
from methods.advantages import GDPO, GroupNormalized
from methods.aggregated import Aggregated
from methods.crd import CenteredRewardDistillation
from methods.gdpo import GDPOMethod
from methods.grpo import FlowGRPO
from methods.marble import Marble
from methods.nft_method import NFTMethod
from methods.nft_single import NFTSingle
from methods.objectives.crd import CRD
from methods.objectives.grpo import GRPO
from methods.objectives.nft import NFT
from methods.rewarded_soup import RewardedSoup
from methods.samplers.cps import CPS
from methods.samplers.dpm import DPM2
from methods.samplers.flow_sde import FlowSDE
from methods.samplers.ode import ODE
from methods.sequential import Sequential
from methods.smooth_tchebycheff import SmoothTchebycheff
from methods.snapshots import LinearDecay, OnPolicy, SnapshotSchedule, WarmupAverage
from methods.weighted_sum import WeightedSum
from methods.weightings.aggregator import AggregatorWeighting
from methods.weightings.fixed import FixedWeighting
from methods.weightings.min_norm import MinNormWeighting
from methods.weightings.sequential import SequentialWeighting
from methods.weightings.tchebycheff import SmoothTchebycheffWeighting
from tests.methods.stubs import make_batch, normal

PLAIN = NFTMethod(weighting=FixedWeighting())
ON_NFT = ["aggregated", "fixed_weights", "gdpo", "marble", "pareto_slider", "rewarded_soup", "sequential",
          "smooth_tchebycheff", "weighted_sum", "weighted_sum_raw", "nft_single"]  # fmt: skip


@pytest.mark.parametrize("name", ON_NFT)
def test_methods_on_the_same_loss_share_what_is_not_their_own(name: str) -> None:
    method = METHODS[name]()  # type: ignore[call-arg]
    for part in ("objective", "snapshots", "sampler", "anchor", "updates", "budget_share"):
        assert getattr(method, part) == getattr(PLAIN, part), part


def differing(method: NFTMethod) -> set[str]:
    """The parts in which a method differs from plain DiffusionNFT with equal weights."""
    return {f.name for f in fields(NFTMethod) if getattr(method, f.name) != getattr(PLAIN, f.name)}


@pytest.mark.parametrize(
    ("method", "parts"),
    [
        (WeightedSum(), set()),
        (Marble(), {"weighting"}),
        (Aggregated(), {"weighting"}),
        (Sequential(), {"weighting"}),
        (SmoothTchebycheff(), {"weighting"}),
        (GDPOMethod(), {"advantages"}),
        (NFTSingle(), {"advantages"}),
        (RewardedSoup(), set()),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, NFTMethod) else "",
)
def test_a_method_is_little_more_than_its_name(method: NFTMethod, parts: set[str]) -> None:
    assert differing(method) == parts


def test_weightings_are_the_published_ones() -> None:
    assert Marble().weighting == MinNormWeighting(every=10, average=0.7, normalize="unit", uniform_end=0.0)
    assert Aggregated().weighting == AggregatorWeighting("pcgrad", normalize=False)
    assert Sequential().weighting == SequentialWeighting(None)
    assert SmoothTchebycheff().weighting == SmoothTchebycheffWeighting(None, 0.1)
    assert GDPOMethod().advantages == GDPO()
    assert NFTSingle().advantages == GroupNormalized(over_batch=True)


def test_crd_is_decoupled_and_guided() -> None:
    method = CenteredRewardDistillation()
    assert method.objective == CRD(
        beta=1.0, clip=5.0, tau=None, loss="mse", adaptive=True, contrast="old", guidance=4.5, anchor_floor=1e-3,
        anchor_by="reward", sigma_fraction=0.99,
    )  # fmt: skip
    old, sampling = LinearDecay(0, 0.005, 0.999, 0.25), LinearDecay(75, 0.0075, 0.999)
    assert method.snapshots == SnapshotSchedule(old, WarmupAverage(0.9), sampling)
    assert method.snapshots.sampler == "sampling"
    assert (method.sampler, method.anchor, method.updates) == (ODE(), 0.1, 2)
    assert method.advantages == GroupNormalized(over_batch=True)
    assert method.weighting == FixedWeighting()


def test_grpo_is_on_policy_and_needs_noise() -> None:
    method = FlowGRPO()
    assert method.objective == GRPO(clip_range=1e-4, advantage_clip=5.0, guard=False, sigma_fraction=0.99, pick="first")
    assert method.snapshots == SnapshotSchedule(old=OnPolicy())
    assert method.snapshots.sampler == "old"
    assert (method.sampler, method.anchor, method.updates) == (FlowSDE(), 0.04, 2)
    assert method.advantages == GroupNormalized(over_batch=True)
    method.validate(2, 8)
    replace(method, sampler=CPS()).validate(2, 8)
    for sampler in (ODE(), DPM2()):
        with pytest.raises(ValueError, match="grpo learns from a stochastic sampler"):
            replace(method, sampler=sampler).validate(2, 8)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_single_reward_is_one_corner(k: int) -> None:
    for reward in range(k):
        method = NFTSingle(reward=reward, anchor=0.5)
        method.validate(k, 8)
        (model,) = method.models(k)
        corner = tuple(float(i == reward) for i in range(k))
        assert model.preference == corner
        assert model.method == replace(method, weighting=FixedWeighting(corner))
        assert model.method.models(k) == (model,)
    with pytest.raises(ValueError, match=rf"reward must be in 0\.\.{k - 1}, found {k}"):
        NFTSingle(reward=k).validate(k, 8)
    with pytest.raises(ValueError, match="reward must be >= 0, found -1"):
        NFTSingle(reward=-1)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_a_soup_is_made_of_one_specialist_a_reward_that_share_the_budget(k: int, share: float) -> None:
    models = RewardedSoup(budget_share=share, anchor=0.2).models(k)
    assert [model.preference for model in models] == [tuple(float(i == j) for i in range(k)) for j in range(k)]
    for model in models:
        assert model.method.weighting == FixedWeighting(model.preference)
        assert model.method.budget_share == pytest.approx(share / k)
        assert model.method.anchor == 0.2
    assert {name for name, kind in METHODS.items() if kind.interpolates} == {"rewarded_soup"}


@pytest.mark.parametrize("k", [2, 3])
def test_models_of_smooth_tchebycheff_are_those_of_fixed_weights_on_regrets(k: int) -> None:
    models = SmoothTchebycheff().models(k)
    fixed = METHODS["fixed_weights"]().models(k)  # type: ignore[call-arg]
    assert [m.preference for m in models] == [m.preference for m in fixed]
    for model in models:
        assert model.method.weighting == SmoothTchebycheffWeighting(model.preference, 0.1)
        assert model.method.models(k) == (model,)


@pytest.mark.parametrize("smoothing", [0.01, 0.5, 3.0])
def test_the_smoothing_of_smooth_tchebycheff_reaches_its_models(smoothing: float) -> None:
    weighting = SmoothTchebycheffWeighting(smoothing=smoothing)
    for method in (SmoothTchebycheff(weighting=weighting), replace(SmoothTchebycheff(), weighting=weighting)):
        weightings = [model.method.weighting for model in method.models(2)]
        assert {w.smoothing for w in weightings if isinstance(w, SmoothTchebycheffWeighting)} == {smoothing}
        assert len(weightings) == 5
    with pytest.raises(ValueError, match="smoothing must be > 0"):
        SmoothTchebycheffWeighting(smoothing=0.0)


def test_gdpo_trains_on_one_standardized_mix_of_equal_weights() -> None:
    method, rewards = GDPOMethod(), normal(0, 12, 3)
    batch = make_batch(rewards, torch.arange(3).repeat_interleave(4))
    weights = method.weighting.weights(batch, {})
    assert weights is not None
    advantages = method.advantages(rewards, batch.groups, weights.expand(rewards.shape))
    mixed = GroupNormalized()(rewards, batch.groups).mean(1)
    expected = (mixed - mixed.mean()) / (mixed.std(correction=0) + 1e-4)
    torch.testing.assert_close(advantages, expected[:, None].expand(12, 3))


def test_objectives_are_those_of_their_papers() -> None:
    kinds = {name: type(kind().objective) for name, kind in METHODS.items()}  # type: ignore[call-arg]
    assert kinds == {**dict.fromkeys(METHODS, NFT), "crd": CRD, "grpo": GRPO}
