"""What is compared. Needs torch and numpy; knows no model, no file and no device count."""

from methods.base import Method, Objective, Sampler, Weighting
from methods.fixed_weights import FixedWeights
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from methods.samplers.dpm import DPM2
from methods.samplers.ode import ODE
from methods.weighted_sum_raw import WeightedSumRaw
from methods.weightings.fixed import FixedWeighting
from methods.weightings.preference import PreferenceWeighting

METHODS: dict[str, type[Method]] = {
    "fixed_weights": FixedWeights,
    "pareto_slider": ParetoSlider,
    "weighted_sum_raw": WeightedSumRaw,
}
OBJECTIVES: dict[str, type[Objective]] = {"nft": NFT}
WEIGHTINGS: dict[str, type[Weighting]] = {"fixed": FixedWeighting, "preference": PreferenceWeighting}
SAMPLERS: dict[str, type[Sampler]] = {"dpm2": DPM2, "ode": ODE}
