from methods.advantages import GroupNormalized
from methods.fixed_weights import FixedWeights
from methods.nft_method import NFTMethod
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from methods.samplers.dpm import DPM2
from methods.snapshots import LinearDecay, SnapshotSchedule, WarmupAverage
from methods.weightings.fixed import FixedWeighting


def test_defaults_are_the_published_ones() -> None:
    method = NFTMethod(weighting=FixedWeighting())
    assert method.objective == NFT(beta=1.0, clip=5.0, sigma_fraction=0.99)
    assert method.advantages == GroupNormalized(over_batch=False)
    assert method.snapshots == SnapshotSchedule(LinearDecay(0, 0.001, 0.5), WarmupAverage(0.9))
    assert method.sampler == DPM2()
    assert (method.anchor, method.budget_share, method.slots, method.preferences) == (1e-4, 1.0, 1, None)


def test_methods_compared_with_each_other_share_everything_but_their_trade_off() -> None:
    slider, fixed = ParetoSlider(), FixedWeights()
    for name in ("objective", "advantages", "snapshots", "sampler", "anchor"):
        assert getattr(slider, name) == getattr(fixed, name), name
