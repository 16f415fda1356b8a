"""ParetoSlider's claims (arXiv 2604.20816), most of them without a number that could be read."""

from analysis.claims.base import Arm, Claim, Experiment
from analysis.claims.experiments import THREE, full_budget, images, part, specialists, toy, variant
from analysis.claims.rules import Within, above, at_least, below
from analysis.claims.statistics import Difference, Level, Ratio, UtilityAtShared

SHARE = "share_of_true_hypervolume"
SAID = (("one conditioned model", "claim"),)
SMALL = 0.02
"""Of the true hypervolume, and of the bounds."""


def _slider(benchmark: str) -> Arm:
    return toy(benchmark, "pareto_slider")


def _fixed(benchmark: str) -> Arm:
    return toy(benchmark, "fixed_weights")


TWO, THREE_TARGETS = _slider("two-targets"), _slider("three-targets")
EQUAL_TOTAL = (
    (TWO, _fixed("two-targets")),
    (THREE_TARGETS, _fixed("three-targets")),
    (specialists("pareto_slider"), specialists("fixed_weights")),
)
EQUAL_PER_MODEL = (
    (TWO, full_budget("two-targets")),
    (specialists("pareto_slider"), full_budget("specialists")),
)
SINGLE_LOSS = variant(TWO, "single loss", f"pareto_slider.advantages={part('methods.advantages:GDPO')}")
NO_CORNERS = variant(TWO, "no corners", "pareto_slider.preferences.corners=0")
HALF_CORNERS = variant(TWO, "half corners", "pareto_slider.preferences.corners=0.5")
ONE_SLOT = variant(TWO, "one slot", "pareto_slider.slots=1")
STRONG_ANCHOR = variant(TWO, "anchor 0.1", "pareto_slider.anchor=0.1")
PICTURES = images("plain-vs-colourful", "pareto_slider")
_PUBLISHED = ("backbone.preference.projector_std=null", "backbone.preference.embedding_std=0.001")
PUBLISHED_START = Arm(
    Experiment("shapes", "plain-vs-colourful", ("pareto_slider",), THREE, _PUBLISHED, "pareto-slider-published-start"),
    "pareto_slider",
    "pareto_slider (published start of its modules)",
)

