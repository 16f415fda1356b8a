"""What is compared. Needs torch, numpy and scipy; knows no model, no file and no device count."""

from methods.aggregated import Aggregated
from methods.base import Method, Objective, Sampler, Weighting
from methods.crd import CenteredRewardDistillation
from methods.fixed_weights import FixedWeights
from methods.gdpo import GDPOMethod
from methods.grpo import FlowGRPO
from methods.marble import Marble
from methods.nft_single import NFTSingle
from methods.objectives.crd import CRD
from methods.objectives.grpo import GRPO
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from methods.rewarded_soup import RewardedSoup
from methods.samplers.cps import CPS
from methods.samplers.dance_precise import DancePrecise
from methods.samplers.dance_sde import DanceSDE
from methods.samplers.dpm import DPM2
from methods.samplers.flow_sde import FlowSDE
from methods.samplers.ode import ODE
from methods.samplers.precise import Precise
from methods.sequential import Sequential
from methods.smooth_tchebycheff import SmoothTchebycheff
from methods.weighted_sum import WeightedSum
from methods.weighted_sum_raw import WeightedSumRaw
from methods.weightings.aggregator import AggregatorWeighting
from methods.weightings.fixed import FixedWeighting
from methods.weightings.min_norm import MinNormWeighting
from methods.weightings.preference import PreferenceWeighting
from methods.weightings.sequential import SequentialWeighting
from methods.weightings.tchebycheff import SmoothTchebycheffWeighting

METHODS: dict[str, type[Method]] = {
    "aggregated": Aggregated,
    "crd": CenteredRewardDistillation,
    "fixed_weights": FixedWeights,
    "gdpo": GDPOMethod,
    "grpo": FlowGRPO,
    "marble": Marble,
    "nft_single": NFTSingle,
    "pareto_slider": ParetoSlider,
    "rewarded_soup": RewardedSoup,
    "sequential": Sequential,
    "smooth_tchebycheff": SmoothTchebycheff,
    "weighted_sum": WeightedSum,
    "weighted_sum_raw": WeightedSumRaw,
}
OBJECTIVES: dict[str, type[Objective]] = {"crd": CRD, "grpo": GRPO, "nft": NFT}
WEIGHTINGS: dict[str, type[Weighting]] = {
    "aggregator": AggregatorWeighting,
    "fixed": FixedWeighting,
    "min_norm": MinNormWeighting,
    "preference": PreferenceWeighting,
    "sequential": SequentialWeighting,
    "smooth_tchebycheff": SmoothTchebycheffWeighting,
}
SAMPLERS: dict[str, type[Sampler]] = {
    "cps": CPS,
    "dance_precise": DancePrecise,
    "dance_sde": DanceSDE,
    "dpm2": DPM2,
    "flow_sde": FlowSDE,
    "ode": ODE,
    "precise": Precise,
}
