"""Claims about stochastic samplers: Precise (arXiv 2605.23522), CPS (2509.05952), Flow-GRPO (2505.05470)."""

from analysis.claims.base import Claim
from analysis.claims.curves import SavedShare
from analysis.claims.exact import ClosestShare, LargestRatio, LeftoverNoise, MissingVariance, Order
from analysis.claims.experiments import ring, ring_with_steps
from analysis.claims.quantities import DROP, UTILITY
from analysis.claims.rules import Within, above, at_least, at_most, below
from analysis.claims.statistics import Difference, Level

PRECISE, PRECISE_07, DANCE_PRECISE = ring("grpo_precise"), ring("grpo_precise_07"), ring("grpo_dance_precise")
FLOW, DANCE, CPS = ring("grpo_flow_sde"), ring("grpo_dance_sde"), ring("grpo_cps")
SMALL = 0.01
"""Of the bounds."""

CLAIMS = (
    Claim(
        "sde-excess-noise", "precise", "toy", "Euler steps of the SDE leave noise in the samples.",
        (("all", "data, steps and metric"),),
        LeftoverNoise(("flow_sde", "dance_sde")), above(0.01),
        remark="all data are one point; 10 steps, shift 3",
    ),
    Claim(
        "precise-no-excess-noise", "precise", "toy", "Precise and CPS leave none.",
        (("all", "data, steps and metric"),), LeftoverNoise(("precise", "cps")), at_most(1e-6),
    ),
    Claim(
        "cps-does-not-converge", "precise", "toy", "CPS does not tend to the data with more steps.",
        (("all", "data, steps and metric"),), MissingVariance("cps", (0.3, 0.7, 1.0)), above(0.01),
    ),
    Claim(
        "precise-first-order", "precise", "toy", "Precise converges to the data, at first order.",
        (("all", "data, steps and metric"),), Order("precise", (0.3, 0.7, 1.5)), Within(0.05, center=1.0),
    ),
    Claim(
        "precise-robust", "precise", "page",
        "Precise never leaves more spread than the data have, at any eta and few steps.",
        (("all", "fewest steps"), ("all", "most steps")), LargestRatio("precise"), at_most(1.0 + 1e-9),
    ),
    Claim(
        "precise-closest", "precise", "toy", "Precise is the closest to the data at every number of steps.",
        (("all", "data, steps and metric"),), ClosestShare("precise"), at_least(1.0),
        remark="our reading of the abstract; broad data at few steps profit from the excess noise of Euler steps",
    ),
    Claim(
        "precise-best-reward", "precise", "main-10", "Training under Precise reaches the highest reward.",
        (("Precise", "PickScore final"), ("CPS", "PickScore final"), ("Flow-GRPO", "PickScore final"),
         ("Dance-GRPO", "PickScore final")),
        Difference((UTILITY,), ((PRECISE, CPS), (PRECISE, FLOW), (PRECISE, DANCE))), above(0.0),
    ),
    Claim(
        "precise-fewer-iterations", "precise", "abstract",
        "Precise needs fewer iterations to reach the final reward of the best other sampler.",
        (("Precise", "least wall-clock time saved"), ("Precise", "most wall-clock time saved")),
        SavedShare(PRECISE, (CPS, FLOW, DANCE)), above(0.1),
        remark="a tenth at least; the paper's smallest saving is 13.1 %",
    ),
    Claim(
        "precise-transition", "precise", "ablations", "Precise's transition helps by itself, under either schedule.",
        (("all", "eta and schedule"),),
        Difference((UTILITY,), ((PRECISE_07, FLOW), (DANCE_PRECISE, DANCE))), above(0.0),
        remark="the same eta and schedule on both sides",
    ),
    Claim(
        "precise-schedule", "precise", "ablations", "The schedule of noise helps by itself, under either transition.",
        (("all", "eta and schedule"),),
        Difference((UTILITY,), ((FLOW, DANCE), (PRECISE_07, DANCE_PRECISE))), above(0.0),
        remark="Flow-GRPO's against Dance-GRPO's, at eta 0.7 and 0.3",
    ),
    Claim(
        "precise-steps", "precise", "ablations", "Precise's reward holds with 6 and with 20 rollout steps.",
        (("all", "number of steps"),),
        Difference((UTILITY,), tuple((ring_with_steps("grpo_precise", n), PRECISE) for n in (6, 20))), at_least(-SMALL),
        remark="against 10, at as many updates",
    ),
    Claim(
        "dance-unstable", "precise", "main-30", "Dance-GRPO collapses with 30 rollout steps.",
        (("Dance-GRPO", "collapse"),),
        Level((DROP,), (ring_with_steps("grpo_dance_sde", 30),)), below(-SMALL),
        remark="final minus highest reward of the training",
    ),
    Claim(
        "cps-better-than-flow-grpo", "cps", "ocr", "Training under CPS reaches more than under Flow-GRPO's SDE.",
        (("SD3.5-M + Flow-CPS", "OCR"), ("SD3.5-M + Flow-GRPO", "OCR")),
        Difference((UTILITY,), ((CPS, FLOW),)), above(0.0),
    ),
    Claim(
        "grpo-fewer-steps", "flow_grpo", "reduction",
        "Training on 10 denoising steps costs a quarter of 40 and hardly any reward.",
        (("10 training steps for 40", "data collection speed-up"),),
        Difference((UTILITY,), ((FLOW, ring_with_steps("grpo_flow_sde", 40)),)), at_least(-SMALL),
        remark="evaluated by 40 steps of the ODE either way",
    ),
)  # fmt: skip
