"""Claims of DiffusionNFT (arXiv 2509.16117), tested on one reward as there."""

from analysis.claims.base import Arm, Claim
from analysis.claims.curves import CostToReach
from analysis.claims.experiments import curves, part, toy, variant
from analysis.claims.rules import above, at_least, below
from analysis.claims.statistics import Difference

OURS = toy("two-targets", "nft_single")
GAIN = "share_gain_first"
SMALL = 0.02
NO_SWITCH = "the objective has no switch for it"


def _old(name: str, limit: float, rate: float, initial: float) -> Arm:
    decay = part("methods.snapshots:LinearDecay", start=0, rate=rate, limit=limit, initial=initial)
    return variant(OURS, name, f"nft_single.snapshots.old={decay}")


def _sampled(name: str, reference: str) -> Arm:
    return variant(OURS, name, f"nft_single.sampler={part(reference)}")


def _mixed(beta: float) -> Arm:
    return variant(OURS, f"beta = {beta:g}", f"nft_single.objective.beta={beta:g}")


ON_POLICY = _old("eta = 0", 0.0, 0.0, 0.0)
STALE = _old("eta = 0.9", 0.9, 0.0, 0.9)
STEEP = _old("eta = min(0.01 i, 0.8)", 0.8, 0.01, 0.0)

CLAIMS = (
    Claim(
        "nft-negative", "nft", "text", "Without the negative branch rewards collapse.",
        (("no negative branch", "outcome"),), reason=f"both branches are always there: {NO_SWITCH}",
    ),
    Claim(
        "nft-eta-zero", "nft", "text", "An old policy without memory collapses; a rising schedule does not.",
        (("eta = 0", "outcome"), ("eta rising", "outcome")),
        Difference((GAIN,), ((OURS, ON_POLICY),)), above(0.0, margin=SMALL),
        remark="these trainings have 211 updates, in which the schedule rises to 0.21",
    ),
    Claim(
        "nft-eta-slow", "nft", "text", "An old policy that follows by a tenth a step is too slow.",
        (("eta = 0.9", "outcome"), ("eta rising", "outcome")),
        Difference((GAIN,), ((OURS, STALE),)), above(0.0, margin=SMALL),
    ),
    Claim(
        "nft-eta-steep", "nft", "fig8", "The gentle schedule is better than the steep one.",
        (("eta = min(0.001 i, 0.5)", "GenEval at 500 steps"), ("eta = min(0.01 i, 0.8)", "GenEval at 500 steps")),
        Difference((GAIN,), ((OURS, STEEP),)), above(0.0, margin=SMALL),
    ),
    Claim(
        "nft-beta-small", "nft", "fig10", "A mixing strength of 0.01 collapses.", (("beta = 0.01", "collapse"),),
        Difference((GAIN,), ((OURS, _mixed(0.01)),)), above(0.0, margin=SMALL),
    ),
    Claim(
        "nft-beta-large", "nft", "fig10", "A mixing strength of 10 is slower than 1.",
        (("beta = 1", "GenEval final"), ("beta = 10", "GenEval final")),
        Difference((GAIN,), ((OURS, _mixed(10)),)), above(0.0, margin=SMALL),
    ),
    Claim(
        "nft-ode", "nft", "text", "Rollouts of the ODE are better than those of the SDE.",
        (("rollouts by ODE or SDE", "outcome"),),
        Difference((GAIN,), ((OURS, _sampled("flow_sde", "methods.samplers.flow_sde:FlowSDE")),)),
        above(0.0, margin=SMALL),
    ),
    Claim(
        "nft-second-order", "nft", "text", "A second-order solver is at least as good as a first-order one.",
        (("rollouts by ODE or SDE", "outcome"),),
        Difference((GAIN,), ((OURS, _sampled("ode", "methods.samplers.ode:ODE")),)), at_least(-SMALL),
    ),
    Claim(
        "nft-weight", "nft", "text", "Weights that fall with the noise level collapse; adaptive ones are best.",
        (("weight 1 - t", "outcome"), ("adaptive weight", "outcome")),
        reason=f"the weight is always the adaptive one: {NO_SWITCH}",
    ),
    Claim(
        "nft-fewer-calls", "nft", "text", "DiffusionNFT needs fewer reward calls than Flow-GRPO.",
        (("DiffusionNFT vs FlowGRPO", "least wall-clock speed-up"),
         ("DiffusionNFT vs FlowGRPO", "most wall-clock speed-up")),
        CostToReach(((curves("weighted_sum"), curves("grpo")),), "reward_calls"), below(1.0),
        remark="on the weighted sum of both rewards; the paper has wall-clock",
    ),
)  # fmt: skip
