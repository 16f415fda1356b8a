"""CRD's claims (arXiv 2603.14128); of its results no number could be read but a leaderboard's."""

from analysis.claims.base import Arm, Claim
from analysis.claims.curves import AtMatchedGain, CostToReach
from analysis.claims.experiments import curves, part, specialists, toy, variant
from analysis.claims.quantities import MEAN_GAIN
from analysis.claims.rules import above, at_least, below
from analysis.claims.statistics import Difference

DRIFT = "held_out_change_base_log_density"
OURS = toy("two-targets", "crd")
SMALL = 0.02
_AVERAGE = {"class": "methods.snapshots:WarmupAverage", "fields": {"limit": 0.99}}
_FAST = {"class": "methods.snapshots:LinearDecay", "fields": {"start": 0, "rate": 0.0, "limit": 0.1, "initial": 0.1}}
_SLOW = {"class": "methods.snapshots:LinearDecay", "fields": {"start": 0, "rate": 0.0, "limit": 0.9, "initial": 0.9}}


def _coupled(name: str, old: object) -> Arm:
    schedule = part("methods.snapshots:SnapshotSchedule", old=old, evaluation=_AVERAGE)
    return variant(OURS, name, f"crd.snapshots={schedule}")


def _anchored(name: str, *changes: str) -> Arm:
    guided = ("crd.objective.guidance=4.5", "crd.anchor=0.1")
    return variant(OURS, name, *guided, *changes)


FAST, SLOW = _coupled("coupled, fast", _FAST), _coupled("coupled, slow", _SLOW)
FREE = variant(OURS, "no anchor", "crd.anchor=0")
GUIDED = _anchored("guided anchor")
CONSTANT = _anchored("guided anchor, constant", "crd.objective.anchor_by=constant")
ABLATION = "ablations"

CLAIMS = (
    Claim(
        "crd-competitive", "crd", "main", "CRD's reward is no less than that of DiffusionNFT and Flow-GRPO.",
        (("CRD", "OCR accuracy"), ("DiffusionNFT", "all metrics"), ("Flow-GRPO", "all metrics")),
        Difference((MEAN_GAIN,), tuple((specialists("crd"), specialists(name)) for name in ("weighted_sum", "grpo"))),
        at_least(-SMALL),
    ),
    Claim(
        "crd-fast", "crd", ABLATION,
        "CRD gets to its reward faster than DiffusionNFT and Flow-GRPO.",
        (("CRD", "wall-clock / convergence speed"),),
        CostToReach(tuple((curves("crd"), curves(name)) for name in ("weighted_sum", "grpo")), "velocity_evaluations"),
        below(1.0),
        remark="in velocity evaluations: seconds depend on the machine",
    ),
    Claim(
        "crd-hacking", "crd", "main",
        "At equal reward, what was not trained on has suffered less under CRD than under either.",
        (("CRD", "other unseen preference metrics"),),
        AtMatchedGain(tuple((curves("crd"), curves(name)) for name in ("weighted_sum", "grpo"))), above(0.0),
        remark="held out is the base model's log-density, in nats",
    ),
    Claim(
        "crd-centering", "crd", "method",
        "Centering makes the loss well-posed: constants added to a prompt's rewards change nothing.", (),
        reason="no reward here takes a constant a prompt; advantages lose it before any objective sees them, which the "
        "tests of objectives and advantages check exactly",
    ),
    Claim(
        "crd-decoupled", "crd", ABLATION,
        "Separate sampling and contrast weights train better than one snapshot for both, be it fast or slow.",
        (("CRD", "decoupled vs coupled sampler"),),
        Difference((MEAN_GAIN,), ((OURS, FAST), (OURS, SLOW))), above(0.0, margin=SMALL),
        remark="decay 0.1 and 0.9 of the one snapshot",
    ),
    Claim(
        "crd-ratio-collapse", "crd", ABLATION,
        "Where one fast snapshot serves both, the implicit reward says less.",
        (("CRD", "decoupled vs coupled sampler"),),
        Difference(("step_mean:implicit_std",), ((FAST, curves("crd")),)), below(0.0),
        remark="its standard deviation within groups, the mean over steps",
    ),
    Claim(
        "crd-anchor", "crd", ABLATION, "The guided anchor limits drift.", (("CRD", "KL anchor guidance scale"),),
        Difference((DRIFT,), ((GUIDED, FREE),)), above(0.0),
        remark="guidance 4.5 and weight 0.1 as published, against none",
    ),
    Claim(
        "crd-adaptive-start", "crd", ABLATION,
        "An anchor that grows with the reward lets training start faster than a constant one.",
        (("CRD", "adaptive vs constant KL"),),
        Difference((f"early:{MEAN_GAIN}",), ((GUIDED, CONSTANT),)), above(0.0, margin=SMALL),
        remark="after a fifth of the budget",
    ),
    Claim(
        "crd-adaptive-end", "crd", ABLATION,
        "An anchor that grows with the reward protects as well as a constant one in the end.",
        (("CRD", "adaptive vs constant KL"),),
        Difference((DRIFT,), ((GUIDED, CONSTANT),)), at_least(-0.1),
        remark="a tenth of a nat is allowed",
    ),
)  # fmt: skip
