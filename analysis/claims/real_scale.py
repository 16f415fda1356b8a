"""What only real checkpoints can tell: the suites exist, and nothing of them is run here."""

from analysis.claims.base import Claim
from analysis.claims.experiments import real
from analysis.claims.quantities import UTILITY
from analysis.claims.rules import above, at_least
from analysis.claims.statistics import Difference, Level, Ratio

FIVE = ("sd35-five-rewards", "five-rewards")
MARBLE, SUM = real(*FIVE, "marble"), real(*FIVE, "weighted_sum")

CLAIMS = (
    Claim(
        "real-marble-balance", "marble", "1", "On SD3.5-M the weakest reward gains more than under the weighted sum.",
        (("MARBLE", "OCR"), ("DiffusionNFT simultaneous (weighted sum)", "OCR")),
        Difference(("worst_gain",), ((MARBLE, SUM),)), above(0.0), at_real_scale=True,
    ),
    Claim(
        "real-marble-conflicts", "marble", "S1", "On SD3.5-M the weighted sum conflicts on most mini-batches.",
        (("Weighted sum", "conflict rate"),), Level(("conflict_rate",), (SUM,)), above(0.5), at_real_scale=True,
    ),
    Claim(
        "real-slider-front", "pareto_slider", "sd35",
        "On SD3.5 a slider's hypervolume is at least that of models of fixed weights.", (("all", "hypervolume"),),
        Ratio(("hypervolume",), (
            (real("sd35-photo-sketch", "photo-sketch", "pareto_slider"),
             real("sd35-photo-sketch", "photo-sketch", "fixed_weights")),
        )), at_least(1.0), at_real_scale=True,
    ),
    Claim(
        "real-nft-geneval", "nft", "2", "On GenEval DiffusionNFT reaches more than Flow-GRPO at equal cost.",
        (("DiffusionNFT (GenEval)", "GenEval"), ("FlowGRPO (GenEval)", "GenEval")),
        Difference((UTILITY,), ((real("sd35-geneval", "geneval", "nft_single"),
                                 real("sd35-geneval", "geneval", "grpo")),)), above(0.0), at_real_scale=True,
    ),
    Claim(
        "real-crd-geneval", "crd", "leaderboard", "On GenEval CRD is no worse than DiffusionNFT.",
        (("CRD", "GenEval"),),
        Difference((UTILITY,), ((real("sd35-geneval", "geneval", "crd"),
                                 real("sd35-geneval", "geneval", "nft_single")),)), at_least(-0.02), at_real_scale=True,
    ),
)  # fmt: skip