CLAIMS = (
    Claim(
        "slider-front", "pareto_slider", "abstract", "One conditioned model approximates the Pareto front.", SAID,
        Level((SHARE,), (TWO, THREE_TARGETS)), above(0.9),
        remark="nine tenths of the true front's hypervolume",
    ),
    Claim(
        "slider-equal-total", "pareto_slider", "abstract",
        "At the same total cost one slider's front matches or exceeds that of models of fixed weights.", SAID,
        Difference((SHARE,), EQUAL_TOTAL), at_least(-SMALL),
    ),
    Claim(
        "slider-equal-per-model", "pareto_slider", "abstract",
        "One slider's front matches or exceeds that of models of fixed weights, each trained at its whole cost.", SAID,
        Difference((SHARE,), EQUAL_PER_MODEL), at_least(-SMALL),
        remark="a slider answers more preferences than there are models, which alone adds hypervolume",
    ),
    Claim(
        "slider-utility-equal-total", "pareto_slider", "abstract",
        "At the same total cost a slider serves each trade-off as well as the model trained for it.", SAID,
        UtilityAtShared(EQUAL_TOTAL), at_least(-SMALL),
    ),
    Claim(
        "slider-utility-equal-per-model", "pareto_slider", "abstract",
        "A slider serves each trade-off as well as a model trained for it at the slider's whole cost.", SAID,
        UtilityAtShared(EQUAL_PER_MODEL), at_least(-SMALL),
    ),
    Claim(
        "slider-equal-total-images", "pareto_slider", "abstract",
        "At the same total cost a slider's hypervolume on pictures is at least that of models of fixed weights.", SAID,
        Ratio(("hypervolume",), ((PICTURES, images("plain-vs-colourful", "fixed_weights")),)), at_least(1.0),
    ),
    Claim(
        "slider-monotone", "pareto_slider", "abstract", "Along a slider each reward rises with its own weight.", (),
        Level(("spearman_first", "spearman_second"), (TWO,)), above(0.9),
    ),
    Claim(
        "slider-monotone-images", "pareto_slider", "fig1",
        "Along a slider on pictures each reward rises with its own weight.", (),
        Level(("spearman_compressibility", "spearman_colourfulness"), (PICTURES,)), above(0.9),
    ),
    Claim(
        "slider-smooth", "pareto_slider", "abstract",
        "A slider is smooth: hardly any way is lost in steps back.", (),
        Level(("slider_smoothness_first", "slider_smoothness_second"), (TWO,)), above(0.9),
    ),
    Claim(
        "slider-scales", "pareto_slider", "loss",
        "Normalizing each reward makes the front independent of their scales.", (),
        Difference((SHARE,), ((_slider("scales"), TWO),), across=True), Within(SMALL),
        remark="the second reward times 100; both shares are of the same true front",
    ),
    Claim(
        "slider-early-scalarization", "pareto_slider", "loss",
        "Mixing raw rewards gives the largest scale all the weight, and the front is lost.", (),
        Difference((SHARE,), ((toy("scales", "weighted_sum_raw"), _fixed("scales")),)), below(0.0, margin=SMALL),
    ),
    Claim(
        "slider-loss-mode", "pareto_slider", "loss",
        "One loss a reward and one loss on mixed advantages give the same front at equal KL.",
        (("per-objective vs single loss", "any metric"),),
        Difference((SHARE,), ((TWO, SINGLE_LOSS),)), Within(SMALL),
        remark="an identity, but for the second normalization of the mixed advantage",
    ),
    Claim(
        "slider-corners", "pareto_slider", "presets",
        "Drawing corners in training widens the slider's range.", (),
        Difference(("slider_range_first", "slider_range_second"), ((TWO, NO_CORNERS), (HALF_CORNERS, NO_CORNERS))),
        above(0.0, margin=SMALL),
        remark="a tenth as published, and one half, against none",
    ),
    Claim(
        "slider-slots", "pareto_slider", "presets",
        "Three preferences a prompt are better than one, at equal rollouts.",
        (("sd3_qwen_style_sketch", "preference slots"),),
        Difference((SHARE,), ((TWO, ONE_SLOT),)), above(0.0, margin=SMALL),
    ),
    Claim(
        "slider-start", "pareto_slider", "conditioning",
        "The published start of the preference modules trains as good a slider as one that starts at zero.",
        (("temb / output affine / block shared / stage / per-block", "any metric"),),
        Difference(("slider_range_compressibility", "slider_range_colourfulness"), ((PUBLISHED_START, PICTURES),),
                   across=True), at_least(-0.05),
        remark="of SD3 in small; the toy has no such switch",
    ),
    Claim(
        "slider-conditioning", "pareto_slider", "conditioning",
        "Embedding and shared modulation are better than either alone or one projector a block.",
        (("temb / output affine / block shared / stage / per-block", "any metric"),),
        reason="backbones here have the released form alone: embedding and one modulation for all blocks",
    ),
    Claim(
        "slider-kl", "pareto_slider", "presets", "A stronger anchor shrinks the front.",
        (("sd3_qwen_style_sketch", "KL weight"), ("sd3_qwen_sketch_photorealism_single_loss", "KL weight")),
        Difference((SHARE,), ((STRONG_ANCHOR, TWO),)), below(0.0, margin=SMALL),
        remark="0.1 against 0.001",
    ),
    Claim(
        "slider-soup", "pareto_slider", "baselines",
        "A slider is better than interpolating the weights of specialists.", (),
        Difference((SHARE,), (
            (TWO, toy("two-targets", "rewarded_soup")),
            (THREE_TARGETS, toy("three-targets", "rewarded_soup")),
            (specialists("pareto_slider"), specialists("rewarded_soup")),
        )), above(0.0, margin=SMALL),
        remark="at equal total cost",
    ),
    Claim(
        "slider-nonconvex", "pareto_slider", "scalarization",
        "Smooth Tchebycheff reaches what linear mixing skips on a front that is not convex.", (),
        reason="the true fronts of the toy are all convex",
    ),
    Claim(
        "slider-unseen-preferences", "pareto_slider", "protocol",
        "A slider answers preferences beyond those it was trained on.", (),
        reason="no distribution here leaves out a range of preferences",
    ),
)  # fmt: skip
